"""Three kinds of calls, each with its own rule for a plugin that fails."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from core.audit import AuditEntry, record
from core.db import Database
from core.framework import hooks as module
from core.framework.hooks import BREAKER_LIMIT, BREAKER_SECONDS, Hooks, PluginHookError
from core.hookspecs.markers import hookimpl

pytestmark = pytest.mark.plugins()


def plugin(**functions: Callable[..., Any]) -> SimpleNamespace:
    return SimpleNamespace(**{name: hookimpl(function) for name, function in functions.items()})


def hooks(**plugins: SimpleNamespace) -> Hooks:
    made = Hooks()
    for name, answers in plugins.items():
        made.register(name, answers)
    return made


def broken(**_arguments: Any) -> Any:
    message = "rusak"
    raise ValueError(message)


def test_collect_gathers_answers_in_load_order_and_leaves_silence_out() -> None:
    made = hooks(
        a=plugin(register_slots=lambda: [1]),
        b=plugin(register_slots=lambda: None),
        c=plugin(register_slots=lambda: [3]),
    )
    assert made.collect("register_slots") == [("a", [1]), ("c", [3])]


def test_collect_names_the_plugin_that_raises() -> None:
    def register_slots() -> Any:
        return broken()

    made = hooks(a=plugin(register_slots=register_slots))
    with pytest.raises(PluginHookError) as caught, capture_logs() as logs:
        made.collect("register_slots")
    assert (caught.value.plugin, caught.value.hook) == ("a", "register_slots")
    assert caught.value.error_id in str(caught.value)
    assert made.stats("a", "register_slots").error_id == caught.value.error_id
    assert [entry["error_id"] for entry in logs] == [caught.value.error_id]


def test_gather_leaves_a_plugin_that_raises_out_and_counts_it() -> None:
    def register_slots() -> Any:
        return broken()

    made = hooks(a=plugin(register_slots=register_slots), b=plugin(register_slots=lambda: [2]))
    assert made.gather("register_slots") == [("b", [2])]
    assert made.stats("a", "register_slots").failures == 1


def test_decide_asks_later_plugins_first_and_an_error_refuses() -> None:
    asked: list[str] = []

    def answer(name: str, value: Any) -> Callable[..., Any]:
        def check_transition() -> Any:
            asked.append(name)
            return value

        return check_transition

    made = hooks(
        a=plugin(check_transition=answer("a", "dari a")),
        b=plugin(check_transition=answer("b", None)),
    )
    assert made.decide("check_transition", session=None, change=None, user=None) == "dari a"
    assert asked == ["b", "a"]

    def check_transition() -> Any:
        return broken()

    made.register("c", plugin(check_transition=check_transition))
    with pytest.raises(PluginHookError):
        made.decide("check_transition", session=None, change=None, user=None)


def test_merge_lets_the_plugin_loaded_last_win_for_each_key() -> None:
    made = hooks(
        a=plugin(route_messages=lambda batch: dict.fromkeys(batch, 1)),
        b=plugin(route_messages=lambda batch: {batch[0]: 2}),
    )
    assert made.merge("route_messages", batch=["x", "y"], accounts=[]) == {"x": 2, "y": 1}


def test_an_implementation_may_leave_out_arguments_but_not_invent_one() -> None:
    made = hooks(a=plugin(describe_subjects=lambda subjects: {subjects[0]: 1}))
    assert made.collect("describe_subjects", session=None, subjects=["x"]) == [("a", {"x": 1})]
    with pytest.raises(Exception, match="lebih"):
        made.register("b", plugin(describe_subjects=lambda lebih: lebih))
    assert made.plugins == ["a"]


def writes(action: str, *, then: Callable[[], Any] = lambda: None) -> Callable[..., None]:
    def messages_changed(session: Session) -> None:
        record(session, actor_id=None, action=action, subject="uji:1")
        session.flush()
        then()

    return messages_changed


def actions(database: Database) -> list[str]:
    with database.reading() as session:
        return list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))


def test_a_plugin_that_raises_in_an_event_loses_only_what_it_wrote_itself(
    database: Database,
) -> None:
    made = hooks(
        a=plugin(messages_changed=writes("a")),
        b=plugin(messages_changed=writes("b", then=broken)),
        c=plugin(messages_changed=writes("c")),
    )
    with database.writing() as session:
        record(session, actor_id=None, action="pemanggil", subject="uji:1")
        made.tell(session, "messages_changed", changes=[])
    assert actions(database) == ["pemanggil", "a", "c"]
    assert made.stats("b", "messages_changed").failures == 1
    assert "rusak" in made.stats("b", "messages_changed").last_error


def test_a_statement_that_the_database_refuses_stays_inside_the_fence(database: Database) -> None:
    def messages_changed(session: Session) -> None:
        session.add(
            AuditEntry(action=None, subject="x", actor_id=None)
        )  # refused: action is required

    made = hooks(
        a=plugin(messages_changed=messages_changed), b=plugin(messages_changed=writes("b"))
    )
    with database.writing() as session:
        record(session, actor_id=None, action="pemanggil", subject="uji:1")
        made.tell(session, "messages_changed", changes=[])
    assert actions(database) == ["pemanggil", "b"]
    assert made.stats("a", "messages_changed").failures == 1


def test_a_savepoint_that_a_plugin_left_open_goes_with_it(database: Database) -> None:
    def messages_changed(session: Session) -> None:
        session.begin_nested()
        record(session, actor_id=None, action="a", subject="uji:1")
        session.flush()
        broken()

    made = hooks(
        a=plugin(messages_changed=messages_changed), b=plugin(messages_changed=writes("b"))
    )
    with database.writing() as session:
        made.tell(session, "messages_changed", changes=[])
    assert actions(database) == ["b"]


def test_the_transaction_of_an_event_is_the_callers_to_end(database: Database) -> None:
    made = hooks(
        a=plugin(messages_changed=lambda session: writes("a", then=session.commit)(session)),
        b=plugin(messages_changed=lambda session: writes("b", then=session.rollback)(session)),
        c=plugin(messages_changed=lambda session: writes("c", then=session.close)(session)),
        d=plugin(messages_changed=writes("d")),
    )
    with database.writing() as session:
        record(session, actor_id=None, action="pemanggil", subject="uji:1")
        made.tell(session, "messages_changed", changes=[])
    assert actions(database) == ["pemanggil", "d"]
    failed = [made.stats(name, "messages_changed").failures for name in "abcd"]
    assert failed == [1, 1, 1, 0]
    assert "may not end the transaction" in made.stats("a", "messages_changed").last_error


def test_after_repeated_failure_a_handler_is_left_out_for_a_while(database: Database) -> None:
    calls: list[int] = []

    def messages_changed() -> None:
        calls.append(1)
        broken()

    made = hooks(a=plugin(messages_changed=messages_changed))

    def tell() -> None:
        with database.writing() as session:
            made.tell(session, "messages_changed", changes=[])

    now = [1000.0]
    clock = SimpleNamespace(monotonic=lambda: now[0], perf_counter=lambda: now[0])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "time", clock)
        for _attempt in range(BREAKER_LIMIT + 3):
            tell()
        assert len(calls) == BREAKER_LIMIT
        now[0] += BREAKER_SECONDS + 1
        tell()
        tell()
    # Tried once after a minute; it failed again, so it is left out again at once.
    assert len(calls) == BREAKER_LIMIT + 1


def test_a_success_closes_the_breaker_count(database: Database) -> None:
    fail = [True]

    def messages_changed() -> None:
        if fail[0]:
            broken()

    made = hooks(a=plugin(messages_changed=messages_changed))
    for step in range(BREAKER_LIMIT * 2):
        fail[0] = step % 2 == 0
        with database.writing() as session:
            made.tell(session, "messages_changed", changes=[])
    stats = made.stats("a", "messages_changed")
    assert stats.calls == BREAKER_LIMIT * 2
    assert stats.failures == BREAKER_LIMIT
    assert stats.failures_in_a_row == 0


def test_what_ends_the_process_passes_the_fence(database: Database) -> None:
    def messages_changed() -> None:
        raise KeyboardInterrupt

    made = hooks(a=plugin(messages_changed=messages_changed))
    with pytest.raises(KeyboardInterrupt), database.writing() as session:
        made.tell(session, "messages_changed", changes=[])


def test_time_is_counted_per_plugin_and_hook() -> None:
    ticks = iter([0.0, 1.5, 1.5, 1.75])
    made = hooks(
        a=plugin(register_slots=lambda: [1]),
        b=plugin(register_slots=lambda: [2]),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "time", SimpleNamespace(perf_counter=lambda: next(ticks)))
        made.collect("register_slots")
    assert made.stats("a", "register_slots").seconds == 1.5
    assert made.stats("b", "register_slots").seconds == 0.25
    assert set(made.all_stats()) == {("a", "register_slots"), ("b", "register_slots")}


def test_counts_stay_right_when_threads_call_at_once() -> None:
    made = hooks(a=plugin(register_slots=lambda: [1]))
    threads = [
        threading.Thread(target=lambda: [made.gather("register_slots") for _ in range(200)])
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made.stats("a", "register_slots").calls == 1600
