"""Queueing: in the caller's transaction, in batches, with everything that may not be sent named."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, select, text

from core.api.messaging import (
    Draft,
    EmptyMessageError,
    Lane,
    MessageFacts,
    NotResendableError,
    State,
    Tick,
    TooLongMessageError,
    UnknownAccountError,
    UnreachableAddressError,
    add_account,
    cancel_messages,
    pause_account,
    queue_messages,
    resend,
    settle_uncertain,
    supersede_messages,
)
from core.contacts.services import opt_out, set_contact
from core.db import utcnow
from core.errors import ConflictError
from core.framework.hooks import PluginHookError
from core.framework.runtime import Runtime
from core.jobs.runner import Jobs
from core.messaging.claims import claim, open_account
from core.messaging.models import Message
from core.messaging.queue import LOOP_LIMIT
from core.testing.work import Worker
from tests.core.messaging.conftest import number
from tests.core.messaging.line import Line, LinePlugin, LineTransport

Queue = Callable[..., list[int]]
Facts = Callable[..., list[MessageFacts]]
Counters = Callable[[int], tuple[int, int, int, int]]


def test_a_transaction_that_rolls_back_sends_nothing(
    runtime: Runtime, account: int, line: Line, worker: Worker
) -> None:
    with runtime.database.session() as session:
        queue_messages(session, [Draft(number(1), "Halo", "uji")])
        session.rollback()
    assert runtime.component(Jobs).take_waiting() == []
    worker.run()
    assert line.seen == []


def test_a_commit_wakes_each_account_once(runtime: Runtime, account: int, queue: Queue) -> None:
    runtime.component(Jobs).take_waiting()
    queue(300)
    assert runtime.component(Jobs).take_waiting() == [("core.dispatch", (account,))]


def test_the_number_of_statements_does_not_grow_with_the_batch(
    runtime: Runtime, account: int, thread: int
) -> None:
    def statements(count: int) -> int:
        seen = []
        event.listen(runtime.database.engine, "before_cursor_execute", lambda *a: seen.append(a[2]))
        with runtime.database.writing() as session:
            drafts = [
                Draft(number(i), f"{count} {i}", "uji", thread_id=thread) for i in range(count)
            ]
            queue_messages(session, drafts)
        return len(seen)

    assert statements(400) <= statements(2) + 2


def test_ids_come_in_the_order_of_the_drafts(
    runtime: Runtime, account: int, queue: Queue, facts: Facts
) -> None:
    ids = queue(250)
    assert [one.body for one in facts(ids)] == [f"Pesan {i}" for i in range(250)]
    refs = {one.ref for one in facts(ids)}
    assert len(refs) == 250
    assert all(ref.isalnum() and ref == ref.lower() and len(ref) == 24 for ref in refs)


def test_threads_count_what_is_queued(
    account: int, queue: Queue, thread: int, counters: Counters
) -> None:
    queue(3, thread_id=thread)
    assert counters(thread) == (3, 0, 0, 0)


@pytest.mark.parametrize(
    ("draft", "error"),
    [
        (Draft("08123090095", "Halo", "uji"), UnreachableAddressError),
        (Draft("BANK", "Halo", "uji"), UnreachableAddressError),
        (Draft("", "Halo", "uji"), UnreachableAddressError),
        (Draft("+628123090095\n", "Halo", "uji"), UnreachableAddressError),
        (Draft("bukan-alamat", "Halo", "uji", kind="email"), UnreachableAddressError),
        (Draft("+628123090095", "  ", "uji"), EmptyMessageError),
        (Draft("+628123090095", "a\0b", "uji"), EmptyMessageError),
        (Draft("+628123090095", "a" * 40000, "uji"), TooLongMessageError),
        (Draft("+628123090095", "Halo", "uji", account_id=999), UnknownAccountError),
    ],
)
def test_what_cannot_be_sent_is_refused_before_anything_is_queued(
    runtime: Runtime, account: int, draft: Draft, error: type[Exception]
) -> None:
    with runtime.database.session() as session:
        with pytest.raises(error):
            queue_messages(session, [Draft(number(1), "Baik", "uji"), draft])
        assert session.scalars(select(Message.id)).all() == []


def test_two_machines_that_answer_each_other_are_stopped(
    account: int, queue: Queue, facts: Facts, line: Line, worker: Worker
) -> None:
    same = [Draft(number(1), "Terima kasih", "uji") for _ in range(LOOP_LIMIT + 5)]
    first = queue(same[:12])
    ids = first + queue(same[12:]) + queue([Draft(number(2), "Terima kasih", "uji")])
    worker.run()
    states = [one.state for one in facts(ids)]
    assert states == [State.SENT] * LOOP_LIMIT + [State.REJECTED] * 5 + [State.SENT]
    assert "5 menit" in str(facts(ids)[LOOP_LIMIT].reason)
    assert len(line.seen) == LOOP_LIMIT + 1


def test_a_number_that_asked_for_silence_gets_codes_only(
    runtime: Runtime, account: int, queue: Queue, facts: Facts, thread: int, counters: Counters
) -> None:
    with runtime.database.writing() as session:
        set_contact(session, "uji.lembaga:1", name="Nur", number=number(1), actor_id=None)
        opt_out(session, number(1))
    ids = queue(
        [
            Draft(number(1), "Undangan", "uji", thread_id=thread),
            Draft(number(1), "Kode 1234", "uji", lane=Lane.CODE),
            Draft(number(2), "Undangan", "uji"),
        ]
    )
    assert [one.state for one in facts(ids)] == [State.REJECTED, State.QUEUED, State.QUEUED]
    assert "STOP" in str(facts(ids)[0].reason)
    assert counters(thread) == (1, 0, 1, 0)


def test_a_rejected_message_is_told_to_plugins(
    account: int, queue: Queue, plugin: LinePlugin
) -> None:
    ids = queue([Draft(number(1), "Sama", "uji") for _ in range(LOOP_LIMIT + 1)])
    assert plugin.changes == [(ids[-1], "queued", "rejected")]


def test_a_secret_is_sealed_until_it_was_handed_over_and_then_gone(
    runtime: Runtime, account: int, line: Line, queue: Queue, worker: Worker
) -> None:
    (message_id,) = queue([Draft(number(1), "Kode Anda 6203.", "uji", secret=True)])

    def stored() -> tuple[str, str | None]:
        with runtime.database.reading() as session:
            row = session.execute(
                select(Message.body, Message.sealed_body).where(Message.id == message_id)
            ).one()
        return row[0], row[1]

    body, sealed = stored()
    assert "6203" not in body
    assert sealed is not None
    assert "6203" not in sealed
    worker.run()
    assert line.seen[0].body == "Kode Anda 6203."
    assert stored() == (body, None)


def test_a_message_waits_for_its_time_and_no_longer_than_it_may(
    runtime: Runtime, account: int, line: Line, queue: Queue, facts: Facts, worker: Worker
) -> None:
    now = utcnow()
    later, late, soon = queue(
        [
            Draft(number(1), "Besok", "uji", not_before=now + timedelta(days=1)),
            Draft(number(2), "Lewat", "uji", expires_at=now - timedelta(seconds=1)),
            Draft(number(3), "Kini", "uji", expires_at=now + timedelta(hours=1)),
        ]
    )
    worker.run()
    assert [one.body for one in line.seen] == ["Kini"]
    assert [one.state for one in facts([later, late, soon])] == [
        State.QUEUED,
        State.EXPIRED,
        State.SENT,
    ]
    assert facts([late])[0].reason


def test_without_a_channel_a_message_waits_and_says_so_until_there_is_one(
    runtime: Runtime, plugin: LinePlugin, line: Line, queue: Queue, facts: Facts, worker: Worker
) -> None:
    ids = queue(2)
    worker.run()
    assert {one.state for one in facts(ids)} == {State.QUEUED}
    assert "kanal" in str(facts(ids)[0].reason)
    with runtime.database.writing() as session:
        add_account(session, "Utama", transport="line", settings={})
    worker.run()
    assert {one.state for one in facts(ids)} == {State.SENT}
    assert facts(ids)[0].reason is None


def test_a_training_channel_is_chosen_in_training(
    runtime: Runtime, plugin: LinePlugin, line: Line, queue: Queue, facts: Facts
) -> None:
    with runtime.database.writing() as session:
        add_account(session, "Latihan", transport="training_line", settings={})
    assert facts(queue(1))[0].account_name == "Latihan"


@pytest.mark.settings(abah__production="true")
def test_a_training_channel_is_never_the_default_in_production(
    runtime: Runtime, plugin: LinePlugin, line: Line, queue: Queue, facts: Facts, worker: Worker
) -> None:
    with runtime.database.writing() as session:
        training = add_account(
            session, "Latihan", transport="training_line", settings={}, weight=900
        )
    ids = queue(1)
    worker.run()
    assert (facts(ids)[0].state, facts(ids)[0].account_name) == (State.QUEUED, None)
    chosen = queue([Draft(number(5), "Latihan", "uji", account_id=training)])
    assert facts(chosen)[0].account_name == "Latihan"


def test_a_plugin_chooses_and_is_asked_once_per_batch(
    runtime: Runtime, account: int, plugin: LinePlugin, queue: Queue, facts: Facts
) -> None:
    with runtime.database.writing() as session:
        other = add_account(session, "Kedua", transport="line", settings={}, weight=1)
    plugin.routes = {number(1): other, number(2): 12345}
    ids = queue(3)
    assert [one.account_name for one in facts(ids)] == ["Utama", "Kedua", "Utama"]
    assert plugin.routed == [3]


def test_a_plugin_that_fails_to_choose_stops_the_batch(
    runtime: Runtime, account: int, plugin: LinePlugin, queue: Queue
) -> None:
    plugin.routes = None  # type: ignore[assignment]
    with pytest.raises(PluginHookError):
        queue(2)
    with runtime.database.reading() as session:
        assert session.scalars(select(Message.id)).all() == []


def test_equal_channels_take_turns_and_heavier_ones_come_first(
    runtime: Runtime, account: int, queue: Queue, facts: Facts
) -> None:
    with runtime.database.writing() as session:
        add_account(session, "Kedua", transport="line", settings={})
        add_account(session, "Cadangan", transport="line", settings={}, weight=50)
    names = [one.account_name for one in facts(queue(4))]
    assert names == ["Utama", "Kedua", "Utama", "Kedua"]


def test_a_waiting_message_can_be_cancelled_and_a_sent_one_cannot(
    runtime: Runtime, account: int, line: Line, queue: Queue, facts: Facts, worker: Worker
) -> None:
    (sent,) = queue(1)
    worker.run()
    with runtime.database.writing() as session:
        pause_account(session, "Utama")
    (waiting,) = queue([Draft(number(9), "Tunggu", "uji")])
    with runtime.database.writing() as session:
        assert cancel_messages(session, [sent, waiting]) == [waiting]
    worker.run()
    assert [one.state for one in facts([sent, waiting])] == [State.SENT, State.CANCELLED]
    assert len(line.seen) == 1


def test_a_failed_message_is_sent_again_to_the_mended_number_once(
    runtime: Runtime, account: int, queue: Queue, facts: Facts, thread: int, counters: Counters
) -> None:
    queue([Draft(number(1), "Sama", "uji", thread_id=thread) for _ in range(LOOP_LIMIT)])
    (failed,) = queue([Draft(number(1), "Sama", "uji", thread_id=thread, origin="uji.surat:7")])
    assert facts([failed])[0].tick is Tick.FAILED
    assert counters(thread) == (LOOP_LIMIT + 1, 0, 1, 0)
    with runtime.database.writing() as session:
        new = resend(session, failed, address=number(2), actor_id=None)
    old, again = facts([failed, new])
    assert (again.address, again.body, again.origin) == (number(2), "Sama", "uji.surat:7")
    assert old.superseded_by_id == new
    assert counters(thread) == (LOOP_LIMIT + 2, 0, 0, 0)
    with runtime.database.writing() as session, pytest.raises(ConflictError):
        resend(session, failed, actor_id=None)
    with runtime.database.writing() as session, pytest.raises(NotResendableError):
        resend(session, new, actor_id=None)


def test_failed_messages_replaced_by_new_texts_count_as_failed_no_longer(
    runtime: Runtime, account: int, queue: Queue, facts: Facts, thread: int, counters: Counters
) -> None:
    queue([Draft(number(1), "Sama", "uji", thread_id=thread) for _ in range(LOOP_LIMIT)])
    failed, waiting = queue([Draft(number(n), "Sama", "uji", thread_id=thread) for n in (1, 2)])
    new, other = queue([Draft(number(n), "Baru", "uji", thread_id=thread) for n in (1, 2)])
    assert counters(thread)[2] == 1
    with runtime.database.writing() as session:
        assert supersede_messages(session, {failed: new, waiting: other}) == [failed]
        assert supersede_messages(session, {failed: other}) == [], "it was replaced before"
    assert [one.superseded_by_id for one in facts([failed, waiting])] == [new, None]
    assert counters(thread)[2] == 0


def test_a_person_settles_what_is_uncertain(
    runtime: Runtime, account: int, line: Line, queue: Queue, facts: Facts, worker: Worker,
    thread: int, counters: Counters,
) -> None:  # fmt: skip
    line.behave = lambda _message: None
    ids = queue(3, thread_id=thread)
    worker.run()
    assert counters(thread) == (3, 0, 0, 3)
    with runtime.database.writing() as session:
        settle_uncertain(session, ids[:1], State.DELIVERED, actor_id=None)
        settle_uncertain(session, ids[1:2], State.UNDELIVERED, actor_id=None)
        settle_uncertain(session, ids[2:], State.QUEUED, actor_id=None)
        assert settle_uncertain(session, ids[:1], State.QUEUED, actor_id=None) == []
    assert counters(thread) == (3, 0, 1, 0)
    worker.run()
    assert [one.state for one in facts(ids)] == [
        State.DELIVERED,
        State.UNDELIVERED,
        State.UNCERTAIN,
    ]
    assert line.counted[facts(ids)[2].ref] == 2


def test_the_claim_is_an_index_and_not_a_search(runtime: Runtime, account: int) -> None:
    planned: list[str] = []

    def explain(
        connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any
    ) -> None:
        if statement.startswith("WITH taken") and not planned:
            word = "EXPLAIN QUERY PLAN " if connection.dialect.name == "sqlite" else "EXPLAIN "
            rows = connection.exec_driver_sql(word + statement, parameters)
            planned.extend(" ".join(map(str, row)) for row in rows)

    with runtime.database.writing() as session:
        drafts = [Draft(number(i), f"Pesan {i}", "uji") for i in range(300)]
        queue_messages(session, drafts)
        if runtime.database.dialect == "postgresql":
            # A small table is read whole, whatever its indexes.
            session.execute(text("SET LOCAL enable_seqscan = off"))
        event.listen(session.connection(), "before_cursor_execute", explain)
        opened = open_account(session, account, utcnow())
        assert opened is not None
        assert claim(session, opened, LineTransport.capabilities, Lane.PERSON, utcnow()) is not None
    assert any("ix_abah_message_claim" in line for line in planned), planned
