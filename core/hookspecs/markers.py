"""The two pluggy markers of the project, the kinds of hooks, and how long a hook lives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import pluggy
from packaging.version import Version

__all__ = ["PROJECT", "Lifetime", "hookimpl", "hookspec", "lifetime_of"]

PROJECT: Final = "abah"
"""Name under which specifications and implementations find each other."""

F = TypeVar("F", bound=Callable[..., Any])

_ATTRIBUTE: Final = "abah_lifetime"

_specification = pluggy.HookspecMarker(PROJECT)


@dataclass(frozen=True, slots=True)
class Lifetime:
    """From which version of the core on a hook exists, and until which."""

    since: str
    deprecated: str = ""
    """What to use instead, or empty: the hook stays."""
    remove_in: str = ""
    """First version without the hook, or without its deprecated arguments."""
    deprecated_arguments: Mapping[str, str] = field(default_factory=dict)
    """Arguments that go, each with what to use instead."""

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        goes = bool(self.deprecated or self.deprecated_arguments)
        if goes != bool(self.remove_in):
            message = "what is deprecated names its remove_in, and nothing else does"
            raise ValueError(message)
        if goes and Version(self.remove_in) <= Version(self.since):
            message = f"remove_in {self.remove_in} is not after since {self.since}"
            raise ValueError(message)

    def over(self, core_version: str) -> bool:
        """Tell whether this version of the core should do without."""
        return bool(self.remove_in) and Version(self.remove_in) <= Version(core_version)


def hookspec(
    *,
    since: str,
    deprecated: str = "",
    remove_in: str = "",
    deprecated_arguments: Mapping[str, str] | None = None,
) -> Callable[[F], F]:
    """Mark a specification, with the version of the core that brought it.

    Its docstring is the contract; the second paragraph begins with the hook's kind: *collect*
    (answers are gathered), *decide* (the first answer wins, an error refuses), or *tell* (an event;
    each plugin is fenced by itself).

    ``deprecated`` says what to use instead of a hook that goes in ``remove_in``;
    ``deprecated_arguments`` says it for arguments of one that stays. Who still implements it is
    warned when it is registered.
    """
    lifetime = Lifetime(since, deprecated, remove_in, dict(deprecated_arguments or {}))

    def mark(function: F) -> F:
        name = function.__name__
        setattr(function, _ATTRIBUTE, lifetime)
        return _specification(
            function,
            warn_on_impl=_warning(name, deprecated, remove_in) if deprecated else None,
            warn_on_impl_args={
                argument: _warning(f"{name}({argument})", instead, remove_in)
                for argument, instead in lifetime.deprecated_arguments.items()
            }
            or None,
        )

    return mark


def lifetime_of(function: Callable[..., Any]) -> Lifetime:
    """Return what :func:`hookspec` noted for a specification."""
    found: Lifetime = getattr(function, _ATTRIBUTE)
    return found


def _warning(what: str, instead: str, remove_in: str) -> DeprecationWarning:
    return DeprecationWarning(f"{what} goes in abah {remove_in}: {instead}")


hookimpl = pluggy.HookimplMarker(PROJECT)
"""Marks an implementation: a function of a plugin's ``plugin`` module."""
