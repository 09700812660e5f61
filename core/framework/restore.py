"""Copies of the whole database, and bringing them back.

A copy is either the portable zip of :mod:`core.framework.portable`, which any database can read, or
for SQLite the database file itself, taken through SQLite's online backup while others go on
writing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import (
    JSON,
    Connection,
    ForeignKeyConstraint,
    MetaData,
    Table,
    func,
    select,
    text,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.schema import AddConstraint, DropConstraint

from core.db import Database
from core.db.migrate import (
    Owner,
    drop_search_indexes,
    migrating,
    script_directory,
    upgrade_within,
)
from core.errors import AbahError
from core.framework.discovery import discover
from core.framework.graph import resolve
from core.framework.lifecycle import CORE_OWNER, owner_of
from core.framework.models import LifecycleLock
from core.framework.portable import (
    VERSION_SUFFIX,
    Contents,
    PortableFileError,
    data_tables,
    dump_tables,
    read_contents,
    read_rows,
)
from core.framework.registry import present_number, raise_registry
from core.framework.removal import key_check
from core.framework.runtime import Runtime
from core.framework.sqlitefile import (
    RestoreError,
    check_key,
    copy_file,
    is_sqlite_file,
    restore_file,
)
from core.i18n import _

__all__ = ["NotEmptyError", "RestoreError", "backup", "is_empty", "owners", "restore"]

Progress = Callable[[str, int], None]
"""Told the name of a table and how many rows were written."""


class NotEmptyError(AbahError):
    """The database already holds data, and nobody said that it may be replaced."""

    explanation = _(
        "Basis data tujuan sudah berisi data. "
        "Gunakan --replace bila isinya boleh diganti seluruhnya."
    )


def owners(runtime: Runtime) -> list[Owner]:
    """Return the core and every plugin that can be found, as owners of migrations."""
    found = discover(runtime.settings).values()
    return [CORE_OWNER, *(owner_of(p.manifest) for p in found if p.manifest is not None)]


def backup(runtime: Runtime, path: Path) -> Contents | None:
    """Write a copy of the whole database to ``path`` and return what it holds.

    The ending ``.db`` asks for SQLite's own file (returns None then); anything else is the portable
    zip.
    """
    if path.suffix == ".db":
        copy_file(runtime, path)
        return None
    return dump_tables(runtime.database, path, key_check=key_check(runtime))


def is_empty(database: Database) -> bool:
    """Tell whether no table holds a row yet. A database that was set up is not empty."""
    with database.reading() as session:
        connection = session.connection()
        names = data_tables(connection)
        metadata = MetaData()
        metadata.reflect(connection, only=names)
        return not any(
            session.execute(select(metadata.tables[name]).limit(1)).first() is not None
            for name in names
        )


def restore(
    runtime: Runtime, path: Path, *, replace: bool = False, progress: Progress | None = None
) -> Contents | None:
    """Bring a copy back and return what it held.

    The tables come into the state of migration that the copy has; ``abah db upgrade`` goes on from
    there. What is refused or broken off, by whatever, has changed nothing.

    :raises NotEmptyError: the database holds data and ``replace`` is not set.
    :raises PortableFileError: the file is no copy, or damaged.
    :raises RestoreError: it needs a plugin or a revision that is not here, or another secret key.
    """
    database = runtime.database
    if not replace and not is_empty(database):
        raise NotEmptyError
    if is_sqlite_file(path):
        restore_file(runtime, path, lambda revisions: _targets(runtime, revisions))
        return None
    contents = read_contents(path)
    targets = _targets(runtime, contents.revisions)
    check_key(fits=contents.key_check in {"", key_check(runtime)})
    # One transaction for everything, on either kind of database: whatever fails, and if it is the
    # process that is killed, the old data are still there.
    with migrating(database) as connection:
        present = present_number(connection)
        _drop_everything(connection)
        for owner, revision in targets:
            upgrade_within(connection, owner, revision)
        _fill_tables(connection, path, contents, progress or (lambda _table, _rows: None))
        with Session(bind=connection) as session, session.begin():
            # Whoever still runs on the old data has to start again.
            raise_registry(session, above=present)
    return contents


def _targets(runtime: Runtime, revisions: Mapping[str, str]) -> list[tuple[Owner, str]]:
    """Find the owner of each version table, in an order in which they can be migrated."""
    known = {owner.version_table: owner for owner in owners(runtime)}
    targets = []
    for table, revision in revisions.items():
        owner = known.get(table)
        if owner is None:
            raise RestoreError(
                _(
                    "Salinan berisi data plugin ${name} yang tidak ada di sini. "
                    "Pasang paketnya dahulu.",
                    mapping={"name": table.removesuffix(VERSION_SUFFIX)},
                )
            )
        if not _has_revision(script_directory(owner), revision):
            raise RestoreError(
                _(
                    "Salinan dibuat dengan ${name} yang lebih baru "
                    "(revisi ${revision} tidak dikenal). Perbarui dahulu.",
                    mapping={"name": owner.name, "revision": revision},
                )
            )
        targets.append((owner, revision))
    # The core first, then plugins after what they depend on.
    order = [owner.name for owner in _in_load_order(runtime)]
    return sorted(targets, key=lambda target: order.index(target[0].name))


def _in_load_order(runtime: Runtime) -> list[Owner]:
    manifests = [p.manifest for p in discover(runtime.settings).values() if p.manifest is not None]
    plan = resolve(manifests)
    rest = [manifest for manifest in manifests if manifest.name in plan.problems]
    return [CORE_OWNER, *map(owner_of, plan.order), *map(owner_of, rest)]


def _has_revision(scripts: ScriptDirectory, revision: str) -> bool:
    try:
        return scripts.get_revision(revision) is not None
    except CommandError:
        return False


def _drop_everything(connection: Connection) -> None:
    drop_search_indexes(connection)
    metadata = MetaData()
    metadata.reflect(connection)
    metadata.drop_all(connection)


def _fill_tables(
    connection: Connection, path: Path, contents: Contents, progress: Progress
) -> None:
    metadata = MetaData()
    metadata.reflect(connection)
    missing = sorted(set(contents.rows) - set(metadata.tables))
    if missing:
        raise RestoreError(
            _(
                "Salinan berisi tabel ${table} yang tidak dibuat oleh migrasi mana pun di sini.",
                mapping={"table": missing[0]},
            )
        )
    tables = [
        metadata.tables[name] for name in contents.rows if name != LifecycleLock.__tablename__
    ]
    keys = _drop_foreign_keys(connection, tables)
    for table in tables:
        progress(table.name, _fill_table(connection, path, table, contents.rows[table.name]))
    for key in keys:
        _add_foreign_key(connection, key)
    if connection.dialect.name == "sqlite":
        _check_orphans(connection)
    else:
        _reset_sequences(connection, tables)


def _fill_table(connection: Connection, path: Path, table: Table, expected: int) -> int:
    for column in table.columns:
        if isinstance(column.type, JSON):
            # NULL in the copy is NULL again, not the JSON word null.
            column.type.none_as_null = True
    # What a migration itself had put there is in the copy too, perhaps changed since.
    if connection.scalar(select(func.count()).select_from(table)):
        connection.execute(table.delete())
    count = 0
    for batch in read_rows(path, table):
        connection.execute(table.insert(), batch)
        count += len(batch)
    if count != expected:
        raise PortableFileError(
            _(
                "Salinan tidak lengkap: tabel ${table} berisi ${count} baris, "
                "seharusnya ${expected}.",
                mapping={"table": table.name, "count": count, "expected": expected},
            )
        )
    return count


def _drop_foreign_keys(
    connection: Connection, tables: Sequence[Table]
) -> list[ForeignKeyConstraint]:
    """Take foreign keys away on PostgreSQL until every row is there; SQLite has them off."""
    if connection.dialect.name == "sqlite":
        return []
    keys = [
        constraint
        for table in tables
        for constraint in table.constraints
        if isinstance(constraint, ForeignKeyConstraint)
    ]
    for key in keys:
        connection.execute(DropConstraint(key))
    return keys


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
