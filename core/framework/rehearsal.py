"""Trying an upgrade on a copy of the database, and telling what it would change or where it breaks.

The copy is brought up to date by the same code as the real one. No worker runs on it and nothing is
enqueued, so no message leaves; the database of the deployment is only read.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from sqlalchemy import MetaData, Table, func, select

from core.db import Database
from core.db.base import owner_of_table
from core.db.migrate import current_revision, head_revision
from core.errors import AbahError
from core.framework.bringing import STEPS, Progress
from core.framework.copying import temporary_copy
from core.framework.datafiles import CORE, LoadReport, compare_core_data, compare_plugin_data
from core.framework.discovery import discover
from core.framework.lifecycle import CORE_OWNER, Lifecycle, setup_core
from core.framework.lock import LockedError, lock_holder
from core.framework.logging import error_words
from core.framework.models import JournalEntry, LifecycleLock, PluginRow, Registry
from core.framework.planning import Planned
from core.framework.portable import data_tables
from core.framework.runtime import Runtime
from core.framework.surface import Surface
from core.framework.version import CORE_VERSION
from core.i18n import TranslationString, _

__all__ = ["Rehearsal", "RehearsedPart", "behind", "rehearse"]

BOOKS: Final = {model.__tablename__ for model in (JournalEntry, LifecycleLock, PluginRow, Registry)}
"""Tables of the framework itself, which every operation writes to."""


@dataclass(slots=True)
class RehearsedPart:
    """What the upgrade of one plugin, or of the core, did on the copy."""

    name: str
    old: str
    """Version before."""
    new: str
    migrations: list[tuple[str, float]] = field(default_factory=list)
    """Revisions that ran, with their seconds."""
    data: LoadReport | None = None
    """What loading its data files did; None where it did not come to that."""
    added: Mapping[str, list[str]] = field(default_factory=dict)
    """Permissions, menus, settings, routes, templates … that are new, by kind."""
    removed: Mapping[str, list[str]] = field(default_factory=dict)
    seconds: float = 0.0
    step: str = ""
    """Step or revision at which it broke, or empty."""
    error: TranslationString | str = ""
    """Why it broke, or empty."""


@dataclass(slots=True)
class Rehearsal:
    """What an upgrade would do."""

    database: str
    """``sqlite`` or ``postgresql``."""
    copy_seconds: float
    parts: list[RehearsedPart] = field(default_factory=list)
    rows: list[tuple[str, int | None, int | None]] = field(default_factory=list)
    """Tables with their rows before and after (None: not there): those of ``parts``, and any other
    that has changed."""

    @property
    def broke(self) -> bool:
        """Tell whether a part of it failed."""
        return any(part.error for part in self.parts)

    def as_dict(self, words: Callable[[str], str]) -> dict[str, Any]:
        """Give it ready for JSON; ``words`` puts a sentence into the language wanted."""
        return {
            "database": self.database,
            "copy_seconds": round(self.copy_seconds, 3),
            "broke": self.broke,
            "parts": [
                asdict(part)
                | {
                    "migrations": [
                        {"id": number, "seconds": round(seconds, 3)}
                        for number, seconds in part.migrations
                    ],
                    "seconds": round(part.seconds, 3),
                    "error": words(part.error),
                }
                for part in self.parts
            ],
            "rows": [
                {"table": table, "before": before, "after": after}
                for table, before, after in self.rows
            ],
        }


def behind(runtime: Runtime) -> list[str]:
    """Name what is not as its code is: ``core``, and plugins."""
    with runtime.database.reading() as session:
        revision = current_revision(session.connection(), CORE_OWNER)
    # Before the core's own migrations have run its tables may be none that this code can read.
    if revision != head_revision(CORE_OWNER):
        return [CORE]
    return Lifecycle(runtime).outdated()


def rehearse(runtime: Runtime, *names: str, progress: Progress | None = None) -> Rehearsal:
    """Bring a copy up to date and tell what that did: all that is behind, or the named.

    Where the core is behind it comes first, as it would. One plugin that breaks does not keep the
    others from being tried, only those that need it.

    :raises NotInstalledError: one of them is not installed.
    :raises CopyRefusedError: the database cannot be copied here.
    :raises LockedError: an operation is running just now.
    """
    holder = lock_holder(runtime.database)
    if holder is not None and holder.alive:
        raise LockedError(holder)
    tell = progress or (lambda _name, _step: None)
    tell(CORE, "copy")
    begun = time.monotonic()
    with temporary_copy(runtime) as database:
        found = Rehearsal(database.dialect, time.monotonic() - begun)
        # Without a broker and the jobs that hang on it: nothing that is enqueued goes anywhere.
        settings = dict(runtime.settings) | {
            "sqlalchemy.url": database.url.render_as_string(hide_password=False),
            "abah.jobs.broker": "memory",
        }
        copy = Runtime(settings, database)
        try:
            _run(copy, names, found, tell)
        finally:
            copy.close(keep_database=True)
    return found


def _run(copy: Runtime, names: Sequence[str], found: Rehearsal, tell: Progress) -> None:
    before = _count_rows(copy.database)
    if CORE in {*names, *behind(copy)}:
        _try_core(copy, found, tell)
    if not found.broke:
        lifecycle = Lifecycle(copy)
        wanted = [name for name in names if name != CORE] if names else lifecycle.outdated()
        for planned in lifecycle.plan_upgrade(*wanted) if wanted else ():
            _try_plugin(copy, planned, found, tell)
    after = _count_rows(copy.database)
    owners = frozenset(discover(copy.settings))
    touched = {part.name for part in found.parts} - {CORE}
    found.rows = [
        (table, before.get(table), after.get(table))
        for table in sorted({*before, *after})
        if before.get(table) != after.get(table) or owner_of_table(table, owners) in touched
    ]


class _Watch:
    """Hears the steps of one part and when each began."""

    def __init__(self, tell: Progress, compare: Callable[[], LoadReport]) -> None:
        self.report: LoadReport | None = None
        self.at: list[tuple[str, float]] = []
        self._tell = tell
        self._compare = compare

    def __call__(self, name: str, step: str) -> None:
        if step == "data":
            # What is wrong with a file the step itself tells in a moment.
            with suppress(AbahError):
                self.report = self._compare()
        self.at.append((step, time.monotonic()))
        self._tell(name, step)

    def write(self, part: RehearsedPart, error: Exception | None) -> None:
        """Note in ``part`` what was heard, and how it ended."""
        ends = [moment for _step, moment in self.at[1:]] + [time.monotonic()]
        timed = [(step, end - moment) for (step, moment), end in zip(self.at, ends, strict=True)]
        part.migrations = [(step, seconds) for step, seconds in timed if step not in STEPS]
        part.seconds = sum(seconds for _step, seconds in timed)
        part.data = self.report
        if error is not None:
            part.step = self.at[-1][0] if self.at else ""
            part.error = error.explanation if isinstance(error, AbahError) else error_words(error)


def _try_core(copy: Runtime, found: Rehearsal, tell: Progress) -> None:
    part = RehearsedPart(CORE, "", CORE_VERSION)
    found.parts.append(part)
    watch = _Watch(tell, lambda: compare_core_data(copy.database))
    _try(part, watch, lambda heard: setup_core(copy, heard))


def _try_plugin(copy: Runtime, planned: Planned, found: Rehearsal, tell: Progress) -> None:
    manifest = planned.manifest
    old, adds = _installed(copy, manifest.name)
    part = RehearsedPart(manifest.name, old, manifest.version)
    broken = sorted({one.name for one in found.parts if one.error} & set(manifest.depends))
    found.parts.append(part)
    if broken:
        part.error = _(
            "Tidak dicoba karena plugin ${other}, yang dibutuhkannya, gagal.",
            mapping={"other": broken[0]},
        )
        return
    watch = _Watch(tell, lambda: compare_plugin_data(copy.database, manifest))
    _try(part, watch, lambda heard: Lifecycle(copy, progress=heard).upgrade(manifest.name))
    if not part.error:
        _version, now = _installed(copy, manifest.name)
        part.added, part.removed = _beyond(now, adds), _beyond(adds, now)


def _try(part: RehearsedPart, watch: _Watch, work: Callable[[Progress], object]) -> None:
    try:
        work(watch)
    except Exception as error:  # noqa: BLE001 - whatever breaks is what the rehearsal is to tell
        watch.write(part, error)
    else:
        watch.write(part, None)


def _installed(copy: Runtime, name: str) -> tuple[str, Surface]:
    with copy.database.reading() as session:
        row = session.get_one(PluginRow, name)
        return row.version, row.adds


def _beyond(many: Surface, few: Surface) -> dict[str, list[str]]:
    """Give what ``many`` has and ``few`` has not, by kind."""
    beyond = {
        kind: [name for name in names if name not in few.get(kind, ())]
        for kind, names in many.items()
    }
    return {kind: names for kind, names in beyond.items() if names}


def _count_rows(database: Database) -> dict[str, int]:
    with database.reading() as session:
        names = [name for name in data_tables(session.connection()) if name not in BOOKS]
        return {
            name: session.scalar(select(func.count()).select_from(Table(name, MetaData()))) or 0
            for name in names
        }
