"""Moving an incoming message that a shared number put into the wrong conversation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import or_, select

from core import audit
from core.contacts.services import subjects_of_numbers
from core.errors import ForbiddenError, NotFoundError
from core.i18n import _
from core.messaging.models import Message, Thread
from core.messaging.reading import (
    WRITE,
    describe,
    find_subject,
    may_open,
    readable,
)
from core.messaging.states import Direction
from core.messaging.threads import move_message
from core.messaging.writing import open_thread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from core.hookspecs.facts import UserFacts
    from core.messaging.drafts import MessageFacts

__all__ = ["Destination", "destinations", "move_to"]


@dataclass(frozen=True, slots=True)
class Destination:
    """A conversation to which a message may belong."""

    subject: str
    title: str


def destinations(session: Session, user: UserFacts, message: MessageFacts) -> Sequence[Destination]:
    """Return the other conversations that wrote to the sender or have its number, by title.

    Only those that the person may read or open.
    """
    subjects = subjects_of_numbers(session, [message.address]).get(message.address, [])
    wrote = select(Message.thread_id).where(
        Message.address == message.address,
        Message.direction == Direction.OUT,
        Message.thread_id.is_not(None),
    )
    rows = session.execute(
        select(Thread.subject, Thread.id, readable(session, user).label("may")).where(
            or_(Thread.subject.in_(subjects), Thread.id.in_(wrote))
        )
    )
    open_to = {row.subject: bool(row.may) and row.id != message.thread_id for row in rows}
    unopened = [subject for subject in subjects if subject not in open_to]
    open_to |= dict.fromkeys(may_open(session, user, unopened), True)
    named = describe(session, [subject for subject, may in open_to.items() if may])
    found = [Destination(subject, facts.title) for subject, facts in named.items()]
    return sorted(found, key=lambda each: (each.title.casefold(), each.subject))


def move_to(session: Session, user: UserFacts, message: MessageFacts, subject: str) -> int:
    """Move an incoming message to the conversation about ``subject`` and return that thread's id.

    :raises ForbiddenError: the person may not write in conversations.
    :raises NotFoundError: the message did not come in, or does not belong there.
    """
    if not user.may(WRITE):
        raise ForbiddenError
    known = {each.subject for each in destinations(session, user, message)}
    if message.direction is not Direction.IN or subject not in known:
        raise NotFoundError(_("Percakapan tujuan tidak ditemukan."))
    thread = find_subject(session, user, subject)
    thread_id = thread.id if thread is not None else open_thread(session, subject)
    move_message(session, message.id, thread_id)
    audit.record(
        session,
        actor_id=user.id,
        action="messages.move",
        subject=subject,
        details={"message": message.id, "from_thread": message.thread_id},
    )
    return thread_id
