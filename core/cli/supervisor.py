"""A small supervisor: keeps child processes alive, replaces them gracefully, ends them cleanly."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Any, Final

import structlog

__all__ = ["Child", "Supervisor"]

STEP_SECONDS: Final = 0.2
LONGEST_PAUSE: Final = 30.0
STEADY_SECONDS: Final = 10.0
"""A child that lived this long counts as started; its next failure is the first one again."""
GIVE_UP_AFTER: Final = 5
"""Failures in a row, none of them after a steady start, after which a child counts as broken."""
PR_SET_PDEATHSIG: Final = 1

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Child:
    """One process to keep alive."""

    name: str
    command: Sequence[str]
    sockets: Sequence[int] = ()
    """File descriptors of listening sockets that it gets."""
    overlap: bool = True
    """Whether its successor may start while it drains; not when both would bind one address."""
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    """Monotonic time of the last start."""
    start_after: float = 0.0
    """Monotonic time before which it is not started again."""
    failures: int = 0
    """How often in a row it ended by itself."""

    @property
    def broken(self) -> bool:
        """Tell whether it does not run and has failed too often to expect that it will."""
        return self.process is None and self.failures >= GIVE_UP_AFTER


@dataclass(frozen=True, slots=True)
class Leaving:
    """A process that was told to end and may finish what is under way."""

    child: Child
    process: subprocess.Popen[bytes]
    kill_at: float
    """Monotonic time at which it has to be gone."""


class Supervisor:
    """Runs children until SIGTERM or SIGINT; SIGHUP replaces each with a new one.

    A child that cannot be kept alive is tried again for ever, with growing pauses, while another
    one runs: a worker that cannot start takes no page away.
    """

    def __init__(
        self,
        children: Iterable[Child],
        *,
        environment: Mapping[str, str],
        drain_seconds: float,
        changed: Callable[[], bool],
        look_every: float = 1.0,
    ) -> None:
        """Start nothing yet. Every ``look_every`` seconds ``changed`` may ask for a restart."""
        self._children = list(children)
        self._leaving: list[Leaving] = []
        self._environment = {**os.environ, **environment}
        self._drain = drain_seconds
        self._changed = changed
        self._look_every = look_every
        self._next_look = 0.0
        self._ending = False
        self._restart_wanted = False
        self.gave_up = ""
        """Names of the children when none could be kept alive, or empty."""

    def run(self) -> int:
        """Supervise until told to end; returns 0, or 1 when no child could be kept alive."""
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
            # All of them at once: none may go on for long with plugins or tables of before.
            for child in self._children:
                self._ask_to_leave(child, now)
        self._leaving = [leaving for leaving in self._leaving if not self._left(leaving, now)]
        for child in self._children:
            self._look_after_one(child, now)

    def _look_after_one(self, child: Child, now: float) -> None:
        if child.process is not None:
            if child.process.poll() is None:
                return
            self._note_end(child, child.process.returncode, now)
        in_the_way = not child.overlap and any(item.child is child for item in self._leaving)
        if not self._ending and not in_the_way and now >= child.start_after:
            self._start(child, now)

    def _note_end(self, child: Child, exit_code: int, now: float) -> None:
        child.process = None
        if now - child.started_at >= STEADY_SECONDS:
            child.failures = 0
        child.failures += 1
        pause = min(2.0 ** (child.failures - 1), LONGEST_PAUSE)
        child.start_after = now + pause
        facts = {"process": child.name, "exit_code": exit_code, "failures": child.failures}
        if child.failures < GIVE_UP_AFTER:
            log.warning("process ended, starting again", **facts, seconds=pause)
            return
        if all(other.broken for other in self._children):
            self.gave_up = ", ".join(other.name for other in self._children)
            self._ending = True
        log.error("process cannot be kept alive", **facts, seconds=pause)

    def _start(self, child: Child, now: float) -> None:
        child.process = subprocess.Popen(  # noqa: S603 - commands of our own
            child.command,
            env=self._environment,
            pass_fds=child.sockets,
            # Ctrl-C in the terminal reaches the supervisor only; it ends its children in order.
            start_new_session=True,
            # Safe here: the supervisor has one thread.
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509
        )
        child.started_at = now

    def _ask_to_leave(self, child: Child, now: float) -> None:
        """Tell a child to end and forget it: its successor is a new one, without its failures."""
        if child.process is not None and child.process.poll() is None:
            child.process.send_signal(signal.SIGTERM)
            self._leaving.append(Leaving(child, child.process, now + self._drain))
            child.process = None
        child.failures, child.start_after = 0, 0.0

    def _left(self, leaving: Leaving, now: float) -> bool:
        if leaving.process.poll() is None and now >= leaving.kill_at:
            self._kill(leaving)
        return leaving.process.poll() is not None

    def _kill(self, leaving: Leaving) -> None:
        log.error("process did not drain in time, killed", process=leaving.child.name)
        leaving.process.kill()
        leaving.process.wait()

    def _stop_all(self) -> None:
        now = time.monotonic()
        for child in self._children:
            self._ask_to_leave(child, now)
        for leaving in self._leaving:
            try:
                leaving.process.wait(timeout=max(0.0, leaving.kill_at - time.monotonic()))
            except subprocess.TimeoutExpired:
                self._kill(leaving)


def _die_with_parent() -> None:
    """Let the kernel end the child when the supervisor is killed, so that nobody holds its port."""
    libc: Any = ctypes.CDLL(None)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
