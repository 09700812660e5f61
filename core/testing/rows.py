"""Rows for tables that nobody has told us anything about: the least that their columns allow."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import TYPE_CHECKING, Any

from sqlalchemy import MetaData, Table, insert, select
from sqlalchemy.exc import DBAPIError, NoReferenceError
from sqlalchemy.types import (
    JSON,
    Boolean,
    Date,
    DateTime,
    Float,
    Integer,
    Interval,
    LargeBinary,
    Numeric,
    Time,
    Uuid,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Column, Connection

__all__ = ["count_rows", "fill_tables"]


def fill_tables(connection: Connection, names: Iterable[str]) -> dict[str, int]:
    """Put a row into each table where that is possible, and return the tables that have rows.

    What may be empty stays empty: that is what a later migration stumbles over. A table with a rule
    that such a row breaks is left out.
    """
    found = MetaData()
    found.reflect(connection, only=sorted(names))
    for table in found.sorted_tables:
        if table.name in names:
            _row(connection, table)
    return count_rows(connection, names)


def count_rows(connection: Connection, names: Iterable[str]) -> dict[str, int]:
    """Count the rows of tables, without those that are empty."""
    counted = {}
    for name in names:
        rows = connection.exec_driver_sql(f'SELECT count(*) FROM "{name}"').scalar_one()  # noqa: S608
        if rows:
            counted[name] = rows
    return counted


def _row(connection: Connection, table: Table, depth: int = 0) -> bool:
    """Insert one row, and those it points to first; tell whether it is there."""
    try:
        with connection.begin_nested():
            values = {
                column.name: _value(connection, table, column, depth)
                for column in table.columns
                if _needed(connection, table, column)
            }
            connection.execute(insert(table).values(values))
    except (DBAPIError, NoReferenceError, LookupError):
        return False
    return True


def _needed(connection: Connection, table: Table, column: Column[Any]) -> bool:
    if column.nullable or column.server_default is not None or column.identity is not None:
        return False
    if connection.dialect.name != "sqlite" or not isinstance(column.type, Integer):
        return True
    # SQLite counts such a key by itself.
    return list(table.primary_key.columns) != [column] or bool(column.foreign_keys)


def _value(connection: Connection, table: Table, column: Column[Any], depth: int) -> Any:
    for foreign in column.foreign_keys:
        return _parent(connection, table, foreign.column, depth)
    kind = column.type
    now = dt.datetime.now(dt.UTC)
    values: list[tuple[type[Any], Any]] = [
        (Boolean, False),
        (Integer, 1),
        (Float, 1.0),
        (Numeric, 1),
        (DateTime, now),
        (Date, now.date()),
        (Time, now.time()),
        (Interval, dt.timedelta(seconds=1)),
        (JSON, {}),
        (LargeBinary, b"x"),
        (Uuid, uuid.UUID(int=1)),
    ]
    return next((value for each, value in values if isinstance(kind, each)), "x")


def _parent(connection: Connection, table: Table, target: Column[Any], depth: int) -> Any:
    """Return a key that the row can point to.

    :raises LookupError: there is none, and none can be made.
    """
    parent = target.table
    query = select(target).limit(1)
    known = connection.execute(query).scalar()
    if known is None and parent is not table and depth < len(table.metadata.tables):
        _row(connection, parent, depth + 1)
        known = connection.execute(query).scalar()
    if known is None:
        raise LookupError(target)
    return known
