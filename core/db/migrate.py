"""One migration runner for the core and every plugin.

Each owner has its own history (a folder of revisions), its own version table, and its own table
prefix, so that a plugin that vanished stops nobody else. On SQLite foreign keys are off while a
migration runs, because its batch mode rebuilds tables and would delete children by cascade, and are
checked before the commit.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

from alembic import command, context
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.script.revision import RevisionError
from alembic.util import CommandError
from sqlalchemy import Connection, MetaData, Table, TypeDecorator, inspect, text

from core.db.base import Base, UTCDateTime, owner_of_table
from core.db.database import Database
from core.errors import AbahError
from core.i18n import _, plain

__all__ = [
    "MAX_REVISION_LENGTH",
    "MigrationError",
    "Owner",
    "current_revision",
    "downgrade",
    "drift",
    "drop_owner",
    "drop_owner_within",
    "drop_search_indexes",
    "has_revision",
    "head_revision",
    "make_revision",
    "migrating",
    "next_revision_id",
    "owned_tables",
    "pending_revisions",
    "revision_problems",
    "script_directory",
    "search_index_tables",
    "upgrade",
    "upgrade_within",
]

MAX_REVISION_LENGTH: Final = 32
"""PostgreSQL refuses longer ids in Alembic's version table; SQLite hides it."""

FTS5_SHADOWS: Final = ("config", "content", "data", "docsize", "idx")
"""Endings of the tables that SQLite keeps behind a full-text index."""

Before = Callable[[str], None]
"""Told the id of a revision."""

ENVIRONMENT: Final = Path(__file__).parent / "alembic"


class MigrationError(AbahError):
    """A migration cannot run, or left rows that point nowhere."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose history it is."""

    name: str
    """``core`` or the plugin's name."""
    versions: Path
    """Folder of its revisions; it may be missing when the owner has no tables."""

    @property
    def prefix(self) -> str:
        """What its table names begin with."""
        return "abah" if self.name == "core" else self.name

    @property
    def version_table(self) -> str:
        """Name of its own version table."""
        return f"{self.prefix}_alembic_version"

    @property
    def has_history(self) -> bool:
        """Tell whether there is at least one revision."""
        return self.versions.is_dir() and any(self.versions.glob("[!_]*.py"))


def upgrade(
    database: Database,
    owner: Owner,
    target: str = "head",
    *,
    owners: frozenset[str] = frozenset(),
    before: Before | None = None,
) -> None:
    """Bring an owner's tables to ``target``. An owner without history needs nothing.

    All revisions are one transaction on either kind of database. ``owners`` names everybody who may
    own a table: the longest prefix decides whose it is. ``before`` is told each revision before it
    runs.

    :raises MigrationError: a revision failed, or touched tables of somebody else.
    """
    if owner.has_history:
        with migrating(database) as connection:
            upgrade_within(connection, owner, target, owners=owners, before=before)


def upgrade_within(
    connection: Connection,
    owner: Owner,
    target: str,
    *,
    owners: frozenset[str] = frozenset(),
    before: Before | None = None,
) -> None:
    """Do the same inside the transaction of :func:`migrating`; nothing is committed here."""
    if not owner.has_history:
        return
    waiting = [revision for revision, _title in pending_revisions(connection, owner, target)]
    config = _config(owner, connection)
    tables = set(inspect(connection).get_table_names())

    def tell() -> None:
        if before is not None and waiting:
            before(waiting[0])

    def applied(**_facts: Any) -> None:
        waiting.pop(0)
        tell()

    config.attributes["applied"] = applied
    tell()
    try:
        command.upgrade(config, target)
    except AbahError:
        raise
    except (Exception, SystemExit) as error:
        raise _broken_revision(owner, waiting[0] if waiting else target, error) from error
    changed = tables ^ set(inspect(connection).get_table_names())
    known = owners | {owner.name}
    foreign = sorted(name for name in changed if owner_of_table(name, known) != owner.name)
    if foreign:
        text = _(
            "Migrasi ${owner} membuat atau menghapus tabel ${table}, yang bukan miliknya. "
            "Tidak ada yang diubah. Beri tabelnya nama yang diawali ${prefix}_, lalu ulangi.",
            mapping={"owner": owner.name, "table": foreign[0], "prefix": owner.prefix},
        )
        raise MigrationError(text)


