"""The worker inside pserve: drained when the process is told to stop.

pserve dies of SIGTERM at once, without atexit, in the middle of a chunk. Here the first signal
drains the worker, in a thread while pages are still served, and then pserve leaves as a program
that has ended.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

from core.jobs.runner import Jobs
from core.jobs.worker import WorkerProcess

if TYPE_CHECKING:
    from types import FrameType

    from core.jobs.host import Host

__all__ = ["drain_workers", "leave_cleanly", "start_worker", "stop_worker"]

_guard = threading.Lock()
_hosts: list[Host] = []
"""Runtimes of this process whose worker ends with it."""
_draining = threading.Event()


def leave_cleanly() -> None:
    """Make SIGTERM a clean end of this process."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _Leaving())


def start_worker(runtime: Host) -> None:
    """Start a worker in this process where the broker is ``memory``.

    ``abah.embedded_worker = false`` leaves it out, for a second web process on one database.
    """
    wanted = runtime.settings.flag("abah.embedded_worker", default=True)
    with _guard:
        if wanted and runtime.component(Jobs).in_memory and not _draining.is_set():
            _hosts.append(runtime)
            runtime.component(WorkerProcess).start()


def stop_worker(runtime: Host) -> None:
    """Stop the worker of one runtime, if it has one, after what it has under way."""
    runtime.component(WorkerProcess).stop()
    # Only now: a process that is told to end waits for those that are still here.
    with _guard:
        if runtime in _hosts:
            _hosts.remove(runtime)


def drain_workers() -> None:
    """Stop the workers that run in this process, each after what it has under way, for good."""
    _draining.set()
    with _guard:
        hosts = list(_hosts)
    for runtime in hosts:
        # None begins anything new while another one drains.
        runtime.component(Jobs).stopping.set()
    for runtime in hosts:
        runtime.component(WorkerProcess).stop()


class _Leaving:
    """What SIGTERM does: drain, then leave. Further signals break nothing off."""

    def __init__(self) -> None:
        self._begun = self._drained = False

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        if self._drained:
            sys.exit(0)
        if not self._begun:
            self._begun = True
            threading.Thread(target=self._drain, args=[number], name="drain").start()

    def _drain(self, number: int) -> None:
        try:
            drain_workers()
        finally:
            self._drained = True
            os.kill(os.getpid(), number)
