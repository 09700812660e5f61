"""What officers do in a conversation: write, mend a number and send again, settle the uncertain.

A form carries a key of its own, so that one sent twice does its work once; the thread's row is held
while the key is looked for, so that two requests at the same moment cannot both miss it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from core import audit
from core.contacts.services import contacts_of, opted_out, set_contact
from core.errors import ForbiddenError, NotFoundError
from core.framework.runtime import runtime_of
from core.hookspecs.messages import PlannedResend, SubjectContactChange
from core.i18n import TranslationString, _
from core.messaging.drafts import Draft, EmptyMessageError, NotResendableError
from core.messaging.mending import resend, review, settle_uncertain
from core.messaging.models import Message, Thread
from core.messaging.queue import queue_message
from core.messaging.reading import RESEND, WRITE, describe, find_subject, find_thread
from core.messaging.refusals import (
    MOST_PARTS,
    ContactChangedError,
    NoContactError,
    RefusedResendError,
    SilentNumberError,
    StaleMendingError,
    TooManyPartsError,
)
from core.messaging.states import Lane, State
from core.messaging.text import measure
from core.messaging.threads import ensure_thread

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.contacts.models import Contact
    from core.hookspecs.facts import UserFacts

__all__ = [
    "MOST_PARTS",
    "PURPOSE",
    "ContactChangedError",
    "Letter",
    "Mending",
    "NoContactError",
    "RefusedResendError",
    "SilentNumberError",
    "StaleMendingError",
    "TooManyPartsError",
    "Written",
    "mend_and_resend",
    "open_thread",
    "settle",
    "write_message",
]

PURPOSE: Final = "conversation"
"""Purpose of every message that an officer writes by hand."""

_ORIGIN: Final = "conversation.form:"


@dataclass(frozen=True, slots=True)
class Letter:
    """What an officer typed."""

    body: str
    key: str
    """Key of the form, at most 40 characters; a form sent twice queues one message."""
    number: str = ""
    """E.164 that the page named as recipient, or empty where it named none."""


@dataclass(frozen=True, slots=True)
class Mending:
    """A failed message, and whom it is to reach instead."""

    thread_id: int
    message_id: int
    name: str
    number: str
    """E.164."""


@dataclass(frozen=True, slots=True)
class Written:
    """A message that an officer wrote."""

    thread_id: int
    message_id: int
    fresh: bool
    """False when the same form had already been sent."""


def write_message(session: Session, user: UserFacts, subject: str, letter: Letter) -> Written:
    """Queue an officer's text to the contact of ``subject``, opening the conversation if need be.

    :raises NotFoundError: the person may not read or open this conversation.
    :raises ForbiddenError: the person may not write.
    :raises EmptyMessageError: there is no text.
    :raises InvalidInputError: no contact, another one than the page named, one that asked for
        silence, or a text that is too long. Nothing is written then.
    """
    if not user.may(WRITE):
        raise ForbiddenError
    text = letter.body.replace("\r\n", "\n").strip()
    thread = find_subject(session, user, subject)
    if thread is not None:
        done = _hold(session, thread.id, letter.key)
        if done is not None:
            return Written(thread.id, done, fresh=False)
    contact = _recipient(session, subject, letter.number)
    if not text:
        raise EmptyMessageError
    parts = measure(text).parts
    if parts > MOST_PARTS:
        raise TooManyPartsError(parts)
    if thread is not None:
        thread_id = thread.id
    else:
        thread_id = open_thread(session, subject)
        done = _hold(session, thread_id, letter.key)
        if done is not None:
            return Written(thread_id, done, fresh=False)
    message_id = queue_message(
        session,
        Draft(
            address=contact.number,
            body=text,
            purpose=PURPOSE,
            thread_id=thread_id,
            lane=Lane.PERSON,
            sender_id=user.id,
            origin=f"{_ORIGIN}{letter.key}",
        ),
    )
    audit.record(
        session,
        actor_id=user.id,
        action="messages.send",
        subject=subject,
        details={"message": message_id, "parts": parts},
    )
    return Written(thread_id, message_id, fresh=True)


def mend_and_resend(session: Session, user: UserFacts, mending: Mending) -> int:
    """Make person and number the contact, send the failed message to it, return the new one's id.

    Both messages stay in the conversation. The owner of the message may refuse or give the text
    that holds now. Done twice, the second call returns what the first queued.

    :raises NotFoundError: the person may not read the conversation, or it has no such message.
    :raises ForbiddenError: the person may not send again.
    :raises InvalidInputError: the name is empty or too long, the number cannot receive SMS, or it
        asked for silence. Nothing is written then.
    :raises NotResendableError: the message did not fail, or nobody knows yet whether it did.
    :raises StaleMendingError: it was sent again already, to another person or number.
    :raises RefusedResendError: its owner says that it may not go out any more.
    """
    if not user.may(RESEND):
        raise ForbiddenError
    thread = find_thread(session, user, mending.thread_id)
    plan = _plan(session, mending)
    # Before the thread is held: owners hold their own rows first wherever they send or take back.
    answer = review(session, [plan], hold=True).get(plan.message_id)
    _hold(session, thread.id)
    replaced = _message_of(session, thread.id, mending.message_id)
    if replaced is not None:
        _check_same(session, thread.subject, replaced, mending)
        return replaced
    if answer is not None and answer.refusal is not None:
        raise RefusedResendError(answer.refusal)
    _mend(session, thread.subject, mending, actor_id=user.id)
    message_id = resend(
        session,
        mending.message_id,
        address=mending.number,
        actor_id=user.id,
        body=answer.body if answer is not None else None,
        expires_at=answer.expires_at if answer is not None else None,
    )
    runtime_of(session).hooks.tell(session, "messages_resent", resends={message_id: plan})
    return message_id


def settle(
    session: Session, user: UserFacts, thread_id: int, message_id: int, state: State
) -> bool:
    """Write what a person found out about an uncertain message; False if it is certain by now.

    ``state`` is ``delivered``, ``undelivered``, or ``queued`` to send it again under its own
    reference.

    :raises NotFoundError: the person may not read the conversation, or it has no such message.
    :raises ForbiddenError: the person may not decide this.
    :raises RefusedResendError: it is to be sent again, and may not go out as it is any more.
    """
    if not user.may(RESEND):
        raise ForbiddenError
    find_thread(session, user, thread_id)
    if state is State.QUEUED:
        _check_unchanged(session, message_id)
    _message_of(session, thread_id, message_id)
    return bool(settle_uncertain(session, [message_id], state, actor_id=user.id))


def _recipient(session: Session, subject: str, number: str) -> Contact:
    contact = contacts_of(session, [subject]).get(subject)
    if contact is None:
        raise NoContactError
    if number and number != contact.number:
        raise ContactChangedError(contact)
    if contact.opted_out_at is not None:
        raise SilentNumberError(contact.number)
    return contact


def open_thread(session: Session, subject: str) -> int:
    """Open the conversation about a subject, tell its owner, and return the thread's id.

    Whether the person may is the caller's to know.
    """
    facts = describe(session, [subject])[subject]
    thread = ensure_thread(session, subject, title=facts.title)
    runtime_of(session).hooks.tell(session, "threads_opened", threads={subject: thread.id})
    return thread.id


def _hold(session: Session, thread_id: int, key: str | None = None) -> int | None:
    """Hold the thread's row, and return the message that the form ``key`` has already queued."""
    session.execute(select(Thread.id).where(Thread.id == thread_id).with_for_update())
    if key is None:
        return None
    return session.scalar(
        select(Message.id)
        .where(Message.thread_id == thread_id, Message.origin == f"{_ORIGIN}{key}")
        .order_by(Message.id)
        .limit(1)
    )


