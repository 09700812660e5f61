"""Handing over: once, in lane order, and never blindly again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import delete, func, select, update

from core.api.hooks import Evidence, Outcome, OutgoingMessage, SendResult
from core.api.messaging import Draft, Lane, MessageFacts, State, Tick, add_account
from core.db import utcnow
from core.framework.runtime import Runtime
from core.jobs.models import Lease
from core.jobs.runner import Jobs
from core.jobs.worker import WorkerProcess
from core.messaging import dispatch, stopping
from core.messaging.accounts import account_row, set_account
from core.messaging.channels import Channels
from core.messaging.dispatch import dispatch_chunk
from core.messaging.models import Attempt, Message
from core.messaging.queue import DISPATCH, DISPATCH_CODES
from core.messaging.sweeps import end_leases
from core.testing.work import Worker
from tests.core.jobs.conftest import wait_for
from tests.core.messaging.conftest import number
from tests.core.messaging.line import Line, LinePlugin, LineTransport, accept

Queue = Callable[..., list[int]]
Facts = Callable[..., list[MessageFacts]]
Counters = Callable[[int], tuple[int, int, int, int]]


def test_a_batch_goes_out_once_and_each_message_says_so(
    account: int, line: Line, queue: Queue, facts: Facts, worker: Worker, plugin: LinePlugin
) -> None:
    ids = queue(120)
    worker.run()
    found = facts(ids)
    assert {one.state for one in found} == {State.SENT}
    assert {one.evidence for one in found} == {Evidence.GATEWAY}
    assert all(one.sent_at for one in found)
    assert set(line.counted.values()) == {1}
    assert len(line.seen) == 120
    assert plugin.changes == [(i, "sending", "sent") for i in ids]


def test_chunks_are_no_larger_than_the_transport_wants(
    account: int, line: Line, queue: Queue, worker: Worker
) -> None:
    queue(120)
    worker.run()
    assert sorted(line.chunks) == [20, 50, 50]


def test_a_code_overtakes_a_batch(account: int, line: Line, queue: Queue, runtime: Runtime) -> None:
    queue(60, lane=Lane.BULK)
    queue([Draft(number(900), "Surat", "uji", lane=Lane.WORKFLOW)])
    queue([Draft(number(901), "Halo", "uji", lane=Lane.PERSON)])
    queue([Draft(number(902), "Kode 1234", "uji", lane=Lane.CODE)])
    dispatch_chunk(runtime, account)
    assert [one.address for one in line.seen] == [number(902)], "it takes nobody with it"
    dispatch_chunk(runtime, account)
    assert [one.address for one in line.seen[1:3]] == [number(901), number(900)]


def test_a_code_waits_for_no_chunk(
    account: int, line: Line, queue: Queue, runtime: Runtime
) -> None:
    """All threads for ordinary work and all slots of the account are busy."""
    begun, go_on = threading.Event(), threading.Event()

    def behave(message: OutgoingMessage) -> SendResult:
        if message.address != number(902):
            begun.set()
            go_on.wait(20)
        return accept(message)

    line.behave = behave
    workers = runtime.component(WorkerProcess)
    workers.start(threads=1)
    try:
        queue(120, lane=Lane.BULK)
        assert begun.wait(10)
        queue([Draft(number(902), "Kode 1234", "uji", lane=Lane.CODE)])
        assert wait_for(lambda: number(902) in [one.address for one in line.seen], 10)
    finally:
        go_on.set()
        workers.stop()


def test_a_code_ends_the_chunk_of_a_channel_that_does_one_thing_at_a_time(
    plugin: LinePlugin,
    line: Line,
    queue: Queue,
    facts: Facts,
    runtime: Runtime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stopping, "LOOK_SECONDS", 0.0)
    with runtime.database.writing() as session:
        account = add_account(session, "Modem", transport="slow_line", settings={})
    ids = queue(10, lane=Lane.BULK)
    code: list[int] = []

    def behave(message: OutgoingMessage) -> SendResult:
        if message.address == number(3):
            code.extend(queue([Draft(number(902), "Kode 1234", "uji", lane=Lane.CODE)]))
        return accept(message)

    line.behave = behave
    dispatch_chunk(runtime, account)
    states = [one.state for one in facts(ids)]
    assert states == [State.SENT] * 4 + [State.QUEUED] * 6
    dispatch_chunk(runtime, account, only_codes=True)
    assert facts(code)[0].state is State.SENT
    assert dispatch_chunk(runtime, account, only_codes=True) == 0


def test_a_worker_that_drains_ends_its_chunk(
    plugin: LinePlugin, line: Line, queue: Queue, facts: Facts, runtime: Runtime
) -> None:
    with runtime.database.writing() as session:
        account = add_account(session, "Modem", transport="slow_line", settings={})
    ids = queue(3)

    def behave(message: OutgoingMessage) -> SendResult:
        runtime.component(Jobs).stopping.set()
        return accept(message)

    line.behave = behave
    dispatch_chunk(runtime, account)
    assert [one.state for one in facts(ids)] == [State.SENT, State.QUEUED, State.QUEUED]


def test_messages_that_go_alone_hold_their_slot_and_make_room(
    plugin: LinePlugin, line: Line, queue: Queue, facts: Facts, runtime: Runtime
) -> None:
    with runtime.database.writing() as session:
        account = add_account(session, "Kunci", transport="idempotent_line", settings={})
    ids = queue(4)

    def lease(**values: object) -> float:
        with runtime.database.writing() as session:
            left = session.scalars(select(Lease.until)).one() - utcnow()
            session.execute(update(Lease).values(**values))
        return left.total_seconds()

    def behave(message: OutgoingMessage) -> SendResult:
        if message.address == number(0):
            lease(until=utcnow() + timedelta(seconds=1))
        elif message.address == number(1):
            assert lease(holder="elsewhere:boot:1:2:3") > 60, "it was held on for this one"
        return accept(message)

    line.behave = behave
    with runtime.database.writing() as session:
        session.execute(update(Message).values(is_isolated=True))
    dispatch_chunk(runtime, account)
    states = [one.state for one in facts(ids)]
    assert states == [State.SENT, State.SENT, State.QUEUED, State.QUEUED], "the slot was lost"

    def stop(message: OutgoingMessage) -> SendResult:
        runtime.component(Jobs).stopping.set()
        return accept(message)

    line.behave = stop
    with runtime.database.writing() as session:
        session.execute(delete(Lease))
        session.execute(update(Message).values(due_at=utcnow()))
    dispatch_chunk(runtime, account)
    assert facts(ids)[2].state is State.SENT
    assert facts(ids)[3].state is State.QUEUED, "the process drains"


def test_codes_and_the_rest_wait_for_no_wake_up_of_each_other(
    account: int, line: Line, queue: Queue, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = runtime.component(Jobs)
    woken: list[set[str]] = []

    def waiting() -> set[str]:
        return {name for name, _ids in jobs.take_waiting()}

    def behave(message: OutgoingMessage) -> SendResult:
        if message.address == number(902):
            woken.append(waiting())
        elif message.address == number(0):
            queue([Draft(number(903), "Kode 5678", "uji", lane=Lane.CODE)])
            waiting()
        return accept(message)

    line.behave = behave
    queue(120, lane=Lane.BULK)
    queue([Draft(number(902), "Kode 1234", "uji", lane=Lane.CODE)])
    waiting()
    dispatch_chunk(runtime, account)
    assert woken == [{DISPATCH}], "while the code is on its way"
    dispatch_chunk(runtime, account)
    assert waiting() == {DISPATCH, DISPATCH_CODES}, "a slot is free, and both wait"
    dispatch_chunk(runtime, account, only_codes=True)
    # Another thread took the codes between the look and the claim.
    monkeypatch.setattr(dispatch, "next_lane", lambda *_arguments: Lane.CODE)
    assert dispatch_chunk(runtime, account) == 50


def test_nobody_waits_while_a_connection_is_closed(
    account: int, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    channels = runtime.component(Channels)
    free: list[bool] = []

    def use() -> None:
        with runtime.database.reading() as session:
            row = account_row(session, account)
        assert row is not None
        with channels.use(row):
            pass

    def close(_line: LineTransport) -> None:
        if not free:
            other = threading.Thread(target=use)
            other.start()
            other.join(5)
            free.append(not other.is_alive())

    monkeypatch.setattr(LineTransport, "close", close)
    use()
    with runtime.database.writing() as session:
        set_account(session, "Utama", settings={"pace": 2})
    use()
    assert free == [True]


def test_settings_that_change_meanwhile_break_off_nothing(
    account: int, line: Line, queue: Queue, facts: Facts, runtime: Runtime
) -> None:
    closed: list[int] = []
    ids = queue(2)
    other: list[int] = []

    def behave(message: OutgoingMessage) -> SendResult:
        if message.address == number(0) and not other:
            with runtime.database.writing() as session:
                set_account(session, "Utama", settings={"pace": 2})
            # Another thread sends with the new settings while this chunk is on its way.
            other.extend(queue([Draft(number(902), "Kode 1234", "uji", lane=Lane.CODE)]))
            dispatch_chunk(runtime, account, only_codes=True)
        closed.append(line.closed)
        return accept(message)

    line.behave = behave
    dispatch_chunk(runtime, account)
    assert {one.state for one in facts([*ids, *other])} == {State.SENT}
    assert set(closed) == {0}, "nothing was closed under a sender's hands"
    assert line.closed == 1, "what nobody uses any more is closed"


def test_a_result_that_cannot_be_stored_takes_no_other_with_it(
    account: int, line: Line, queue: Queue, facts: Facts, runtime: Runtime
) -> None:
    ids = queue(3)

    def behave(message: OutgoingMessage) -> SendResult:
        good = accept(message)
        # A plugin may break the contract: this is no list of references.
        return replace(good, references=(None,)) if message.address == number(1) else good  # type: ignore[arg-type]

    line.behave = behave
    dispatch_chunk(runtime, account)
    assert [one.state for one in facts(ids)] == [State.SENT, State.SENDING, State.SENT]
    with runtime.database.writing() as session:
        end_leases(session, utcnow() + timedelta(minutes=5))
    assert facts(ids)[1].state is State.UNCERTAIN


def test_a_refused_message_fails_alone_with_its_reason(
    account: int,
    line: Line,
    queue: Queue,
    facts: Facts,
    worker: Worker,
    thread: int,
    counters: Counters,
) -> None:
    def behave(message: OutgoingMessage) -> SendResult:
        if message.address == number(1):
            return SendResult(message.ref, Outcome.PERMANENT, code="404", reason="Nomor tidak ada")
        return accept(message)

    line.behave = behave
    ids = queue(3, thread_id=thread)
    worker.run()
    first, bad, last = facts(ids)
    assert (first.state, bad.state, last.state) == (State.SENT, State.REJECTED, State.SENT)
    assert bad.reason == "Nomor tidak ada"
    assert bad.tick is Tick.FAILED
    assert counters(thread) == (3, 0, 1, 0)


def test_a_temporary_refusal_waits_longer_each_time_and_ends(
    account: int, line: Line, queue: Queue, facts: Facts, runtime: Runtime
) -> None:
    line.behave = lambda m: SendResult(m.ref, Outcome.TEMPORARY, reason="Sibuk")
    ids = queue(1)
    dispatch_chunk(runtime, account)
    (one,) = facts(ids)
    assert one.state is State.QUEUED
    assert one.due_at > utcnow()
    assert one.reason == "Sibuk"
    assert dispatch_chunk(runtime, account) == 0


@pytest.mark.parametrize("answer", ["nothing", "raise", "uncertain"])
def test_who_gets_no_answer_is_uncertain_and_never_sent_again(
    account: int,
    line: Line,
    queue: Queue,
    facts: Facts,
    worker: Worker,
    answer: str,
    thread: int,
    counters: Counters,
) -> None:
    def behave(message: OutgoingMessage) -> SendResult | None:
        if answer == "raise":
            raise RuntimeError
        if answer == "uncertain":
            return SendResult(message.ref, Outcome.UNCERTAIN)
        return None

    line.behave = behave
    ids = queue(2, thread_id=thread)
    worker.run()
    worker.run()
    assert {one.state for one in facts(ids)} == {State.UNCERTAIN}
    assert set(line.counted.values()) == {1}
    assert counters(thread) == (2, 0, 0, 2)


def test_an_async_transport_runs_on_the_loop(
    plugin: LinePlugin, line: Line, queue: Queue, facts: Facts, worker: Worker, runtime: Runtime
) -> None:
    with runtime.database.writing() as session:
        add_account(session, "Serentak", transport="async_line", settings={})
    ids = queue(7)
    worker.run()
    assert {one.state for one in facts(ids)} == {State.SENT}


def test_a_channel_that_cannot_report_says_so(
    plugin: LinePlugin, line: Line, queue: Queue, facts: Facts, worker: Worker, runtime: Runtime
) -> None:
    with runtime.database.writing() as session:
        add_account(session, "Bisu", transport="mute_line", settings={})
    (one,) = facts(queue(1))
    worker.run()
    (one,) = facts([one.id])
    assert (one.state, one.evidence, one.tick) == (State.SENT, Evidence.UNKNOWABLE, Tick.NONE)


def test_what_was_never_tried_is_never_given_up(
    runtime: Runtime, account: int, line: Line, queue: Queue, facts: Facts
) -> None:
    ids = queue(5)
    with runtime.database.reading() as session:
        refs = list(session.scalars(select(Message.ref).where(Message.id.in_(ids))))
    line.behave = lambda message: (
        accept(message)
        if message.ref == refs[0]
        else SendResult(message.ref, Outcome.NOT_TRIED, code="waiting")
    )
    for _round in range(5):
        with runtime.database.writing() as session:
            session.execute(
                update(Message).where(Message.state == State.QUEUED).values(due_at=utcnow())
            )
        dispatch_chunk(runtime, account)
    found = facts(ids)
    assert [one.state for one in found] == [State.SENT, *[State.QUEUED] * 4]
    assert [one.attempt_count for one in found] == [1, 0, 0, 0, 0]
    with runtime.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Attempt)) == 1
    line.behave = accept
    with runtime.database.writing() as session:
        session.execute(
            update(Message).where(Message.state == State.QUEUED).values(due_at=utcnow())
        )
    dispatch_chunk(runtime, account)
    assert {one.state for one in facts(ids)} == {State.SENT}