def _broken_revision(owner: Owner, revision: str, error: BaseException) -> MigrationError:
    cause = getattr(error, "orig", None) or error
    reason = (str(cause).strip() or type(cause).__name__).splitlines()[0]
    return MigrationError(
        _(
            "Migrasi ${revision} dari ${owner} gagal: ${reason}. Tabelnya tetap seperti sebelum "
            "operasi ini. Perbaiki migrasi itu atau pasang versi yang sudah benar, lalu ulangi.",
            mapping={"revision": revision, "owner": owner.name, "reason": reason},
        )
    )


def downgrade(database: Database, owner: Owner, target: str) -> None:
    """Take an owner's tables back to ``target`` (``base`` removes them)."""
    if owner.has_history:
        with migrating(database) as connection:
            command.downgrade(_config(owner, connection), target)


def current_revision(connection: Connection, owner: Owner) -> str | None:
    """Return the revision that the database has, or None."""
    migration = MigrationContext.configure(connection, opts={"version_table": owner.version_table})
    return migration.get_current_revision()


def head_revision(owner: Owner) -> str | None:
    """Return the newest revision that the code has, or None.

    :raises MigrationError: its history cannot be read.
    """
    return script_directory(owner).get_current_head() if owner.has_history else None


def has_revision(owner: Owner, revision: str) -> bool:
    """Tell whether the code knows a revision.

    :raises MigrationError: its history cannot be read.
    """
    if not owner.has_history:
        return False
    try:
        return script_directory(owner).get_revision(revision) is not None
    except CommandError:
        return False


def pending_revisions(
    connection: Connection, owner: Owner, target: str = "head"
) -> list[tuple[str, str]]:
    """List (id, title) of the revisions that an upgrade would run, in order.

    :raises MigrationError: the history cannot be read, or the database has a revision that the code
        does not know.
    """
    if not owner.has_history:
        return []
    current = current_revision(connection, owner)
    history = script_directory(owner)
    try:
        scripts = list(history.iterate_revisions(target, current or "base"))
    except (CommandError, RevisionError) as error:
        text = _(
            "Tabel milik ${owner} berada pada revisi ${revision}, yang tidak dikenal kode ini. "
            "Pasang kode yang lebih baru, atau pulihkan salinan yang sesuai.",
            mapping={"owner": owner.name, "revision": current or "-"},
        )
        raise MigrationError(text) from error
    return [(script.revision, script.doc) for script in reversed(scripts)]


def script_directory(owner: Owner) -> ScriptDirectory:
    """Read an owner's history as it lies in its folder.

    :raises MigrationError: it cannot be read, or is not one line of revisions.
    """
    try:
        scripts = ScriptDirectory.from_config(_config(owner, None))
        scripts.get_current_head()
    except (Exception, SystemExit) as error:
        raise _unreadable(owner, error) from error
    return scripts


def _unreadable(owner: Owner, error: BaseException) -> MigrationError:
    """Name the file that raised; the folder where it is about several of them."""
    frames = traceback.extract_tb(error.__traceback__)
    files = [Path(frame.filename) for frame in frames]
    if isinstance(error, SyntaxError) and error.filename:
        files.append(Path(error.filename))
    own = [file for file in files if file.parent == owner.versions]
    reason = (str(error).strip() or "-").splitlines()[0]
    return MigrationError(
        _(
            "Riwayat migrasi ${owner} tidak dapat dibaca: ${file}: ${reason}. Perbaiki migrasi itu "
            "atau pasang versi yang sudah benar, lalu ulangi.",
            mapping={
                "owner": owner.name,
                "file": str(own[-1] if own else owner.versions),
                "reason": f"{type(error).__name__}: {reason.rstrip('.')}",
            },
        )
    )


def next_revision_id(owner: Owner, message: str) -> str:
    """Make a readable id that fits, as ``hibah_0003_tranches``."""
    number = 1
    if owner.has_history:
        number += sum(1 for _revision in script_directory(owner).walk_revisions())
    words = re.sub(r"[^a-z0-9]+", "_", message.lower()).strip("_") or "change"
    return f"{owner.prefix}_{number:04}_{words}"[:MAX_REVISION_LENGTH].rstrip("_")