def _message_of(session: Session, thread_id: int, message_id: int) -> int | None:
    """Check that a message belongs to the thread, and return the one sent instead of it."""
    row = session.execute(
        select(Message.superseded_by_id).where(
            Message.id == message_id, Message.thread_id == thread_id, Message.is_secret.is_(False)
        )
    ).one_or_none()
    if row is None:
        raise NotFoundError(_NO_MESSAGE)
    superseded: int | None = row.superseded_by_id
    return superseded


def _plan(session: Session, mending: Mending) -> PlannedResend:
    row = session.execute(
        select(Message.origin, Message.purpose, Message.state).where(
            Message.id == mending.message_id,
            Message.thread_id == mending.thread_id,
            Message.is_secret.is_(False),
        )
    ).one_or_none()
    if row is None:
        raise NotFoundError(_NO_MESSAGE)
    if row.state == State.UNCERTAIN:
        # It may have arrived: a person finds out first, and settles it.
        raise NotResendableError
    return PlannedResend(
        message_id=mending.message_id,
        origin=row.origin or "",
        purpose=row.purpose,
        name=" ".join(mending.name.split()),
        number=mending.number,
    )


def _check_same(session: Session, subject: str, replaced: int, mending: Mending) -> None:
    """Refuse person and number that differ from whom the message was sent again to."""
    address = session.scalar(select(Message.address).where(Message.id == replaced))
    contact = contacts_of(session, [subject]).get(subject)
    name = " ".join(mending.name.split())
    if contact is None or (address, contact.name) != (mending.number, name):
        raise StaleMendingError


def _check_unchanged(session: Session, message_id: int) -> None:
    """Refuse to hand over an uncertain message once more where its text holds no longer."""
    row = session.execute(
        select(
            Message.origin,
            Message.purpose,
            Message.body,
            Message.address,
            Thread.subject,
        )
        .join(Thread, Thread.id == Message.thread_id)
        .where(Message.id == message_id)
    ).one_or_none()
    if row is None:
        return
    contact = contacts_of(session, [row.subject]).get(row.subject)
    plan = PlannedResend(
        message_id=message_id,
        origin=row.origin or "",
        purpose=row.purpose,
        name=contact.name if contact is not None else "",
        number=row.address,
    )
    answer = review(session, [plan], hold=True).get(message_id)
    if answer is None:
        return
    if answer.refusal is not None:
        raise RefusedResendError(answer.refusal)
    if answer.body is not None and answer.body != row.body:
        raise RefusedResendError(
            _(
                "Isi pesan ini sudah tidak sesuai dengan data yang berlaku sekarang, jadi tidak "
                "dikirim lagi. Tetapkan bahwa pesan belum diterima dan tidak dikirim lagi, lalu "
                "pilih Perbaiki nomor dan kirim ulang agar isinya diperbarui."
            )
        )


def _mend(session: Session, subject: str, mending: Mending, *, actor_id: int) -> None:
    # Asked first: what is raised after a write would be shown on the form and stored all the same.
    if opted_out(session, {mending.number}):
        raise SilentNumberError(mending.number)
    before = contacts_of(session, [subject]).get(subject)
    known = (before.name, before.number) if before is not None else None
    contact = set_contact(
        session, subject, name=mending.name, number=mending.number, actor_id=actor_id
    )
    if known == (contact.name, contact.number):
        return
    change = SubjectContactChange(
        subject=subject,
        name=contact.name,
        number=contact.number,
        previous_number=known[1] if known is not None else None,
        actor_id=actor_id,
    )
    runtime_of(session).hooks.tell(session, "subject_contacts_changed", changes=[change])


_NO_MESSAGE: Final[TranslationString] = _("Pesan ini tidak ada dalam percakapan ini.")
