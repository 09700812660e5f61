"""One page of a list, ready for the template: rows, and the address of everything one can click."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from markupsafe import Markup, escape

from core.i18n import _
from core.web.assets import icon
from core.web.formats import number
from core.web.locale import translate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy import Row

    from core.web.tables.columns import Bulk, Column
    from core.web.tables.filters import Filter, Tag

__all__ = ["PAGE_SIZES", "TablePage"]

PAGE_SIZES: Final = (25, 50, 100)
"""Rows on a page that a person can choose."""

TRANSIENT: Final = frozenset({"after", "before", "format", "pilih", "semua", "daftar"})
"""Names in the address that say where one is, not what is listed."""


@dataclass(frozen=True, slots=True)
class TablePage:
    """What the macros of ``partials/table.jinja2`` print."""

    rows: Sequence[Row[Any]]
    columns: Sequence[Column]
    total: int
    """Rows of the whole list, counted up to ``count_limit``."""
    more: bool
    """Whether there are more than ``total``."""
    key: str
    sort: str
    descending: bool
    size: int
    params: Mapping[str, str]
    path: str
    filters: Sequence[Filter]
    bulk: Sequence[Bulk]
    empty: str
    """What to do when there is nothing at all."""
    previous_position: str | None
    next_position: str | None
    id: str
    """Id of the list's element, unique on the page."""

    def body(self, cell: Callable[[Row[Any], Column], Markup] | None) -> Markup:
        """Write the rows; ``cell`` is the page's own template for columns that are not plain.

        Not in a template: a page has hundreds of cells, and most are a value and nothing else.
        """
        parts: list[str] = []
        cells = [_Cell(column, self.rows) for column in self.columns]
        check = self._check() if self.bulk else None
        for row in self.rows:
            parts.append('<tr role="row">')
            if check:
                parts.append(check.replace(_KEY, str(escape(self.key_of(row)))))
            parts += [each.write(row, cell) for each in cells]
            parts.append("</tr>\n")
        return Markup("".join(parts))  # noqa: S704 - every part was escaped

    @property
    def headings(self) -> Markup:
        """Write the headings of the columns; those that sort are links."""
        return Markup("").join(self._heading(column) for column in self.columns)

    def _heading(self, column: Column) -> Markup:
        label = escape(translate(column.label))
        start = f'<th scope="col" role="columnheader" class="text-{column.align}"'
        if not column.sort_name:
            return Markup(f"{start}>{label}</th>")  # noqa: S704 - the label was escaped
        direction = self.aria_sort(column)
        if direction != "none":
            label += Markup(" ") + icon("arrow-up" if direction == "ascending" else "arrow-down")
        return Markup(  # noqa: S704 - every part was escaped
            f'{start} aria-sort="{direction}">'
            f'<a class="sort" id="{self.id}-sort-{column.name}" '
            f'href="{escape(self.sort_url(column))}" {self.live}>{label}</a></th>'
        )

    @property
    def live(self) -> Markup:
        """Attributes of a link that renews only the list, and keeps the address."""
        return _LIVE.format(id=self.id)

    def _check(self) -> str:
        """Write the box that chooses a row, with ``_KEY`` where the row's key belongs."""
        label = translate(_("Pilih baris ${key}", mapping={"key": _KEY}))
        return str(_CHECK.format(self.id, _KEY, label))

    def text(self, row: Row[Any], column: Column) -> str:
        """Write a value by its type."""
        return column.text_of(row)

    def key_of(self, row: Row[Any]) -> Any:
        """Return what identifies the row."""
        return row._mapping[self.key]  # noqa: SLF001 - public by contract

    @property
    def count_text(self) -> str:
        """``1 hasil``, ``7.176 hasil``, ``lebih dari 10.000 hasil``."""
        facts = {"n": number(self.total)}
        if self.more:
            return translate(_("lebih dari ${n} hasil", mapping=facts))
        return translate(_("1 hasil") if self.total == 1 else _("${n} hasil", mapping=facts))

    @property
    def tags(self) -> list[Tag]:
        """The active filters."""
        return [tag for each in self.filters for tag in each.tags(self.params)]

    @property
    def problems(self) -> dict[str, str]:
        """Filter values that could not be read."""
        return {
            name: sentence
            for each in self.filters
            for name, sentence in each.problems(self.params).items()
        }

    @property
    def kept(self) -> list[tuple[str, str]]:
        """What the filter form carries along: the rest of the address."""
        asked = {name for each in self.filters for name in each.params}
        return [(name, value) for name, value in self._state().items() if name not in asked]

    def url(self, **changes: str | None) -> str:
        """Return the list's address, from its first page, with ``changes``; None removes a name."""
        state: dict[str, str | None] = {**self._state(), **changes}
        query = urlencode({name: value for name, value in state.items() if value})
        return f"{self.path}?{query}" if query else self.path

    def without(self, tag: Tag) -> str:
        """Return the address without an active filter."""
        return self.url(**dict.fromkeys(tag.params))

    @property
    def clear_url(self) -> str:
        """Address without any filter."""
        return self.url(**dict.fromkeys(name for each in self.filters for name in each.params))

    def sort_url(self, column: Column) -> str:
        """Return the address sorted by this column; turned round where it already is."""
        turned = column.name == self.sort and not self.descending
        return self.url(sort=f"-{column.name}" if turned else column.name)

    def aria_sort(self, column: Column) -> str:
        """``ascending``, ``descending`` or ``none``."""
        if column.name != self.sort:
            return "none"
        return "descending" if self.descending else "ascending"

    @property
    def previous_url(self) -> str | None:
        """Address of the page before, or None on the first."""
        return self.url(before=self.previous_position) if self.previous_position else None

    @property
    def next_url(self) -> str | None:
        """Address of the page after, or None on the last."""
        return self.url(after=self.next_position) if self.next_position else None

    def export_url(self, kind: str) -> str:
        """Return the address of the whole list as ``csv`` or ``xlsx``."""
        return self.url(format=kind)

    @property
    def here(self) -> str:
        """The list as it is, for the way back from a bulk action."""
        return self.url()

    @property
    def paged(self) -> bool:
        """Whether there is more than this page."""
        return bool(self.previous_position or self.next_position)

    def _state(self) -> dict[str, str]:
        return {
            name: value for name, value in self.params.items() if value and name not in TRANSIENT
        }


