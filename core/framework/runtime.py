"""What a process holds while it runs: settings, database, secrets, hooks, components."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from core.db import Database
from core.framework.hooks import Hooks
from core.framework.secrets import Secrets
from core.framework.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.framework.manifest import Manifest

__all__ = ["Runtime", "runtime_of"]

C = TypeVar("C")

_INFO: Final = "runtime"


class Closable(Protocol):
    """A component that holds threads or connections."""

    def close(self) -> None:
        """Give them back."""


class Runtime:
    """One per process. Rooms that need something for the whole process keep it as a component."""

    def __init__(self, settings: Mapping[str, Any], database: Database | None = None) -> None:
        """Connect nothing yet; plugins are added by ``core.app``.

        :raises ConfigurationError: ``sqlalchemy.url`` or ``abah.secret`` is missing.
        """
        self.settings = Settings(settings)
        self.secrets = Secrets(self.settings.required("abah.secret"))
        self.database = database or Database(self.settings.required("sqlalchemy.url"))
        self.database.info[_INFO] = self
        self.hooks = Hooks()
        self.plugins: Sequence[Manifest] = ()
        """Manifests of the enabled plugins, in load order."""
        self._components: dict[Callable[[Runtime], Any], Any] = {}
        self._guard = threading.RLock()

    def component(self, build: Callable[[Runtime], C]) -> C:
        """Return the one ``build(runtime)`` of this process, made at the first call."""
        with self._guard:
            if build not in self._components:
                self._components[build] = build(self)
            found: C = self._components[build]
            return found

    def replace_component(self, build: Callable[[Runtime], C], instance: C) -> None:
        """Use ``instance`` where ``build`` is asked for."""
        with self._guard:
            self._components[build] = instance

    def plugin_settings(self, plugin: str) -> Mapping[str, Any]:
        """Return a plugin's settings: what an administrator stored, else the defaults."""
        from core.framework.stored import PluginSettings  # noqa: PLC0415 - it imports models

        return self.component(PluginSettings).of(plugin)

    def close(self, *, keep_database: bool = False) -> None:
        """Close components in the reverse order of their making, then the database.

        ``keep_database`` leaves it open for a runtime that goes on beside this one.
        """
        with self._guard:
            components = list(self._components.values())
            self._components.clear()
        for component in reversed(components):
            close = getattr(component, "close", None)
            if callable(close):
                close()
        if not keep_database:
            self.database.dispose()


def runtime_of(session: Session) -> Runtime:
    """Return the runtime that a session belongs to."""
    runtime: Runtime = session.info[_INFO]
    return runtime
