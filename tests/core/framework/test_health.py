"""What a plugin costs and where it failed, kept for all processes together."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text, update
from structlog.testing import capture_logs
from webtest import TestApp

from core.app import build_wsgi
from core.db import utcnow
from core.framework.doctor import Severity, examine
from core.framework.health import HealthRecorder, PlaceHealth, forget_old, plugin_health
from core.framework.hooks import BREAKER_LIMIT, BREAKER_SECONDS
from core.framework.lifecycle import Lifecycle
from core.framework.models import PluginHealth, ScheduledStart
from core.framework.removal import uninstall
from core.framework.runtime import Runtime
from core.i18n import plain
from core.jobs.sweeper import Sweeper
from core.testing.people import People, sign_in_as
from core.testing.work import Worker
from tests.core.conftest import Workshop
from tests.core.jobs.conftest import wait_for

pytestmark = pytest.mark.plugins()

Deployment = Callable[..., Runtime]

CODE = """
import time

from core.api.hooks import Slot, hookimpl
from core.api.jobs import sweep, task

ILL = {ill}

def work():
    time.sleep(0.002)
    if ILL:
        raise ValueError("tidak dapat menghubungi +6281234567890")

@task("{name}.kirim")
def send(runtime):
    work()

@sweep("{name}.cari", every=1)
def look(runtime):
    work()

@hookimpl
def register_tasks():
    return [send]

@hookimpl
def register_sweeps():
    return [look]

@hookimpl
def register_slots():
    return [Slot("dashboard.tiles", "{name}/tile.jinja2", variables=lambda *_: work() or {{}})]

@hookimpl
def messages_changed(session, changes):
    work()

@hookimpl
def include_web(config):
    {include}
