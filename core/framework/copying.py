"""A copy of the database for a moment, made while the application runs, and gone afterwards.

SQLite: its online backup into a file beside the database. PostgreSQL: a new database, in which the
migrations make the tables as they are and which is filled from one consistent snapshot; neither
``pg_dump`` nor the absence of other connections is needed, only the right to create databases.
"""

from __future__ import annotations

import fcntl
import secrets
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from sqlalchemy import URL, Connection, delete, func, select, text
from sqlalchemy.exc import DBAPIError, ProgrammingError

from core.db import Database
from core.db.base import owner_of_table
from core.db.migrate import migrating, upgrade_within
from core.errors import AbahError
from core.framework.filling import fill_tables
from core.framework.importing import owner_names
from core.framework.models import LifecycleLock
from core.framework.portable import data_tables, dump_tables
from core.framework.restore import owners, targets
from core.framework.runtime import Runtime
from core.i18n import _

__all__ = ["CopyRefusedError", "temporary_copy"]

MARK: Final = "rehearsal"
"""Part of the name of every copy, by which one that a killed process left behind is found."""

LONGEST_NAME: Final = 40
"""Of a database; PostgreSQL cuts names off at 63 characters."""

NO_RIGHT: Final = "42501"
"""SQLSTATE of ``insufficient_privilege``."""


class CopyRefusedError(AbahError):
    """The database cannot be copied here; the sentence says what to do."""


@contextmanager
def temporary_copy(runtime: Runtime) -> Iterator[Database]:
    """Give a copy of the database. It is removed at the end of the block, however that ends.

    What an earlier process could not remove because it was killed is removed first.

    :raises CopyRefusedError: the role of the database may not create one.
    """
    make = _in_file if runtime.database.dialect == "sqlite" else _on_server
    with make(runtime) as copy:
        with copy.writing() as session:
            # Nobody works on the copy.
            session.execute(delete(LifecycleLock))
        yield copy


@contextmanager
def _in_file(runtime: Runtime) -> Iterator[Database]:
    source = Path(str(runtime.database.url.database)).absolute()
    prefix = f".{source.name}-{MARK}-"
    for left in source.parent.glob(f"{prefix}*"):
        _remove_left(left)
    # Where the database has room its copy has, and nobody else may read it there either.
    with (
        TemporaryDirectory(prefix=prefix, dir=source.parent) as folder,
        Path(folder, "held").open("w", encoding="utf-8") as held,
    ):
        fcntl.flock(held, fcntl.LOCK_EX)
        target = Path(folder) / "copy.db"
        with closing(sqlite3.connect(source)) as inside, closing(sqlite3.connect(target)) as copy:
            # In one go: in parts it would begin anew whenever somebody else has written.
            inside.backup(copy)
        database = Database(URL.create("sqlite", database=str(target)))
        try:
            yield database
        finally:
            database.dispose()


def _remove_left(folder: Path) -> None:
    """Remove a copy that nobody holds."""
    with suppress(OSError), (folder / "held").open("a", encoding="utf-8") as held:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder)


@contextmanager
def _on_server(runtime: Runtime) -> Iterator[Database]:
    source = runtime.database
    prefix = f"{str(source.url.database)[:LONGEST_NAME]}_{MARK}_"
    name = f"{prefix}{secrets.token_hex(4)}"
    _as_administrator(source, lambda connection: _remove_left_databases(connection, prefix))
    _as_administrator(source, lambda connection: _create(connection, name))
    database = Database(source.url.set(database=name))
    try:
        # Held open, so that nobody takes it for one that was left behind.
        with database.engine.connect():
            _fill(runtime, database)
            yield database
    finally:
        database.dispose()
        quoted = source.engine.dialect.identifier_preparer.quote(name)
        statement = text(f"DROP DATABASE IF EXISTS {quoted} WITH (FORCE)")
        _as_administrator(source, lambda connection: connection.execute(statement))


def _as_administrator(source: Database, work: Callable[[Connection], object]) -> None:
    """Work outside a transaction, as statements on databases need."""
    engine = source.engine.execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        work(connection)


def _remove_left_databases(connection: Connection, prefix: str) -> None:
    named = func.starts_with(text("datname"), prefix)
    left = connection.scalars(select(text("datname")).select_from(text("pg_database")).where(named))
    for name in left.all():
        quoted = connection.dialect.identifier_preparer.quote(name)
        with suppress(DBAPIError):
            # Without FORCE: one that is in use stays.
            connection.execute(text(f"DROP DATABASE {quoted}"))


def _create(connection: Connection, name: str) -> None:
    """Create an empty database that sorts and encodes as the present one."""
    found = connection.execute(
        text(
            "SELECT pg_encoding_to_char(encoding), datcollate, datctype FROM pg_database "
            "WHERE datname = current_database()"
        )
    ).one()
    encoding, collate, ctype = (str(value).replace("'", "''") for value in found)
    quoted = connection.dialect.identifier_preparer.quote(name)
    try:
        connection.execute(
            text(
                f"CREATE DATABASE {quoted} TEMPLATE template0 ENCODING '{encoding}' "
                f"LC_COLLATE '{collate}' LC_CTYPE '{ctype}'"
            )
        )
    except ProgrammingError as error:
        if getattr(error.orig, "sqlstate", "") != NO_RIGHT:
            raise
        role = connection.scalar(select(func.current_user()))
        explanation = _(
            "Peran ${role} di PostgreSQL tidak boleh membuat basis data, sehingga salinan untuk "
            "latihan tidak dapat dibuat. Minta administrator PostgreSQL menjalankan: "
            "ALTER ROLE ${role} CREATEDB; atau pulihkan abah db backup di tempat lain dan "
            "perbarui di sana.",
            mapping={"role": str(role)},
        )
        raise CopyRefusedError(explanation) from error


def _fill(runtime: Runtime, copy: Database) -> None:
    """Make the tables as they are here and fill them; those of vanished plugins are left out."""
    everybody = owners(runtime)
    names = owner_names(runtime)
    known = {owner.name for owner in everybody}
    with runtime.database.reading() as session:
        tables = [
            name
            for name in data_tables(session.connection())
            if owner_of_table(name, names) in known
        ]
    with TemporaryDirectory(prefix="abah-rehearsal-") as folder:
        path = Path(folder) / "copy.zip"
        contents = dump_tables(runtime.database, path, tables=tables)
        present = {owner.version_table for owner in everybody} & set(contents.revisions)
        revisions = {name: contents.revisions[name] for name in present}
        with migrating(copy) as connection:
            for owner, revision in targets(runtime, revisions):
                upgrade_within(connection, owner, revision)
            fill_tables(connection, path, contents, tables, lambda _table, _rows: None)
