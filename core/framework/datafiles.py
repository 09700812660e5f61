"""Data files of plugins: rows with external ids that keep what an administrator edited.

A file is TOML with lists of tables, ``[[message_text]]``; the name of a list is a *kind*. Higher
rooms say what a kind means with :func:`register_data_kind`. The values that were last loaded are
stored, so that a later version of the file updates the rows nobody touched and lists the rest.
"""

from __future__ import annotations

import tomllib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from core.db import Database, utcnow
from core.errors import AbahError, NotFoundError
from core.framework.manifest import Manifest
from core.framework.models import LoadedData
from core.framework.tomltable import TomlTable
from core.i18n import TranslationString, _

__all__ = [
    "DataFileError",
    "DataKind",
    "LoadReport",
    "LoadedValues",
    "compare_core_data",
    "compare_plugin_data",
    "core_data_files",
    "current_data",
    "edited_data",
    "forget_data",
    "keep_edit",
    "listed_data",
    "load_files",
    "load_plugin_data",
    "loaded_values",
    "offered_data",
    "put_back_data",
    "register_core_data",
    "register_data_kind",
    "restore_values",
    "stored_data",
]

CORE: Final = "core"

Values = Mapping[str, Any]


class DataFileError(AbahError):
    """A data file that cannot be loaded; ``file`` and ``key`` say where to look."""

    def __init__(self, file: str, key: str, explanation: TranslationString) -> None:
        """Remember where the mistake is beside the sentence that explains it."""
        self.file = file
        self.key = key
        super().__init__(explanation)


class DataKind(ABC):
    """What one kind of entry means. Values are what JSON can hold."""

    @abstractmethod
    def parse(self, table: TomlTable) -> tuple[str, Values]:
        """Read one entry and give its external id and its values.

        The caller refuses keys that were not read. ``table.error`` builds an error that names the
        file.
        """

    @abstractmethod
    def current(self, session: Session, external_ids: Sequence[str]) -> Mapping[str, Values]:
        """Give the present values, in one query; leave out rows that are not there."""

    @abstractmethod
    def write(self, session: Session, owner: str, entries: Mapping[str, Values]) -> None:
        """Create or update rows, by external id."""

    @abstractmethod
    def remove(self, session: Session, external_ids: Sequence[str]) -> None:
        """Delete rows; their owner is being purged."""


@dataclass(slots=True)
class LoadReport:
    """What loading did, by ``kind:external id``."""

    created: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    """Edited by somebody; the newer values are offered, not applied."""
    unchanged: list[str] = field(default_factory=list)
    orphaned: list[str] = field(default_factory=list)
    """Loaded once, no longer in the files; left where they are."""


_kinds: dict[str, DataKind] = {}
_core_files: list[Path] = []


@dataclass(frozen=True, slots=True)
class LoadedValues:
    """What a data file says of one row, whatever was made of the row since."""

    owner: str
    """Plugin that brought it, or ``core``."""
    values: Values
    """The newest that the file brought, applied or not."""
    offered: bool
    """Whether they are newer than the edit that kept them from being applied."""


def register_data_kind(name: str, kind: DataKind) -> None:
    """Say what ``[[name]]`` in a data file means. Called by a room when it is imported."""
    _kinds[name] = kind


def register_core_data(path: Path) -> None:
    """Add a data file of the core; ``abah setup`` and ``abah db upgrade`` load it."""
    if path not in _core_files:
        _core_files.append(path)


def core_data_files() -> tuple[Path, ...]:
    """Return the data files of the core's rooms that were imported."""
    return tuple(_core_files)


def load_plugin_data(session: Session, manifest: Manifest) -> LoadReport:
    """Load the files that a manifest names under ``data``.

    :raises DataFileError: a file is wrong; nothing of it is loaded.
    """
    return load_files(session, manifest.name, [manifest.directory / name for name in manifest.data])


def compare_plugin_data(database: Database, manifest: Manifest) -> LoadReport:
    """Tell what loading would do; it is done and never committed. Its tables must be there.

    :raises DataFileError: a file is wrong.
    """
    with database.session() as session:
        return load_plugin_data(session, manifest)


def compare_core_data(database: Database) -> LoadReport:
    """Do the same for the core's data files."""
    with database.session() as session:
        return load_files(session, CORE, core_data_files())


def listed_data(manifest: Manifest) -> list[str]:
    """Name what the data files of a plugin hold, as ``kind:external id``.

    :raises DataFileError: a file is wrong.
    """
    return [
        f"{kind}:{external_id}"
        for name in manifest.data
        for kind, external_id, _values in _parse(manifest.directory / name)
    ]


