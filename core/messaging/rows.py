"""Writing many rows with few statements, and with little work for each row.

A batch of five thousand messages has five thousand texts but one time, one state and one purpose.
What all rows share is written into the statement once instead of being bound for every row, which
halves the cost of an insert; rows that get the same new values are updated together.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeAlias

from sqlalchemy import (
    ColumnElement,
    Dialect,
    Table,
    bindparam,
    insert,
    literal,
    literal_column,
    null,
    update,
)
from sqlalchemy.orm import Session

__all__ = ["chunks", "insert_rows", "update_rows"]

CHUNK: Final = 500
"""Values in one IN list."""
FEW: Final = 4
"""So many different sets of values are written by one statement each; more go as a list."""
MANY: Final = 50
"""From so many rows on it pays to look for what they share."""

_WORD: Final = re.compile(r"[\w.-]*", re.ASCII)
"""Text that means itself in every dialect, without quotes or escapes."""

Values: TypeAlias = Mapping[str, Any]
Change: TypeAlias = tuple[Values, Values]
"""What names a row, and its new values."""


def insert_rows(session: Session, table: Table, rows: Sequence[Values]) -> None:
    """Insert rows that all have the same keys."""
    connection = session.connection()
    if len(rows) < MANY:
        connection.execute(insert(table), list(rows))
        return
    shared = {
        name: _in_words(table.c[name], value, connection.dialect)
        for name, value in rows[0].items()
        if _is_plain(value) and all(row[name] == value for row in rows)
    }
    varying = [name for name in rows[0] if name not in shared]
    connection.execute(
        insert(table).values(shared), [{name: row[name] for name in varying} for row in rows]
    )


def update_rows(session: Session, table: Table, rows: Sequence[Change]) -> None:
    """Give rows new values; each is named by the values of key columns, the last of them its own.

    Rows that get the same values are written together: most chunks need a single statement.
    """
    shapes: dict[tuple[str, ...], list[Change]] = defaultdict(list)
    for key, values in rows:
        shapes[*key, *values].append((key, values))
    for same_shape in shapes.values():
        groups: dict[Any, list[Change]] = defaultdict(list)
        for key, values in same_shape:
            groups[_comparable(key, values)].append((key, values))
        if len(groups) <= FEW:
            for group in groups.values():
                _update_group(session, table, group)
        else:
            _update_list(session, table, same_shape)


def chunks(values: Sequence[Any], size: int = CHUNK) -> Iterator[Sequence[Any]]:
    """Cut a sequence into pieces that fit into one statement."""
    for begin in range(0, len(values), size):
        yield values[begin : begin + size]


def _is_plain(value: Any) -> bool:
    """Tell whether a value can stand in a statement as it is, whatever the dialect."""
    if value is None or isinstance(value, bool | int | datetime):
        return True
    # A translatable sentence is more than its text.
    return isinstance(value, str) and not hasattr(value, "mapping") and bool(_WORD.fullmatch(value))


def _in_words(column: ColumnElement[Any], value: Any, dialect: Dialect) -> ColumnElement[Any]:
    if value is None:
        return null()
    text = literal(value, column.type).compile(
        dialect=dialect, compile_kwargs={"literal_binds": True}
    )
    return literal_column(str(text), column.type)


def _comparable(key: Values, values: Values) -> tuple[Any, ...]:
    """Return what rows must have in common to be written together: all but their own key."""
    shared = tuple(key.values())[:-1]
    # Translatable sentences are equal when their msgids are, whatever fills their placeholders.
    return *shared, *((value, str(getattr(value, "mapping", ""))) for value in values.values())


def _update_group(session: Session, table: Table, group: Sequence[Change]) -> None:
    *shared, own = group[0][0]
    conditions: list[ColumnElement[bool]] = [table.c[name] == group[0][0][name] for name in shared]
    for chunk in chunks([key[own] for key, _values in group]):
        session.connection().execute(
            update(table).where(*conditions, table.c[own].in_(chunk)).values(**group[0][1])
        )


def _update_list(session: Session, table: Table, rows: Sequence[Change]) -> None:
    key, values = rows[0]
    statement = (
        update(table)
        .where(*(table.c[name] == bindparam(f"b_{name}") for name in key))
        .values({name: bindparam(f"n_{name}") for name in values})
    )
    session.connection().execute(
        statement,
        [
            {f"b_{name}": value for name, value in key.items()}
            | {f"n_{name}": value for name, value in values.items()}
            for key, values in rows
        ],
    )
