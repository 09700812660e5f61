"""A small supervisor: keeps child processes alive, restarts them gracefully, ends them cleanly."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, Final

import structlog

__all__ = ["Child", "Supervisor"]

STEP_SECONDS: Final = 0.2
LONGEST_PAUSE: Final = 30.0
STEADY_SECONDS: Final = 10.0
"""A child that lived this long counts as started; its next failure is the first one again."""
GIVE_UP_AFTER: Final = 5
"""Failures in a row, none of them after a steady start, that end the whole supervisor."""
PR_SET_PDEATHSIG: Final = 1

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Child:
    """One process to keep alive."""

    name: str
    command: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    """Monotonic time of the last start."""
    start_after: float = 0.0
    """Monotonic time before which it is not started again."""
    failures: int = 0
    stopping: bool = False
    kill_at: float = field(default=0.0)

    @property
    def running(self) -> bool:
        """Tell whether the process lives."""
        return self.process is not None and self.process.poll() is None


class Supervisor:
    """Runs children until SIGTERM or SIGINT; SIGHUP restarts them one after the other."""

    def __init__(
        self,
        children: Sequence[Child],
        *,
        environment: Mapping[str, str],
        drain_seconds: float,
        changed: Callable[[], bool],
        look_every: float = 1.0,
    ) -> None:
        """Start nothing yet. Every ``look_every`` seconds ``changed`` may ask for a restart."""
        self._children = list(children)
        self._environment = {**os.environ, **environment}
        self._drain = drain_seconds
        self._changed = changed
        self._look_every = look_every
        self._next_look = 0.0
        self._ending = False
        self._restart_wanted = False
        self.gave_up = ""
        """Name of the child that could not be kept alive, or empty."""

    def run(self) -> int:
        """Supervise until told to end; returns 0, or 1 when a child could not be kept alive."""
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, self._end)
        signal.signal(signal.SIGHUP, self._want_restart)
        try:
            while not self._ending:
                self._look_after()
                time.sleep(STEP_SECONDS)
        finally:
            self._stop_all()
        return 1 if self.gave_up else 0

    def _end(self, _signal: int, _frame: FrameType | None) -> None:
        self._ending = True

    def _want_restart(self, _signal: int, _frame: FrameType | None) -> None:
        self._restart_wanted = True

    def _look_after(self) -> None:
        now = time.monotonic()
        if now >= self._next_look:
            self._next_look = now + self._look_every
            if self._changed():
                log.info("plugins changed, restarting")
                self._restart_wanted = True
        if self._restart_wanted:
            self._restart_wanted = False
            for child in self._children:
                self._ask_to_stop(child)
        for child in self._children:
            self._look_after_one(child, now)

    def _look_after_one(self, child: Child, now: float) -> None:
        if child.running:
            if child.stopping and now >= child.kill_at:
                self._kill(child)
            return
        if child.process is not None:
            self._note_end(child, now)
        if not self._ending and now >= child.start_after:
            self._start(child, now)

    def _note_end(self, child: Child, now: float) -> None:
        code = child.process.returncode if child.process else None
        child.process = None
        if child.stopping:
            child.stopping = False
            child.failures = 0
            return
        if now - child.started_at >= STEADY_SECONDS:
            child.failures = 0
        child.failures += 1
        if child.failures >= GIVE_UP_AFTER:
            self.gave_up = child.name
            self._ending = True
            return
        pause = min(2.0 ** (child.failures - 1), LONGEST_PAUSE)
        child.start_after = now + pause
        log.warning("process ended, starting again", process=child.name, code=code, seconds=pause)

    def _start(self, child: Child, now: float) -> None:
        child.process = subprocess.Popen(  # noqa: S603 - commands of our own
            child.command,
            env=self._environment,
            # Ctrl-C in the terminal reaches the supervisor only; it ends its children in order.
            start_new_session=True,
            # Safe here: the supervisor has one thread.
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509
        )
        child.started_at = now

    def _ask_to_stop(self, child: Child) -> None:
        if child.running and not child.stopping and child.process is not None:
            child.stopping = True
            child.kill_at = time.monotonic() + self._drain
            child.process.send_signal(signal.SIGTERM)

    def _kill(self, child: Child) -> None:
        if child.process is not None:
            log.error("process did not drain in time, killed", process=child.name)
            child.process.kill()
            child.process.wait()

    def _stop_all(self) -> None:
        for child in self._children:
            self._ask_to_stop(child)
        for child in self._children:
            if child.process is None:
                continue
            try:
                child.process.wait(timeout=max(0.0, child.kill_at - time.monotonic()))
            except subprocess.TimeoutExpired:
                self._kill(child)


def _die_with_parent() -> None:
    """Let the kernel end the child when the supervisor is killed, so that nobody holds its port."""
    libc: Any = ctypes.CDLL(None)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
