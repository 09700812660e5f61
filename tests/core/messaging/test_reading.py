from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import event, update
from sqlalchemy.orm import Session

from core.api.contacts import set_contact
from core.api.messaging import Draft, Lane, ensure_threads, queue_messages
from core.db import utcnow
from core.errors import NotFoundError
from core.framework.runtime import Runtime
from core.messaging import reading
from core.messaging.models import Message, Thread
from core.messaging.reading import Cursor, Tab
from core.messaging.reading.inbox import INBOX_PAGE
from core.testing.people import People, Person
from tests.core.messaging.owner import OwnerPlugin


def subject(n: int) -> str:
    return f"uji.lembaga:{n}"


@pytest.fixture
def owner(runtime: Runtime) -> OwnerPlugin:
    plugin = OwnerPlugin()
    runtime.hooks.register("uji", plugin)
    return plugin


@pytest.fixture
def say(runtime: Runtime) -> Callable[..., list[int]]:
    """Queue texts in the conversation of a subject and return the ids."""

    def put(n: int, *texts: str, sender: int | None = None, secret: bool = False) -> list[int]:
        with runtime.database.writing() as session:
            thread_id = ensure_threads(session, {subject(n): f"LEMBAGA {n}"})[subject(n)]
            return queue_messages(
                session,
                [
                    Draft(
                        f"+628123090{n:04d}",
                        text,
                        "uji",
                        thread_id=thread_id,
                        lane=Lane.PERSON,
                        sender_id=sender,
                        secret=secret,
                    )
                    for text in texts
                ],
            )

    return put


def set_counters(runtime: Runtime, n: int, **counters: int) -> None:
    with runtime.database.writing() as session:
        session.execute(update(Thread).where(Thread.subject == subject(n)).values(**counters))


@contextmanager
def counted(runtime: Runtime) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_c: object, _cur: object, statement: str, *_rest: object) -> None:
        if not statement.startswith(("BEGIN", "SAVEPOINT", "RELEASE")):
            seen.append(statement)

    event.listen(runtime.database.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(runtime.database.engine, "before_cursor_execute", note)


def titles(session: Session, person: object, **sought: object) -> list[str]:
    return [row.title for row in reading.inbox(session, person, **sought).threads]  # type: ignore[arg-type]


def test_people_who_read_everything_see_every_conversation(
    runtime: Runtime, people: People, say: Callable[..., list[int]]
) -> None:
    say(1, "satu")
    say(2, "dua", "dua lagi")
    with runtime.database.reading() as session:
        counts = reading.inbox_counts(session, people.facts(people.pimpinan()))
    assert (counts.messages, counts.threads) == (3, 2)


def test_an_officer_sees_and_counts_only_what_the_plugins_open(
    runtime: Runtime, people: People, owner: OwnerPlugin, say: Callable[..., list[int]]
) -> None:
    say(1, "satu")
    hidden = say(2, "dua", "dua lagi")
    owner.seen = {subject(1)}
    officer = people.facts(people.petugas())
    with runtime.database.reading() as session:
        assert titles(session, officer) == ["LEMBAGA 1"]
        assert reading.inbox_counts(session, officer).messages == 1
        thread_id = session.get_one(Message, hidden[0]).thread_id
        assert thread_id is not None
        with pytest.raises(NotFoundError):
            reading.find_thread(session, officer, thread_id)


def test_without_a_plugin_an_officer_sees_nothing(
    runtime: Runtime, people: People, say: Callable[..., list[int]]
) -> None:
    say(1, "satu")
    with runtime.database.reading() as session:
        assert titles(session, people.facts(people.petugas())) == []


def test_conversations_stand_newest_first_and_pages_neither_skip_nor_repeat(
    runtime: Runtime, people: People, say: Callable[..., list[int]]
) -> None:
    for n in range(INBOX_PAGE + 3):
        say(n, f"pesan {n}")
    boss = people.facts(people.pimpinan())
    with runtime.database.reading() as session:
        first = reading.inbox(session, boss)
        assert first.older is not None
        before = Cursor.parse(str(first.older))
        second = reading.inbox(session, boss, before=before)
    shown = [row.title for row in (*first.threads, *second.threads)]
    assert shown == [f"LEMBAGA {n}" for n in reversed(range(INBOX_PAGE + 3))]
    assert second.older is None


def test_a_cursor_that_is_none_counts_as_the_beginning() -> None:
    for text in ("", "x", "12", "-", "٣-1", "9" * 40 + "-1"):
        assert Cursor.parse(text) is None


def test_tabs_hold_what_their_words_say(
    runtime: Runtime, people: People, owner: OwnerPlugin, say: Callable[..., list[int]]
) -> None:
    officer = people.petugas()
    for n in range(1, 6):
        say(n, "halo", sender=officer.id if n == 5 else None)
    set_counters(runtime, 1, unread_count=2)
    set_counters(runtime, 2, failed_count=1)
    set_counters(runtime, 3, uncertain_count=1)
    owner.seen = {subject(n) for n in range(1, 6)}
    owner.own, owner.officer_id = {subject(4)}, officer.id
    facts = people.facts(officer)
    with runtime.database.reading() as session:
        counts = reading.inbox_counts(session, facts)
        found = {tab: sorted(titles(session, facts, tab=tab)) for tab in Tab}
    assert found[Tab.UNREAD] == ["LEMBAGA 1"]
    assert found[Tab.FAILED] == ["LEMBAGA 2"]
    assert found[Tab.UNCERTAIN] == ["LEMBAGA 3"]
    assert found[Tab.MINE] == ["LEMBAGA 4", "LEMBAGA 5"]
    assert {tab: counts.of(tab) for tab in Tab} == {tab: len(found[tab]) for tab in Tab}


def test_what_waits_is_counted_in_messages(
    runtime: Runtime, people: People, say: Callable[..., list[int]]
) -> None:
    say(1, "halo")
    say(2, "halo")
    set_counters(runtime, 1, unread_count=2)
    set_counters(runtime, 2, unread_count=1, failed_count=4)
    with runtime.database.reading() as session:
        waiting = reading.waiting_counts(session, people.facts(people.admin()))
    assert (waiting.unread, waiting.failed, waiting.uncertain) == (3, 4, 0)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("lembaga 1", ["LEMBAGA 1"]),
        ("nur sas", ["LEMBAGA 2"]),
        ("0812-3090-0002", ["LEMBAGA 2"]),
        ("+62 812-3090-0001", ["LEMBAGA 1"]),
        ("90000", ["LEMBAGA 2", "LEMBAGA 1"]),
        ("proposal", ["LEMBAGA 1"]),
        ("100%", ["LEMBAGA 2"]),
        ("10_%", []),
        ("tidak ada", []),
    ],
)
def test_search_finds_names_people_numbers_and_texts(
    runtime: Runtime, people: People, say: Callable[..., list[int]], text: str, found: list[str]
) -> None:
    say(1, "proposal sudah kami terima", "terima kasih")
    say(2, "sudah 100% selesai")
    with runtime.database.writing() as session:
        set_contact(session, subject(2), name="NUR SASMITA", number="0812-3090-0002", actor_id=None)
    with runtime.database.reading() as session:
        assert titles(session, people.facts(people.admin()), text=text) == found


