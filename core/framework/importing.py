"""Reading the export of an uninstall back when its plugin is installed again.

The tables are made as they were when the export was written, filled, and only then migrated to the
present version, so that an old export passes through the same migrations as an old database. Making
and filling is one transaction that also notes its own end in the journal: after a kill either all
of it is there, or nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from packaging.version import InvalidVersion, Version
from sqlalchemy import Connection, MetaData, func, select
from sqlalchemy.orm import Session

from core.db.base import owner_of_table
from core.db.migrate import (
    drop_owner_within,
    has_revision,
    migrating,
    owned_tables,
    upgrade_within,
)
from core.errors import AbahError
from core.framework.datafiles import Values, load_plugin_data, put_back_data
from core.framework.discovery import discover
from core.framework.filling import FillProgress, fill_tables
from core.framework.manifest import Manifest
from core.framework.models import LoadedData, StoredSetting
from core.framework.planning import owner_of
from core.framework.portable import (
    VERSION_SUFFIX,
    Contents,
    PortableFileError,
    RestoreError,
    check_key,
    key_check,
    read_contents,
    read_json,
)
from core.framework.registry import plugin_rows
from core.framework.runtime import Runtime
from core.i18n import TranslationString, _

__all__ = [
    "DATA",
    "LOADED",
    "SETTINGS",
    "DataExistError",
    "Export",
    "ExportRefusedError",
    "load_data",
    "load_export",
    "owner_names",
    "read_export",
    "refuse_data",
]

SETTINGS: Final = "settings.json"
DATA: Final = "data.json"
LOADED: Final = "loaded.json"
"""Files of an export beside its tables: settings, what the rows of data files held, and what their
files had said."""


class ExportRefusedError(RestoreError):
    """An export of another plugin, or of a version that is not here."""


class DataExistError(AbahError):
    """The plugin has data here already, among which an export would be mixed."""

    def __init__(self, plugin: str, where: str) -> None:
        """Name a table that holds some."""
        self.where = where
        super().__init__(
            _(
                "Plugin ${name} sudah punya data di sini (${where}), sehingga ekspor tidak dimuat. "
                "Pasang tanpa --from, atau lepas dahulu dengan: "
                "abah plugins uninstall ${name} --purge",
                mapping={"name": plugin, "where": where},
            )
        )


@dataclass(frozen=True, slots=True)
class Export:
    """An export that fits a plugin whose code is here."""

    path: Path
    contents: Contents
    revision: str | None
    """Revision at which its tables were; None for a plugin without tables."""
    settings: Sequence[Mapping[str, Any]] = ()
    """Rows of its settings."""
    loaded: Sequence[Mapping[str, Any]] = ()
    """What its data files had said, by row."""
    data: Mapping[str, Mapping[str, Values]] = field(default_factory=dict)
    """What those rows held, by kind and external id."""

    @property
    def rows(self) -> Mapping[str, int]:
        """Its tables with their rows."""
        return self.contents.rows


def read_export(runtime: Runtime, path: Path, manifest: Manifest) -> Export:
    """Look at an export before anything is changed for it.

    :raises PortableFileError: the file is no copy, or damaged.
    :raises ExportRefusedError: it is of another plugin, or newer than the code.
    :raises RestoreError: its secrets could not be read here.
    """
    contents = read_contents(path)
    name = manifest.name
    if contents.plugin != name:
        raise ExportRefusedError(_whose(path, contents, name))
    owner = owner_of(manifest)
    revision = contents.revisions.get(owner.version_table)
    if _newer(contents.version, manifest.version) or not (
        revision is None or has_revision(owner, revision)
    ):
        text = _(
            "Berkas ${file} diekspor dari plugin ${name} versi ${version} (revisi ${revision}), "
            "lebih baru daripada versi ${here} yang ada di sini. Pasang dahulu kode versi itu.",
            mapping={
                "file": path.name,
                "name": name,
                "version": contents.version or "-",
                "revision": revision or "-",
                "here": manifest.version,
            },
        )
        raise ExportRefusedError(text)
    owners = owner_names(runtime) | {name}
    foreign = sorted(table for table in contents.rows if owner_of_table(table, owners) != name)
    if foreign:
        text = _(
            "Berkas ${file} berisi tabel ${table}, yang bukan milik plugin ${name}. "
            "Tidak ada yang dimuat; pakai berkas yang dibuat oleh abah plugins uninstall.",
            mapping={"file": path.name, "table": foreign[0], "name": name},
        )
        raise ExportRefusedError(text)
    check_key(fits=contents.key_check in {"", key_check(runtime)})
    return Export(path, contents, revision, *_members(path))


def refuse_data(runtime: Runtime, manifest: Manifest) -> None:
    """Refuse a plugin that has data here.

    :raises DataExistError: it has.
    """
    with runtime.database.reading() as session:
        _refuse_data(session, manifest, owner_names(runtime))


def load_export(
    runtime: Runtime,
    export: Export,
    manifest: Manifest,
    *,
    finish: Callable[[Session], None],
    progress: FillProgress,
) -> None:
    """Make the plugin's tables as they were, fill them, and store its settings: all or nothing.

    ``finish`` is called with the session before the end, to note it.

    :raises DataExistError: the plugin has data here.
    :raises PortableFileError: the copy is damaged, or names rows that are not here.
    """
    owner, owners = owner_of(manifest), owner_names(runtime)
    with (
        migrating(runtime.database) as connection,
        Session(bind=connection) as session,
        session.begin(),
    ):
        _refuse_data(session, manifest, owners)
        # What is left is empty, and perhaps of another version.
        drop_owner_within(connection, owner, owners)
        if export.revision is not None:
            upgrade_within(connection, owner, export.revision, owners=owners)
        fill_tables(connection, export.path, export.contents, list(export.rows), progress)
        session.add_all(StoredSetting(owner=manifest.name, **one) for one in export.settings)
        finish(session)


def load_data(session: Session, export: Export, manifest: Manifest) -> None:
    """Put back what the plugin's data files had brought, edits included, then load the files.

    :raises DataFileError: a file is wrong.
    """
    put_back_data(session, manifest.name, export.loaded, export.data)
    load_plugin_data(session, manifest)


def owner_names(runtime: Runtime) -> frozenset[str]:
    """Name everybody who may own a table, so that the longest prefix decides."""
    with runtime.database.reading() as session:
        known = set(plugin_rows(session))
    return frozenset(known | set(discover(runtime.settings)))


def _whose(path: Path, contents: Contents, name: str) -> TranslationString:
    if not contents.plugin:
        return _(
            "Berkas ${file} adalah salinan seluruh basis data, bukan ekspor plugin ${name}. "
            "Pulihkan dengan: abah db restore ${file}",
            mapping={"file": path.name, "name": name},
        )
    return _(
        "Berkas ${file} berisi data plugin ${other}, bukan plugin ${name}. "
        "Pilih berkas lain, atau jalankan: abah plugins install ${other} --from ${file}",
        mapping={"file": path.name, "other": contents.plugin, "name": name},
    )


def _newer(there: str, here: str) -> bool:
    try:
        return Version(there) > Version(here)
    except InvalidVersion:
        return False


def _refuse_data(session: Session, manifest: Manifest, owners: frozenset[str]) -> None:
    for model in (StoredSetting, LoadedData):
        if session.scalar(select(model.owner).where(model.owner == manifest.name).limit(1)):
            raise DataExistError(manifest.name, model.__tablename__)
    table = _filled_table(session.connection(), manifest, owners)
    if table is not None:
        raise DataExistError(manifest.name, table)


def _filled_table(connection: Connection, manifest: Manifest, owners: frozenset[str]) -> str | None:
    names = owned_tables(connection, owner_of(manifest), owners)
    metadata = MetaData()
    metadata.reflect(connection, only=names)
    for name in names:
        if not name.endswith(VERSION_SUFFIX) and connection.scalar(
            select(func.count()).select_from(metadata.tables[name])
        ):
            return name
    return None


def _members(path: Path) -> tuple[list[Any], list[Any], dict[str, Any]]:
    """Read settings, what the data files had said, and what their rows held."""
    settings, loaded, data = (read_json(path, member) for member in (SETTINGS, LOADED, DATA))
    _refuse_shape(path, SETTINGS, _are_rows(settings, {"key", "value", "is_secret"}))
    _refuse_shape(path, LOADED, _are_rows(loaded, {"kind", "external_id", "loaded", "offered"}))
    _refuse_shape(path, DATA, data is None or _is_nested(data, depth=3))
    return settings or [], loaded or [], data or {}


def _are_rows(value: object, keys: set[str]) -> bool:
    rows = [] if value is None else value
    return isinstance(rows, list) and all(
        isinstance(one, dict) and set(one) == keys for one in rows
    )


def _is_nested(value: object, depth: int) -> bool:
    if depth == 0:
        return True
    return isinstance(value, dict) and all(_is_nested(one, depth - 1) for one in value.values())


def _refuse_shape(path: Path, member: str, fits: bool) -> None:  # noqa: FBT001
    if not fits:
        raise PortableFileError(
            _(
                "Berkas ${file}: ${member} tidak dapat dibaca. Tidak ada yang dimuat.",
                mapping={"file": path.name, "member": member},
            )
        )