def load_files(session: Session, owner: str, files: Sequence[Path]) -> LoadReport:
    """Load data files of one owner. Safe to repeat.

    :raises DataFileError: a file is wrong; nothing is loaded.
    """
    wanted: dict[str, dict[str, Values]] = {}
    for file in files:
        for kind, external_id, values in _parse(file):
            entries = wanted.setdefault(kind, {})
            if external_id in entries:
                explanation = _(
                    '${file}: ${kind} "${id}" ada dua kali.',
                    mapping={"file": file.name, "kind": kind, "id": external_id},
                )
                raise DataFileError(str(file), kind, explanation)
            entries[external_id] = values
    _refuse_foreign(session, owner, wanted)
    loading = _Loading(session, owner)
    for kind, entries in wanted.items():
        loading.load(kind, entries)
    loading.report.orphaned = [
        f"{kind}:{external_id}"
        for kind, external_id in sorted(loading.known)
        if external_id not in wanted.get(kind, {})
    ]
    session.flush()
    return loading.report


def edited_data(session: Session, owner: str) -> list[tuple[str, str]]:
    """List (kind, external id) of rows that keep an edit although newer values are offered."""
    rows = session.execute(
        select(LoadedData.kind, LoadedData.external_id)
        .where(LoadedData.owner == owner, LoadedData.offered.is_not(None))
        .order_by(LoadedData.kind, LoadedData.external_id)
    )
    return [(row.kind, row.external_id) for row in rows]


def forget_data(session: Session, owner: str) -> int:
    """Delete every row that an owner's data files loaded, and return how many."""
    known = _known(session, owner)
    by_kind: dict[str, list[str]] = {}
    for kind, external_id in known:
        by_kind.setdefault(kind, []).append(external_id)
    for kind, external_ids in by_kind.items():
        if kind in _kinds:
            _kinds[kind].remove(session, external_ids)
    session.execute(delete(LoadedData).where(LoadedData.owner == owner))
    return len(known)


def current_data(session: Session, owner: str) -> dict[str, dict[str, Values]]:
    """Return what the rows of an owner's data files hold now, edits included, by kind and id."""
    by_kind: dict[str, list[str]] = {}
    for kind, external_id in _known(session, owner):
        by_kind.setdefault(kind, []).append(external_id)
    return {
        kind: dict(_kinds[kind].current(session, external_ids))
        for kind, external_ids in by_kind.items()
        if kind in _kinds
    }


def offered_data(session: Session, owner: str = "") -> list[tuple[LoadedData, Values]]:
    """List rows that keep an edit although newer values are offered, each with its present values.

    Of every owner where none is named. A row that is gone has no values.
    """
    statement = select(LoadedData).where(LoadedData.offered.is_not(None))
    if owner:
        statement = statement.where(LoadedData.owner == owner)
    by_kind: dict[str, list[LoadedData]] = {}
    for row in session.scalars(statement.order_by(LoadedData.kind, LoadedData.external_id)):
        by_kind.setdefault(row.kind, []).append(row)
    found = []
    for kind, rows in by_kind.items():
        # A plugin that is off may have brought the kind.
        if kind in _kinds:
            current = _kinds[kind].current(session, [row.external_id for row in rows])
            found += [(row, current.get(row.external_id, {})) for row in rows]
    return found


def keep_edit(session: Session, kind: str, external_id: str) -> None:
    """Leave a row as somebody edited it, and take what its data file offers as decided.

    :raises NotFoundError: nothing is offered for it.
    """
    row = _loaded(session, kind, external_id)
    if row is None or row.offered is None:
        raise NotFoundError
    row.loaded, row.offered = row.offered, None
    session.flush()


def stored_data(session: Session, owner: str) -> list[dict[str, Any]]:
    """Return what is known of the rows of an owner's data files, for :func:`put_back_data`."""
    return [
        {
            "kind": row.kind,
            "external_id": row.external_id,
            "loaded": row.loaded,
            "offered": row.offered,
        }
        for row in _known(session, owner).values()
    ]


def put_back_data(
    session: Session,
    owner: str,
    stored: Sequence[Mapping[str, Any]],
    current: Mapping[str, Mapping[str, Values]],
) -> None:
    """Put back what :func:`stored_data` and :func:`current_data` gave, edits included.

    What is here already stays. Loading the data files afterwards updates what nobody had edited.
    """
    by_kind: dict[str, list[str]] = {}
    for one in stored:
        kind, external_id = one["kind"], one["external_id"]
        if kind in _kinds and _loaded(session, kind, external_id) is None:
            session.add(LoadedData(owner=owner, **one))
            by_kind.setdefault(kind, []).append(external_id)
    session.flush()
    for kind, external_ids in by_kind.items():
        present = _kinds[kind].current(session, external_ids)
        values = current.get(kind, {})
        missing = {
            external_id: values[external_id]
            for external_id in external_ids
            if external_id in values and external_id not in present
        }
        if missing:
            _kinds[kind].write(session, owner, missing)


