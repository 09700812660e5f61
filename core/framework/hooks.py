"""Calling plugins: three kinds of calls, each with its own rule for a plugin that fails.

*collect*: every answer is gathered; an error names its plugin and is the caller's to handle.
*decide*: later-loaded plugins are asked first, an error refuses (fail closed).
*tell*: an event; each plugin runs in a savepoint of its own, is timed and counted, and is left out
for a while after repeated failure (breaker). One plugin's exception never stops the others.

``SystemExit`` counts as any other error: the code of a plugin does not end the process.

Every failure is logged under an id. The accounts here are those of one process and one build;
:mod:`core.framework.health` adds them to figures that last.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import ModuleType
from typing import Any, Final

import pluggy
import structlog
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import Session

from core.db import utcnow
from core.errors import AbahError, new_error_id
from core.framework.logging import error_words
from core.hookspecs import SPEC_MODULES
from core.hookspecs.markers import PROJECT, Lifetime, lifetime_of
from core.i18n import _

__all__ = ["BREAKER_LIMIT", "BREAKER_SECONDS", "HookStats", "Hooks", "PluginHookError"]

BREAKER_LIMIT: Final = 5
"""Failures in a row after which a plugin's event handler is left out."""
BREAKER_SECONDS: Final = 60.0
"""Seconds until a handler that was left out is tried again."""
ENDINGS: Final = ("commit", "rollback", "close")
"""Methods of a session that end the transaction of its caller."""

log = structlog.get_logger(__name__)


class PluginHookError(AbahError):
    """A plugin raised in a hook whose answer was needed."""

    def __init__(self, plugin: str, hook: str, error_id: str) -> None:
        """Remember who failed where, and the id under which it was logged."""
        self.plugin = plugin
        self.hook = hook
        self.error_id = error_id
        super().__init__(
            _(
                "Plugin ${plugin} gagal menjawab ${hook}. Tindakan dibatalkan; "
                "sampaikan kode ${id} kepada Admin.",
                mapping={"plugin": plugin, "hook": hook, "id": error_id},
            )
        )


@dataclass(slots=True)
class HookStats:
    """What one plugin has cost so far in this process at one hook or other place."""

    calls: int = 0
    failures: int = 0
    failures_in_a_row: int = 0
    seconds: float = 0.0
    last_error: str = ""
    """Class and text, without personal data."""
    error_id: str = ""
    """Under which the last error was logged."""
    failed_at: datetime | None = None
    open_until: float = 0.0
    """Monotonic time until which the breaker leaves the handler out."""


