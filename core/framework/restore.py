"""Copies of the whole database, and bringing them back.

A copy is either the portable zip of :mod:`core.framework.portable`, which any database can read, or
for SQLite the database file itself, taken through SQLite's online backup while others go on
writing.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, MetaData, select
from sqlalchemy.orm import Session

from core.db import Database
from core.db.migrate import (
    Owner,
    drop_search_indexes,
    has_revision,
    migrating,
    upgrade_within,
)
from core.errors import AbahError
from core.framework.discovery import discover
from core.framework.filling import FillProgress, fill_tables
from core.framework.graph import resolve
from core.framework.lifecycle import CORE_OWNER, owner_of
from core.framework.lock import lifecycle_lock
from core.framework.models import LifecycleLock
from core.framework.portable import (
    VERSION_SUFFIX,
    Contents,
    RestoreError,
    check_key,
    data_tables,
    dump_tables,
    key_check,
    read_contents,
)
from core.framework.registry import has_tables, present_number, raise_registry
from core.framework.runtime import Runtime
from core.framework.sqlitefile import copy_file, is_sqlite_file, restore_file
from core.i18n import _

__all__ = ["NotEmptyError", "RestoreError", "backup", "is_empty", "owners", "restore", "targets"]

LOCK: Final = LifecycleLock.__tablename__
"""Table that belongs to who runs just now, and to no copy."""


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
    """Tell whether no table holds a row yet. A database that was set up is not empty.

    Whoever holds the lock of lifecycle operations does not count.
    """
    with database.reading() as session:
        connection = session.connection()
        names = [name for name in data_tables(connection) if name != LOCK]
        metadata = MetaData()
        metadata.reflect(connection, only=names)
        return not any(
            session.execute(select(metadata.tables[name]).limit(1)).first() is not None
            for name in names
        )


def restore(
    runtime: Runtime, path: Path, *, replace: bool = False, progress: FillProgress | None = None
) -> Contents | None:
    """Bring a copy back and return what it held.

    The tables come into the state of migration that the copy has; ``abah db upgrade`` goes on from
    there. What is refused or broken off, by whatever, has changed nothing. No lifecycle operation
    can run meanwhile.

    :raises LockedError: one is running; all would be exchanged under it.
    :raises NotEmptyError: the database holds data and ``replace`` is not set.
    :raises PortableFileError: the file is no copy, or damaged.
    :raises RestoreError: it needs a plugin or a revision that is not here, or another secret key.
    """
    database = runtime.database
    with database.reading() as session:
        known = has_tables(session)
    # An empty database has no table yet that could hold the lock, and nothing to install into.
    with lifecycle_lock(database, "restore") if known else nullcontext():
        if not replace and not is_empty(database):
            raise NotEmptyError
        return _restore(runtime, path, progress or (lambda _table, _rows: None))


def _restore(runtime: Runtime, path: Path, progress: FillProgress) -> Contents | None:
    if is_sqlite_file(path):
        restore_file(runtime, path, lambda revisions: targets(runtime, revisions))
        return None
    contents = read_contents(path)
    wanted = targets(runtime, contents.revisions)
    check_key(fits=contents.key_check in {"", key_check(runtime)})
    # One transaction for everything, on either kind of database: whatever fails, and if it is the
    # process that is killed, the old data are still there.
    with migrating(runtime.database) as connection:
        present = present_number(connection)
        _drop_everything(connection)
        for owner, revision in wanted:
            upgrade_within(connection, owner, revision)
        names = [name for name in contents.rows if name != LOCK]
        fill_tables(connection, path, contents, names, progress)
        with Session(bind=connection) as session, session.begin():
            # Whoever still runs on the old data has to start again.
            raise_registry(session, above=present)
    return contents


def targets(runtime: Runtime, revisions: Mapping[str, str]) -> list[tuple[Owner, str]]:
    """Find the owner of each version table, in an order in which they can be migrated.

    :raises RestoreError: one of them, or its revision, is not here.
    """
    known = {owner.version_table: owner for owner in owners(runtime)}
    found = []
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
        if not has_revision(owner, revision):
            raise RestoreError(
                _(
                    "Salinan dibuat dengan ${name} yang lebih baru "
                    "(revisi ${revision} tidak dikenal). Perbarui dahulu.",
                    mapping={"name": owner.name, "revision": revision},
                )
            )
        found.append((owner, revision))
    # The core first, then plugins after what they depend on.
    order = [owner.name for owner in _in_load_order(runtime)]
    return sorted(found, key=lambda target: order.index(target[0].name))


def _in_load_order(runtime: Runtime) -> list[Owner]:
    manifests = [p.manifest for p in discover(runtime.settings).values() if p.manifest is not None]
    plan = resolve(manifests)
    rest = [manifest for manifest in manifests if manifest.name in plan.problems]
    return [CORE_OWNER, *map(owner_of, plan.order), *map(owner_of, rest)]


def _drop_everything(connection: Connection) -> None:
    drop_search_indexes(connection)
    metadata = MetaData()
    metadata.reflect(connection)
    metadata.drop_all(connection)