def revision_problems(owner: Owner) -> list[str]:
    """List what is wrong with an owner's history itself, one line each."""
    if not owner.has_history:
        return []
    try:
        scripts = script_directory(owner)
    except MigrationError as error:
        return [plain(error.explanation)]
    problems = [
        f"revision {script.revision} must begin with {owner.prefix}_ and lie in a file of its name"
        for script in scripts.walk_revisions()
        if Path(script.path).stem != script.revision
        or not script.revision.startswith(f"{owner.prefix}_")
    ]
    problems += [
        f"revision {script.revision} is longer than {MAX_REVISION_LENGTH} characters"
        for script in scripts.walk_revisions()
        if len(script.revision) > MAX_REVISION_LENGTH
    ]
    return problems


def make_revision(database: Database, owner: Owner, message: str, revision_id: str) -> Path:
    """Write a revision that brings the history up to the models.

    :raises MigrationError: the id is too long for PostgreSQL, or not readable.
    """
    if len(revision_id) > MAX_REVISION_LENGTH or not re.fullmatch(r"[a-z0-9_]+", revision_id):
        raise MigrationError(
            _(
                "Nama revisi ${revision} tidak dapat dipakai: paling panjang 32 huruf kecil, "
                "angka, atau garis bawah.",
                mapping={"revision": revision_id},
            )
        )
    owner.versions.mkdir(parents=True, exist_ok=True)
    with migrating(database) as connection:
        script = command.revision(
            _config(owner, connection), message=message, autogenerate=True, rev_id=revision_id
        )
    if script is None or isinstance(script, list):
        raise MigrationError
    plain = owner.versions / f"{revision_id}.py"
    Path(script.path).rename(plain)
    lines = plain.read_text(encoding="utf-8").splitlines(keepends=True)
    plain.write_text("".join(line for line in lines if "# ###" not in line), encoding="utf-8")
    return plain


def drift(database: Database, owner: Owner, owners: frozenset[str]) -> list[str]:
    """List where an owner's models and the migrated database differ, one line each."""
    with database.engine.connect() as connection:
        migration = MigrationContext.configure(
            connection,
            opts={
                "target_metadata": Base.metadata,
                "include_object": _filter(owner, owners, search_index_tables(connection)),
                "compare_type": _compare_type,
                "version_table": owner.version_table,
            },
        )
        return [_describe(change) for change in compare_metadata(migration, Base.metadata)]


def owned_tables(connection: Connection, owner: Owner, owners: frozenset[str]) -> list[str]:
    """List the tables that the database holds for an owner, its version table included."""
    names = inspect(connection).get_table_names()
    return sorted(name for name in names if owner_of_table(name, owners) == owner.name)


def search_index_tables(connection: Connection) -> frozenset[str]:
    """Name SQLite's search indexes (virtual tables) and the tables it keeps behind them."""
    if connection.dialect.name != "sqlite":
        return frozenset()
    virtual = _virtual_tables(connection)
    shadows = {f"{name}_{part}" for name in virtual for part in FTS5_SHADOWS}
    return frozenset({*virtual, *shadows})


def drop_search_indexes(connection: Connection) -> None:
    """Drop every search index of SQLite; the tables behind them go too."""
    _drop_virtual(connection, _virtual_tables(connection))


def _drop_virtual(connection: Connection, names: Sequence[str]) -> None:
    for name in names:
        connection.execute(text(f'DROP TABLE "{name}"'))


def _virtual_tables(connection: Connection) -> list[str]:
    if connection.dialect.name != "sqlite":
        return []
    query = "SELECT name FROM sqlite_master WHERE sql LIKE 'CREATE VIRTUAL TABLE%' ORDER BY name"
    return list(connection.scalars(text(query)))


def drop_owner(database: Database, owner: Owner, owners: frozenset[str]) -> list[str]:
    """Drop every table of an owner, also when its code is gone, and return their names."""
    with migrating(database) as connection:
        return drop_owner_within(connection, owner, owners)


def drop_owner_within(connection: Connection, owner: Owner, owners: frozenset[str]) -> list[str]:
    """Do the same inside the transaction of :func:`migrating`; nothing is committed here."""
    indexes = [
        name for name in _virtual_tables(connection) if owner_of_table(name, owners) == owner.name
    ]
    _drop_virtual(connection, indexes)
    names = owned_tables(connection, owner, owners)
    found = MetaData()
    found.reflect(connection, only=names)
    found.drop_all(connection, tables=[found.tables[name] for name in names])
    return [*indexes, *names]


