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
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from core.app import build_wsgi, open_runtime
from core.errors import AbahError
from core.framework.health import HealthRecorder
from core.framework.loading import LoadedPlugins
from core.framework.logging import configure_logging
from core.framework.registry import registry_numbers
from core.i18n import plain
from core.jobs.embedded import leave_cleanly, start_worker, stop_worker
from core.jobs.worker import WorkerProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from core.framework.runtime import Runtime

__all__ = ["Follower", "Live", "run_worker", "serve_wsgi"]

LOOK_SECONDS: Final = 0.5
"""How often a process looks at the number."""
STEP_SECONDS: Final = 0.2
"""How soon a worker heeds a signal."""
FINISH_SECONDS: Final = 60.0
"""How long requests on an old router are waited for before its runtime is closed."""
LONGEST_PAUSE: Final = 30.0
"""Seconds after which a switch that failed is tried again, at most."""

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
        # The code in this process is of this moment, whatever is switched later.
        self._born = self._seen = LoadedPlugins.of(runtime).number
        self._failures = 0
        self._not_before = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="follow-plugins", daemon=True)

    def start(self) -> None:
        """Follow from now on, in a thread."""
        self.runtime.component(HealthRecorder).start()
        self._thread.start()

    def stop(self) -> None:
        """Follow no longer; a switch under way is waited for."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def look(self) -> bool:
        """Look at the number once, follow, and tell whether there was a switch.

        A switch that fails is tried again after a pause.
        """
        try:
            number, replaced = self._numbers()
        except SQLAlchemyError:
            # The database is away for a moment; the next look will tell.
            return False
        if number == self._seen:
            return False
        if replaced > self._born:
            self._leave_it(number)
            return False
        try:
            return self._follow(number)
        except Exception as error:  # noqa: BLE001 - whatever a plugin raises, this process goes on
            self._note_failure(error)
            return False

    def _follow(self, number: int) -> bool:
        new = open_runtime(self.runtime.settings, database=self.runtime.database.beside())
        try:
            if self._numbers()[1] > self._born:
                # An install was committed while this was built.
                new.close(keep_database=True)
                self._leave_it(number)
                return False
            self._switch(new)
        except BaseException:
            new.close(keep_database=True)
            raise
        new.component(HealthRecorder).start()
        self.runtime, self._seen = new, LoadedPlugins.of(new).number
        self._failures = 0
        names = [one.name for one in new.plugins]
        log.info("plugins switched", number=self._seen, plugins=names)
        return True

    def _numbers(self) -> tuple[int, int]:
        with self.runtime.database.reading() as session:
            return registry_numbers(session)

    def _leave_it(self, number: int) -> None:
        self._seen = number
        log.info("plugins changed, a new process is needed", number=number)
        if self._must_end is not None:
            self._must_end()
            self._ended.set()

    def _note_failure(self, error: Exception) -> None:
        # Told whole once, not twice a second.
        told = None if self._failures else error
        log.warning("this process cannot follow the plugins yet", exc_info=told)
        self._failures += 1
        pause = min(LONGEST_PAUSE, LOOK_SECONDS * 2.0**self._failures)
        self._not_before = time.monotonic() + pause

    def _run(self) -> None:
        while not self._ended.wait(LOOK_SECONDS):
            if time.monotonic() >= self._not_before:
                self.look()


class Retirement:
    """Runtimes that were replaced: each is closed once nobody uses it any more."""

    def __init__(self) -> None:
        """Have none yet."""
        self._threads: list[threading.Thread] = []

    def add(self, runtime: Runtime, *steps: Callable[[], object]) -> None:
        """Do the steps in a thread, then close the runtime; what fails is logged, never raised.

        In a thread, because what is under way must not keep the next switch waiting.
        """
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        thread = threading.Thread(target=_retire, args=[runtime, steps], name="retire", daemon=True)
        self._threads.append(thread)
        thread.start()

    def join(self) -> None:
        """Wait until every one is closed."""
        for thread in self._threads:
            thread.join()


def _retire(runtime: Runtime, steps: Sequence[Callable[[], object]]) -> None:
    close: Callable[[], object] = partial(runtime.close, keep_database=True)
    for step in [*steps, close]:
        try:
            step()
        except Exception:
            log.exception("a runtime that was replaced did not end well")


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
        self._closing = False
        self._retirement = Retirement()
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
        except BaseException:
            self._ended(build)
            raise
        # The body of a page is there whole; a file is given to the server as it is.
        whole: Any = environ.get("wsgi.file_wrapper", list)
        if isinstance(answer, (list, tuple, whole)):
            self._ended(build)
            return answer
        return _Counted(answer, partial(self._ended, build))

    def start(self) -> None:
        """Start the embedded worker where one is wanted, and follow the plugins from now on."""
        start_worker(self._build.runtime)
        self.follower.start()

    def close(self) -> None:
        """Stop following and working, then close everything."""
        self.follower.stop()
        with self._idle:
            self._closing = True
            self._idle.notify_all()
        stop_worker(self._build.runtime)
        self._retirement.join()
        self._build.runtime.close()

    def _ended(self, build: _Build) -> None:
        with self._idle:
            build.requests -= 1
            self._idle.notify_all()

    def _switch(self, runtime: Runtime) -> None:
        new = _Build(runtime, build_wsgi(runtime))
        start_worker(runtime)
        with self._idle:
            old, self._build = self._build, new
        # The worker after the requests: it does at once what they ask for.
        self._retirement.add(
            old.runtime, partial(self._wait_for, old), partial(stop_worker, old.runtime)
        )

    def _wait_for(self, old: _Build) -> None:
        with self._idle:
            self._idle.wait_for(lambda: old.requests == 0 or self._closing, timeout=FINISH_SECONDS)


class _Counted:
    """The body of an answer that is written bit by bit; ``ended`` is called at its end."""

    def __init__(self, body: Iterable[bytes], ended: Callable[[], object]) -> None:
        """Wrap it; a server closes every body exactly once."""
        self._body = body
        self._ended = ended

    def __iter__(self) -> Iterator[bytes]:
        """Give the bits."""
        return iter(self._body)

    def close(self) -> None:
        """End it."""
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        finally:
            self._ended()


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

    retirement = Retirement()

    def switch(new: Runtime) -> None:
        new.component(WorkerProcess).start(threads=threads)
        old = follower.runtime
        retirement.add(old, old.component(WorkerProcess).stop)

    follower = Follower(runtime, switch, must_end=end if alone else None)
    runtime.component(WorkerProcess).start(threads=threads)
    follower.start()
    while not ended:
        time.sleep(STEP_SECONDS)
    follower.stop()
    # The worker first: its tasks use the other components.
    follower.runtime.component(WorkerProcess).stop()
    retirement.join()
    follower.runtime.close(keep_database=True)