"""

SCHEDULE = '[[schedules]]\ntask = "{name}.kirim"\nevery = 60\n'


def write(workshop: Workshop, name: str, *, ill: bool = False, include: str = "pass") -> None:
    """Write a plugin with one of everything."""
    workshop.plugin(
        name,
        code=CODE.format(name=name, ill=ill, include=include),
        toml=SCHEDULE.format(name=name),
        files={f"templates/{name}/tile.jinja2": f'<p class="{name}">ada</p>'},
    )
    sys.modules.pop(f"plugins.{name}.plugin", None)


def stored(runtime: Runtime, plugin: str) -> dict[str, PlaceHealth]:
    with runtime.database.reading() as session:
        return {one.place: one for one in plugin_health(session).get(plugin, [])}


def tell(runtime: Runtime) -> None:
    with runtime.database.writing() as session:
        runtime.hooks.tell(session, "messages_changed", changes=[])


def flush(runtime: Runtime) -> None:
    runtime.component(HealthRecorder).flush()


def work_a_while(runtime: Runtime, rounds: int) -> None:
    """Let a process serve a page, sweep, start by the clock and tell, ``rounds`` times."""
    app = TestApp(build_wsgi(runtime), extra_environ={"REMOTE_ADDR": "127.0.0.1"})
    sign_in_as(runtime, app, People(runtime).admin().id)
    sweeper, worker = Sweeper(runtime), Worker(runtime)
    for _round in range(rounds):
        page = app.get("/")
        assert page.html.select(".baik")
        assert not page.html.select(".sakit, .rusak")
        sweeper.run_all()
        worker.run(sweeps=False)
        with runtime.database.writing() as session:
            session.execute(update(ScheduledStart).values(start_at=utcnow()))
        tell(runtime)


def test_a_plugin_that_fails_everywhere_is_fenced_counted_and_named(
    deployment: Deployment, workshop: Workshop
) -> None:
    for name in ("baik", "rusak", "sakit"):
        write(workshop, name)
    Lifecycle(deployment()).install("baik", "rusak", "sakit")
    write(workshop, "rusak", include="1 / 0")
    write(workshop, "sakit", ill=True)
    runtime = deployment()
    rounds = BREAKER_LIMIT + 2
    with capture_logs() as logs:
        work_a_while(runtime, rounds)
    flush(runtime)

    places = ("messages_changed", "slot dashboard.tiles", "sweep sakit.cari", "task sakit.kirim")
    found = stored(runtime, "sakit")
    ids = {entry.get("error_id"): entry for entry in logs}
    for place in places:
        one = found[place]
        assert (one.calls, one.failures) == (BREAKER_LIMIT, BREAKER_LIMIT), place
        assert one.seconds >= 0.002 * BREAKER_LIMIT
        assert one.error == "ValueError: tidak dapat menghubungi +62*****7890"
        assert ids[one.error_id]["place"] == place, "the id leads into the log"
        assert one.is_open
        assert one.open_until is not None
        assert one.open_until < utcnow() + timedelta(seconds=BREAKER_SECONDS)
    broken = stored(runtime, "rusak")["include"]
    assert (broken.failures, broken.error) == (1, "ZeroDivisionError: division by zero")
    assert ids[broken.error_id]["plugin"] == "rusak"
    sound = stored(runtime, "baik")
    assert sound["messages_changed"].calls == rounds
    assert sound["sweep baik.cari"].calls == rounds
    assert not any(one.failures or one.is_open for one in sound.values())
    assert next(iter(sound)) == max(sound.values(), key=lambda one: one.seconds).place

    said = [plain(f.text) for f in examine(runtime) if f.severity is Severity.WARNING]
    for one in (*(found[place] for place in places), broken):
        assert any(one.error_id in words and one.place in words for words in said)
    assert sum("tidak dijalankan di" in words for words in said) == len(places)


def test_a_plugin_that_cannot_be_imported_is_stored_by_a_command_too(
    deployment: Deployment, workshop: Workshop
) -> None:
    write(workshop, "rusak")
    Lifecycle(deployment()).install("rusak")
    deployment().close()
    assert stored(deployment(), "rusak") == {}, "a command without failure stores nothing"
    write(workshop, "rusak", ill=True)
    workshop.write(workshop.folder / "rusak" / "plugin.py", "1 / 0")
    deployment().close()
    one = stored(deployment(), "rusak")["import"]
    assert (one.failures, one.error) == (1, "ZeroDivisionError: division by zero")
    assert len(one.error_id) == 8


def test_a_running_process_stores_a_failure_soon_and_the_rest_at_its_end(
    deployment: Deployment, workshop: Workshop
) -> None:
    write(workshop, "sakit", ill=True)
    Lifecycle(deployment()).install("sakit")
    first, second = deployment(), deployment()
    for runtime in (first, second):
        runtime.component(HealthRecorder).start()
    tell(first)
    assert wait_for(lambda: stored(second, "sakit"), 5)
    for runtime in (first, second):
        runtime.hooks.count(runtime.hooks.stats("sakit", "x"), 0.5)
    first.close()
    tell(second)
    second.close()
    found = stored(deployment(), "sakit")
    assert found["messages_changed"].failures == 2, "those of all processes together"
    assert (found["x"].calls, found["x"].seconds) == (2, 1.0)


def test_figures_that_cannot_be_stored_hurt_nobody_and_come_later(
    deployment: Deployment, workshop: Workshop
) -> None:
    write(workshop, "sakit", ill=True)
    Lifecycle(deployment()).install("sakit")
    runtime = deployment()

    def rename(old: str, new: str) -> None:
        with runtime.database.writing() as session:
            session.execute(text(f"ALTER TABLE {old} RENAME TO {new}"))

    rename("abah_plugin_health", "abah_away")
    for _time in range(2):
        tell(runtime)
        flush(runtime)
    rename("abah_away", "abah_plugin_health")
    stats = runtime.hooks.stats("sakit", "aneh")
    # No database takes the one, and the other cannot even be told.
    for error in (ValueError("nol \0 dan \ud800"), Wordless()):
        runtime.hooks.count(stats, 0.0, error)
        flush(runtime)
        assert stored(runtime, "sakit")["aneh"].error.startswith(f"{type(error).__name__}: ")
    assert stored(runtime, "sakit")["messages_changed"].failures == 2
    flush(runtime)
    assert stored(runtime, "sakit")["messages_changed"].failures == 2, "nothing is added twice"


class Wordless(Exception):  # noqa: N818 - what a plugin may call it
    """An error that cannot even be told."""

    def __str__(self) -> str:
        raise ZeroDivisionError


def test_figures_are_of_the_last_day_and_of_the_present_version(
    deployment: Deployment, workshop: Workshop
) -> None:
    write(workshop, "sakit", ill=True)
    Lifecycle(deployment()).install("sakit")
    runtime = deployment()
    for hours in (25, 3, 0):
        tell(runtime)
        flush(runtime)
        with runtime.database.writing() as session:
            hour = session.scalars(select(func.max(PluginHealth.hour))).one()
            session.execute(
                update(PluginHealth)
                .where(PluginHealth.hour == hour)
                .values(hour=hour - timedelta(hours=hours))
            )
    assert stored(runtime, "sakit")["messages_changed"].failures == 2
    forget_old(runtime)
    with runtime.database.reading() as session:
        assert len(session.scalars(select(PluginHealth.hour)).all()) == 2
    workshop.plugin("sakit", version="1.1")
    Lifecycle(runtime).upgrade("sakit")
    assert stored(runtime, "sakit") == {}
    tell(runtime)
    flush(runtime)
    assert stored(runtime, "sakit")["messages_changed"].failures == 1
    uninstall(runtime, "sakit")
    assert stored(runtime, "sakit") == {}
