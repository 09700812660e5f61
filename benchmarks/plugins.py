"""What plugins cost: building and switching with sixty of them, a hook that nobody answers, a page.

Time is that of the thread: a busy neighbour must not count. The references are measured in the same
run, taking turns: a bare Pyramid application with as many routes, a bare call of pluggy, and the
same pages without the sixty.
"""

from __future__ import annotations

import logging
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pluggy
import structlog
from pyramid.config import Configurator
from pyramid.response import Response

from benchmarks import many
from benchmarks.bureau import BUNDLED, deploy
from benchmarks.lists import PAGES, asker, sign_in
from benchmarks.rows import Row
from core.app import build_wsgi, open_runtime
from core.framework.hooks import Hooks
from core.framework.lifecycle import Lifecycle
from core.framework.models import PluginRow, PluginState
from core.framework.registry import raise_registry
from core.hookspecs import SPEC_MODULES
from core.hookspecs.markers import PROJECT
from core.live import Live

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pyramid.request import Request

    from core.framework.runtime import Runtime

__all__ = ["run"]

BUILDS: Final = 7
HOOKS: Final = 200
CALLS: Final = 1000
WARM: Final = 10
ROUNDS: Final = 100

PLACES: Final = (
    "frame.ucp",
    "frame.bar",
    "frame.search",
    "frame.notice",
    "dashboard.search",
    "dashboard.waiting",
    "dashboard.tiles",
    "verification.code",
)
"""Where the sixty put a piece each, in turn."""


def run() -> list[Row]:
    """Measure everything."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "plugins").mkdir()
        many.write(folder / "plugins", PLACES)
        bureau, admin_id = deploy(folder / "plugins.db")
        settings = dict(bureau.settings) | {"abah.plugins_path": str(folder / "plugins")}
        full = open_runtime(settings, plugins=[*BUNDLED, *many.names()])
        try:
            return [
                _build(full),
                _switch(full),
                _hook(),
                _page(bureau, full, admin_id),
            ]
        finally:
            full.close()
            bureau.close()


def _enable_all(runtime: Runtime) -> None:
    """Note the sixty as installed: their tables and data are none, and installing takes minutes."""
    with runtime.database.writing() as session:
        for name in many.names():
            session.add(PluginRow(name=name, version="1.0", state=PluginState.INSTALLED))
        raise_registry(session, replace=False)


def _bare() -> None:
    """Build a Pyramid application with as many routes and nothing else."""
    config = Configurator()
    for name in many.names():
        for number in range(many.ROUTES):
            route = f"{name}.page{number}"
            config.add_route(route, f"/p/{name}/{number}/{{id}}")
            config.add_view(_view, route_name=route)
    config.make_wsgi_app()


def _view(_request: Request) -> Response:
    return Response("ada")


def _seconds(work: Callable[[], object]) -> float:
    begun = time.thread_time()
    work()
    return time.thread_time() - begun


def _measure(works: Sequence[Callable[[], object]], rounds: int, *, warm: int = 1) -> list[float]:
    """Do each in turn, ``rounds`` times, and return the median seconds of each."""
    times: list[list[float]] = [[] for _work in works]
    for number in range(warm + rounds):
        for work, found in zip(works, times, strict=True):
            seconds = _seconds(work)
            if number >= warm:
                found.append(seconds)
    return [statistics.median(found) for found in times]


def _build(full: Runtime) -> Row:
    ours, bare = _measure([lambda: build_wsgi(full), _bare], BUILDS)
    return Row("plugins.build", ours, "s CPU", bare, goal=1.0, limit=2.0)


def _switch(full: Runtime) -> Row:
    """Measure from the moment at which a process notices to that at which it has switched."""
    _enable_all(full)
    live = Live(open_runtime(full.settings))
    lifecycle = Lifecycle(full)
    name = many.names()[0]
    times, bare = [], []
    try:
        for number in range(1 + BUILDS):
            (lifecycle.enable if number % 2 else lifecycle.disable)(name)
            begun = time.thread_time()
            switched = live.follower.look()
            times.append(time.thread_time() - begun)
            if not switched:
                message = "the process did not follow"
                raise RuntimeError(message)
            bare.append(_seconds(_bare))
    finally:
        live.close()
    return Row(
        "plugins.switch",
        statistics.median(times[1:]),
        "s CPU",
        statistics.median(bare[1:]),
        goal=1.0,
        limit=1.0,
    )


def _hook() -> Row:
    """Measure an event that nobody listens to."""
    hooks, manager = Hooks(), pluggy.PluginManager(PROJECT)
    for module in SPEC_MODULES:
        manager.add_hookspecs(module)

    def ours() -> None:
        for _call in range(CALLS):
            hooks.tell(None, "messages_changed", changes=())

    def bare() -> None:
        for _call in range(CALLS):
            manager.hook.messages_changed(session=None, changes=())

    value, reference = (1e6 * one / CALLS for one in _measure([ours, bare], HOOKS))
    return Row("plugins.hook", value, "µs CPU", reference, goal=1.0, limit=2.0)


def _page(bureau: Runtime, full: Runtime, admin_id: int) -> Row:
    """Measure the list pages with and without the sixty, whose pieces stand on them in turn.

    About half of the pieces stand on each: in what surrounds every page.
    """
    without, with_all = build_wsgi(bureau), build_wsgi(full)
    cookie = sign_in(bureau, without, admin_id)
    value = reference = 0.0
    for page in PAGES.values():
        bare, ours = (asker(app, page.path, cookie) for app in (without, with_all))
        if ours().count(many.MARK) < many.COUNT // 2 or many.MARK in bare():
            message = f"{page.path}: the pieces of the plugins do not stand where they should"
            raise RuntimeError(message)
        one, other = _measure([bare, ours], ROUNDS, warm=WARM)
        reference += 1000 * one / len(PAGES)
        value += 1000 * other / len(PAGES)
    return Row("plugins.page", value, "ms CPU", reference, goal=1.1)
