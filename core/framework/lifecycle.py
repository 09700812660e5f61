"""Install, upgrade, enable, disable: what changes which plugins run.

Every operation holds the lifecycle lock, writes each step into the journal, and can be repeated:
steps that are complete find nothing to do. No transaction spans two steps, so a kill at any point
leaves the plugin out of use and its data whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Final

import structlog
from sqlalchemy.orm import Session

from core.db import utcnow
from core.db.migrate import MigrationError, Owner, current_revision, head_revision, upgrade
from core.errors import AbahError
from core.framework.bringing import Bringing, Progress, Task
from core.framework.datafiles import CORE, core_data_files, load_files
from core.framework.discovery import discover
from core.framework.filling import FillProgress
from core.framework.graph import dependents, resolve
from core.framework.importing import Export, read_export, refuse_data
from core.framework.journal import Operation, Unfinished, announce, unfinished
from core.framework.loading import unusable
from core.framework.lock import lifecycle_lock
from core.framework.manifest import Manifest
from core.framework.models import PluginRow, PluginState
from core.framework.planning import (
    INSTALLED,
    NotInstalledError,
    Planned,
    owner_of,
    plan_install,
    plan_upgrade,
)
from core.framework.registry import has_tables, plugin_rows, raise_registry
from core.framework.runtime import Runtime
from core.framework.steps import prepare_core
from core.i18n import _

__all__ = [
    "CORE_OWNER",
    "DependentsError",
    "Lifecycle",
    "NotInstalledError",
    "Planned",
    "owner_of",
    "setup_core",
]

log = structlog.get_logger(__name__)

CORE_OWNER: Final = Owner(CORE, Path(__file__).parents[1] / "migrations")


class DependentsError(AbahError):
    """Other plugins need the one that should go; ``dependents`` names them in load order."""

    def __init__(self, plugin: str, needing: Sequence[str]) -> None:
        """Name them."""
        self.plugin = plugin
        self.dependents = tuple(needing)
        super().__init__(
            _(
                "Plugin ${name} masih dibutuhkan oleh: ${others}. "
                "Lepas atau matikan dulu plugin itu.",
                mapping={"name": plugin, "others": ", ".join(needing)},
            )
        )


def setup_core(runtime: Runtime, progress: Progress | None = None) -> None:
    """Bring the core's own tables, data files and permissions up to date. Safe to repeat.

    ``progress`` hears each step and each migration before it begins.

    :raises LockedError: another operation is running.
    """
    database = runtime.database
    tell = progress or (lambda _owner, _step: None)
    with database.reading() as session:
        known = has_tables(session)
    # The very first time there is no table yet that could hold the lock.
    with lifecycle_lock(database, "setup") if known else nullcontext():
        tell(CORE, "migrate")
        upgrade(database, CORE_OWNER, before=lambda revision: tell(CORE, revision))
        tell(CORE, "data")
        with database.writing() as session:
            prepare_core(session)
            load_files(session, CORE, core_data_files())


class Lifecycle:
    """Operations on plugins, for the command line and the page Aplikasi."""

    def __init__(
        self,
        runtime: Runtime,
        *,
        actor: str = "",
        progress: Progress | None = None,
        rows: FillProgress | None = None,
    ) -> None:
        """Remember who acts; ``progress`` hears each step before it begins.

        ``rows`` hears how many rows of an export went into which table.
        """
        self._runtime = runtime
        self._database = runtime.database
        self._actor = actor
        self._progress = progress or (lambda _plugin, _step: None)
        self._rows_told = rows or (lambda _table, _rows: None)

    def plan(self, *names: str) -> list[Planned]:
        """Work out, in order, what installing ``names`` would do; nothing is changed.

        Includes what they depend on and plugins with ``auto_install`` that become possible.

        :raises GraphError: something is missing, too old, in conflict or in a circle.
        :raises AbahError: a plugin is not found, broken or not allowed.
        """
        return plan_install(discover(self._runtime.settings), self._rows(), names)

    def install(self, *names: str, export: Path | None = None) -> list[Planned]:
        """Install plugins with everything they need, and return what was done.

        One that is installed already is upgraded when its version changed, enabled when it was
        disabled, and left alone otherwise. An operation that was interrupted is carried on.
        ``export`` is what a purge of the one named plugin wrote: its tables get those rows.

        :raises ExportRefusedError: the export is of another plugin or newer than the code.
        :raises DataExistError: there is an export, and the plugin has data here.
        :raises PortableFileError: the export is damaged.
        :raises LockedError: another operation is running.
        """
        with self._alone("install", *names):
            planned = self.plan(*names)
            found = None if export is None else self.read_export(planned, *names, export=export)
            self._perform(
                [
                    Task(
                        one.manifest,
                        one.operation,
                        export=found if one.manifest.name in names else None,
                    )
                    for one in planned
                ]
            )
        return planned

    def read_export(self, planned: Sequence[Planned], name: str, *, export: Path) -> Export:
        """Look at the export that an install of ``name`` is to read back; nothing is changed.

        :raises AbahError: as :meth:`install` does, or when the plugin is installed.
        """
        task = next((one for one in planned if one.manifest.name == name), None)
        if task is None or task.operation != "install":
            text = _(
                "Plugin ${name} sudah terpasang, sehingga ekspor tidak dimuat. "
                "Lepas dahulu dengan: abah plugins uninstall ${name} --purge",
                mapping={"name": name},
            )
            raise AbahError(text)
        found = read_export(self._runtime, export, task.manifest)
        refuse_data(self._runtime, task.manifest)
        return found

    def plan_upgrade(self, *names: str) -> list[Planned]:
        """List in load order the installed plugins to bring up to date; all where none is named.

        :raises NotInstalledError: one of them is not installed.
        :raises GraphError: one of them needs what is missing or too old.
        :raises AbahError: one of them is not found, broken or not allowed.
        """
        return plan_upgrade(discover(self._runtime.settings), self._rows(), names)

    def upgrade(self, *names: str) -> list[str]:
        """Run migrations and load data of installed plugins again; all of them when none is named.

        Returns the names in the order in which they were brought up to date.

        :raises NotInstalledError: one of them is not installed.
        :raises LockedError: another operation is running.
        """
        with self._alone("upgrade", *names):
            planned = self.plan_upgrade(*names)
            rows = self._rows()
            self._perform(
                [
                    Task(one.manifest, "upgrade", PluginState(rows[one.manifest.name].state))
                    for one in planned
                ]
            )
        return [one.manifest.name for one in planned]

    def carry_on(self, operation: Unfinished) -> None:
        """Do again what was broken off: install, upgrade, enable or disable.

        Does nothing when somebody else has finished it meanwhile.

        :raises GraphError: something that it needs is missing, disabled or not installed itself.
        :raises DependentsError: enabled plugins need what was to be disabled.
        :raises AbahError: the plugin is not found, broken or not allowed.
        :raises LockedError: another operation is running.
        """
        name = operation.plugin
        with self._alone("resume", name):
            with self._database.reading() as session:
                if operation.operation_id not in {one.operation_id for one in unfinished(session)}:
                    return
            if operation.operation == "disable":
                self._refuse_needed(name)
                self._switch(name, PluginState.DISABLED, "disable")
                return
            then = PluginState(operation.detail.get("then", PluginState.INSTALLED))
            manifest = self._runnable(name) if then == PluginState.INSTALLED else self._usable(name)
            path = operation.detail.get("export")
            export = read_export(self._runtime, Path(path), manifest) if path else None
            self._perform(
                [Task(manifest, operation.operation, then, export=export, done=operation.done)]
            )

    def outdated(self) -> list[str]:
        """Name the installed plugins whose version or tables are not those of their code.

        One whose migrations cannot be read cannot be brought up to date: doctor tells of it.
        """
        rows = self._rows()
        found = discover(self._runtime.settings)
        names = []
        with self._database.reading() as session:
            for name, row in rows.items():
                plugin = found.get(name)
                if plugin is None or plugin.manifest is None or row.state not in INSTALLED:
                    continue
                owner = owner_of(plugin.manifest)
                revision = current_revision(session.connection(), owner)
                try:
                    head = head_revision(owner)
                except MigrationError as error:
                    log.warning("plugin cannot be upgraded", plugin=name, reason=str(error))
                    continue
                if row.version != plugin.manifest.version or revision != head:
                    names.append(name)
        return names

    def enable(self, name: str) -> None:
        """Let a disabled plugin run again.

        :raises NotInstalledError: it was never installed, or not completely.
        :raises GraphError: something that it needs is missing or disabled.
        """
        with self._alone("enable", name):
            if self._state(name) != PluginState.INSTALLED:
                self._runnable(name)
                self._switch(name, PluginState.INSTALLED, "enable")

    def disable(self, name: str) -> None:
        """Take a plugin out of use and keep everything it has.

        :raises NotInstalledError: it is not installed.
        :raises DependentsError: enabled plugins need it.
        """
        with self._alone("disable", name):
            if self._state(name) != PluginState.DISABLED:
                self._refuse_needed(name)
                self._switch(name, PluginState.DISABLED, "disable")

    def needing(self, name: str, states: Iterable[PluginState]) -> tuple[str, ...]:
        """Name the plugins in one of ``states`` that need ``name``, directly or not."""
        wanted = frozenset(states)
        rows = self._rows()
        found = discover(self._runtime.settings)
        manifests = [
            plugin.manifest
            for other, plugin in found.items()
            if plugin.manifest is not None and other in rows and rows[other].state in wanted
        ]
        return dependents(name, manifests)

    def _alone(self, operation: str, *names: str) -> AbstractContextManager[None]:
        """Hold the lock: what an operation does is decided by what it finds once it is alone."""
        with self._database.reading() as session:
            known = has_tables(session)
        if not known:
            return nullcontext()
        return lifecycle_lock(self._database, " ".join([operation, *names]))

    def _state(self, name: str) -> PluginState:
        row = self._rows().get(name)
        if row is None or row.state not in INSTALLED:
            raise NotInstalledError(name)
        return PluginState(row.state)

    def _refuse_needed(self, name: str) -> None:
        needing = self.needing(name, {PluginState.INSTALLED})
        if needing:
            raise DependentsError(name, needing)

    def _usable(self, name: str) -> Manifest:
        plugin = discover(self._runtime.settings).get(name)
        if plugin is None or plugin.manifest is None or not plugin.usable:
            raise unusable(name, plugin)
        return plugin.manifest

    def _runnable(self, name: str) -> Manifest:
        """Return the manifest of a plugin that can run beside the enabled ones."""
        manifest = self._usable(name)
        rows = self._rows()
        running = {other for other, row in rows.items() if row.state == PluginState.INSTALLED}
        found = discover(self._runtime.settings).values()
        plan = resolve(
            [p.manifest for p in found if p.name in running | {name} and p.usable and p.manifest]
        )
        if name in plan.problems:
            raise plan.problems[name]
        return manifest

    def _rows(self) -> dict[str, PluginRow]:
        with self._database.reading() as session:
            return plugin_rows(session) if has_tables(session) else {}

    def _perform(self, tasks: Sequence[Task]) -> None:
        """Do one after the other; all of them stand in the journal before the first begins."""
        waiting = [
            (task, Operation(self._database, task.manifest.name, task.operation, self._actor))
            for task in tasks
        ]
        announce(
            self._database,
            [(operation, _detail(task)) for task, operation in waiting],
        )
        while waiting:
            task, operation = waiting.pop(0)
            try:
                self._do(task, operation)
            except Exception as error:
                for _task, never_begun in waiting:
                    never_begun.end(error)
                raise

    def _do(self, task: Task, operation: Operation) -> None:
        if task.operation == "enable":
            with operation.going():
                self._progress(task.manifest.name, "enable")
                self._write(lambda session: _switch_row(session, task.manifest.name, task.then))
        else:
            Bringing(
                self._runtime,
                task,
                operation,
                progress=self._progress,
                rows=self._rows_told,
            ).run()

    def _switch(self, name: str, state: PluginState, operation: str) -> None:
        self._progress(name, operation)
        with Operation(self._database, name, operation, self._actor).whole():
            self._write(lambda session: _switch_row(session, name, state))

    def _write(self, work: Callable[[Session], object]) -> None:
        with self._database.writing() as session:
            work(session)


def _detail(task: Task) -> dict[str, object]:
    """Give what somebody needs to carry the operation on."""
    detail: dict[str, object] = {"version": task.manifest.version, "then": task.then}
    if task.export is not None:
        detail |= {"export": str(task.export.path.absolute()), "done": list(task.done)}
    return detail


def _switch_row(session: Session, name: str, state: PluginState) -> None:
    row = session.get_one(PluginRow, name)
    row.state = state
    row.error = ""
    row.changed_at = utcnow()
    raise_registry(session, replace=False)
