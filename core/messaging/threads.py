"""Conversations: finding or opening them, reading them, moving what landed in the wrong one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, bindparam, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from core.db import utcnow
from core.errors import NotFoundError
from core.messaging.models import Message, Thread
from core.messaging.states import FAILED, Direction, State

__all__ = [
    "LAST_TEXT_LENGTH",
    "Tally",
    "ensure_thread",
    "ensure_threads",
    "insert_missing",
    "mark_thread_read",
    "move_message",
    "write_tallies",
]

LAST_TEXT_LENGTH = 200


@dataclass(slots=True)
class Tally:
    """What a batch of statements changes on one thread's kept counters."""

    messages: int = 0
    unread: int = 0
    failed: int = 0
    uncertain: int = 0
    last_text: str | None = None
    """Set when the batch brought a newer message."""
    last_at: datetime | None = None
    last_direction: str = ""

    def note_last(self, text: str, at: datetime, direction: Direction) -> None:
        """Remember the newest message of the batch."""
        self.last_text = " ".join(text.split())[:LAST_TEXT_LENGTH]
        self.last_at = at
        self.last_direction = direction

    def note_move(self, before: State | None, after: State | None, *, superseded: bool) -> None:
        """Count a message out of one state and into another."""
        if not superseded:
            self.failed += (after in FAILED) - (before in FAILED)
        self.uncertain += (after is State.UNCERTAIN) - (before is State.UNCERTAIN)


def write_tallies(session: Session, tallies: Mapping[int, Tally]) -> None:
    """Add a batch's changes to the threads, in one or two statements however many there are."""
    # In the order of the ids, so that two writers cannot wait for each other.
    changed = sorted(tallies.items())
    counts = [
        {
            "b_id": thread_id,
            "b_messages": tally.messages,
            "b_unread": tally.unread,
            "b_failed": tally.failed,
            "b_uncertain": tally.uncertain,
        }
        for thread_id, tally in changed
        if tally.messages or tally.unread or tally.failed or tally.uncertain
    ]
    last = [
        {
            "b_id": thread_id,
            "b_text": tally.last_text,
            "b_at": tally.last_at,
            "b_direction": tally.last_direction,
        }
        for thread_id, tally in changed
        if tally.last_at is not None
    ]
    connection = session.connection()
    if counts:
        connection.execute(_ADD_COUNTS, counts)
    if last:
        connection.execute(_SET_LAST, last)


def ensure_threads(session: Session, titles: Mapping[str, str]) -> dict[str, int]:
    """Find or open the threads of several subjects and return their ids by subject.

    A title that its owner changed is written too.
    """
    if not titles:
        return {}
    now = utcnow()
    rows = [
        {
            "subject": subject,
            "title": title[:300],
            "created_at": now,
            "last_at": now,
            "message_count": 0,
            "unread_count": 0,
            "failed_count": 0,
            "uncertain_count": 0,
            "last_text": "",
            "last_direction": "",
        }
        for subject, title in titles.items()
    ]
    known = _read(session, titles)
    missing = [row for row in rows if row["subject"] not in known]
    if missing:
        insert_missing(session, Thread, missing, ["subject"])
        known = _read(session, titles)
    renamed = [
        {"b_id": thread_id, "b_title": titles[subject][:300]}
        for subject, (thread_id, title) in known.items()
        if title != titles[subject][:300]
    ]
    if renamed:
        session.connection().execute(_SET_TITLE, renamed)
    return {subject: thread_id for subject, (thread_id, _title) in known.items()}


def ensure_thread(session: Session, subject: str, *, title: str) -> Thread:
    """Find or open the thread of one subject.

    :param subject: opaque key of its owner, at most 160 characters, as ``hibah.institution:42``.
    """
    thread_id = ensure_threads(session, {subject: title})[subject]
    thread = session.get(Thread, thread_id, populate_existing=True)
    if thread is None:  # pragma: no cover - just written in this transaction
        raise NotFoundError
    return thread


