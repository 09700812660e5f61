"""The worker inside pserve: started with the application, drained when the process is told to stop.

pserve dies of SIGTERM at once, without atexit, in the middle of a chunk. A handler that raises
SystemExit makes it leave as a program that has ended: waitress closes, atexit drains.
"""

from __future__ import annotations

import atexit
import signal
import sys
import threading
from typing import TYPE_CHECKING

from core.jobs.runner import Jobs
from core.jobs.worker import WorkerProcess

if TYPE_CHECKING:
    from types import FrameType

    from core.jobs.host import Host

__all__ = ["start_embedded_worker"]


def start_embedded_worker(runtime: Host) -> None:
    """Start a worker in this process where the broker is ``memory``; make SIGTERM a clean end.

    ``abah.embedded_worker = false`` leaves it out, for a second web process on one database.
    """
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _leave)
    # Also without a worker: what is open is closed when the process ends.
    atexit.register(_drain, runtime)
    wanted = runtime.settings.flag("abah.embedded_worker", default=True)
    if wanted and runtime.component(Jobs).in_memory:
        runtime.component(WorkerProcess).start()


def _drain(runtime: Host) -> None:
    """Stop the worker before anything that its tasks use is closed."""
    runtime.component(WorkerProcess).stop()
    runtime.close()


def _leave(number: int, _frame: FrameType | None) -> None:
    # A second signal must not break off the draining that the first one began.
    signal.signal(number, signal.SIG_IGN)
    sys.exit(0)
