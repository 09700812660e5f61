"""Uninstalling: what would go, what stays, and the purge that leaves nothing behind.

The plugin's tables, settings and texts are exported. They stay, and a later install finds them
again, unless it is a purge: then they are dropped after the export, which is never skipped.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import delete, func, select, text
from sqlalchemy.orm import Session
from sqlalchemy.schema import MetaData

from core.db import utcnow
from core.db.migrate import Owner, drop_owner, owned_tables
from core.errors import AbahError
from core.framework.datafiles import current_data, forget_data, stored_data
from core.framework.discovery import discover
from core.framework.health import forget_health
from core.framework.importing import DATA, LOADED, SETTINGS, owner_names
from core.framework.journal import Operation, Unfinished, unfinished
from core.framework.lifecycle import DependentsError, Lifecycle, NotInstalledError
from core.framework.lock import lifecycle_lock
from core.framework.manifest import Manifest
from core.framework.models import LoadedData, PluginRow, PluginState, StoredSetting
from core.framework.portable import (
    VERSION_SUFFIX,
    Contents,
    data_tables,
    dump_tables,
    key_check,
    read_contents,
)
from core.framework.registry import raise_registry
from core.framework.runtime import Runtime
from core.framework.schedules import forget_schedules
from core.framework.steps import export_owner, forget_owner
from core.framework.stored import forget_settings
from core.i18n import _

__all__ = [
    "ExportExistsError",
    "ExportFolderError",
    "ExportOutdatedError",
    "PurgeRefusedError",
    "RemovalPreview",
    "export_file",
    "preview_removal",
    "tables_of",
    "uninstall",
]

STORED: Final = frozenset(
    {
        PluginState.INSTALLED,
        PluginState.DISABLED,
        PluginState.FAILED,
        PluginState.INSTALLING,
        PluginState.UPGRADING,
        PluginState.REMOVING,
    }
)


class PurgeRefusedError(AbahError):
    """The plugin's manifest says that its data must never be dropped."""

    def __init__(self, plugin: str) -> None:
        """Name it."""
        self.plugin = plugin
        super().__init__(
            _(
                "Data plugin ${name} tidak boleh dihapus menurut manifesnya. "
                "Lepas tanpa --purge; datanya tetap tersimpan.",
                mapping={"name": plugin},
            )
        )


class ExportExistsError(AbahError):
    """The file that an export would become is there already."""

    def __init__(self, path: Path) -> None:
        """Name it."""
        self.path = path
        super().__init__(
            _("Berkas ${file} sudah ada. Pakai nama lain.", mapping={"file": str(path)})
        )


class ExportFolderError(AbahError):
    """No export can be written to a folder."""

    def __init__(self, folder: Path) -> None:
        """Name it."""
        self.folder = folder
        super().__init__(
            _(
                "Ekspor tidak dapat ditulis ke ${folder}. Tidak ada yang diubah. Beri izin tulis, "
                "atau tentukan tempat lain dengan --export atau pengaturan abah.exports.",
                mapping={"folder": str(folder)},
            )
        )


class ExportOutdatedError(AbahError):
    """Rows were written after the export, and nothing has been dropped."""

    def __init__(self, plugin: str) -> None:
        """Name the plugin."""
        self.plugin = plugin
        super().__init__(
            _(
                "Data plugin ${name} masih berubah setelah diekspor. Tidak ada yang dihapus. "
                "Lanjutkan dengan abah plugins resume: datanya diekspor lagi lebih dahulu.",
                mapping={"name": plugin},
            )
        )


@dataclass(frozen=True, slots=True)
class RemovalPreview:
    """What an uninstall would mean."""

    plugin: str
    warning: str
    """The manifest's own words, or empty."""
    dependents: tuple[str, ...]
    """Plugins that have to go first; the uninstall is refused while there are any."""
    rows: Mapping[str, int]
    """Its tables with their rows; kept unless it is purged."""
    data_rows: int
    """Rows that its data files loaded into other tables; purged with it."""
    settings: int
    may_purge: bool

    @property
    def empty(self) -> bool:
        """Whether there is nothing of it to keep."""
        rows = (count for table, count in self.rows.items() if not table.endswith(VERSION_SUFFIX))
        return not (any(rows) or self.data_rows or self.settings)