def mark_thread_read(session: Session, thread_id: int, *, up_to: int | None = None) -> int:
    """Mark a thread's incoming messages as read and return how many there were.

    :param up_to: id of the last message that was shown; what came after it stays unread.
    """
    shown = [] if up_to is None else [Message.id <= up_to]
    read = session.scalars(
        update(Message)
        .where(
            Message.thread_id == thread_id,
            Message.direction == Direction.IN,
            Message.read_at.is_(None),
            *shown,
        )
        .values(read_at=utcnow())
        .returning(Message.id)
        .execution_options(synchronize_session=False)
    ).all()
    if read:
        write_tallies(session, {thread_id: Tally(unread=-len(read))})
    return len(read)


def move_message(session: Session, message_id: int, thread_id: int) -> None:
    """Move an incoming message to the conversation where it belongs.

    :raises NotFoundError: there is no such incoming message or thread.
    """
    message = session.execute(
        select(Message.thread_id, Message.read_at)
        .where(Message.id == message_id, Message.direction == Direction.IN)
        .with_for_update()
    ).one_or_none()
    if message is None or session.get(Thread, thread_id) is None:
        raise NotFoundError
    if message.thread_id == thread_id:
        return
    session.execute(
        update(Message)
        .where(Message.id == message_id)
        .values(thread_id=thread_id, is_ambiguous=False)
        .execution_options(synchronize_session=False)
    )
    unread = int(message.read_at is None)
    tallies = {thread_id: Tally(messages=1, unread=unread)}
    if message.thread_id is not None:
        tallies[message.thread_id] = Tally(messages=-1, unread=-unread)
    write_tallies(session, tallies)
    _renew_last(session, tallies)


def insert_missing(
    session: Session, model: type[Any], rows: Sequence[Mapping[str, Any]], keys: Iterable[str]
) -> None:
    """Insert rows and leave out those whose unique ``keys`` another transaction wrote before."""
    connection = session.connection()
    build = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    statement = build(model).on_conflict_do_nothing(index_elements=list(keys))
    connection.execute(statement, list(rows))


def _read(session: Session, titles: Mapping[str, str]) -> dict[str, tuple[int, str]]:
    subjects = list(titles)
    found: dict[str, tuple[int, str]] = {}
    for begin in range(0, len(subjects), 1000):
        rows = session.execute(
            select(Thread.subject, Thread.id, Thread.title).where(
                Thread.subject.in_(subjects[begin : begin + 1000])
            )
        )
        found.update({row.subject: (row.id, row.title) for row in rows})
    return found


def _renew_last(session: Session, thread_ids: Iterable[int]) -> None:
    """Write the newest message's text onto threads after a message left or joined them."""
    newest = (
        select(func.max(Message.id).label("id"))
        .where(Message.thread_id.in_(list(thread_ids)))
        .group_by(Message.thread_id)
    ).subquery()
    rows = session.execute(
        select(Message.thread_id, Message.body, Message.created_at, Message.direction).join(
            newest, newest.c.id == Message.id
        )
    ).all()
    tallies: dict[int, Tally] = defaultdict(Tally)
    for row in rows:
        tallies[row.thread_id].note_last(row.body, row.created_at, Direction(row.direction))
    write_tallies(session, tallies)


_ID: BindParameter[int] = bindparam("b_id")
_ADD_COUNTS = (
    update(Thread.__table__)  # type: ignore[arg-type]
    .where(Thread.__table__.c.id == _ID)
    .values(
        message_count=Thread.__table__.c.message_count + bindparam("b_messages"),
        unread_count=Thread.__table__.c.unread_count + bindparam("b_unread"),
        failed_count=Thread.__table__.c.failed_count + bindparam("b_failed"),
        uncertain_count=Thread.__table__.c.uncertain_count + bindparam("b_uncertain"),
    )
)
_SET_LAST = (
    update(Thread.__table__)  # type: ignore[arg-type]
    .where(Thread.__table__.c.id == _ID)
    .values(
        last_text=bindparam("b_text"),
        last_at=bindparam("b_at"),
        last_direction=bindparam("b_direction"),
    )
)
_SET_TITLE = (
    update(Thread.__table__)  # type: ignore[arg-type]
    .where(Thread.__table__.c.id == _ID)
    .values(title=bindparam("b_title"))
)