class Hooks:
    """The plugin manager of one build: which plugins answer, and what it costs."""

    def __init__(self) -> None:
        """Know every specification, and no plugin yet."""
        self._manager = pluggy.PluginManager(PROJECT)
        for module in SPEC_MODULES:
            self._manager.add_hookspecs(module)
        self._known: dict[str, Sequence[tuple[str, Callable[..., Any]]]] = {}
        self._stats: dict[tuple[str, str], HookStats] = {}
        self._guard = threading.Lock()
        self.failed = threading.Event()
        """Set at every failure; whoever keeps the figures clears it."""

    def register(self, name: str, plugin: ModuleType | object) -> None:
        """Add a plugin under its name.

        :raises pluggy.PluginValidationError: it implements a hook that does not exist, or with
            arguments that the specification does not give.
        """
        self._manager.register(plugin, name=name)
        try:
            self._manager.check_pending()
        except pluggy.PluginValidationError:
            self._manager.unregister(name=name)
            raise
        finally:
            self._known = {}

    def unregister(self, name: str) -> None:
        """Take a plugin out."""
        self._manager.unregister(name=name)
        self._known = {}

    @property
    def plugins(self) -> list[str]:
        """Names of the registered plugins, in load order."""
        return [name for name, plugin in self._manager.list_name_plugin() if plugin is not None]

    def lifetimes(self) -> Iterator[tuple[str, Lifetime]]:
        """Give every hook that can be implemented, with how long it lives."""
        for name, caller in vars(self._manager.hook).items():
            if caller.spec is not None:
                yield name, lifetime_of(caller.spec.function)

    def implementations(self, hook: str) -> Sequence[tuple[str, Callable[..., Any]]]:
        """Give name and function of each plugin that implements ``hook``, in load order."""
        found = self._known.get(hook)
        if found is None:
            caller = getattr(self._manager.hook, hook)
            found = tuple((one.plugin_name, one.function) for one in caller.get_hookimpls())
            self._known[hook] = found
        return found

    def collect(self, hook: str, **arguments: Any) -> list[tuple[str, Any]]:
        """Gather (plugin, answer) pairs in load order, leaving out plugins without an answer.

        :raises PluginHookError: a plugin raised.
        """
        answers = []
        for name, function in self.implementations(hook):
            answer = self._call(name, hook, function, arguments)
            if answer is not None:
                answers.append((name, answer))
        return answers

    def gather(self, hook: str, **arguments: Any) -> list[tuple[str, Any]]:
        """Gather (plugin, answer) pairs as :meth:`collect`, but leave out a plugin that raises.

        For registrations while something is built: one broken plugin must not take the others
        along.
        """
        answers = []
        for name, function in self.implementations(hook):
            with self.fence(name, hook) as allowed:
                if allowed:
                    answer = function(**_wanted(function, arguments))
                    if answer is not None:
                        answers.append((name, answer))
        return answers

    def decide(self, hook: str, **arguments: Any) -> Any:
        """Return the first answer that is not None; plugins loaded later are asked first.

        :raises PluginHookError: a plugin raised before anybody answered.
        """
        for name, function in reversed(self.implementations(hook)):
            answer = self._call(name, hook, function, arguments)
            if answer is not None:
                return answer
        return None

    def call_one(self, plugin: str, hook: str, **arguments: Any) -> None:
        """Call the implementation of one plugin, if it has one.

        :raises PluginHookError: it raised something else than an ``AbahError``, which passes.
        """
        for name, function in self.implementations(hook):
            if name == plugin:
                try:
                    self._call(name, hook, function, arguments)
                except PluginHookError as error:
                    if isinstance(error.__cause__, AbahError):
                        raise error.__cause__ from None
                    raise

    def merge(self, hook: str, **arguments: Any) -> dict[Any, Any]:
        """Unite the mappings that plugins answer; for each key the plugin loaded last wins.

        :raises PluginHookError: a plugin raised.
        """
        merged: dict[Any, Any] = {}
        for _name, answer in self.collect(hook, **arguments):
            merged.update(answer)
        return merged

    def tell(self, session: Session | None, hook: str, **arguments: Any) -> None:
        """Announce an event. A plugin that raises loses only what it wrote itself.

        So does one that would end the transaction: it is the caller's.
        """
        if session is not None:
            arguments["session"] = session
        for name, function in self.implementations(hook):
            with self.fence(name, hook, session) as allowed:
                if allowed:
                    function(**_wanted(function, arguments))

    def fence(
        self, plugin: str, place: str, session: Session | None = None, *, breaker: bool = True
    ) -> _Fence:
        """Guard a block that runs a plugin's code: errors are counted and logged, not raised.

        The block gets False when the breaker is open and should then do nothing. Without
        ``breaker`` there is none: for what must be tried however often it failed.
        """
        return _Fence(self, plugin, place, session, breaker=breaker)

    def stats(self, plugin: str, place: str) -> HookStats:
        """Return the running account of one plugin at one hook or place."""
        found = self._stats.get((plugin, place))
        if found is None:
            with self._guard:
                found = self._stats.setdefault((plugin, place), HookStats())
        return found

    def all_stats(self) -> Mapping[tuple[str, str], HookStats]:
        """Return every account as it is now."""
        with self._guard:
            return {key: replace(stats) for key, stats in self._stats.items()}

    def _call(
        self, plugin: str, hook: str, function: Callable[..., Any], arguments: Mapping[str, Any]
    ) -> Any:
        stats = self.stats(plugin, hook)
        begun = time.perf_counter()
        try:
            answer = function(**_wanted(function, arguments))
        except (Exception, SystemExit) as error:
            error_id = self.count(stats, time.perf_counter() - begun, error)
            log.exception("plugin hook failed", plugin=plugin, hook=hook, error_id=error_id)
            raise PluginHookError(plugin, hook, error_id) from error
        except BaseException:
            self.count(stats, time.perf_counter() - begun)
            raise
        self.count(stats, time.perf_counter() - begun)
        return answer

    def left_out(self, plugin: str, place: str, failure: BaseException) -> str:
        """Count and log a failure for which a plugin is left out; return the id of the error."""
        error_id = self.count(self.stats(plugin, place), 0.0, failure)
        log.error(
            "plugin left out", plugin=plugin, place=place, error_id=error_id, exc_info=failure
        )
        return error_id

    def count(
        self,
        stats: HookStats,
        seconds: float,
        failure: BaseException | None = None,
        *,
        breaker: bool = False,
    ) -> str:
        """Add one call to an account and return the id of its failure, or nothing.

        Threads of the process share the account. With ``breaker`` it opens after too many failures
        in a row.
        """
        if failure is None:
            with self._guard:
                stats.calls += 1
                stats.seconds += seconds
                stats.failures_in_a_row = 0
            return ""
        error_id, text, now = new_error_id(), error_words(failure), utcnow()
        with self._guard:
            stats.calls += 1
            stats.seconds += seconds
            stats.failures += 1
            stats.failures_in_a_row += 1
            stats.last_error, stats.error_id, stats.failed_at = text, error_id, now
            if breaker and stats.failures_in_a_row >= BREAKER_LIMIT:
                stats.open_until = time.monotonic() + BREAKER_SECONDS
        self.failed.set()
        return error_id


