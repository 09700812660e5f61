"""The steps by which install and upgrade bring one plugin to the version of its code.

Each step is written into the journal and can be repeated: one that is complete finds nothing to do.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Final

from sqlalchemy.orm import Session

from core.db import utcnow
from core.db.migrate import upgrade
from core.errors import AbahError
from core.framework.checking import call_own, check
from core.framework.datafiles import load_plugin_data
from core.framework.filling import FillProgress
from core.framework.health import forget_health
from core.framework.importing import Export, load_data, load_export, owner_names
from core.framework.journal import Operation
from core.framework.logging import error_words, fit_to_keep
from core.framework.manifest import Manifest
from core.framework.models import PluginRow, PluginState
from core.framework.planning import owner_of
from core.framework.registry import raise_registry
from core.framework.runtime import Runtime
from core.framework.steps import grant_permissions
from core.framework.surface import Surface
from core.i18n import plain

__all__ = ["STEPS", "Bringing", "Progress", "Task"]

LOAD: Final = "load"
"""The step that reads an export back."""
STEPS: Final = ("check", LOAD, "before", "migrate", "data", "after", "permissions", "mark")
"""The steps of install and upgrade; not every operation has them all."""

Progress = Callable[[str, str], None]
"""Told ``(plugin, step)`` before each step, and ``(plugin, revision)`` before each migration."""


@dataclass(frozen=True, slots=True)
class Task:
    """One operation on one plugin whose code is here."""

    manifest: Manifest
    operation: str
    """``install``, ``upgrade`` or ``enable``."""
    then: PluginState = PluginState.INSTALLED
    """State in which it is left."""
    export: Export | None = None
    """What is read back into its tables at an install."""
    done: tuple[str, ...] = ()
    """Steps that an operation before this one has completed."""


class Bringing:
    """Install or upgrade of one plugin, as it goes on."""

    def __init__(
        self,
        runtime: Runtime,
        task: Task,
        operation: Operation,
        *,
        progress: Progress,
        rows: FillProgress,
    ) -> None:
        """Do nothing yet. ``operation`` has been announced."""
        self._runtime = runtime
        self._database = runtime.database
        self._task = task
        self._manifest = task.manifest
        self._operation = operation
        self._progress = progress
        self._rows_told = rows

    def run(self) -> None:
        """Run the steps. One that fails leaves the plugin out of use, with the reason."""
        manifest, operation = self._manifest, self._operation
        installing = self._task.operation == "install"
        underway = PluginState.INSTALLING if installing else PluginState.UPGRADING
        steps = self._steps(self._version_before())
        try:
            with operation.going():
                self._write(lambda session: _set_state(session, manifest, underway))
                for step, run in steps.items():
                    self._progress(manifest.name, step)
                    with nullcontext() if step == LOAD else operation.step(step):
                        run()
        except Exception as error:
            reason = (
                fit_to_keep(plain(error.explanation))
                if isinstance(error, AbahError)
                else error_words(error)
            )
            self._write(lambda session: _fail(session, manifest, reason))
            raise

    def _steps(self, version: str) -> dict[str, Callable[[], object]]:
        """Give the steps in order; ``version`` is the one before."""
        task, manifest, export = self._task, self._manifest, self._task.export
        load = load_plugin_data if export is None else partial(load_data, export=export)
        adds: dict[str, list[str]] = {}
        steps: dict[str, Callable[[], object]] = {
            "check": lambda: adds.update(check(self._runtime, manifest)),
            LOAD: self._load,
            "before": lambda: self._tell_upgrade("before_upgrade", version),
            "migrate": lambda: upgrade(
                self._database,
                owner_of(manifest),
                owners=owner_names(self._runtime),
                before=lambda revision: self._progress(manifest.name, revision),
            ),
            "data": lambda: self._write(lambda session: load(session, manifest=manifest)),
            "after": lambda: self._tell_upgrade("after_upgrade", version),
            "permissions": lambda: self._write(
                lambda session: grant_permissions(session, manifest.name, manifest.permissions)
            ),
            "mark": lambda: self._write(lambda session: _mark(session, manifest, task.then, adds)),
        }
        left_out = set()
        if export is None or LOAD in task.done:
            left_out.add(LOAD)
        if version in {"", manifest.version}:
            left_out |= {"before", "after"}
        return {step: steps[step] for step in STEPS if step not in left_out}

    def _version_before(self) -> str:
        """Return the version whose tables there are, or will be once an export is read back."""
        if self._task.export is not None:
            return self._task.export.contents.version
        with self._database.reading() as session:
            row = session.get(PluginRow, self._manifest.name)
            return "" if row is None else row.version

    def _tell_upgrade(self, hook: str, version: str) -> None:
        with self._database.writing() as session:
            call_own(self._runtime, self._manifest, hook, session=session, version=version)

    def _load(self) -> None:
        """Read an export back; the step notes its own end."""
        assert self._task.export is not None  # noqa: S101 - else there is no such step
        with self._operation.step_with_end(LOAD) as finish:
            load_export(
                self._runtime,
                self._task.export,
                self._manifest,
                finish=finish,
                progress=self._rows_told,
            )

    def _write(self, work: Callable[[Session], object]) -> None:
        with self._database.writing() as session:
            work(session)


def _row(session: Session, manifest: Manifest) -> PluginRow:
    row = session.get(PluginRow, manifest.name)
    if row is None:
        row = PluginRow(name=manifest.name, version=manifest.version, state=PluginState.AVAILABLE)
        session.add(row)
    row.changed_at = utcnow()
    return row


def _set_state(session: Session, manifest: Manifest, state: PluginState) -> None:
    row = _row(session, manifest)
    row.state = state
    row.error = ""


def _fail(session: Session, manifest: Manifest, reason: str) -> None:
    row = _row(session, manifest)
    row.state = PluginState.FAILED
    row.error = reason
    # Processes that run an earlier version of it must let go: its tables may be half changed.
    raise_registry(session)


def _mark(session: Session, manifest: Manifest, state: PluginState, adds: Surface) -> None:
    row = _row(session, manifest)
    row.version = manifest.version
    row.adds = dict(adds)
    row.state = state
    row.error = ""
    # What its last version did says nothing about this one.
    forget_health(session, manifest.name)
    raise_registry(session)
