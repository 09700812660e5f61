"""Incoming texts: once, in the right conversation, and obeyed when they ask for silence."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from core.api.hooks import InboundFacts, InboundMessage, SubjectFacts, hookimpl
from core.api.messaging import Direction, Draft, MessageFacts, mark_thread_read, move_message
from core.contacts.services import opted_out, set_contact
from core.errors import NotFoundError
from core.framework.runtime import Runtime
from core.messaging.inbound import UNKNOWN_SUBJECT
from core.messaging.intake import Intake
from core.messaging.models import Message, Thread
from core.messaging.threads import ensure_threads
from tests.core.messaging.conftest import number
from tests.core.messaging.line import Line, LinePlugin

Queue = Callable[..., list[int]]
Facts = Callable[..., list[MessageFacts]]
Counters = Callable[[int], tuple[int, int, int, int]]


@pytest.fixture
def receive(
    runtime: Runtime, account: int, plugin: LinePlugin
) -> Callable[..., list[InboundFacts]]:
    """Take texts in and return what was new."""

    def store(*messages: InboundMessage) -> list[InboundFacts]:
        plugin.inbound.clear()
        runtime.component(Intake).store(account, messages)
        return list(plugin.inbound)  # type: ignore[arg-type]

    return store


Receive = Callable[..., list[InboundFacts]]


def test_a_reply_lands_in_the_thread_that_wrote_last(
    receive: Receive, queue: Queue, runtime: Runtime, thread: int, counters: Counters, facts: Facts
) -> None:
    with runtime.database.writing() as session:
        other = ensure_threads(session, {"uji.lembaga:2": "Lain"})["uji.lembaga:2"]
    queue([Draft(number(1), "Pertama", "uji", thread_id=other)])
    queue([Draft(number(1), "Kedua", "uji", thread_id=thread)])
    (reply,) = receive(InboundMessage(number(1), "HADIR"))
    assert reply.thread_id == thread
    assert counters(thread) == (2, 1, 0, 0)
    (found,) = facts([reply.id])
    assert found.direction is Direction.IN
    assert found.is_ambiguous, "another conversation uses the same number"


def test_a_reply_in_the_wrong_thread_can_be_moved(
    receive: Receive, queue: Queue, runtime: Runtime, thread: int, counters: Counters, facts: Facts
) -> None:
    with runtime.database.writing() as session:
        other = ensure_threads(session, {"uji.lembaga:2": "Lain"})["uji.lembaga:2"]
    queue([Draft(number(1), "Kedua", "uji", thread_id=thread)])
    (reply,) = receive(InboundMessage(number(1), "Untuk yang lain"))
    with runtime.database.writing() as session:
        move_message(session, reply.id, other)
    assert counters(thread) == (1, 0, 0, 0)
    assert counters(other) == (1, 1, 0, 0)
    with runtime.database.reading() as session:
        texts = dict(session.execute(select(Thread.id, Thread.last_text)).all())
    assert texts == {thread: "Kedua", other: "Untuk yang lain"}
    with runtime.database.writing() as session, pytest.raises(NotFoundError):
        move_message(session, reply.id, 999)


def test_reading_a_thread_clears_its_count(
    receive: Receive, queue: Queue, runtime: Runtime, thread: int, counters: Counters
) -> None:
    queue([Draft(number(1), "Halo", "uji", thread_id=thread)])
    receive(InboundMessage(number(1), "Satu"), InboundMessage(number(1), "Dua"))
    assert counters(thread) == (3, 2, 0, 0)
    with runtime.database.writing() as session:
        assert mark_thread_read(session, thread) == 2
        assert mark_thread_read(session, thread) == 0
    assert counters(thread) == (3, 0, 0, 0)


def test_nothing_is_received_twice(receive: Receive) -> None:
    at = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
    first = InboundMessage(number(1), "HADIR", external_id="a1")
    assert len(receive(first, first)) == 1
    assert receive(first) == []
    assert len(receive(InboundMessage(number(1), "HADIR", external_id="a2"))) == 1
    plain = InboundMessage(number(2), "HADIR")
    assert len(receive(plain, plain)) == 1
    assert receive(plain) == []
    timed = InboundMessage(number(3), "HADIR", at=at)
    assert len(receive(timed)) == 1
    assert receive(timed) == []
    assert len(receive(InboundMessage(number(3), "HADIR", at=at + timedelta(minutes=1)))) == 1


def test_a_number_that_nobody_knows_gets_a_thread_of_its_own(
    receive: Receive, runtime: Runtime
) -> None:
    (one,) = receive(InboundMessage(number(7), "Siapa ini?"))
    (two,) = receive(InboundMessage(number(7), "Halo?"))
    assert one.thread_id == two.thread_id
    with runtime.database.reading() as session:
        assert session.scalar(select(Thread.subject)) == f"{UNKNOWN_SUBJECT}{number(7)}"


def test_a_contact_who_was_never_written_to_is_known_all_the_same(
    receive: Receive, runtime: Runtime
) -> None:
    class Owner:
        @hookimpl
        def describe_subjects(
            self, session: object, subjects: list[str]
        ) -> dict[str, SubjectFacts]:
            del session
            return {one: SubjectFacts(one, "Yayasan Uji", "/uji") for one in subjects}

    runtime.hooks.register("owner", Owner())
    with runtime.database.writing() as session:
        set_contact(session, "uji.lembaga:5", name="Nur", number=number(5), actor_id=None)
    (one,) = receive(InboundMessage(number(5), "Halo"))
    with runtime.database.reading() as session:
        row = session.execute(
            select(Thread.subject, Thread.title).where(Thread.id == one.thread_id)
        ).one()
    assert tuple(row) == ("uji.lembaga:5", "Yayasan Uji")


@pytest.mark.parametrize("word", ["STOP", " berhenti. ", "Stop!"])
def test_a_stop_word_is_obeyed_and_taken_back(
    receive: Receive, runtime: Runtime, word: str
) -> None:
    with runtime.database.writing() as session:
        set_contact(session, "uji.lembaga:5", name="Nur", number=number(5), actor_id=None)
    receive(InboundMessage(number(5), word))
    with runtime.database.reading() as session:
        assert opted_out(session, [number(5)]) == {number(5)}
    receive(InboundMessage(number(5), "MULAI"))
    with runtime.database.reading() as session:
        assert opted_out(session, [number(5)]) == set()


def test_a_sentence_with_a_stop_word_is_no_wish(receive: Receive, runtime: Runtime) -> None:
    with runtime.database.writing() as session:
        set_contact(session, "uji.lembaga:5", name="Nur", number=number(5), actor_id=None)
    receive(InboundMessage(number(5), "Mobil berhenti di depan kantor"))
    with runtime.database.reading() as session:
        assert opted_out(session, [number(5)]) == set()


@pytest.mark.parametrize(
    "message",
    [
        InboundMessage("BANK-JATIM", "Saldo"),
        InboundMessage("", "Tanpa nomor"),
        InboundMessage(number(1), ""),
        InboundMessage(number(1), "a\0b\ud83d"),
        InboundMessage("+" + "9" * 400, "x" * 5000, external_id="y" * 400, raw="\0" * 10),
    ],
)
def test_strange_texts_are_stored_all_the_same(
    receive: Receive, message: InboundMessage, runtime: Runtime
) -> None:
    assert len(receive(message)) == 1
    with runtime.database.reading() as session:
        assert session.scalar(select(Message.thread_id)) is not None


def test_a_stored_text_is_in_the_account_that_brought_it(
    receive: Receive, account: int, line: Line, facts: Facts
) -> None:
    (one,) = receive(InboundMessage(number(1), "Halo"))
    assert facts([one.id])[0].account_name == "Utama"