class _Fence:
    """Context manager behind :meth:`Hooks.fence`."""

    def __init__(
        self, hooks: Hooks, plugin: str, place: str, session: Session | None, *, breaker: bool
    ) -> None:
        self._hooks = hooks
        self._breaker = breaker
        self._stats = hooks.stats(plugin, place)
        self._plugin = plugin
        self._place = place
        self._session = session
        self._savepoint: Any = None
        self._closed: Session | None = None
        """The session whose transaction this fence keeps from being ended."""
        self._begun = 0.0
        self._allowed = False

    def __enter__(self) -> bool:
        self._allowed = not self._breaker or self._stats.open_until <= time.monotonic()
        if self._allowed and self._session is not None:
            self._savepoint = self._session.begin_nested()
            if "commit" not in vars(self._session):
                # Else it stands in another fence, whose end lets go.
                self._closed = self._session
                vars(self._session).update(dict.fromkeys(ENDINGS, _not_its_own))
        self._begun = time.perf_counter()
        return self._allowed

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _tb: object
    ) -> bool:
        if not self._allowed:
            return error is None or isinstance(error, (Exception, SystemExit))
        if self._closed is not None:
            for name in ENDINGS:
                del vars(self._closed)[name]
        if error is None:
            try:
                if self._savepoint is not None:
                    self._savepoint.commit()
            except (Exception, SystemExit) as late:  # noqa: BLE001 - a flush at the end is still the plugin's work
                error = late
        failure = error if isinstance(error, (Exception, SystemExit)) else None
        seconds = time.perf_counter() - self._begun
        error_id = self._hooks.count(self._stats, seconds, failure, breaker=self._breaker)
        if error is None:
            return False
        if self._savepoint is not None:
            # Also after a failed flush, which leaves it inactive. Closed is one that the plugin
            # ended itself.
            with contextlib.suppress(InvalidRequestError):
                self._savepoint.rollback()
        if failure is None:
            return False
        log.error(
            "plugin failed",
            plugin=self._plugin,
            place=self._place,
            error_id=error_id,
            exc_info=failure,
        )
        return True


def _not_its_own() -> None:
    """Stand for what would end the transaction of whoever announced an event."""
    message = "a plugin may not end the transaction in which it is called"
    raise InvalidRequestError(message)


@functools.lru_cache(maxsize=1024)
def _parameters(function: Callable[..., Any]) -> frozenset[str]:
    return frozenset(inspect.signature(function).parameters)


def _wanted(function: Callable[..., Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Keep the arguments that an implementation takes; it may leave out what it does not need."""
    parameters = _parameters(function)
    return {name: value for name, value in arguments.items() if name in parameters}