def test_secret_messages_never_show(
    runtime: Runtime, people: People, say: Callable[..., list[int]]
) -> None:
    say(1, "kode 6203", secret=True)
    shown = say(1, "halo")
    with runtime.database.reading() as session:
        thread_id = session.get_one(Message, shown[0]).thread_id
        assert thread_id is not None
        talk = reading.conversation(session, thread_id)
        assert [each.facts.id for each in talk.bubbles] == shown
        assert titles(session, people.facts(people.admin()), text="6203") == []


def test_a_conversation_shows_its_latest_messages_in_order_and_the_way_to_older_ones(
    runtime: Runtime, people: People, say: Callable[..., list[int]]
) -> None:
    officer = people.petugas("DANU MAHARDIKA")
    ids = say(1, *(f"pesan {n}" for n in range(7)), sender=officer.id)
    with runtime.database.reading() as session:
        thread_id = session.get_one(Message, ids[0]).thread_id
        assert thread_id is not None
        latest = reading.conversation(session, thread_id, limit=3)
        before = reading.conversation(session, thread_id, before=latest.older, limit=3)
        last = reading.conversation(session, thread_id, before=before.older, limit=3)
    assert [each.facts.id for each in latest.bubbles] == ids[4:]
    assert [each.facts.id for each in before.bubbles] == ids[1:4]
    assert [each.facts.id for each in last.bubbles] == ids[:1]
    assert last.older is None
    assert {each.sender for each in latest.bubbles} == {"DANU MAHARDIKA"}


def test_the_signature_changes_with_what_one_sees_and_not_before(
    runtime: Runtime, say: Callable[..., list[int]]
) -> None:
    ids = say(1, "satu", "dua")
    with runtime.database.reading() as session:
        thread_id = session.get_one(Message, ids[0]).thread_id
        assert thread_id is not None
        talk = reading.conversation(session, thread_id)
    with runtime.database.reading() as session:
        assert reading.status_signature(session, thread_id, talk.first_id) == talk.signature
    with runtime.database.writing() as session:
        session.execute(update(Message).where(Message.id == ids[0]).values(state="delivered"))
    with runtime.database.reading() as session:
        assert reading.status_signature(session, thread_id, talk.first_id) != talk.signature


def test_no_list_costs_more_statements_for_more_rows(
    runtime: Runtime, people: People, owner: OwnerPlugin, say: Callable[..., list[int]]
) -> None:
    officer: Person = people.petugas()
    owner.seen = {subject(n) for n in range(20)}
    facts = people.facts(officer)
    cost = []
    for amount in (1, 20):
        for n in range(amount):
            ids = say(n, *(f"pesan {i}" for i in range(amount)), sender=officer.id)
        with runtime.database.reading() as session:
            thread_id = session.get_one(Message, ids[0]).thread_id
            assert thread_id is not None
        with runtime.database.reading() as session, counted(runtime) as seen:
            reading.inbox(session, facts, text="pesan")
            reading.inbox_counts(session, facts)
            reading.conversation(session, thread_id)
        cost.append(len(seen))
    assert cost == [3, 3]


def test_a_subject_nobody_wrote_about_can_be_opened_by_those_who_may_and_is_not(
    runtime: Runtime, people: People, owner: OwnerPlugin
) -> None:
    officer = people.facts(people.petugas())
    with runtime.database.reading() as session:
        with pytest.raises(NotFoundError):
            reading.find_subject(session, officer, subject(1))
        owner.seen = {subject(1)}
        assert reading.find_subject(session, officer, subject(1)) is None
        with pytest.raises(NotFoundError):
            reading.find_subject(session, people.facts(people.admin()), "lain:1")
        assert session.query(Thread).count() == 0


def test_a_cursor_reads_back_as_it_was_written() -> None:
    cursor = Cursor(utcnow() - timedelta(days=3), 42)
    assert Cursor.parse(str(cursor)) == cursor
