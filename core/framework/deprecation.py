"""Which plugins use hooks, or arguments of hooks, that are going."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType

from core.framework.hooks import Hooks
from core.framework.runtime import Runtime
from core.i18n import TranslationString, _

__all__ = ["DeprecatedUse", "deprecated_uses", "deprecated_uses_of"]


@dataclass(frozen=True, slots=True)
class DeprecatedUse:
    """A plugin that implements what is going."""

    plugin: str
    hook: str
    argument: str
    """The argument that goes, or empty where the whole hook does."""
    instead: str
    """What to use instead, in the words of the hook reference."""
    remove_in: str
    """First version of the core without it."""

    @property
    def explanation(self) -> TranslationString:
        """Say it in a sentence."""
        what = f"{self.hook}({self.argument})" if self.argument else self.hook
        return _(
            "Plugin ${name} memakai hook ${hook}, yang dihapus mulai abah ${version}. "
            "Penggantinya: ${instead}",
            mapping={
                "name": self.plugin,
                "hook": what,
                "version": self.remove_in,
                "instead": self.instead,
            },
        )


def deprecated_uses(runtime: Runtime) -> list[DeprecatedUse]:
    """List what the plugins that run use although it is going, by hook in load order."""
    return list(_uses(runtime.hooks))


def deprecated_uses_of(plugin: str, module: ModuleType) -> list[DeprecatedUse]:
    """List what a plugin would use, given its module with the hooks; it need not run.

    :raises pluggy.PluginValidationError: it implements a hook that does not exist.
    """
    alone = Hooks()
    alone.register(plugin, module)
    return list(_uses(alone))


def _uses(hooks: Hooks) -> Iterator[DeprecatedUse]:
    for hook, lifetime in hooks.lifetimes():
        if not lifetime.remove_in:
            continue
        for plugin, function in hooks.implementations(hook):
            if lifetime.deprecated:
                yield DeprecatedUse(plugin, hook, "", lifetime.deprecated, lifetime.remove_in)
            taken = inspect.signature(function).parameters
            for argument, instead in lifetime.deprecated_arguments.items():
                if argument in taken:
                    yield DeprecatedUse(plugin, hook, argument, instead, lifetime.remove_in)
