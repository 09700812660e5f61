"""Fixtures of the jobs: a plugin whose tasks and sweeps leave traces."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import pytest

from core.api.hooks import hookimpl
from core.api.jobs import sweep, task
from core.framework.runtime import Runtime


@pytest.fixture
def plugin_names(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """Leave the bundled plugins out, unless a test names some."""
    mark = request.node.get_closest_marker("plugins")
    return tuple(sorted(mark.args)) if mark else ()


class TracePlugin:
    """Tasks that say when they ran."""

    def __init__(self) -> None:
        """Nothing ran yet."""
        self.ran: list[object] = []
        self.swept = threading.Event()
        self.begun = threading.Event()
        self.go_on = threading.Event()

        @task("trace.note")
        def note(_runtime: Runtime, *ids: int) -> None:
            self.ran.append(ids)
            self.begun.set()

        @task("trace.slow")
        def slow(_runtime: Runtime, number: int) -> None:
            self.begun.set()
            self.go_on.wait(10)
            self.ran.append(number)

        @task("trace.broken")
        def broken(_runtime: Runtime) -> None:
            raise RuntimeError

        @task("trace.poisoned")
        def poisoned(_runtime: Runtime, number: int) -> None:
            if number == 1:
                raise RuntimeError
            self.ran.append(number)

        @task("trace.urgent.note")
        def urgent(_runtime: Runtime, number: int) -> None:
            self.ran.append(number)

        @task("core.stolen")
        def stolen(_runtime: Runtime) -> None:
            self.ran.append("stolen")

        @sweep("trace.look", every=0.1)
        def look(_runtime: Runtime) -> None:
            self.swept.set()

        @sweep("trace.fails", every=0.1)
        def fails(_runtime: Runtime) -> None:
            raise RuntimeError

        self.tasks: list[Callable[..., None]] = [note, slow, broken, poisoned, urgent, stolen]
        self.sweeps: list[Callable[..., None]] = [fails, look]

    @hookimpl
    def register_tasks(self) -> Sequence[Callable[..., None]]:
        """Give the tasks."""
        return self.tasks

    @hookimpl
    def register_sweeps(self) -> Sequence[Callable[..., None]]:
        """Give the sweeps."""
        return self.sweeps


@pytest.fixture
def trace(runtime: Runtime) -> TracePlugin:
    """Register the plugin."""
    plugin = TracePlugin()
    runtime.hooks.register("trace", plugin)
    return plugin


def wait_for(condition: Callable[[], object], seconds: float = 10) -> bool:
    """Wait until something is true."""
    pause = threading.Event()
    for _time in range(int(seconds / 0.02)):
        if condition():
            return True
        pause.wait(0.02)
    return False
