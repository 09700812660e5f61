"""A worker: threads that run tasks, and the sweeper. Inside pserve or as a process of its own."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

import structlog
from dramatiq import Worker

from core.jobs.runner import Jobs
from core.jobs.sweeper import Sweeper

if TYPE_CHECKING:
    from core.jobs.host import Host

__all__ = ["WorkerProcess"]

IDLE_MILLISECONDS: Final = 200
"""How long an idle thread may sleep; also the longest wait for a wake-up through Redis."""
DRAIN_SECONDS: Final = 150.0
OWN_THREADS: Final = 4
"""Threads of a queue that has its own (see :func:`core.jobs.task`): one account that hangs must not
hold all of them."""

log = structlog.get_logger(__name__)


class WorkerProcess:
    """Component of the runtime: worker threads and sweeper; closing the runtime drains them."""

    def __init__(self, runtime: Host) -> None:
        """Make nothing yet; :meth:`start` does."""
        self._runtime = runtime
        self._jobs = runtime.component(Jobs)
        self._guard = threading.Lock()
        self._pools: list[Worker] = []
        self._sweeper: Sweeper | None = None
        self._substitute: ThreadPoolExecutor | None = None

    def start(self, *, threads: int | None = None) -> None:
        """Consume the queues of the core and of the enabled plugins. Does nothing when running."""
        if self._pools:
            return
        self._jobs.stopping.clear()
        threads = threads or self._runtime.settings.number("abah.jobs.threads", 4)
        queues = self._jobs.declare_actors()
        own = [queue for queue in queues if "." in queue]
        self._pools = [self._pool({queue}, OWN_THREADS) for queue in own]
        self._pools.append(self._pool(set(queues) - set(own), threads))
        for pool in self._pools:
            pool.start()
        if not self._jobs.in_memory:
            self._substitute = ThreadPoolExecutor(threads, thread_name_prefix="abah-substitute")
            self._jobs.substitute(self._substitute)
        self._sweeper = Sweeper(self._runtime)
        self._sweeper.start()
        log.info("worker started", queues=queues, broker=self._jobs.address.partition(":")[0])

    def stop(self) -> None:
        """Begin nothing new, finish what is under way, and return. Whoever comes second waits."""
        self._jobs.stopping.set()
        with self._guard:
            if self._pools:
                self._drain()

    def _drain(self) -> None:
        # All of them at once: what waits belongs to the processes that go on.
        for pool in self._pools:
            for thread in pool.workers:
                thread.stop()
        if self._sweeper is not None:
            self._sweeper.stop()
        if self._substitute is not None:
            self._jobs.substitute(None)
            self._substitute.shutdown(cancel_futures=True)
        until = time.monotonic() + DRAIN_SECONDS
        for pool in self._pools:
            pool.stop(timeout=int(1000 * max(0.0, until - time.monotonic())))
        self._pools = []
        self._sweeper = self._substitute = None
        log.info("worker drained")

    def _pool(self, queues: set[str], threads: int) -> Worker:
        pool = Worker(
            self._jobs.broker,
            queues=queues,
            worker_timeout=IDLE_MILLISECONDS,
            worker_threads=threads,
        )
        # No more than it can work on: what it took beyond that would wait here while another
        # process is idle.
        pool.queue_prefetch = threads
        return pool

    def close(self) -> None:
        """Drain; called when the runtime closes."""
        self.stop()
