"""The sweeper: runs what must be looked for at intervals, in one process of the deployment."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from core.jobs.leases import process_identity, release_lease, take_lease
from core.jobs.registry import CORE
from core.jobs.runner import Jobs

if TYPE_CHECKING:
    from core.jobs.host import Host
    from core.jobs.registry import Sweep

__all__ = ["Sweeper"]

LEASE: Final = "sweeper"
LEASE_SECONDS: Final = 12.0
RENEW_SECONDS: Final = 4.0
TICK_SECONDS: Final = 0.5

log = structlog.get_logger(__name__)


class Sweeper:
    """A thread that runs due sweeps while this process holds the lease."""

    def __init__(self, runtime: Host) -> None:
        """Know the runtime; :meth:`start` begins."""
        self._runtime = runtime
        self._jobs = runtime.component(Jobs)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="abah-sweeper", daemon=True)
        self._sweeps: list[tuple[str, Sweep]] | None = None
        self._last: dict[str, float] = {}
        self._renewed = float("-inf")
        self._leading = False

    @property
    def holder(self) -> str:
        """Name under which the lease is held: one sweeper among the threads of this process."""
        return f"{process_identity()}/{id(self)}"

    @property
    def sweeps(self) -> list[tuple[str, Sweep]]:
        """Sweeps with their owners, as they were when this sweeper first looked."""
        if self._sweeps is None:
            self._sweeps = self._jobs.sweeps()
        return self._sweeps

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the sweep under way, give the lease back, and return."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        if self._leading:
            self._leading = False
            try:
                with self._runtime.database.writing() as session:
                    release_lease(session, LEASE, holder=self.holder)
            except SQLAlchemyError:
                # It runs out by itself in a few seconds.
                log.warning("sweeper could not give its lease back")

    def run_due(self) -> None:
        """Run the sweeps whose interval is over."""
        now = time.monotonic()
        for owner, sweep in self.sweeps:
            if self._stop.is_set() or self._jobs.stopping.is_set():
                return
            if now - self._last.get(sweep.name, float("-inf")) >= sweep.every:
                self._last[sweep.name] = now
                self.run(owner, sweep)

    def run_all(self) -> None:
        """Run every sweep now, in this thread."""
        for owner, sweep in self.sweeps:
            self.run(owner, sweep)

    def run(self, owner: str, sweep: Sweep) -> None:
        """Run one sweep; what it raises is counted against its owner and stops nothing."""
        # The core's own sweeps have no breaker: a database that was away must not stop them.
        fence = self._runtime.hooks.fence(owner, f"sweep {sweep.name}", breaker=owner != CORE)
        with fence as allowed:
            if allowed:
                sweep.run(self._runtime)

    def _loop(self) -> None:
        # At once when the process starts: whatever waited while nobody was there is due now.
        while not self._stop.is_set():
            try:
                if self._lead():
                    self.run_due()
            except Exception:
                self._leading = False
                log.exception("sweeper failed, it goes on")
            self._stop.wait(TICK_SECONDS)

    def _lead(self) -> bool:
        """Take or renew the lease and tell whether this process has it."""
        now = time.monotonic()
        if now - self._renewed >= RENEW_SECONDS:
            self._renewed = now
            with self._runtime.database.writing() as session:
                taken = take_lease(session, [LEASE], seconds=LEASE_SECONDS, holder=self.holder)
            self._leading = taken is not None
        return self._leading
