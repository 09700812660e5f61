"""A running process that follows enabled and disabled plugins without a restart.

Every process compares one rising number. When it rose for a switch, a new runtime and a new router
are built beside the old ones and take their place at once; what is under way ends on the old ones.
What a process cannot follow while it runs (new tables, other code) is left to its supervisor.
"""

from __future__ import annotations

import atexit
import signal
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from core.app import build_wsgi, open_runtime
from core.errors import AbahError
from core.framework.loading import LoadedPlugins
from core.framework.logging import configure_logging
from core.framework.registry import registry_numbers
from core.i18n import plain
from core.jobs.embedded import leave_cleanly, start_worker, stop_worker
from core.jobs.worker import WorkerProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from core.framework.runtime import Runtime

__all__ = ["Follower", "Live", "run_worker", "serve_wsgi"]

LOOK_SECONDS: Final = 0.5
"""How often a process looks at the number."""
STEP_SECONDS: Final = 0.2
"""How soon a worker heeds a signal."""
FINISH_SECONDS: Final = 60.0
"""How long requests on an old router are waited for before its runtime is closed."""

log = structlog.get_logger(__name__)


class Follower:
    """Keeps the runtime of a process in step with which plugins are enabled."""

    def __init__(
        self,
        runtime: Runtime,
        switch: Callable[[Runtime], None],
        *,
        must_end: Callable[[], None] | None = None,
    ) -> None:
        """Start nothing yet.

        ``switch(new)`` puts a new runtime into force and retires the old one; it raises only where
        the old one stays in force. ``must_end()`` is called once when only a new process can
        follow; without it that is somebody else's matter.
        """
        self.runtime = runtime
        self._switch = switch
        self._must_end = must_end
        self._seen = LoadedPlugins.of(runtime).number
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="follow-plugins", daemon=True)

    def start(self) -> None:
        """Follow from now on, in a thread."""
        self._thread.start()

    def stop(self) -> None:
        """Follow no longer; a switch under way is waited for."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def look(self) -> bool:
        """Look at the number once, follow, and tell whether there was a switch."""
        try:
            with self.runtime.database.reading() as session:
                number, replaced = registry_numbers(session)
        except SQLAlchemyError:
            # The database is away for a moment; the next look will tell.
            return False
        if number == self._seen:
            return False
        self._seen = number
        if replaced > LoadedPlugins.of(self.runtime).number:
            log.info("plugins changed, a new process is needed", number=number)
            if self._must_end is not None:
                self._must_end()
                self._ended.set()
            return False
        new: Runtime | None = None
        try:
            new = open_runtime(self.runtime.settings, database=self.runtime.database.beside())
            self._switch(new)
        except Exception:
            log.exception("plugins changed, but this process cannot follow", number=number)
            if new is not None:
                new.close(keep_database=True)
            return False
        self.runtime = new
        log.info("plugins switched", number=number, plugins=[one.name for one in new.plugins])
        return True

    def _run(self) -> None:
        while not self._ended.wait(LOOK_SECONDS):
            self.look()


@dataclass(slots=True, eq=False)
class _Build:
    """A router with the runtime it was built from."""

    runtime: Runtime
    app: Any
    requests: int = 0
    """How many are under way."""


class Live:
    """The WSGI application of a process: gives each request to the build that is in force."""

    def __init__(self, runtime: Runtime) -> None:
        """Build the application of a runtime, which is closed by :meth:`close`."""
        self._build = _Build(runtime, build_wsgi(runtime))
        self._idle = threading.Condition()
        self._retiring: list[threading.Thread] = []
        self.follower = Follower(runtime, self._switch)

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer a request."""
        with self._idle:
            build = self._build
            build.requests += 1
        try:
            answer: Iterable[bytes] = build.app(environ, start_response)
            return answer
        finally:
            with self._idle:
                build.requests -= 1
                self._idle.notify_all()

    def start(self) -> None:
        """Start the embedded worker where one is wanted, and follow the plugins from now on."""
        start_worker(self._build.runtime)
        self.follower.start()

    def close(self) -> None:
        """Stop following and working, then close everything."""
        self.follower.stop()
        stop_worker(self._build.runtime)
        for thread in self._retiring:
            thread.join()
        self._build.runtime.close()

    def _switch(self, runtime: Runtime) -> None:
        new = _Build(runtime, build_wsgi(runtime))
        start_worker(runtime)
        with self._idle:
            old, self._build = self._build, new
        # What the old one has under way must not keep the next switch waiting.
        self._retiring = [thread for thread in self._retiring if thread.is_alive()]
        self._retiring.append(threading.Thread(target=self._retire, args=[old], name="retire"))
        self._retiring[-1].start()

    def _retire(self, old: _Build) -> None:
        stop_worker(old.runtime)
        with self._idle:
            self._idle.wait_for(lambda: old.requests == 0, timeout=FINISH_SECONDS)
        old.runtime.close(keep_database=True)


def serve_wsgi(settings: Mapping[str, Any]) -> Live:
    """Answer to PasteDeploy: build everything, start the embedded worker where one is wanted.

    What an administrator has to mend ends the process with one sentence.
    """
    try:
        configure_logging(settings)
        runtime = open_runtime(settings)
    except AbahError as error:
        raise SystemExit(plain(error.explanation)) from error
    live = Live(runtime)
    leave_cleanly()
    atexit.register(live.close)
    live.start()
    return live


def run_worker(runtime: Runtime, *, threads: int | None = None, alone: bool = False) -> None:
    """Work in this process until SIGTERM or SIGINT, then finish what is under way.

    ``alone`` ends it too where only a new process can follow the plugins. The caller closes the
    database.
    """
    # A plain value: an Event set by a handler that interrupts another one waits for itself.
    ended = False

    def end(*_signal: object) -> None:
        nonlocal ended
        ended = True

    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, end)

    def retire(old: Runtime) -> None:
        # The worker first: its tasks use the other components.
        old.component(WorkerProcess).stop()
        old.close(keep_database=True)

    def switch(new: Runtime) -> None:
        new.component(WorkerProcess).start(threads=threads)
        retire(follower.runtime)

    follower = Follower(runtime, switch, must_end=end if alone else None)
    runtime.component(WorkerProcess).start(threads=threads)
    follower.start()
    while not ended:
        time.sleep(STEP_SECONDS)
    follower.stop()
    retire(follower.runtime)
