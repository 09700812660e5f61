"""What plugins have cost and where they failed, in all processes together, over the last day.

Each process counts by itself (:class:`core.framework.hooks.HookStats`); a :class:`HealthRecorder`
adds what came since the last time to the row of the present hour. No request and no hook waits
for it, and a database that is away only delays it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from sqlalchemy import delete, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from core.db import utcnow
from core.framework.hooks import HookStats
from core.framework.models import PluginHealth
from core.framework.runtime import Runtime
from core.jobs import sweep

__all__ = ["WINDOW", "HealthRecorder", "PlaceHealth", "forget_health", "plugin_health"]

WINDOW: Final = timedelta(hours=24)
"""How far back the figures go; hours count whole."""
FLUSH_SECONDS: Final = 10.0
"""How often a process adds its figures."""
URGENT_SECONDS: Final = 1.0
"""How often at most, where something keeps failing."""
FORGET_EVERY: Final = 3600.0
MOST_ROWS: Final = 1000
"""Rows of one statement; what is more comes with the next."""

log = structlog.get_logger(__name__)

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class PlaceHealth:
    """One plugin at one place, in all processes, over the last 24 hours.

    Figures begin anew when the plugin is installed or upgraded.
    """

    place: str
    """Name of a hook, or ``import``, ``include``, ``slot NAME``, ``sweep NAME``, ``task NAME``,
    ``webhook NAME``, ``signature NAME``."""
    calls: int
    failures: int
    seconds: float
    """Time spent in all calls together."""
    error: str
    """Class and text of the last failure, personal data masked; empty without one."""
    error_id: str
    """Under which the last failure stands in the log; empty without one."""
    failed_at: datetime | None
    """When it failed last, aware."""
    open_until: datetime | None
    """When the last breaker that opened closes, aware; None where none opened."""

    @property
    def is_open(self) -> bool:
        """Tell whether a process leaves the plugin out at this place at the moment."""
        return self.open_until is not None and self.open_until > utcnow()


def plugin_health(session: Session) -> dict[str, list[PlaceHealth]]:
    """Give the figures of every plugin that was called, by its name; ``core`` is the core itself.

    Of each plugin the places that took the most time come first. A running process adds its
    figures every 10 seconds, and about a second after a failure.
    """
    recent = PluginHealth.hour > utcnow() - WINDOW
    failed = session.execute(
        select(
            PluginHealth.plugin,
            PluginHealth.place,
            PluginHealth.error,
            PluginHealth.error_id,
            PluginHealth.failed_at,
        )
        .where(recent, PluginHealth.failed_at.is_not(None))
        .order_by(PluginHealth.failed_at)
    )
    last = {(row.plugin, row.place): row for row in failed}
    spent = func.sum(PluginHealth.microseconds)
    counted = session.execute(
        select(
            PluginHealth.plugin,
            PluginHealth.place,
            func.sum(PluginHealth.calls).label("calls"),
            func.sum(PluginHealth.failures).label("failures"),
            spent.label("microseconds"),
            func.max(PluginHealth.open_until).label("open_until"),
        )
        .where(recent)
        .group_by(PluginHealth.plugin, PluginHealth.place)
        .order_by(PluginHealth.plugin, spent.desc(), PluginHealth.place)
    )
    found: dict[str, list[PlaceHealth]] = {}
    for row in counted:
        failure = last.get((row.plugin, row.place))
        one = PlaceHealth(
            place=row.place,
            calls=int(row.calls),
            failures=int(row.failures),
            seconds=int(row.microseconds) / 1_000_000,
            error=failure.error if failure else "",
            error_id=failure.error_id if failure else "",
            failed_at=failure.failed_at if failure else None,
            open_until=row.open_until,
        )
        found.setdefault(row.plugin, []).append(one)
    return found


def forget_health(session: Session, plugin: str) -> None:
    """Delete the figures of a plugin: it goes, or another version of it comes."""
    session.execute(delete(PluginHealth).where(PluginHealth.plugin == plugin))


@sweep("core.plugin_health", every=FORGET_EVERY)
def forget_old(runtime: Runtime) -> None:
    """Delete the figures that nobody looks at any more."""
    with runtime.database.writing() as session:
        session.execute(delete(PluginHealth).where(PluginHealth.hour <= utcnow() - WINDOW))


class HealthRecorder:
    """Component of the runtime: adds what its hooks counted to the stored figures.

    A process that serves or works calls :meth:`start`. Without it, as in a command, only failures
    are stored, when the runtime closes.
    """

    def __init__(self, runtime: Runtime) -> None:
        """Store nothing yet."""
        self._hooks = runtime.hooks
        self._database = runtime.database
        self._stored: dict[Key, HookStats] = {}
        self._guard = threading.Lock()
        self._ended = threading.Event()
        # Its own: what else runs in a process must not wait for the database's writers.
        self._thread: threading.Thread | None = None
        self._away = False

    def start(self) -> None:
        """Store from now on, in a thread."""
        self._thread = threading.Thread(target=self._run, name="plugin-health", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Store what is left."""
        unstored = self._thread is not None or self._hooks.failed.is_set()
        self._ended.set()
        if self._thread is not None:
            self._hooks.failed.set()
            self._thread.join()
            self._thread = None
        if unstored:
            self.flush()

    def flush(self) -> None:
        """Store what came since the last time. Never raises: it comes with the next."""
        with self._guard:
            # First: what fails from now on sets it again.
            self._hooks.failed.clear()
            present = self._hooks.all_stats()
            changed = sorted(
                key
                for key, stats in present.items()
                if key not in self._stored or stats.calls != self._stored[key].calls
            )[:MOST_ROWS]
            if not changed:
                return
            nothing = HookStats()
            rows = [_row(key, present[key], self._stored.get(key, nothing)) for key in changed]
            try:
                with self._database.writing() as session:
                    _add(session, rows)
            except Exception as error:
                # Told whole once, not every ten seconds.
                told = None if self._away else error
                log.warning("figures of plugins cannot be stored yet", exc_info=told)
                self._away = True
                return
            self._away = False
            self._stored.update({key: present[key] for key in changed})

    def _run(self) -> None:
        while not self._ended.is_set():
            self._hooks.failed.wait(FLUSH_SECONDS)
            self.flush()
            self._ended.wait(URGENT_SECONDS)


def _row(key: Key, present: HookStats, stored: HookStats) -> dict[str, Any]:
    now = utcnow()
    failed = present.failures > stored.failures
    open_for = present.open_until - time.monotonic()
    return {
        "plugin": key[0],
        "place": key[1],
        "hour": now.replace(minute=0, second=0, microsecond=0),
        "calls": present.calls - stored.calls,
        "failures": present.failures - stored.failures,
        "microseconds": round(1_000_000 * (present.seconds - stored.seconds)),
        "error": present.last_error if failed else None,
        "error_id": present.error_id if failed else None,
        "failed_at": present.failed_at if failed else None,
        "open_until": now + timedelta(seconds=open_for) if failed and open_for > 0 else None,
    }


def _add(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add figures to their rows in one statement; ``rows`` are sorted, so that no two wait."""
    connection = session.connection()
    build = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    statement = build(PluginHealth).values(rows)
    new = statement.excluded
    added = {
        name: getattr(PluginHealth, name) + new[name]
        for name in ("calls", "failures", "microseconds")
    }
    kept = {
        name: func.coalesce(new[name], getattr(PluginHealth, name))
        for name in ("error", "error_id", "failed_at", "open_until")
    }
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=[PluginHealth.plugin, PluginHealth.place, PluginHealth.hour],
            set_=added | kept,
        )
    )
