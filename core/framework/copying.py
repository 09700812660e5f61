"""A copy of the database for a moment, made while the application runs, and gone afterwards.

SQLite: its online backup into a file beside the database. PostgreSQL: a new database, in which the
migrations make the tables as they are and which is filled from one consistent snapshot; neither
``pg_dump`` nor the absence of other connections is needed, only the right to create databases.
"""

from __future__ import annotations

import fcntl
import re
import secrets
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from sqlalchemy import URL, Connection, String, Table, column, delete, func, select, text
from sqlalchemy.exc import DBAPIError, ProgrammingError

from core.db import Database
from core.db.base import owner_of_table
from core.db.migrate import migrating, upgrade_within
from core.errors import AbahError
from core.framework.filling import filling
from core.framework.importing import owner_names
from core.framework.models import LifecycleLock
from core.framework.portable import data_tables, snapshot, version_tables
from core.framework.restore import owners, targets
from core.framework.runtime import Runtime
from core.i18n import _

__all__ = ["CopyRefusedError", "temporary_copy"]

MARK: Final = "rehearsal"
"""Part of the name of every copy, by which one that a killed process left behind is found."""

HELD: Final = "held"
"""File in the folder of a copy that is locked as long as its process lives."""

ONE_AT_A_TIME: Final = 0x61626168_636F7079
"""Advisory lock of PostgreSQL; it counts within one database."""

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
        Path(folder, "new").open("w", encoding="utf-8") as held,
    ):
        fcntl.flock(held, fcntl.LOCK_EX)
        # Nobody finds it under this name before it is held.
        Path(held.name).rename(Path(folder, HELD))
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
    """Remove a copy that nobody holds; what is no copy of ours has no such file."""
    with suppress(OSError), (folder / HELD).open(encoding="utf-8") as held:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder)


@contextmanager
def _on_server(runtime: Runtime) -> Iterator[Database]:
    source = runtime.database
    prefix = f"{str(source.url.database)[:LONGEST_NAME]}_{MARK}_"
    name = f"{prefix}{secrets.token_hex(4)}"
    database = Database(source.url.set(database=name))
    with ExitStack() as made:
        with _as_administrator(source) as connection, _alone(connection):
            _remove_left_databases(connection, prefix)
            _create(connection, name)
            made.callback(_remove, source, name)
            made.callback(database.dispose)
            _sign(connection, name)
            # Held open, so that nobody takes it for one that was left behind.
            made.enter_context(database.engine.connect())
        _fill(runtime, database)
        yield database


def _as_administrator(source: Database) -> Connection:
    """Connect to work outside a transaction, as statements on databases need."""
    return source.engine.execution_options(isolation_level="AUTOCOMMIT").connect()


@contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    """Let no other process make or clean up copies of the same database while the block runs."""
    connection.execute(select(func.pg_advisory_lock(ONE_AT_A_TIME)))
    try:
        yield
    finally:
        connection.execute(select(func.pg_advisory_unlock(ONE_AT_A_TIME)))


def _remove(source: Database, name: str) -> None:
    with _as_administrator(source) as connection:
        quoted = connection.dialect.identifier_preparer.quote(name)
        connection.execute(text(f"DROP DATABASE IF EXISTS {quoted} WITH (FORCE)"))


def _sign(connection: Connection, name: str) -> None:
    """Write down on a database whose copy it is."""
    quoted = connection.dialect.identifier_preparer.quote(name)
    # A comment takes no parameters, and a colon in it is none.
    signature = _signature(connection).replace("'", "''").replace(":", "\\:")
    connection.execute(text(f"COMMENT ON DATABASE {quoted} IS '{signature}'"))


def _signature(connection: Connection) -> str:
    return f"abah {MARK} of {connection.scalar(select(func.current_database()))}"


def _remove_left_databases(connection: Connection, prefix: str) -> None:
    """Remove the copies of this database that nobody uses; a name alone does not make one."""
    said = func.shobj_description(column("oid"), "pg_database")
    left = select(column("datname", String)).select_from(text("pg_database"))
    left = left.where(said == _signature(connection))
    for name in connection.scalars(left).all():
        if re.fullmatch(re.escape(prefix) + "[0-9a-f]{8}", name):
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
    """Make the tables as they are here and fill them; those of vanished plugins are left out.

    Nothing is written outside the two databases.
    """
    everybody = owners(runtime)
    names = owner_names(runtime)
    known = {owner.name for owner in everybody}
    with snapshot(runtime.database) as source:
        there = data_tables(source)
        tables = [name for name in there if owner_of_table(name, names) in known]
        revisions = version_tables(source)
        present = {owner.version_table for owner in everybody} & set(revisions)
        with migrating(copy) as connection:
            for owner, revision in targets(runtime, {name: revisions[name] for name in present}):
                upgrade_within(connection, owner, revision)
            with filling(connection, tables) as empty:
                for table in empty:
                    _stream(source, connection, table)


def _stream(source: Connection, target: Connection, table: Table) -> None:
    """Send the rows of a table from one database to the other, a piece at a time."""
    quote = target.dialect.identifier_preparer.quote
    names = ", ".join(quote(one.name) for one in table.columns if one.computed is None)
    statement = f"COPY {quote(table.name)} ({names})"
    reader: Any = source.connection.dbapi_connection
    writer: Any = target.connection.dbapi_connection
    with (
        reader.cursor().copy(f"{statement} TO STDOUT (FORMAT BINARY)") as rows,
        writer.cursor().copy(f"{statement} FROM STDIN (FORMAT BINARY)") as into,
    ):
        for piece in rows:
            into.write(piece)
