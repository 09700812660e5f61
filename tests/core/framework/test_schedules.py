"""Tasks start by the clock, once, also when the moment was missed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
import time_machine
from sqlalchemy import select

from core.framework.manifest import Manifest, Schedule
from core.framework.models import PluginRow, PluginState, ScheduledStart
from core.framework.runtime import Runtime
from core.framework.schedules import next_start, start_due
from core.hookspecs.markers import hookimpl
from core.jobs import task
from core.testing.work import Worker

pytestmark = pytest.mark.plugins()

MANIFEST = Manifest(
    name="uji", version="1", summary="", directory=Path(), package="uji", module="uji.plugin"
)


@pytest.mark.parametrize(
    ("schedule", "after", "expected"),
    [
        (Schedule("uji.x", every=90), "2018-11-30T00:00:00", "2018-11-30T00:01:30"),
        # 07:30 WIB is 00:30 UTC.
        (Schedule("uji.x", at="07:30"), "2018-11-30T00:00:00", "2018-11-30T00:30:00"),
        (Schedule("uji.x", at="07:30"), "2018-11-30T00:30:00", "2018-12-01T00:30:00"),
        (Schedule("uji.x", at="00:15"), "2018-11-30T17:00:00", "2018-11-30T17:15:00"),
        (Schedule("uji.x", at="23:59"), "2018-12-31T16:59:30", "2019-01-01T16:59:00"),
    ],
)
def test_the_next_start_is_reckoned_in_jakarta(
    schedule: Schedule, after: str, expected: str
) -> None:
    moment = datetime.fromisoformat(after).replace(tzinfo=UTC)
    assert next_start(schedule, moment) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.fixture
def ran(runtime: Runtime) -> list[int]:
    """Give what the scheduled task of an enabled plugin has noted."""
    noted: list[int] = []

    @task("uji.laporan")
    def report(_runtime: Runtime) -> None:
        noted.append(1)

    tasks = hookimpl(lambda: [report])
    runtime.hooks.register("uji", SimpleNamespace(register_tasks=tasks))
    with runtime.database.writing() as session:
        session.add(PluginRow(name="uji", version="1", state=PluginState.INSTALLED))
    runtime.plugins = [replace(MANIFEST, schedules=(Schedule("uji.laporan", at="07:30"),))]
    return noted


@pytest.fixture
def look(runtime: Runtime) -> Callable[[datetime], None]:
    def at(moment: datetime) -> None:
        with time_machine.travel(moment, tick=False):
            start_due(runtime)
            Worker(runtime).run(sweeps=False)

    return at


FIRST = datetime(2018, 11, 30, 1, 0, tzinfo=UTC)


def test_it_starts_at_its_hour_and_once(ran: list[int], look: Callable[[datetime], None]) -> None:
    look(FIRST)
    assert ran == [], "installing a plugin starts nothing"
    look(FIRST + timedelta(hours=23, minutes=29))
    assert ran == []
    for minute in (30, 31, 45):
        look(FIRST + timedelta(hours=23, minutes=minute))
    assert len(ran) == 1


def test_a_missed_start_is_caught_up_once(ran: list[int], look: Callable[[datetime], None]) -> None:
    look(FIRST)
    look(FIRST + timedelta(days=5))
    look(FIRST + timedelta(days=5, minutes=1))
    assert len(ran) == 1


def test_a_start_is_noted(
    runtime: Runtime, ran: list[int], look: Callable[[datetime], None]
) -> None:
    look(FIRST)
    look(FIRST + timedelta(days=1))
    assert ran == [1]
    with runtime.database.reading() as session:
        row = session.scalars(select(ScheduledStart)).one()
    assert row.last_at == FIRST + timedelta(days=1)
    assert row.start_at == datetime(2018, 12, 2, 0, 30, tzinfo=UTC)
