"""Paging by keyset: the next page begins behind the last row seen, not after a count of rows.

The order is total: the chosen value (missing ones last in both directions), then the key. A
position is the value and key of a row, written into the address; the database compares it again
with its own collation.
"""

from __future__ import annotations

import base64
import binascii
import enum
import json
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import ColumnElement, Row, and_, literal, or_, tuple_
from sqlalchemy.types import TypeDecorator

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "KEY_NAME",
    "SORT_NAME",
    "Order",
    "Position",
    "decode_position",
    "encode_position",
    "position_of",
]

SORT_NAME: Final = "table_sort"
KEY_NAME: Final = "table_key"
MAX_LENGTH: Final = 2000
"""A longer position was made up by somebody."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page begins: value and key of the row beside it."""

    value: Any
    key: Any


@dataclass(frozen=True, slots=True)
class Order:
    """One total order of a list."""

    column: ColumnElement[Any]
    key: ColumnElement[Any]
    descending: bool
    nullable: bool

    def clauses(self, *, backward: bool = False) -> list[ColumnElement[Any]]:
        """Give the ORDER BY; ``backward`` turns it round."""
        down = self.descending is not backward
        first = self.column.desc() if down else self.column.asc()
        if self.nullable:
            first = first.nulls_first() if backward else first.nulls_last()
        ordered: list[ColumnElement[Any]] = [first]
        if self.column is not self.key:
            ordered.append(self.key.desc() if down else self.key.asc())
        return ordered

    def beyond(self, position: Position, *, backward: bool = False) -> ColumnElement[bool]:
        """Give the condition for rows behind ``position`` (before it when ``backward``)."""
        down = self.descending is not backward
        key = literal(position.key, self.key.type)
        after_key = self.key < key if down else self.key > key
        if self.column is self.key:
            return after_key
        if position.value is None:
            same = and_(self.column.is_(None), after_key)
            return or_(self.column.is_not(None), same) if backward else same
        value = literal(position.value, self.column.type)
        here, there = tuple_(self.column, self.key), tuple_(value, key)
        further = here < there if down else here > there
        # A missing value is neither smaller nor larger: it stands behind all others in both
        # directions.
        return or_(further, self.column.is_(None)) if self.nullable and not backward else further


def position_of(row: Row[Any]) -> Position:
    """Read the position of a row that a page selected."""
    mapping = row._mapping  # noqa: SLF001 - public by contract
    return Position(mapping[SORT_NAME], mapping[KEY_NAME])


_TYPES: Final[Sequence[tuple[str, type[Any], Any, Any]]] = (
    ("t", datetime, datetime.isoformat, datetime.fromisoformat),
    ("d", date, date.isoformat, date.fromisoformat),
    ("n", Decimal, str, Decimal),
)


def _pack(value: Any) -> Any:
    if isinstance(value, enum.Enum):
        return value.value
    for tag, kind, write, _read in _TYPES:
        if isinstance(value, kind):
            return {tag: write(value)}
    return value


def _unpack(value: Any, column: ColumnElement[Any]) -> Any:
    """Turn a part of a position into a value of the column's type.

    :raises ValueError: it is none, so that the database cannot be made to complain.
    """
    if isinstance(value, dict):
        ((tag, text),) = value.items()
        value = next(read for name, _kind, _write, read in _TYPES if name == tag)(text)
    kind = column.type
    try:
        # A decorated type does not say what Python sees; what it is stored as does.
        expected = (kind.impl_instance if isinstance(kind, TypeDecorator) else kind).python_type
    except NotImplementedError:
        return value
    if issubclass(expected, enum.Enum):
        return expected(value)
    if not _fits(value, expected):
        raise ValueError(value)
    return value


def _fits(value: Any, expected: type[Any]) -> bool:
    if expected in {int, float, Decimal}:
        is_number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
        return is_number and abs(value) < 2**63
    if expected is datetime:
        return isinstance(value, datetime) and value.tzinfo is not None
    return type(value) is expected and "\0" not in str(value)


def encode_position(position: Position) -> str:
    """Write a position for an address."""
    packed = json.dumps([_pack(position.value), _pack(position.key)], ensure_ascii=False)
    return base64.urlsafe_b64encode(packed.encode()).decode().rstrip("=")


def decode_position(text: str, order: Order) -> Position | None:
    """Read a position; None when it was damaged or belongs to another order."""
    if not text or len(text) > MAX_LENGTH:
        return None
    try:
        value, key = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        unpacked = None if value is None else _unpack(value, order.column)
        return Position(unpacked, _unpack(key, order.key))
    except (ValueError, TypeError, AttributeError, binascii.Error, StopIteration, InvalidOperation):
        return None