def preview_removal(runtime: Runtime, name: str) -> RemovalPreview:
    """Tell what an uninstall of ``name`` would mean; nothing is changed.

    Works also for a plugin whose code is gone.

    :raises NotInstalledError: nothing of it is here, not even an operation that was broken off.
    """
    manifest = _manifest(runtime, name)
    owners = owner_names(runtime)
    with runtime.database.reading() as session:
        row = session.get(PluginRow, name)
        connection = session.connection()
        tables = owned_tables(connection, _owner(name, manifest), owners | {name})
        if row is None and not tables and not _announced(session, name):
            raise NotInstalledError(name)
        return RemovalPreview(
            plugin=name,
            warning=manifest.removal.warning if manifest else "",
            dependents=Lifecycle(runtime).needing(name, STORED),
            rows=_count_rows(session, tables),
            data_rows=_count(session, LoadedData, name),
            settings=_count(session, StoredSetting, name),
            may_purge=manifest is None or manifest.removal.purge,
        )


def tables_of(runtime: Runtime, name: str) -> list[str]:
    """Name the tables that a plugin has in the database now."""
    owner, owners = _owner(name, _manifest(runtime, name)), owner_names(runtime) | {name}
    with runtime.database.reading() as session:
        tables = owned_tables(session.connection(), owner, owners)
    return [table for table in tables if not table.endswith(VERSION_SUFFIX)]


def uninstall(  # noqa: PLR0913 - what somebody decides, by name
    runtime: Runtime,
    name: str,
    *,
    actor: str = "",
    export_to: Path | None = None,
    purge: bool = False,
    resumed: Unfinished | None = None,
) -> Contents | None:
    """Take a plugin out, and export its data to a file; a ``purge`` drops them afterwards.

    Returns what the export holds, or None where there is none. What the plugin caused in the core's
    own tables (messages, audit) stays. ``resumed`` is an uninstall that was broken off and is
    carried on.

    :raises ValueError: a purge without a file to export to.
    :raises NotInstalledError: nothing of it is here.
    :raises DependentsError: other plugins need it.
    :raises PurgeRefusedError: its manifest forbids it.
    :raises ExportExistsError: there is a file of that name already.
    :raises ExportFolderError: no file can be written there.
    :raises ExportOutdatedError: rows were written during a purge; it can be resumed.
    :raises LockedError: another operation is running.
    """
    if purge and export_to is None:
        message = "a purge exports first"
        raise ValueError(message)
    database = runtime.database
    contents = None
    with lifecycle_lock(database, f"uninstall {name}"):
        # Decided only now: until it is alone others may install what needs it.
        preview = _not_refused(runtime, name, purge=purge)
        if export_to is not None and resumed is None:
            _refuse_unwritable(export_to)
        operation = Operation(database, name, "uninstall", actor)
        done = () if resumed is None else resumed.done
        export = "" if export_to is None else str(export_to.absolute())
        with operation.whole(purge=purge, export=export, done=done):
            with operation.step("retire"), database.writing() as session:
                # First every process lets go of it, so that nothing writes to tables that are about
                # to vanish.
                _retire(session, name)
            if export_to is not None and "forget" not in done:
                with operation.step("export", file=export):
                    contents = _export_once(runtime, preview, export_to, anew=resumed is None)
            if purge:
                _purge(runtime, name, operation, contents)
            with operation.step("mark"), database.writing() as session:
                session.execute(delete(PluginRow).where(PluginRow.name == name))
                forget_schedules(session, name)
                forget_health(session, name)
                raise_registry(session)
    return contents


def _not_refused(runtime: Runtime, name: str, *, purge: bool) -> RemovalPreview:
    preview = preview_removal(runtime, name)
    if preview.dependents:
        raise DependentsError(name, preview.dependents)
    if purge and not preview.may_purge:
        raise PurgeRefusedError(name)
    return preview


def _purge(runtime: Runtime, name: str, operation: Operation, exported: Contents | None) -> None:
    """Drop what the plugin has; ``exported`` is None where a purge before has begun to."""
    owner, owners = _owner(name, _manifest(runtime, name)), owner_names(runtime) | {name}
    # Noted in the same transaction: an export written after it would be hollow.
    with operation.step_with_end("forget") as finish:
        _forget_queues(runtime, name)
        with runtime.database.writing() as session:
            if exported is not None:
                _refuse_others(
                    session, name, owned_tables(session.connection(), owner, owners), exported
                )
            _forget(session, name)
            finish(session)
    with operation.step("drop"):
        drop_owner(runtime.database, owner, owners)