def loaded_values(session: Session, kind: str, external_id: str) -> LoadedValues | None:
    """Return what a data file says of a row, or None where no data file brought it."""
    row = _loaded(session, kind, external_id)
    if row is None:
        return None
    return LoadedValues(row.owner, row.offered or row.loaded, row.offered is not None)


def restore_values(session: Session, kind: str, external_id: str) -> Values:
    """Undo every edit of a row: give it what its data file says now, and return that.

    :raises NotFoundError: no data file brought it.
    """
    row = _loaded(session, kind, external_id)
    if row is None:
        raise NotFoundError
    row.loaded, row.offered = row.offered or row.loaded, None
    session.flush()
    _kinds[kind].write(session, row.owner, {external_id: row.loaded})
    return row.loaded


def _loaded(session: Session, kind: str, external_id: str) -> LoadedData | None:
    return session.scalar(
        select(LoadedData).where(LoadedData.kind == kind, LoadedData.external_id == external_id)
    )


def _parse(path: Path) -> Iterator[tuple[str, str, Values]]:
    file = f"{path.parent.parent.name}/{path.parent.name}/{path.name}"
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        explanation = _(
            "Berkas data ${file} tidak dapat dibaca: ${reason}.",
            mapping={"file": file, "reason": str(error)},
        )
        raise DataFileError(file, "", explanation) from error
    top = TomlTable(values, file=file, error=DataFileError)
    unknown = sorted(set(values) - set(_kinds))
    if unknown:
        explanation = _(
            "${file}: jenis data ${kind} tidak dikenal. Yang dikenal: ${known}.",
            mapping={"file": file, "kind": unknown[0], "known": ", ".join(sorted(_kinds))},
        )
        raise DataFileError(file, unknown[0], explanation)
    for name, kind in _kinds.items():
        for entry in top.tables(name):
            external_id, parsed = kind.parse(entry)
            entry.finish()
            yield name, external_id, parsed


def _known(session: Session, owner: str) -> dict[tuple[str, str], LoadedData]:
    rows = session.scalars(select(LoadedData).where(LoadedData.owner == owner))
    return {(row.kind, row.external_id): row for row in rows}


def _refuse_foreign(
    session: Session, owner: str, wanted: Mapping[str, Mapping[str, Values]]
) -> None:
    """Refuse an external id that another owner's data files already use."""
    names = [external_id for entries in wanted.values() for external_id in entries]
    rows = session.execute(
        select(LoadedData.kind, LoadedData.external_id, LoadedData.owner).where(
            LoadedData.owner != owner, LoadedData.external_id.in_(names)
        )
    )
    for row in rows:
        if row.external_id in wanted.get(row.kind, {}):
            explanation = _(
                'Data plugin ${name}: ${kind} "${id}" sudah dibawa ${owner}. '
                "Beri nama lain di berkas data plugin ${name}.",
                mapping={
                    "name": owner,
                    "kind": row.kind,
                    "id": row.external_id,
                    "owner": row.owner,
                },
            )
            raise DataFileError(row.owner, row.external_id, explanation)


class _Loading:
    """The loading of one owner's entries, kind by kind."""

    def __init__(self, session: Session, owner: str) -> None:
        self.report = LoadReport()
        self.known = _known(session, owner)
        self._session = session
        self._owner = owner

    def load(self, kind: str, entries: Mapping[str, Values]) -> None:
        """Compare wanted, stored and present values of one kind, and write what may be written."""
        current = _kinds[kind].current(self._session, list(entries))
        to_write: dict[str, Values] = {}
        for external_id, values in entries.items():
            label = f"{kind}:{external_id}"
            row = self.known.get((kind, external_id))
            now = current.get(external_id)
            if now is not None and now != values and (row is None or now != row.loaded):
                self.report.kept.append(label)
                # What the file says was said before the edit: there is nothing new to decide.
                news = None if row is not None and row.loaded == values else dict(values)
                self._row(kind, external_id, row).offered = news
                continue
            if now is None:
                to_write[external_id] = values
                self.report.created.append(label)
            elif now != values:
                to_write[external_id] = values
                self.report.updated.append(label)
            else:
                self.report.unchanged.append(label)
            row = self._row(kind, external_id, row)
            row.loaded = dict(values)
            row.offered = None
        if to_write:
            _kinds[kind].write(self._session, self._owner, to_write)

    def _row(self, kind: str, external_id: str, row: LoadedData | None) -> LoadedData:
        if row is None:
            row = LoadedData(owner=self._owner, kind=kind, external_id=external_id, loaded={})
            self._session.add(row)
        row.loaded_at = utcnow()
        return row
