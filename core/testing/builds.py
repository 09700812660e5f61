"""Applications that tests share: what a build is made of is code, and a test brings the rest.

Building one takes as long as most tests. A router holds its runtime in one place only, so the
application of an earlier test serves a runtime on another database as well as one of its own.
"""

from __future__ import annotations

from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from core.app import build_wsgi
from core.framework.loading import LoadedPlugins

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pyramid.router import Router

    from core.framework.hooks import Hooks
    from core.framework.manifest import Manifest
    from core.framework.runtime import Runtime

    Implementations = Sequence[tuple[str, Callable[..., Any]]]

__all__ = ["Builds"]

KEPT: Final = 8
"""Tests of one folder need two or three."""


@dataclass(frozen=True, slots=True)
class _Build:
    """A router, and everything that made it what it is."""

    router: Router
    plugins: Sequence[Manifest]
    settings: Mapping[str, Any]
    asked: Mapping[str, Implementations]
    """What each hook that was asked while it was built was answered by."""

    def fits(self, runtime: Runtime) -> bool:
        """Tell whether a build of ``runtime`` would be the same."""
        return (
            self.plugins == runtime.plugins
            and self.settings == _settings(runtime)
            and all(
                runtime.hooks.implementations(hook) == given for hook, given in self.asked.items()
            )
        )


class Builds:
    """The applications of this process; each serves one test at a time."""

    def __init__(self) -> None:
        """Have none yet."""
        self._builds: deque[_Build] = deque(maxlen=KEPT)

    @contextmanager
    def serving(self, runtime: Runtime) -> Iterator[Router]:
        """Give the application of a runtime until the block ends."""
        build = next((one for one in self._builds if one.fits(runtime)), None)
        if build is None:
            with _recorded(runtime.hooks) as asked:
                router = build_wsgi(runtime)
            build = _Build(router, runtime.plugins, _settings(runtime), asked)
            # What was left out is noted in the runtime that was built.
            if not LoadedPlugins.of(runtime).problems:
                self._builds.append(build)
        registry = build.router.registry
        registry["runtime"] = runtime
        try:
            yield build.router
        finally:
            del registry["runtime"]


def _settings(runtime: Runtime) -> dict[str, Any]:
    return {key: value for key, value in runtime.settings.items() if key != "sqlalchemy.url"}


@contextmanager
def _recorded(hooks: Hooks) -> Iterator[dict[str, Implementations]]:
    """Note which hooks are asked in a block, and who answers."""
    asked: dict[str, Implementations] = {}
    find = hooks.implementations

    def implementations(hook: str) -> Implementations:
        asked[hook] = find(hook)
        return asked[hook]

    hooks.implementations = implementations  # type: ignore[method-assign]
    try:
        yield asked
    finally:
        del hooks.implementations