def run_environment() -> None:
    """Answer to Alembic's env.py: configure it for the owner at hand and run."""
    config = context.config
    owner: Owner = config.attributes["owner"]
    connection: Connection = config.attributes["connection"]
    applied: Callable[..., None] | None = config.attributes.get("applied")
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        version_table=owner.version_table,
        include_object=_filter(owner, config.attributes["owners"], search_index_tables(connection)),
        compare_type=_compare_type,
        render_as_batch=True,
        render_item=partial(_render_item, owner),
        transactional_ddl=True,
        on_version_apply=applied,
    )
    with context.begin_transaction():
        context.run_migrations()


def _config(owner: Owner, connection: Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(ENVIRONMENT))
    config.set_main_option("version_locations", str(owner.versions))
    config.set_main_option("path_separator", "newline")
    config.attributes.update(
        owner=owner,
        connection=connection,
        owners=frozenset({_prefix_owner(name) for name in Base.metadata.tables}) | {owner.name},
    )
    return config


def _prefix_owner(table: str) -> str:
    # Only used while generating: the first word of a table is its owner, longer names come
    # explicitly.
    return "core" if table.startswith("abah_") else table.split("_", 1)[0]


@contextmanager
def migrating(database: Database) -> Iterator[Connection]:
    """Give a connection in one transaction; on SQLite without foreign keys until the end.

    :raises MigrationError: the block left rows of SQLite that point nowhere; nothing is kept then.
    """
    with database.engine.connect() as connection:
        sqlite = database.dialect == "sqlite"
        raw: Any = connection.connection.dbapi_connection
        if sqlite:
            # Outside a transaction, or SQLite ignores it.
            raw.execute("PRAGMA foreign_keys=OFF")
        try:
            with connection.begin():
                yield connection
                if sqlite:
                    _check_foreign_keys(connection)
        finally:
            if sqlite:
                raw.execute("PRAGMA foreign_keys=ON")


def _check_foreign_keys(connection: Connection) -> None:
    orphans = connection.execute(text("PRAGMA foreign_key_check")).all()
    if orphans:
        tables = ", ".join(sorted({str(row[0]) for row in orphans}))
        raise MigrationError(
            _(
                "Migrasi dibatalkan: baris di tabel ${tables} menunjuk ke data yang tidak ada.",
                mapping={"tables": tables},
            )
        )


def _filter(owner: Owner, owners: frozenset[str], hidden: frozenset[str]) -> Any:
    def include(item: Any, name: str | None, kind: str, _reflected: bool, _other: Any) -> bool:  # noqa: FBT001
        table = item if kind == "table" else getattr(item, "table", None)
        label = table.name if isinstance(table, Table) else (name or "")
        if label.endswith("_alembic_version") or label in hidden:
            return False
        return owner_of_table(label, owners) == owner.name

    return include


def _compare_type(
    _context: Any, _inspected: Any, _metadata: Any, _inspected_type: Any, metadata_type: Any
) -> bool | None:
    # The decorator is a plain timestamp in the database; nothing to compare.
    return False if isinstance(metadata_type, UTCDateTime) else None


def _render_item(owner: Owner, kind: str, item: Any, autogen: Any) -> str | Literal[False]:
    """Write column types so that a revision needs no model: they change, a revision does not."""
    if kind == "type" and isinstance(item, UTCDateTime):
        room = "core.db" if owner.name == "core" else "core.api.db"
        autogen.imports.add(f"from {room} import UTCDateTime")
        return "UTCDateTime()"
    if kind == "type" and isinstance(item, TypeDecorator):
        return f"sa.{item.impl_instance!r}"
    return False


def _describe(change: Any) -> str:
    """Say in one short line what Alembic found; a list holds changes of one column."""
    if isinstance(change, list):
        return "; ".join(map(_describe, change))
    kind, *rest = change
    names = [str(getattr(item, "name", item)) for item in rest if item is not None]
    tables = (getattr(item, "table", None) for item in rest)
    table = next((found.name for found in tables if found is not None), "")
    return " ".join([kind, *([table] if table and table not in names else []), *names[:4]])
