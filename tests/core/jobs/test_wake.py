"""Wake-ups: after the commit, never after a rollback, once, and never in the way."""

from __future__ import annotations

import pytest

from core.framework.runtime import Runtime
from core.jobs import enqueue
from core.jobs.registry import core_sweeps, core_tasks
from core.jobs.runner import Jobs
from tests.core.jobs.conftest import TracePlugin


def test_a_commit_sends_each_wake_up_once(runtime: Runtime, trace: TracePlugin) -> None:
    jobs = runtime.component(Jobs)
    with runtime.database.writing() as session:
        for ids in ((1,), (1,), (2, 3)):
            enqueue(session, "trace.note", *ids)
        assert jobs.take_waiting() == []
    assert sorted(jobs.take_waiting()) == [("trace.note", (1,)), ("trace.note", (2, 3))]


def test_a_rollback_sends_nothing(runtime: Runtime, trace: TracePlugin) -> None:
    with runtime.database.session() as session:
        enqueue(session, "trace.note", 1)
        session.rollback()
        session.commit()
    assert runtime.component(Jobs).take_waiting() == []


def test_a_savepoint_sends_nothing_by_itself(runtime: Runtime, trace: TracePlugin) -> None:
    jobs = runtime.component(Jobs)
    with runtime.database.writing() as session:
        with session.begin_nested():
            enqueue(session, "trace.note", 1)
        assert jobs.take_waiting() == []
    assert jobs.take_waiting() == [("trace.note", (1,))]


def test_a_broker_that_fails_does_not_fail_the_commit(
    runtime: Runtime, trace: TracePlugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = runtime.component(Jobs)
    monkeypatch.setattr(jobs.broker, "enqueue", lambda _message: 1 / 0)
    with runtime.database.writing() as session:
        enqueue(session, "trace.note", 1)
    monkeypatch.undo()
    with runtime.database.writing() as session:
        enqueue(session, "trace.note", 1)
    assert jobs.take_waiting() == [("trace.note", (1,))], "a lost wake-up is not taken for waiting"


def test_tasks_of_plugins_are_known_by_name_and_keep_to_their_queue(
    runtime: Runtime, trace: TracePlugin
) -> None:
    tasks = runtime.component(Jobs).tasks()
    assert {"trace.note", "trace.slow", "core.dispatch", "core.polls.poll"} <= set(tasks)
    assert tasks["trace.note"].queue == "trace"
    runtime.component(Jobs).run("trace.note", 5)
    assert trace.ran == [(5,)]


def test_a_plugin_cannot_bring_a_task_of_somebody_else(
    runtime: Runtime, trace: TracePlugin
) -> None:
    trace.tasks = [trace.tasks[0]]
    runtime.hooks.register("thief", TracePlugin())
    tasks = runtime.component(Jobs).tasks()
    tasks["trace.note"].run(runtime, 1)
    assert trace.ran == [(1,)]


def test_the_core_has_tasks_and_sweeps_without_any_plugin() -> None:
    assert "core.dispatch" in core_tasks()
    assert {sweep.every for sweep in core_sweeps() if sweep.name == "core.messages"} == {2.0}
