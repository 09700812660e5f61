"""Delivery reports: in any order, doubled, early, late or about one part, they never lie."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, func, select

from core.api.hooks import DeliveryReport, Evidence, Outcome, ReportState, SendResult
from core.api.messaging import Draft, MessageFacts, State, Tick
from core.db import utcnow
from core.framework.runtime import Runtime
from core.messaging.intake import Intake
from core.messaging.models import Message, Report, Segment
from core.messaging.reports import match_waiting
from core.testing.work import Worker
from tests.core.messaging.conftest import number
from tests.core.messaging.line import Line, LinePlugin

Queue = Callable[..., list[int]]
Facts = Callable[..., list[MessageFacts]]
Counters = Callable[[int], tuple[int, int, int, int]]
DELIVERED, UNDELIVERED, ACCEPTED = (
    ReportState.DELIVERED,
    ReportState.UNDELIVERED,
    ReportState.ACCEPTED,
)


@pytest.fixture
def intake(runtime: Runtime, account: int) -> Callable[..., None]:
    """Take reports in, as a webhook would."""

    def store(*reports: DeliveryReport) -> None:
        runtime.component(Intake).store(account, reports)

    return store


def test_a_report_turns_the_tick_green_and_names_its_proof(
    intake: Callable[..., None], queue: Queue, facts: Facts, worker: Worker, plugin: LinePlugin
) -> None:
    (one,) = facts(queue(1))
    worker.run()
    at = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
    plugin.changes.clear()
    intake(DeliveryReport(DELIVERED, ref=one.ref, evidence=Evidence.HANDSET, at=at, raw="dlr"))
    (found,) = facts([one.id])
    assert (found.state, found.tick) == (State.DELIVERED, Tick.RECEIVED)
    assert (found.evidence, found.reported_at) == (Evidence.HANDSET, at)
    assert plugin.changes == [(one.id, "sent", "delivered")]


def test_a_red_mark_says_why_and_counts(
    intake: Callable[..., None], queue: Queue, facts: Facts, worker: Worker, thread: int,
    counters: Counters,
) -> None:  # fmt: skip
    (one,) = facts(queue(1, thread_id=thread))
    worker.run()
    intake(DeliveryReport(UNDELIVERED, ref=one.ref))
    (found,) = facts([one.id])
    assert (found.state, found.tick) == (State.UNDELIVERED, Tick.FAILED)
    assert found.reason
    assert counters(thread) == (1, 0, 1, 0)
    intake(DeliveryReport(DELIVERED, ref=one.ref))
    assert facts([one.id])[0].tick is Tick.RECEIVED
    assert counters(thread) == (1, 0, 0, 0)


def test_a_late_report_never_moves_a_message_backwards(
    intake: Callable[..., None], queue: Queue, facts: Facts, worker: Worker, runtime: Runtime
) -> None:
    (one,) = facts(queue(1))
    worker.run()
    for state in (DELIVERED, ACCEPTED, UNDELIVERED, DELIVERED):
        intake(DeliveryReport(state, ref=one.ref))
    assert facts([one.id])[0].state is State.DELIVERED
    with runtime.database.reading() as session:
        assert session.scalar(select(func.count(Report.id))) == 4


def test_a_report_before_the_answer_waits_for_it(
    runtime: Runtime, account: int, line: Line, queue: Queue, facts: Facts, worker: Worker
) -> None:
    def behave(message: object) -> SendResult:
        ref = message.ref  # type: ignore[attr-defined]
        # The gateway calls back while our own call is still open.
        runtime.component(Intake).store(
            account, [DeliveryReport(DELIVERED, ref=ref), DeliveryReport(DELIVERED, reference="g7")]
        )
        return SendResult(ref, Outcome.ACCEPTED, references=("g7",))

    line.behave = behave
    ids = queue(1)
    worker.run()
    assert facts(ids)[0].state is State.DELIVERED
    with runtime.database.reading() as session:
        assert session.scalar(select(func.count()).where(Report.applied_at.is_(None))) == 0
        assert session.scalars(select(Segment.state)).all() == ["delivered"]


def test_a_report_of_one_part_is_not_taken_for_the_whole(
    intake: Callable[..., None], queue: Queue, facts: Facts, worker: Worker
) -> None:
    (one,) = facts(queue([Draft(number(1), "a" * 400, "uji")]))
    worker.run()
    assert one.parts == 3
    for part, state in ((2, State.SENT), (1, State.SENT), (1, State.SENT), (3, State.DELIVERED)):
        intake(DeliveryReport(DELIVERED, reference=f"{one.ref}/{part}"))
        assert facts([one.id])[0].state is state


def test_one_report_does_not_make_a_long_message_green_whose_answer_is_lost(
    intake: Callable[..., None], queue: Queue, facts: Facts, worker: Worker, line: Line
) -> None:
    line.behave = lambda _message: None
    (one,) = facts(queue([Draft(number(1), "a" * 300, "uji")]))
    worker.run()
    assert facts([one.id])[0].state is State.UNCERTAIN
    intake(DeliveryReport(DELIVERED, ref=one.ref))
    assert facts([one.id])[0].state is State.SENT, "it left; nobody knows about the second part"
    intake(DeliveryReport(DELIVERED, ref=one.ref))
    assert facts([one.id])[0].state is State.DELIVERED


def test_reports_without_a_part_are_counted_part_by_part(
    intake: Callable[..., None], queue: Queue, facts: Facts, worker: Worker
) -> None:
    (one,) = facts(queue([Draft(number(1), "a" * 300, "uji")]))
    worker.run()
    intake(DeliveryReport(DELIVERED, ref=one.ref))
    assert facts([one.id])[0].state is State.SENT
    intake(DeliveryReport(DELIVERED, ref=one.ref))
    assert facts([one.id])[0].state is State.DELIVERED


def test_one_lost_part_loses_the_message(
    intake: Callable[..., None], queue: Queue, facts: Facts, worker: Worker
) -> None:
    (one,) = facts(queue([Draft(number(1), "a" * 300, "uji")]))
    worker.run()
    intake(
        DeliveryReport(DELIVERED, reference=f"{one.ref}/1"),
        DeliveryReport(UNDELIVERED, reference=f"{one.ref}/2"),
    )
    assert facts([one.id])[0].state is State.UNDELIVERED


def test_a_reference_that_comes_round_again_is_told_apart_by_number(
    intake: Callable[..., None], line: Line, queue: Queue, facts: Facts, worker: Worker
) -> None:
    line.behave = lambda m: SendResult(m.ref, Outcome.ACCEPTED, references=("255",))
    ids = queue(2)
    worker.run()
    intake(DeliveryReport(DELIVERED, reference="255", address=number(0)))
    assert [one.state for one in facts(ids)] == [State.DELIVERED, State.SENT]
    later = queue([Draft(number(0), "Lagi", "uji")])
    worker.run()
    intake(DeliveryReport(UNDELIVERED, reference="255", address=number(0)))
    assert [one.state for one in facts(ids + later)] == [
        State.DELIVERED,
        State.SENT,
        State.UNDELIVERED,
    ]


def test_an_unknown_report_is_kept_and_matched_later(
    intake: Callable[..., None], runtime: Runtime, line: Line, queue: Queue, facts: Facts,
    worker: Worker,
) -> None:  # fmt: skip
    intake(DeliveryReport(DELIVERED, reference="early", raw="\0kept"))
    with runtime.database.reading() as session:
        row = session.execute(select(Report.raw, Report.message_id, Report.applied_at)).one()
    assert tuple(row) == ("kept", None, None)
    line.behave = lambda m: SendResult(m.ref, Outcome.ACCEPTED, references=("early",))
    ids = queue(1)
    worker.run()
    assert facts(ids)[0].state is State.DELIVERED


def test_a_report_settles_what_was_uncertain(
    intake: Callable[..., None], line: Line, queue: Queue, facts: Facts, worker: Worker,
    thread: int, counters: Counters,
) -> None:  # fmt: skip
    line.behave = lambda _message: None
    (one,) = facts(queue(1, thread_id=thread))
    worker.run()
    assert counters(thread) == (1, 0, 0, 1)
    intake(DeliveryReport(DELIVERED, ref=one.ref))
    assert facts([one.id])[0].state is State.DELIVERED
    assert counters(thread) == (1, 0, 0, 0)


def test_a_report_stops_a_message_that_was_put_back_into_the_queue(
    intake: Callable[..., None], line: Line, queue: Queue, facts: Facts, worker: Worker
) -> None:
    line.behave = lambda m: SendResult(m.ref, Outcome.TEMPORARY)
    (one,) = facts(queue(1))
    worker.run()
    intake(DeliveryReport(DELIVERED, ref=one.ref))
    assert facts([one.id])[0].state is State.DELIVERED


def test_stronger_evidence_is_kept_without_a_change_of_state(
    intake: Callable[..., None], queue: Queue, facts: Facts, worker: Worker, plugin: LinePlugin
) -> None:
    (one,) = facts(queue(1))
    worker.run()
    plugin.changes.clear()
    intake(DeliveryReport(ACCEPTED, ref=one.ref, evidence=Evidence.NETWORK))
    intake(DeliveryReport(ACCEPTED, ref=one.ref, evidence=Evidence.GATEWAY))
    (found,) = facts([one.id])
    assert (found.state, found.evidence) == (State.SENT, Evidence.NETWORK)
    assert plugin.changes == []


def test_a_thousand_reports_cost_as_many_statements_as_one_chunk(
    intake: Callable[..., None], runtime: Runtime, queue: Queue, facts: Facts, worker: Worker,
    plugin: LinePlugin,
) -> None:  # fmt: skip
    found = facts(queue(400))
    worker.run()
    plugin.batches.clear()
    seen: list[str] = []
    event.listen(runtime.database.engine, "before_cursor_execute", lambda *a: seen.append(a[2]))
    intake(*(DeliveryReport(DELIVERED, ref=one.ref) for one in found))
    assert len(seen) < 12
    assert plugin.batches == [400]
    assert {one.state for one in facts([one.id for one in found])} == {State.DELIVERED}


def test_reports_that_arrive_together_are_all_stored(
    intake: Callable[..., None], queue: Queue, facts: Facts, worker: Worker
) -> None:
    found = facts(queue(60))
    worker.run()
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(lambda one: intake(DeliveryReport(DELIVERED, ref=one.ref)), found))
    assert {one.state for one in facts([one.id for one in found])} == {State.DELIVERED}


def test_two_writers_that_did_not_see_each_other_are_brought_together(
    intake: Callable[..., None], runtime: Runtime, queue: Queue, facts: Facts, worker: Worker,
    account: int,
) -> None:  # fmt: skip
    (one,) = facts(queue(1))
    worker.run()
    with runtime.database.writing() as session:
        # As two processes leave it that wrote report and result in the same moment.
        session.add(
            Report(
                account_id=account,
                state=DELIVERED,
                evidence=Evidence.NETWORK,
                reference=f"{one.ref}/1",
                received_at=utcnow(),
            )
        )
    worker.run()
    assert facts([one.id])[0].state is State.DELIVERED
    with runtime.database.writing() as session:
        assert match_waiting(session, utcnow(), age=timedelta(hours=1)) == 0


def test_an_incoming_message_has_no_reports(
    intake: Callable[..., None], runtime: Runtime, account: int
) -> None:
    from core.api.hooks import InboundMessage  # noqa: PLC0415

    runtime.component(Intake).store(account, [InboundMessage(number(1), "Halo")])
    with runtime.database.reading() as session:
        ref = session.scalar(select(Message.ref))
    intake(DeliveryReport(DELIVERED, ref=ref or ""))
    with runtime.database.reading() as session:
        assert session.scalar(select(Message.state)) == State.RECEIVED
