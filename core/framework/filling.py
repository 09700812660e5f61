"""Putting the rows of a portable copy into tables that were just made by their migrations.

All of it happens inside the caller's transaction: what is refused or broken off changes nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
    Connection,
    DateTime,
    ForeignKeyConstraint,
    MetaData,
    Table,
    Uuid,
    func,
    select,
    text,
    tuple_,
)
from sqlalchemy.exc import IntegrityError, OperationalError, StatementError
from sqlalchemy.schema import AddConstraint, DropConstraint

from core.framework.portable import Contents, PortableFileError, bad_line, read_rows
from core.i18n import _

__all__ = ["FillProgress", "MissingTargetError", "fill_tables", "filling"]

NAMED = 5
"""How many of the rows that are missing are named."""

FillProgress = Callable[[str, int], None]
"""Told the name of a table and how many more rows were written."""


class MissingTargetError(PortableFileError):
    """Rows point at rows of other tables that are not here; ``values`` are some of their keys."""

    def __init__(self, path: Path, key: ForeignKeyConstraint, values: Sequence[str]) -> None:
        """Name what is missing."""
        self.table = key.referred_table.name
        self.values = tuple(values)
        super().__init__(
            _(
                "Berkas ${file}: tabel ${table} menunjuk baris di ${target} yang tidak ada di sini "
                "(${columns}: ${values}). Tidak ada yang dimuat; pulihkan baris itu dahulu.",
                mapping={
                    "file": path.name,
                    "table": key.table.name,
                    "target": self.table,
                    "columns": ", ".join(key.column_keys),
                    "values": ", ".join(values),
                },
            )
        )


def fill_tables(
    connection: Connection,
    path: Path,
    contents: Contents,
    names: Sequence[str],
    progress: FillProgress,
) -> None:
    """Fill the tables ``names`` from a copy. What they hold already is replaced.

    :raises PortableFileError: the copy is damaged, has a line that cannot be stored, or names a
        table that is not here.
    :raises MissingTargetError: its rows point at rows that are not here.
    """
    with filling(connection, names) as tables:
        for table in tables:
            # Those within the copy wait until every row is there.
            outer = [key for key in table.foreign_key_constraints if not _within(key, tables)]
            _fill_table(connection, path, table, contents, outer, progress)


@contextmanager
def filling(connection: Connection, names: Sequence[str]) -> Iterator[list[Table]]:
    """Give the tables ``names``, emptied, to be filled in the block.

    Foreign keys among them are looked at when it ends; new rows go on after the highest id then.

    :raises PortableFileError: one of the tables is not here, or rows point nowhere.
    """
    metadata = MetaData()
    metadata.reflect(connection)
    missing = sorted(set(names) - set(metadata.tables))
    if missing:
        raise PortableFileError(
            _(
                "Salinan berisi tabel ${table} yang tidak dibuat oleh migrasi mana pun di sini.",
                mapping={"table": missing[0]},
            )
        )
    tables = [metadata.tables[name] for name in names]
    # SQLite has them off.
    keys = [key for table in tables for key in table.foreign_key_constraints]
    inner = [key for key in keys if _within(key, tables)]
    postgresql = connection.dialect.name == "postgresql"
    for key in inner if postgresql else ():
        connection.execute(DropConstraint(key))
    for table in tables:
        # What a migration itself had put there is to come too, perhaps changed since.
        if connection.scalar(select(func.count()).select_from(table)):
            connection.execute(table.delete())
    yield tables
    if postgresql:
        for key in inner:
            _add_foreign_key(connection, key)
        _reset_sequences(connection, tables)
    else:
        _check_orphans(connection)


def _within(key: ForeignKeyConstraint, tables: Sequence[Table]) -> bool:
    return key.referred_table in tables


def _fill_table(  # noqa: PLR0913, PLR0917 - one table and all that is known of it
    connection: Connection,
    path: Path,
    table: Table,
    contents: Contents,
    outer: Sequence[ForeignKeyConstraint],
    progress: FillProgress,
) -> None:
    for column in table.columns:
        if isinstance(column.type, JSON):
            # NULL in the copy is NULL again, not the JSON word null.
            column.type.none_as_null = True
    count, expected = 0, contents.rows[table.name]
    for batch in read_rows(path, table, contents.checksums.get(table.name, "")):
        fitting = [_fit(row, table) for row in batch]
        for key in outer:
            _check_targets(connection, path, key, fitting)
        # The first line names the columns.
        _insert(connection, path, table, fitting, first_line=count + 2)
        count += len(batch)
        progress(table.name, len(batch))
    if count != expected:
        raise PortableFileError(
            _(
                "Salinan tidak lengkap: tabel ${table} berisi ${count} baris, "
                "seharusnya ${expected}.",
                mapping={"table": table.name, "count": count, "expected": expected},
            )
        )


def _fit(row: Mapping[str, Any], table: Table) -> dict[str, Any]:
    """Give values as this kind of database keeps them."""
    return {name: _value(value, table.columns[name].type) for name, value in row.items()}


def _value(value: Any, kind: Any) -> Any:
    if isinstance(kind, DateTime) and not kind.timezone and getattr(value, "tzinfo", None):
        # The copy says UTC; a column without zone must not take the zone of the connection.
        return value.replace(tzinfo=None)
    if isinstance(value, uuid.UUID) and not isinstance(kind, Uuid):
        return value.hex
    return value


def _check_targets(
    connection: Connection,
    path: Path,
    key: ForeignKeyConstraint,
    batch: Sequence[Mapping[str, Any]],
) -> None:
    """Look for the rows of tables outside the copy that a batch points at."""
    pairs = [(element.parent.name, element.column) for element in key.elements]
    wanted = {tuple(row.get(name) for name, _column in pairs) for row in batch}
    # A key with a part that is empty points nowhere.
    wanted = {values for values in wanted if None not in values}
    if not wanted:
        return
    targets = [column for _name, column in pairs]
    found = connection.execute(select(*targets).where(tuple_(*targets).in_(wanted)))
    missing = wanted - {tuple(row) for row in found}
    if missing:
        named = sorted(" ".join(map(str, values)) for values in missing)[:NAMED]
        more = ["…"] if len(missing) > NAMED else []
        raise MissingTargetError(path, key, [*named, *more])


def _insert(
    connection: Connection,
    path: Path,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    *,
    first_line: int,
) -> None:
    """Insert a batch; where it is refused, find out which line of the file it is."""
    try:
        with connection.begin_nested():
            connection.execute(table.insert(), rows)
    except OperationalError:
        raise
    except StatementError:
        for line, row in enumerate(rows, start=first_line):
            try:
                connection.execute(table.insert(), row)
            except StatementError as error:
                reason = str(error.orig).splitlines()[0]
                raise bad_line(path, table.name, line, reason) from error
        raise


def _add_foreign_key(connection: Connection, key: ForeignKeyConstraint) -> None:
    try:
        connection.execute(AddConstraint(key))
    except IntegrityError as error:
        raise _orphans(key.table.name) from error


def _check_orphans(connection: Connection) -> None:
    orphans = connection.execute(text("PRAGMA foreign_key_check")).first()
    if orphans is not None:
        raise _orphans(str(orphans[0]))


def _orphans(table: str) -> PortableFileError:
    return PortableFileError(
        _(
            "Salinan tidak utuh: baris di tabel ${table} menunjuk ke data yang tidak ada.",
            mapping={"table": table},
        )
    )


def _reset_sequences(connection: Connection, tables: Sequence[Table]) -> None:
    """Let new rows go on after the highest id that came back."""
    for table in tables:
        for column in table.primary_key.columns:
            sequence = connection.scalar(
                select(func.pg_get_serial_sequence(f'"{table.name}"', column.name))
            )
            if sequence is not None:
                highest = connection.scalar(select(func.max(column)))
                connection.execute(select(func.setval(sequence, highest or 1, highest is not None)))
