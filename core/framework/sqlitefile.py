"""A copy of SQLite's own file, taken while others go on writing, and bringing it back."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from sqlalchemy import URL, Connection, delete, select
from sqlalchemy.orm import Session

from core.db import Database
from core.framework.lifecycle import CORE_OWNER
from core.framework.models import LifecycleLock, StoredSetting
from core.framework.portable import (
    PortableFileError,
    RestoreError,
    check_key,
    key_check,
    partial_of,
    version_tables,
)
from core.framework.registry import present_number, raise_registry
from core.framework.runtime import Runtime
from core.framework.secrets import UnreadableSecretError
from core.i18n import TranslationString, _

__all__ = ["copy_file", "is_sqlite_file", "restore_file"]

SQLITE_MAGIC: Final = b"SQLite format 3\x00"
_FINGERPRINT_DIGITS: Final = 7
"""Hexadecimal digits of the key's check that fit into ``user_version`` (31 bits)."""


def is_sqlite_file(path: Path) -> bool:
    """Tell whether a file is a database of SQLite.

    :raises PortableFileError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(len(SQLITE_MAGIC)) == SQLITE_MAGIC
    except OSError as error:
        raise PortableFileError(
            _(
                "Berkas ${file} tidak dapat dibaca: ${reason}.",
                mapping={"file": path.name, "reason": error.strerror or str(error)},
            )
        ) from error


def copy_file(runtime: Runtime, path: Path) -> None:
    """Copy the database to ``path`` through SQLite's online backup.

    The copy says in ``user_version`` which key its secrets were encrypted with.

    :raises RestoreError: the database is not SQLite.
    """
    source = _file_of(runtime.database)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = partial_of(path)
    try:
        with (
            closing(sqlite3.connect(source)) as inside,
            closing(sqlite3.connect(partial)) as outside,
        ):
            inside.backup(outside, pages=1000)
            # One file, also for whoever may only read it: SQLite's log beside it is not wanted.
            outside.execute("PRAGMA journal_mode=DELETE")
            outside.execute(f"PRAGMA user_version={_fingerprint(runtime)}")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def restore_file(
    runtime: Runtime, path: Path, check: Callable[[Mapping[str, str]], object]
) -> None:
    """Put the database of a file in the place of the present one.

    ``check`` gets the revision in force of each version table of the copy and may refuse it. All is
    looked at and made ready in a file of its own; the exchange is one transaction of SQLite, so
    that whatever fails before its end leaves the old data.

    :raises PortableFileError: the file is damaged, or no database of abah.
    :raises RestoreError: another secret key, or the database here is not SQLite.
    """
    target = _file_of(runtime.database)
    with TemporaryDirectory(prefix=".abah-restore-", dir=target.parent) as folder:
        ready = Path(folder) / "copy.db"
        with (
            closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(ready)) as copy,
        ):
            with suppress(sqlite3.DatabaseError):
                # What is left out here is found in the next step.
                source.backup(copy)
            _check_sound(copy, path.name)
        made = Database(URL.create("sqlite", database=str(ready)))
        try:
            _make_ready(runtime, made, path.name, check)
        finally:
            made.dispose()
        runtime.database.dispose()
        with closing(sqlite3.connect(ready)) as copy, closing(sqlite3.connect(target)) as own:
            copy.backup(own)


def _make_ready(
    runtime: Runtime, made: Database, name: str, check: Callable[[Mapping[str, str]], object]
) -> None:
    with runtime.database.reading() as session:
        present = present_number(session.connection())
    with made.writing() as session:
        revisions = version_tables(session.connection())
        if CORE_OWNER.version_table not in revisions:
            raise PortableFileError(
                _("Berkas ${file} bukan basis data abah.", mapping={"file": name})
            )
        check(revisions)
        check_key(fits=_key_fits(runtime, session))
        session.execute(delete(LifecycleLock))
        # Whoever still runs on the old data has to start again.
        raise_registry(session, above=present)


def _key_fits(runtime: Runtime, session: Session) -> bool:
    connection: Connection = session.connection()
    fingerprint = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
    if fingerprint:
        return bool(fingerprint == _fingerprint(runtime))
    # Copied with other means: the secrets themselves have to tell.
    secret = session.scalar(select(StoredSetting.value).where(StoredSetting.is_secret).limit(1))
    try:
        return secret is None or bool(runtime.secrets.decrypt(secret))
    except UnreadableSecretError:
        return False


def _fingerprint(runtime: Runtime) -> int:
    # Never 0, which is what a database has that nobody marked.
    return int(key_check(runtime)[:_FINGERPRINT_DIGITS], 16) + 1


def _check_sound(copy: sqlite3.Connection, name: str) -> None:
    reason: TranslationString | str = "unreadable"
    with suppress(sqlite3.DatabaseError):
        reason = str(copy.execute("PRAGMA integrity_check").fetchone()[0])
        orphan = copy.execute("PRAGMA foreign_key_check").fetchone()
        if orphan is not None:
            reason = _(
                "baris di tabel ${table} menunjuk ke data yang tidak ada",
                mapping={"table": orphan[0]},
            )
    if reason != "ok":
        raise PortableFileError(
            _("Berkas ${file} rusak: ${reason}.", mapping={"file": name, "reason": reason})
        )


def _file_of(database: Database) -> Path:
    if database.dialect != "sqlite" or not database.url.database:
        raise RestoreError(
            _(
                "Berkas SQLite hanya dapat dipakai bila basis datanya SQLite. "
                "Buat salinan portabel dengan akhiran .zip."
            )
        )
    return Path(database.url.database)