_KEY: Final = "\0"
"""Stands for a row's key in what is the same for every row; no text holds it."""

_CHECK: Final = Markup(
    '<td role="cell" class="list-check"><input type="checkbox" class="form-check-input" '
    'form="{}-bulk" name="pilih" value="{}" aria-label="{}"></td>'
)


_LIVE: Final = Markup(
    'hx-boost="true" hx-target="#{id}" hx-select="#{id}" hx-swap="outerHTML show:none" '
    'hx-push-url="true"'
)
_BELOW: Final = '<br><span class="text-body-secondary small text-break">'


class _Cell:
    """Writes the cells of one column; what is the same in every row is worked out once."""

    def __init__(self, column: Column, rows: Sequence[Row[Any]]) -> None:
        self._column = column
        self._filled = self._start("")
        self._blank = self._start(" list-empty")
        names = rows[0]._fields if rows else ()
        self._position = names.index(column.name) if column.name in names else None

    def write(self, row: Row[Any], cell: Callable[[Row[Any], Column], Markup] | None) -> str:
        """Return the cell of a row as HTML."""
        column = self._column
        if column.html is not None:
            shown = str(column.html(row))
        elif cell is not None and not column.plain:
            shown = str.strip(cell(row, column))
        else:
            value = row[self._position] if self._position is not None else None
            shown = escape(column.write(column.value(row) if column.value else value))
            if shown and column.link:
                kind = " data-dialog" if column.dialog else ""
                shown = f'<a href="{escape(column.link(row))}"{kind}>{shown}</a>'
            if column.below and (more := column.below(row)):
                shown = f"{shown}{_BELOW}{escape(more)}</span>"
        return f"{self._filled if shown else self._blank}{shown}</span></td>"

    def _start(self, more: str) -> str:
        column = self._column
        main = " list-main" if column.main else ""
        label = escape(translate(column.label))
        return (
            f'<td role="cell" class="text-{column.align}{main}{more}" data-label="{label}">'
            '<span class="list-value">'
        )