def _refuse_others(session: Session, name: str, tables: Sequence[str], exported: Contents) -> None:
    """Refuse to drop rows that came after the export, from a process that had not let go yet."""
    connection = session.connection()
    if connection.dialect.name == "postgresql" and tables:
        # Whoever writes is waited for, and nobody begins to.
        quote = connection.dialect.identifier_preparer.quote
        session.execute(text(f"LOCK TABLE {', '.join(map(quote, tables))} IN SHARE MODE"))
    counted = _count_rows(session, [table for table in tables if table in exported.rows])
    if counted != dict(exported.rows):
        raise ExportOutdatedError(name)


def _export_once(runtime: Runtime, preview: RemovalPreview, path: Path, *, anew: bool) -> Contents:
    """Export, unless an earlier start of the same uninstall has.

    A file appears under its name when it is complete; with rows that came later it is written anew.
    """
    if path.exists():
        if anew:
            raise ExportExistsError(path)
        contents = read_contents(path)
        if contents.plugin != preview.plugin:
            raise ExportExistsError(path)
        if all(preview.rows.get(table) == count for table, count in contents.rows.items()):
            return contents
    return _export(runtime, preview, path)


def export_file(runtime: Runtime, name: str) -> Path:
    """Name a new file for the export of a plugin, in the folder that the deployment has for them.

    ``abah.exports``; else the working folder.
    """
    folder = Path(runtime.settings.text("abah.exports") or ".")
    return (folder / f"{name}-{utcnow():%Y%m%d-%H%M%S}.zip").absolute()


def _refuse_unwritable(path: Path) -> None:
    """Make the folder of an export, or refuse it before anything has changed."""
    if path.exists():
        raise ExportExistsError(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ExportFolderError(path.parent) from error
    if not os.access(path.parent, os.W_OK):
        raise ExportFolderError(path.parent)


def _announced(session: Session, name: str) -> bool:
    return any(one.plugin == name for one in unfinished(session))


def _retire(session: Session, name: str) -> None:
    row = session.get(PluginRow, name)
    if row is not None:
        row.state = PluginState.REMOVING
    raise_registry(session)


def _forget(session: Session, name: str) -> None:
    forget_data(session, name)
    forget_settings(session, name)
    forget_owner(session, name)


def _forget_queues(runtime: Runtime, name: str) -> None:
    from core.jobs.runner import Jobs  # noqa: PLC0415 - dramatiq is slow to import

    with runtime.database.reading() as session:
        row = session.get(PluginRow, name)
        queues = [] if row is None else row.adds.get("queues", [])
    runtime.component(Jobs).forget_queues(name, queues)


def _export(runtime: Runtime, preview: RemovalPreview, path: Path) -> Contents:
    """Export the plugin's tables, and what it has in tables of the core as files to read."""
    with runtime.database.reading() as session:
        holding = set(data_tables(session.connection()))
        tables = [name for name in preview.rows if name in holding]
        row = session.get(PluginRow, preview.plugin)
        manifest = _manifest(runtime, preview.plugin)
        version = row.version if row is not None else manifest.version if manifest else ""
        stored = session.execute(
            select(StoredSetting.key, StoredSetting.value, StoredSetting.is_secret).where(
                StoredSetting.owner == preview.plugin
            )
        )
        extra = {
            SETTINGS: [row._asdict() for row in stored],
            DATA: current_data(session, preview.plugin),
            LOADED: stored_data(session, preview.plugin),
            **export_owner(session, preview.plugin),
        }
    return dump_tables(
        runtime.database,
        path,
        tables=tables,
        key_check=key_check(runtime),
        plugin=(preview.plugin, version),
        extra=extra,
    )


def _manifest(runtime: Runtime, name: str) -> Manifest | None:
    plugin = discover(runtime.settings).get(name)
    return None if plugin is None else plugin.manifest


def _owner(name: str, manifest: Manifest | None) -> Owner:
    return Owner(name, manifest.migrations if manifest else Path())


def _count_rows(session: Session, tables: list[str]) -> dict[str, int]:
    connection = session.connection()
    metadata = MetaData()
    metadata.reflect(connection, only=tables)
    counted = {}
    for name in tables:
        # One short query per table of one plugin; the number of tables does not grow with data.
        table = metadata.tables[name]
        counted[name] = session.scalar(select(func.count()).select_from(table)) or 0
    return counted


def _count(session: Session, model: type[LoadedData | StoredSetting], owner: str) -> int:
    statement = select(func.count()).select_from(model).where(model.owner == owner)
    return session.scalar(statement) or 0
