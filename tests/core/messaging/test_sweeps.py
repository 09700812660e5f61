"""What is found by looking: dead workers, lost wake-ups, broken channels, messages that wait."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import String, cast, insert, literal, select, text, update

from core.api.hooks import DeliveryReport, Outcome, ReportState, SendResult
from core.api.messaging import (
    Draft,
    Lane,
    MessageFacts,
    State,
    add_account,
    pause_account,
    resume_account,
)
from core.db import utcnow
from core.framework.runtime import Runtime
from core.jobs.leases import is_dead, process_identity
from core.jobs.models import Lease
from core.jobs.runner import Jobs
from core.messaging.accounts import BREAKER_LIMIT
from core.messaging.channels import Channels
from core.messaging.claims import claim, open_account
from core.messaging.dispatch import dispatch_chunk
from core.messaging.intake import Intake
from core.messaging.models import Attempt, ChannelAccount, Message, is_due
from core.messaging.results import MAX_ATTEMPTS, MAX_UNANSWERED, back_off
from core.messaging.sweeps import due_accounts, end_leases, sweep_messages
from core.messaging.tasks import poll
from core.testing.work import Worker
from tests.core.messaging.conftest import number
from tests.core.messaging.line import Line, LinePlugin, LineTransport

Queue = Callable[..., list[int]]
Facts = Callable[..., list[MessageFacts]]
Counters = Callable[[int], tuple[int, int, int, int]]


def claim_and_die(runtime: Runtime, account: int) -> None:
    """Claim a chunk as a process that died right afterwards."""
    with runtime.database.writing() as session:
        opened = open_account(session, account, utcnow())
        assert opened is not None
        can = runtime.component(Channels).transports[opened.row.transport].capabilities
        assert claim(session, opened, can, Lane.PERSON, utcnow())
        gone = dead_identity()
        session.execute(update(Message).values(lease_holder=gone))
        session.execute(update(Lease).values(holder=gone))


def dead_identity() -> str:
    """Name a process of this machine that has ended."""
    code = "from core.jobs.leases import process_identity; print(process_identity())"
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=dict(os.environ),
    ).stdout.strip()


def test_a_lost_wake_up_is_found(
    runtime: Runtime, account: int, line: Line, queue: Queue, facts: Facts, worker: Worker
) -> None:
    ids = queue(3)
    assert runtime.component(Jobs).take_waiting(), "the hook worked, and its message is lost now"
    worker.run()
    assert {one.state for one in facts(ids)} == {State.SENT}


def test_what_a_dead_worker_held_is_uncertain_at_once_and_the_rest_goes_on(
    runtime: Runtime, account: int, line: Line, queue: Queue, facts: Facts, worker: Worker,
    thread: int, counters: Counters, plugin: LinePlugin,
) -> None:  # fmt: skip
    ids = queue(60, thread_id=thread)
    claim_and_die(runtime, account)
    worker.run()
    states = [one.state for one in facts(ids)]
    assert states == [State.UNCERTAIN] * 50 + [State.SENT] * 10
    assert len(line.seen) == 10
    assert counters(thread) == (60, 0, 0, 50)
    assert (ids[0], "sending", "uncertain") in plugin.changes


def test_what_a_living_worker_holds_is_left_alone_until_its_lease_runs_out(
    runtime: Runtime, account: int, queue: Queue, facts: Facts
) -> None:
    ids = queue(1)
    with runtime.database.writing() as session:
        opened = open_account(session, account, utcnow())
        assert opened is not None
        can = runtime.component(Channels).transports["line"].capabilities
        claim(session, opened, can, Lane.PERSON, utcnow())
    sweep_messages(runtime)
    assert facts(ids)[0].state is State.SENDING
    later = utcnow() + timedelta(seconds=can.lease_seconds + 16)
    with runtime.database.writing() as session:
        assert end_leases(session, later) == 1
    assert facts(ids)[0].state is State.UNCERTAIN


def test_an_idempotent_channel_gets_the_same_reference_again(
    runtime: Runtime, plugin: LinePlugin, line: Line, queue: Queue, facts: Facts, worker: Worker
) -> None:
    with runtime.database.writing() as session:
        account = add_account(session, "Kunci", transport="idempotent_line", settings={})
    ids = queue(2)
    refs = {one.ref for one in facts(ids)}
    claim_and_die(runtime, account)
    worker.run()
    assert {one.state for one in facts(ids)} == {State.SENT}
    assert set(line.counted) == refs
    with runtime.database.reading() as session:
        rows = session.execute(
            select(Attempt.number, Attempt.outcome).where(Attempt.message_id == ids[0])
        )
        assert [tuple(row) for row in rows] == [(1, None), (2, "accepted")]


def test_a_late_answer_still_proves_that_the_message_left(
    runtime: Runtime, account: int, line: Line, queue: Queue, facts: Facts
) -> None:
    ids = queue(1)

    def behave(message: object) -> SendResult:
        with runtime.database.writing() as session:
            session.execute(update(Message).values(lease_until=utcnow() - timedelta(seconds=1)))
        sweep_messages(runtime)
        assert facts(ids)[0].state is State.UNCERTAIN
        return SendResult(message.ref, Outcome.ACCEPTED)  # type: ignore[attr-defined]

    line.behave = behave
    dispatch_chunk(runtime, account)
    assert facts(ids)[0].state is State.SENT


def test_a_report_that_came_before_the_crash_settles_the_message(
    runtime: Runtime, account: int, queue: Queue, facts: Facts, worker: Worker
) -> None:
    ids = queue(2)
    claim_and_die(runtime, account)
    report = DeliveryReport(ReportState.DELIVERED, ref=facts(ids)[0].ref)
    runtime.component(Intake).store(account, [report])
    assert facts(ids)[0].state is State.SENDING, "its worker might still be alive"
    worker.run()
    assert [one.state for one in facts(ids)] == [State.DELIVERED, State.UNCERTAIN]


def test_a_poisoned_message_is_found_and_the_lane_goes_on(
    runtime: Runtime, plugin: LinePlugin, line: Line, queue: Queue, facts: Facts, worker: Worker
) -> None:
    with runtime.database.writing() as session:
        add_account(session, "Kunci", transport="idempotent_line", settings={})

    def behave(message: object) -> SendResult:
        if message.address == number(3):  # type: ignore[attr-defined]
            raise ValueError(message)
        return SendResult(message.ref, Outcome.ACCEPTED)  # type: ignore[attr-defined]

    line.behave = behave
    ids = queue(8)
    for _round in range(MAX_UNANSWERED):
        with runtime.database.writing() as session:
            session.execute(update(Message).values(due_at=utcnow()))
            session.execute(update(ChannelAccount).values(open_until=None))
        worker.run()
    states = [one.state for one in facts(ids)]
    assert states.pop(3) is State.UNCERTAIN
    assert set(states) == {State.SENT}
    assert facts(ids)[3].attempt_count == MAX_UNANSWERED


def test_a_temporary_failure_is_tried_so_often_and_no_more(
    runtime: Runtime, account: int, line: Line, queue: Queue, facts: Facts, worker: Worker
) -> None:
    line.behave = lambda m: SendResult(m.ref, Outcome.TEMPORARY)
    ids = queue(1)
    with runtime.database.writing() as session:
        session.execute(update(Message).values(attempt_count=MAX_ATTEMPTS - 2))
    for _round in range(4):
        with runtime.database.writing() as session:
            session.execute(update(Message).values(due_at=utcnow()))
            session.execute(update(ChannelAccount).values(open_until=None))
        worker.run()
    assert facts(ids)[0].state is State.REJECTED
    assert len(line.seen) == 2


def test_a_channel_that_is_away_for_a_weekend_costs_no_message() -> None:
    pauses = (back_off(attempt) for attempt in range(1, MAX_ATTEMPTS))
    assert sum(pauses, timedelta()) > timedelta(days=2.5)


def test_pauses_double_with_jitter_and_have_an_end() -> None:
    seconds = [back_off(attempt).total_seconds() for attempt in (*range(1, 15), MAX_ATTEMPTS)]
    assert 3.75 <= seconds[0] <= 6.25
    assert 30 <= seconds[3] <= 50
    assert max(seconds) <= 1.25 * 1800
    assert len({back_off(1) for _time in range(20)}) > 1


def test_a_broken_channel_is_left_in_peace_and_says_why(
    runtime: Runtime, account: int, line: Line, queue: Queue, worker: Worker
) -> None:
    line.behave = lambda m: SendResult(m.ref, Outcome.TEMPORARY, reason="Gateway mati")
    for _chunk in range(BREAKER_LIMIT):
        queue(1)
        worker.run(sweeps=False)
    with runtime.database.reading() as session:
        row = session.execute(select(ChannelAccount.open_until, ChannelAccount.last_error)).one()
        assert row.open_until is not None
        assert row.open_until > utcnow()
        assert row.last_error == "Gateway mati"
        assert due_accounts(session, utcnow()) == []
    line.seen.clear()
    queue(1)
    worker.run()
    assert line.seen == []


def test_another_channel_takes_over(
    runtime: Runtime, account: int, line: Line, queue: Queue, facts: Facts, worker: Worker
) -> None:
    ids = queue(3)
    with runtime.database.writing() as session:
        add_account(session, "Cadangan", transport="line", settings={}, weight=1)
        session.execute(
            update(ChannelAccount)
            .where(ChannelAccount.id == account)
            .values(open_until=utcnow() + timedelta(minutes=5))
        )
        pinned = [Draft(number(7), "Hanya lewat ini", "uji", account_id=account)]
    ids += queue(pinned)
    worker.run()
    found = facts(ids)
    assert [one.account_name for one in found] == ["Cadangan"] * 3 + ["Utama"]
    assert [one.state for one in found] == [State.SENT] * 3 + [State.QUEUED]


def test_a_paused_channel_sends_nothing_until_it_is_resumed(
    runtime: Runtime, account: int, line: Line, queue: Queue, facts: Facts, worker: Worker
) -> None:
    ids = queue(2)
    with runtime.database.writing() as session:
        pause_account(session, "Utama")
    worker.run()
    assert line.seen == []
    with runtime.database.writing() as session:
        resume_account(session, "Utama")
    worker.run()
    assert {one.state for one in facts(ids)} == {State.SENT}


def test_a_channel_whose_plugin_went_away_keeps_its_messages(
    runtime: Runtime, account: int, queue: Queue, facts: Facts, worker: Worker
) -> None:
    ids = queue(2)
    runtime.hooks.unregister("line")
    worker.run()
    assert {one.state for one in facts(ids)} == {State.QUEUED}


def test_a_poll_brings_reports_and_texts(
    runtime: Runtime, account: int, line: Line, queue: Queue, facts: Facts, worker: Worker
) -> None:
    (one,) = facts(queue(1))
    worker.run()
    line.waiting = [DeliveryReport(ReportState.DELIVERED, ref=one.ref)]
    worker.run()
    assert facts([one.id])[0].state is State.DELIVERED


def test_a_channel_is_polled_by_one_thread_at_a_time(
    runtime: Runtime, account: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    polled: list[int] = []

    def poll_again(_line: LineTransport) -> list[DeliveryReport]:
        polled.append(account)
        if len(polled) == 1:
            # The sweeper asks every two seconds, however long a poll takes.
            poll(runtime, account)
        return []

    monkeypatch.setattr(LineTransport, "poll", poll_again)
    poll(runtime, account)
    assert len(polled) == 1
    poll(runtime, account)
    assert len(polled) == 2, "the lease was given back"


def test_what_is_due_is_found_by_the_index(runtime: Runtime, account: int, queue: Queue) -> None:
    """Whatever the planner believes about where the waiting messages are in the table."""
    (first,) = queue(1)
    columns = [column for column in Message.__table__.columns if column.name not in {"id", "ref"}]
    numbers = select(literal(1).label("n")).cte("numbers", recursive=True)
    numbers = numbers.union_all(select(numbers.c.n + 1).where(numbers.c.n < 3000))
    explain = "EXPLAIN" if runtime.database.dialect == "postgresql" else "EXPLAIN QUERY PLAN"
    with runtime.database.writing() as session:
        copies = (
            select(literal("r").concat(cast(numbers.c.n, String)), *columns)
            .select_from(Message)
            .join(numbers, Message.id == first)
        )
        session.execute(
            insert(Message).from_select(["ref", *columns], copies, include_defaults=False)
        )
        session.execute(text("ANALYZE abah_message"))
        query = select(is_due(utcnow(), ChannelAccount.id, Message.lane > Lane.CODE)).select_from(
            ChannelAccount
        )
        compiled = query.compile(session.connection(), compile_kwargs={"literal_binds": True})
        plan = "\n".join(str(row) for row in session.execute(text(f"{explain} {compiled}")))
    assert "ix_abah_message_claim" in plan, plan


@pytest.mark.parametrize("concurrency_full", [True, False])
def test_no_more_chunks_are_under_way_than_the_channel_allows(
    runtime: Runtime, account: int, queue: Queue, line: Line, concurrency_full: bool
) -> None:
    queue(120)
    # The first slot is kept for codes.
    slot = 1 if concurrency_full else 0
    with runtime.database.writing() as session:
        holder = f"{process_identity()}/{slot}"
        until = utcnow() + timedelta(minutes=1)
        session.add(Lease(name=f"dispatch:{account}:{slot}", holder=holder, until=until))
    sent = dispatch_chunk(runtime, account)
    assert sent == (0 if concurrency_full else 50)


def test_a_process_is_dead_only_when_that_is_certain() -> None:
    assert not is_dead(process_identity())
    assert not is_dead(f"{process_identity()}/slot")
    assert is_dead(dead_identity())
    assert not is_dead("elsewhere:boot:1:2")
    assert not is_dead("")
