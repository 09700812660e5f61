"""Enabling and disabling take effect in a running process, and cost nobody anything."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import delete
from sqlalchemy.exc import ArgumentError
from webtest import TestApp, TestRequest

from core.framework.health import HealthRecorder, plugin_health
from core.framework.lifecycle import Lifecycle
from core.framework.runtime import Runtime
from core.jobs.models import Lease
from core.jobs.sweeper import Sweeper
from core.jobs.worker import WorkerProcess
from core.live import Live
from tests.core.conftest import Workshop

pytestmark = pytest.mark.plugins()

Deployment = Callable[..., Runtime]

CODE = """
import threading

from core.api.hooks import hookimpl
from core.api.jobs import sweep
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED

here = threading.Event()
go_on = threading.Event()
swept = []

def slow(request):
    here.set()
    go_on.wait(30)
    return Response("selesai")

@sweep("peta.look", every=0.1)
def look(runtime):
    swept.append(1)

@hookimpl
def include_web(config):
    config.add_route("peta.slow", "/slow")
    config.add_route("peta.quick", "/quick")
    config.add_route("peta.parts", "/parts")
    config.add_view(
        lambda request: Response(app_iter=iter([b"satu ", b"dua"])),
        route_name="peta.parts",
        permission=NO_PERMISSION_REQUIRED,
    )
    config.add_view(slow, route_name="peta.slow", permission=NO_PERMISSION_REQUIRED)
    config.add_view(
        lambda request: Response("ada"),
        route_name="peta.quick",
        permission=NO_PERMISSION_REQUIRED,
    )

@hookimpl
def register_sweeps():
    return [look]
"""


@pytest.fixture
def live(deployment: Deployment, workshop: Workshop) -> Iterator[Callable[..., Live]]:
    """Serve a deployment with the plugin peta; nobody follows by himself."""
    workshop.plugin("peta", code=CODE)
    Lifecycle(deployment()).install("peta")
    served: list[Live] = []

    def serve(**settings: str) -> Live:
        served.append(Live(deployment(**settings)))
        return served[-1]

    yield serve
    for each in served:
        each.close()


def wait_for(condition: Callable[[], bool], seconds: float = 20) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.02)
    return False


def test_pages_come_and_go_and_what_is_under_way_ends_well(
    deployment: Deployment, live: Callable[..., Live]
) -> None:
    from plugins.peta import plugin  # type: ignore[import-not-found]  # noqa: PLC0415

    served = live()
    served.follower.runtime.component(HealthRecorder).start()
    app = TestApp(served)
    answers: list[str] = []
    slow = threading.Thread(target=lambda: answers.append(app.get("/p/peta/slow").text))
    slow.start()
    assert plugin.here.wait(20)
    assert not served.follower.look(), "nothing has changed"
    other = deployment()
    Lifecycle(other).disable("peta")
    assert served.follower.look()
    assert app.get("/p/peta/quick", status=404)
    assert app.get("/masuk", status=200)
    plugin.go_on.set()
    slow.join(20)
    assert answers == ["selesai"]
    Lifecycle(other).enable("peta")
    assert served.follower.look()
    assert app.get("/p/peta/quick").text == "ada"
    served._retirement.join()
    with other.database.reading() as session:
        (figures,) = plugin_health(session)["peta"]
    assert (figures.place, figures.calls) == ("include", 1), "those of a replaced build stay"


def test_the_worker_of_the_process_follows(
    deployment: Deployment, live: Callable[..., Live]
) -> None:
    from plugins.peta import plugin  # noqa: PLC0415

    plugin.swept.clear()
    served = live(abah__embedded_worker="true")
    served.start()
    assert wait_for(lambda: len(plugin.swept) > 1)
    Lifecycle(deployment()).disable("peta")
    assert wait_for(lambda: [one.name for one in served.follower.runtime.plugins] == [])

    def rests() -> bool:
        seen = len(plugin.swept)
        time.sleep(0.5)
        return len(plugin.swept) == seen

    assert wait_for(rests)
    Lifecycle(deployment()).enable("peta")
    seen = len(plugin.swept)
    assert wait_for(lambda: len(plugin.swept) > seen + 1)


def test_what_a_process_cannot_follow_is_left_to_its_supervisor(
    deployment: Deployment, workshop: Workshop, live: Callable[..., Live]
) -> None:
    served = live()
    before = served.follower.runtime
    workshop.plugin("denah")
    other = deployment()
    Lifecycle(other).install("denah")
    assert not served.follower.look()
    Lifecycle(other).disable("peta")
    assert not served.follower.look(), "not even half of it"
    assert served.follower.runtime is before
    assert TestApp(served).get("/p/peta/quick").text == "ada"


def test_a_switch_that_fails_leaves_everything_as_it_was_and_is_tried_again(
    deployment: Deployment, live: Callable[..., Live], monkeypatch: pytest.MonkeyPatch
) -> None:
    served = live()
    app = TestApp(served)
    Lifecycle(deployment()).disable("peta")

    def fail(_runtime: Runtime) -> None:
        # As wrongly mapped models do: not to be taken for a database that is away.
        raise ArgumentError

    with monkeypatch.context() as patched:
        patched.setattr("core.live.build_wsgi", fail)
        assert not served.follower.look()
    assert served.follower._failures == 1, "told, and tried again after a pause"
    assert app.get("/p/peta/quick").text == "ada"
    assert app.get("/masuk", status=200), "the database is still open"
    assert served.follower.look()
    assert app.get("/p/peta/quick", status=404)


def test_an_old_runtime_that_does_not_end_well_takes_nothing_along(
    deployment: Deployment, live: Callable[..., Live], monkeypatch: pytest.MonkeyPatch
) -> None:
    served = live(abah__embedded_worker="true")
    served.start()
    stop = Sweeper.stop

    def fail(self: Sweeper) -> None:
        stop(self)
        raise ZeroDivisionError

    monkeypatch.setattr(Sweeper, "stop", fail)
    Lifecycle(deployment()).disable("peta")
    assert wait_for(lambda: [one.name for one in served.follower.runtime.plugins] == [])
    monkeypatch.undo()
    with served.follower.runtime.database.writing() as session:
        session.execute(delete(Lease))
    sweeper = served.follower.runtime.component(WorkerProcess)._sweeper
    assert sweeper is not None
    assert wait_for(lambda: sweeper._leading), "the new worker is at work"


def test_an_answer_that_is_written_bit_by_bit_keeps_its_runtime(
    deployment: Deployment, live: Callable[..., Live]
) -> None:
    served = live()
    environ = dict(TestRequest.blank("/p/peta/parts").environ)
    body = served(environ, lambda *_arguments: lambda _data: None)
    build = served._build
    assert build.requests == 1
    Lifecycle(deployment()).disable("peta")
    assert served.follower.look()
    assert b"".join(body) == b"satu dua"
    assert build.requests == 1
    body.close()  # type: ignore[attr-defined]
    assert build.requests == 0
