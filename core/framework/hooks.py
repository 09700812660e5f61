"""Calling plugins: three kinds of calls, each with its own rule for a plugin that fails.

*collect*: every answer is gathered; an error names its plugin and is the caller's to handle.
*decide*: later-loaded plugins are asked first, an error refuses (fail closed).
*tell*: an event; each plugin runs in a savepoint of its own, is timed and counted, and is left out
for a while after repeated failure (breaker). One plugin's exception never stops the others.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Final

import pluggy
import structlog
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import Session

from core.errors import AbahError
from core.hookspecs import SPEC_MODULES
from core.hookspecs.markers import PROJECT
from core.i18n import _

__all__ = ["BREAKER_LIMIT", "BREAKER_SECONDS", "HookStats", "Hooks", "PluginHookError"]

BREAKER_LIMIT: Final = 5
"""Failures in a row after which a plugin's event handler is left out."""
BREAKER_SECONDS: Final = 60.0
"""Seconds until a handler that was left out is tried again."""

log = structlog.get_logger(__name__)


class PluginHookError(AbahError):
    """A plugin raised in a hook whose answer was needed."""

    def __init__(self, plugin: str, hook: str) -> None:
        """Remember who failed where."""
        self.plugin = plugin
        self.hook = hook
        super().__init__(
            _(
                "Plugin ${plugin} gagal menjawab ${hook}. Tindakan dibatalkan; hubungi Admin.",
                mapping={"plugin": plugin, "hook": hook},
            )
        )


@dataclass(slots=True)
class HookStats:
    """What one plugin's implementation of one hook has cost so far in this process."""

    calls: int = 0
    failures: int = 0
    failures_in_a_row: int = 0
    seconds: float = 0.0
    last_error: str = ""
    open_until: float = 0.0
    """Monotonic time until which the breaker leaves the handler out."""


class Hooks:
    """The plugin manager of one build: which plugins answer, and what it costs."""

    def __init__(self) -> None:
        """Know every specification, and no plugin yet."""
        self._manager = pluggy.PluginManager(PROJECT)
        for module in SPEC_MODULES:
            self._manager.add_hookspecs(module)
        self._stats: dict[tuple[str, str], HookStats] = {}
        self._guard = threading.Lock()

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

    def unregister(self, name: str) -> None:
        """Take a plugin out."""
        self._manager.unregister(name=name)

    @property
    def plugins(self) -> list[str]:
        """Names of the registered plugins, in load order."""
        return [name for name, plugin in self._manager.list_name_plugin() if plugin is not None]

    def implementations(self, hook: str) -> Iterator[tuple[str, Callable[..., Any]]]:
        """Give name and function of each plugin that implements ``hook``, in load order."""
        caller = getattr(self._manager.hook, hook)
        for implementation in caller.get_hookimpls():
            yield implementation.plugin_name, implementation.function

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
        for name, function in reversed(list(self.implementations(hook))):
            answer = self._call(name, hook, function, arguments)
            if answer is not None:
                return answer
        return None

    def merge(self, hook: str, **arguments: Any) -> dict[Any, Any]:
        """Unite the mappings that plugins answer; for each key the plugin loaded last wins.

        :raises PluginHookError: a plugin raised.
        """
        merged: dict[Any, Any] = {}
        for _name, answer in self.collect(hook, **arguments):
            merged.update(answer)
        return merged

    def tell(self, session: Session | None, hook: str, **arguments: Any) -> None:
        """Announce an event. A plugin that raises loses only what it wrote itself."""
        if session is not None:
            arguments["session"] = session
        for name, function in self.implementations(hook):
            with self.fence(name, hook, session) as allowed:
                if allowed:
                    function(**_wanted(function, arguments))

    def fence(self, plugin: str, place: str, session: Session | None = None) -> _Fence:
        """Guard a block that runs a plugin's code: errors are counted and logged, not raised.

        The block gets False when the breaker is open and should then do nothing.
        """
        return _Fence(self, plugin, place, session)

    def stats(self, plugin: str, place: str) -> HookStats:
        """Return the running account of one plugin at one hook or place."""
        with self._guard:
            return self._stats.setdefault((plugin, place), HookStats())

    def all_stats(self) -> Mapping[tuple[str, str], HookStats]:
        """Return every account so far."""
        with self._guard:
            return dict(self._stats)

    def _call(
        self, plugin: str, hook: str, function: Callable[..., Any], arguments: Mapping[str, Any]
    ) -> Any:
        stats = self.stats(plugin, hook)
        begun = time.perf_counter()
        failure: Exception | None = None
        try:
            return function(**_wanted(function, arguments))
        except Exception as error:
            failure = error
            log.exception("plugin hook failed", plugin=plugin, hook=hook)
            raise PluginHookError(plugin, hook) from error
        finally:
            self.count(stats, time.perf_counter() - begun, failure)

    def count(self, stats: HookStats, seconds: float, failure: Exception | None) -> None:
        """Add one call to an account; threads of the process share it."""
        with self._guard:
            stats.calls += 1
            stats.seconds += seconds
            if failure is None:
                stats.failures_in_a_row = 0
                return
            stats.failures += 1
            stats.failures_in_a_row += 1
            stats.last_error = f"{type(failure).__name__}: {failure}"


class _Fence:
    """Context manager behind :meth:`Hooks.fence`."""

    def __init__(self, hooks: Hooks, plugin: str, place: str, session: Session | None) -> None:
        self._hooks = hooks
        self._stats = hooks.stats(plugin, place)
        self._plugin = plugin
        self._place = place
        self._session = session
        self._savepoint: Any = None
        self._begun = 0.0
        self._allowed = False

    def __enter__(self) -> bool:
        self._allowed = self._stats.open_until <= time.monotonic()
        if self._allowed and self._session is not None:
            self._savepoint = self._session.begin_nested()
        self._begun = time.perf_counter()
        return self._allowed

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _tb: object
    ) -> bool:
        if not self._allowed:
            return error is None or isinstance(error, Exception)
        if error is None:
            try:
                if self._savepoint is not None:
                    self._savepoint.commit()
            except Exception as late:  # noqa: BLE001 - a flush at the end is still the plugin's work
                error = late
        failure = error if isinstance(error, Exception) else None
        self._hooks.count(self._stats, time.perf_counter() - self._begun, failure)
        if error is None:
            return False
        if self._savepoint is not None:
            # Also after a failed flush, which leaves it inactive. Closed is one that the plugin
            # ended itself.
            with contextlib.suppress(InvalidRequestError):
                self._savepoint.rollback()
        if failure is None:
            return False
        if self._stats.failures_in_a_row >= BREAKER_LIMIT:
            self._stats.open_until = time.monotonic() + BREAKER_SECONDS
        log.error("plugin failed", plugin=self._plugin, place=self._place, exc_info=failure)
        return True


@functools.lru_cache(maxsize=1024)
def _parameters(function: Callable[..., Any]) -> frozenset[str]:
    return frozenset(inspect.signature(function).parameters)


def _wanted(function: Callable[..., Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Keep the arguments that an implementation takes; it may leave out what it does not need."""
    parameters = _parameters(function)
    return {name: value for name, value in arguments.items() if name in parameters}
