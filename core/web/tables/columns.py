"""What a list shows and what can be done with its rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from core.i18n import TranslationString, _
from core.web.formats import number, rupiah, tanggal_pendek, wib_pendek
from core.web.locale import translate

if TYPE_CHECKING:
    from collections.abc import Callable

    from markupsafe import Markup
    from sqlalchemy import Row

__all__ = ["Bulk", "Column", "as_text"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a list."""

    name: str
    """Name of the value in the select; a column of buttons may have a name that is not there."""
    label: str
    sort: bool | str = False
    """Whether the heading sorts; a text names another value of the select to sort by."""
    align: str = "start"
    """``start`` or ``end`` (numbers)."""
    main: bool = False
    """Heads the card that a row becomes on a phone."""
    export: bool = True
    value: Callable[[Row[Any]], Any] | None = None
    """Value for export and ``page.text``, where the select's own is not what a person reads."""
    money: bool = False
    """Write the number as rupiah."""
    link: Callable[[Row[Any]], str] | None = None
    """Gives the address that a plain value leads to."""
    dialog: bool = False
    """Whether that page opens as a dialog over the list."""
    html: Callable[[Row[Any]], Markup] | None = None
    """Writes the cell on the page, where a plain value with a link is not enough."""
    below: Callable[[Row[Any]], str] | None = None
    """Gives a second line, written smaller below a plain value."""
    plain: bool = False
    """The value alone is shown: the page's own template is not asked, which is quicker."""

    @property
    def sort_name(self) -> str | None:
        """Name of the value that it sorts by."""
        if isinstance(self.sort, str):
            return self.sort
        return self.name if self.sort else None

    def value_of(self, row: Row[Any]) -> Any:
        """Take the value out of a row."""
        return self.value(row) if self.value else row._mapping.get(self.name)  # noqa: SLF001 - public by contract

    def text_of(self, row: Row[Any]) -> str:
        """Write the value for a person."""
        return self.write(self.value_of(row))

    def write(self, value: Any) -> str:
        """Write one of its values for a person."""
        return rupiah(value) if self.money else as_text(value)


def as_text(value: Any) -> str:
    """Write a value by its type: days 30/11/2018, times 30/11/2018 12:53, numbers 7.176."""
    match value:
        case None:
            text = ""
        case bool():
            text = translate(_("Ya") if value else _("Tidak"))
        case datetime():
            text = wib_pendek(value)
        case date():
            text = tanggal_pendek(value)
        case int() | float() | Decimal():
            text = number(value)
        case TranslationString():
            text = translate(value)
        case _:
            text = str(value)
    return text


@dataclass(frozen=True, slots=True)
class Bulk:
    """An action on chosen rows. Its page names what will happen and to how many, and asks."""

    name: str
    label: str
    url: str
    """Page (GET) that asks; it takes the choice from ``table.selected(request)``."""
    permission: str | None = None
    dialog: bool = True
    icon: str | None = None
    danger: bool = False
