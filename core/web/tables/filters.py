"""What a list can be narrowed by: each filter reads the address and changes the select."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, ClassVar

from markupsafe import Markup, escape
from sqlalchemy import ColumnElement, DateTime, Select, func, or_
from sqlalchemy.types import TypeDecorator

from core.i18n import _
from core.web.formats import WIB, tanggal_pendek
from core.web.forms.parsing import UnreadableError, parse_day
from core.web.locale import translate

__all__ = ["BooleanFilter", "ChoiceFilter", "DateFilter", "Filter", "Tag", "TextFilter"]

Params = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Tag:
    """An active filter, as it is shown above the list."""

    label: str
    value: str
    params: tuple[str, ...]
    """Names in the address that go when the tag is removed."""


class Filter(ABC):
    """Base of every filter."""

    kind: ClassVar[str]
    """Which input the panel shows: ``text``, ``choice`` or ``dates``."""

    def __init__(self, name: str, label: str) -> None:
        """``name`` is what stands in the address."""
        self.name = name
        self.label = label

    @property
    def params(self) -> tuple[str, ...]:
        """Names in the address that belong to it."""
        return (self.name,)

    @abstractmethod
    def apply(self, select: Select[Any], params: Params) -> Select[Any]:
        """Narrow ``select`` as ``params`` ask; without a usable value return it as it is."""

    @abstractmethod
    def tags(self, params: Params) -> list[Tag]:
        """Tell what is active."""

    def problems(self, _params: Params) -> dict[str, str]:
        """Tell which values could not be read: name in the address → sentence."""
        return {}


class TextFilter(Filter):
    """Every word must occur in one of the columns, in any case."""

    kind = "text"

    def __init__(self, name: str, label: str, columns: Sequence[ColumnElement[str] | Any]) -> None:
        """Look into ``columns``."""
        super().__init__(name, label)
        self.columns = tuple(columns)

    def apply(self, select: Select[Any], params: Params) -> Select[Any]:
        """Add one condition for each word."""
        for word in params.get(self.name, "").split()[:8]:
            select = select.where(
                or_(
                    *(
                        func.lower(column).contains(word.lower(), autoescape=True)
                        for column in self.columns
                    )
                )
            )
        return select

    def tags(self, params: Params) -> list[Tag]:
        """Show the words."""
        value = params.get(self.name, "").strip()
        return [Tag(translate(self.label), value, self.params)] if value else []


class ChoiceFilter(Filter):
    """One of a list of values; ``condition(value)`` stands in for ``column = value``."""

    kind = "choice"

    def __init__(  # noqa: PLR0913 - four say what it is, two how it compares
        self,
        name: str,
        label: str,
        column: ColumnElement[Any] | Any | None,
        choices: Sequence[tuple[str, str]],
        *,
        condition: Callable[[str], ColumnElement[bool]] | None = None,
        convert: Callable[[str], Any] = str,
    ) -> None:
        """``convert`` turns the address's text into the column's value."""
        super().__init__(name, label)
        self.column = column
        self.choices = tuple((str(value), text) for value, text in choices)
        self._condition = condition
        self._convert = convert

    def options(self, params: Params) -> Markup:
        """Write the values as options of a select; not in a template, since they can be dozens."""
        chosen = params.get(self.name, "")
        options = (
            f'<option value="{escape(value)}"{" selected" if value == chosen else ""}>'
            f"{escape(translate(label))}</option>"
            for value, label in self.choices
        )
        return Markup("\n".join(options))  # noqa: S704 - values and labels are escaped

    def _chosen(self, params: Params) -> tuple[str, str] | None:
        value = params.get(self.name, "")
        return (
            next((choice for choice in self.choices if choice[0] == value), None) if value else None
        )

    def apply(self, select: Select[Any], params: Params) -> Select[Any]:
        """Compare with a value of the list; others are ignored."""
        chosen = self._chosen(params)
        if chosen is None:
            return select
        if self._condition is not None:
            return select.where(self._condition(chosen[0]))
        column: Any = self.column
        return select.where(column == self._convert(chosen[0]))

    def tags(self, params: Params) -> list[Tag]:
        """Show the label of the chosen value."""
        chosen = self._chosen(params)
        return [Tag(translate(self.label), translate(chosen[1]), self.params)] if chosen else []


class BooleanFilter(ChoiceFilter):
    """Yes or no."""

    def __init__(self, name: str, label: str, column: ColumnElement[bool] | Any) -> None:
        """Compare ``column`` with true or false."""
        choices = [("1", _("Ya")), ("0", _("Tidak"))]
        super().__init__(name, label, column, choices, convert=lambda text: text == "1")


class DateFilter(Filter):
    """From one day to another, both included, counted in Asia/Jakarta; either may be missing."""

    kind = "dates"

    def __init__(self, name: str, label: str, column: ColumnElement[Any] | Any) -> None:
        """``column`` holds a date or an aware datetime."""
        super().__init__(name, label)
        self.column = column

    @property
    def params(self) -> tuple[str, ...]:
        """``<name>_dari`` and ``<name>_sampai``."""
        return (f"{self.name}_dari", f"{self.name}_sampai")

    def apply(self, select: Select[Any], params: Params) -> Select[Any]:
        """Add the two limits."""
        first, last = (_day(params.get(name, "")) for name in self.params)
        timed = _is_time(self.column)
        if first is not None:
            select = select.where(self.column >= (_midnight(first) if timed else first))
        if last is not None:
            after = last + timedelta(days=1)
            select = select.where(self.column < (_midnight(after) if timed else after))
        return select

    def tags(self, params: Params) -> list[Tag]:
        """Show both limits as one tag."""
        first, last = (_day(params.get(name, "")) for name in self.params)
        facts = {"first": tanggal_pendek(first), "last": tanggal_pendek(last)}
        if first and last:
            text = _("${first} s/d ${last}", mapping=facts)
        elif first:
            text = _("mulai ${first}", mapping=facts)
        elif last:
            text = _("sampai ${last}", mapping=facts)
        else:
            return []
        return [Tag(translate(self.label), translate(text), self.params)]

    def problems(self, params: Params) -> dict[str, str]:
        """Name the day that could not be read."""
        found: dict[str, str] = {}
        for name in self.params:
            try:
                if params.get(name, "").strip():
                    parse_day(params[name])
            except UnreadableError as error:
                found[name] = error.explanation
        return found


def _day(text: str) -> date | None:
    try:
        return parse_day(text) if text.strip() else None
    except UnreadableError:
        return None


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=WIB)


def _is_time(column: Any) -> bool:
    kind = column.type
    return isinstance(kind.impl if isinstance(kind, TypeDecorator) else kind, DateTime)
