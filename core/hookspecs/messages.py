"""Messages: routing, what became of them, what came in, who may read a thread."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from core.hookspecs.channels import OutgoingMessage
from core.hookspecs.facts import UserFacts
from core.hookspecs.markers import hookspec

if TYPE_CHECKING:
    from sqlalchemy import Select
    from sqlalchemy.orm import Session

    from core.i18n import TranslationString

__all__ = [
    "AccountFacts",
    "InboundFacts",
    "MessageChange",
    "PlannedResend",
    "ResendReview",
    "SubjectContactChange",
    "SubjectFacts",
    "describe_subjects",
    "inbound_received",
    "messages_changed",
    "messages_resent",
    "own_threads",
    "readable_subjects",
    "readable_threads",
    "review_resends",
    "route_messages",
    "subject_contacts_changed",
    "threads_opened",
]


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """A channel account that could carry a message."""

    id: int
    name: str
    transport: str
    kinds: frozenset[str]
    weight: int
    healthy: bool


@dataclass(frozen=True, slots=True)
class MessageChange:
    """A message that reached a new state."""

    id: int
    origin: str
    """Key of what caused it, as given when it was queued (``nphd.invitee:7``), or empty."""
    thread_id: int | None
    before: str
    after: str
    at: datetime


@dataclass(frozen=True, slots=True)
class InboundFacts:
    """A text that was received, stored, and put into a thread where one was found."""

    id: int
    thread_id: int | None
    sender: str
    body: str
    at: datetime


@dataclass(frozen=True, slots=True)
class SubjectFacts:
    """What a thread is about, for its heading and links."""

    subject: str
    title: str
    url: str
    """Path of the subject's own page, or empty."""
    contact_url: str = ""
    """Path of the page where its number is mended, or empty."""
    contact_permission: str = ""
    """Permission that this page asks for; its link is left out for others. Empty: everybody."""


@dataclass(frozen=True, slots=True)
class SubjectContactChange:
    """A subject whose contact was set or mended from its conversation."""

    subject: str
    name: str
    number: str
    """E.164."""
    previous_number: str | None
    actor_id: int | None


@dataclass(frozen=True, slots=True)
class PlannedResend:
    """A message that did not arrive, and whom it is to reach now."""

    message_id: int
    origin: str
    """Key of what caused it, as given when it was queued (``nphd.invitee:7``)."""
    purpose: str
    name: str
    """Person who is to read it, or empty where nobody is known yet."""
    number: str
    """E.164, or empty."""


@dataclass(frozen=True, slots=True)
class ResendReview:
    """What the owner of a message says to sending it again."""

    refusal: TranslationString | None = None
    """Why it may not go out any more, for a person; nothing is sent then."""
    body: str | None = None
    """Text that holds now, or None for the text as it was."""
    expires_at: datetime | None = None
    """Aware; until when the new message makes sense."""


@hookspec(since="0.1")
def route_messages(
    batch: Sequence[OutgoingMessage], accounts: Sequence[AccountFacts]
) -> Mapping[str, int]:
    """Name the account (by id) that should carry each message (by ref).

    *decide* hook. Called once per batch when it is queued, before the core's own rules. Leave out
    messages without an opinion. Later-loaded plugins are asked first; the first answer for a
    message wins. An error stops the batch (fail closed).
    """


@hookspec(since="0.1")
def messages_changed(session: Session, changes: Sequence[MessageChange]) -> None:
    """Hear that messages reached a new state.

    *tell* hook. Called once per batch, inside the transaction that changed them: the results of a
    chunk, reports, what a person or the clock decided, and messages that were refused while they
    were queued. That a worker took a message (``sending``) is not told. Each plugin runs in a
    savepoint of its own and must not wait for anything outside the database.
    """


@hookspec(since="0.1")
def review_resends(
    session: Session,
    resends: Sequence[PlannedResend],
    hold: bool,  # noqa: FBT001 - hooks pass arguments by name
) -> Mapping[int, ResendReview]:
    """Say to each message (by id) whether it may be sent again from its conversation, and how.

    *decide* hook. Called once per page that offers the step, with ``hold`` False, where it only
    reads; and in the transaction that sends again, with ``hold`` True and before anything is
    written: lock then what the answer rests on. Leave out messages that are not yours or may go out
    as they were. Of several answers for a message that of the plugin loaded last wins. An error
    refuses (fail closed).
    """


@hookspec(since="0.1")
def messages_resent(session: Session, resends: Mapping[int, PlannedResend]) -> None:
    """Hear that messages were sent again from their conversation: what was planned, by new id.

    *tell* hook. Called inside the transaction that queued the new messages.
    """


@hookspec(since="0.1")
def inbound_received(session: Session, messages: Sequence[InboundFacts]) -> None:
    """Hear that texts came in.

    *tell* hook. Called once per intake, inside its transaction, after threads were chosen.
    """


@hookspec(since="0.1")
def readable_threads(session: Session, user: UserFacts) -> Sequence[Select[Any]]:
    """Give selects of thread ids that this person may read.

    *collect* hook. Called when a page lists or opens conversations, for people without the
    permission ``messages.read_all``. The session is for reading settings; the caller runs the
    selects. The answers are united; silence adds nothing.
    """


@hookspec(since="0.1")
def own_threads(session: Session, user: UserFacts) -> Sequence[Select[Any]]:
    """Give selects of ids of the threads whose subject this person is responsible for.

    *collect* hook. Called when a page lists conversations, for its tab "Milik saya". They are
    united with the threads in which the person wrote; what the person may not read stays hidden all
    the same.
    """


@hookspec(since="0.1")
def readable_subjects(
    session: Session, user: UserFacts, subjects: Sequence[str]
) -> Collection[str]:
    """Give those of the subjects about which this person may open a conversation.

    *collect* hook. Called when somebody comes to the conversation of a subject that has none yet.
    Leave out what is not yours; silence refuses.
    """


@hookspec(since="0.1")
def threads_opened(session: Session, threads: Mapping[str, int]) -> None:
    """Hear that a person opened conversations: thread ids by subject.

    *tell* hook. Called inside the transaction that writes the first message from the conversation's
    own page. Threads that a plugin opens by itself are not told.
    """


@hookspec(since="0.1")
def subject_contacts_changed(session: Session, changes: Sequence[SubjectContactChange]) -> None:
    """Hear that contacts were set or mended from a conversation.

    *tell* hook. Called inside the transaction of the change, after the contacts themselves were
    replaced. The owner of a subject brings what it derives from contacts up to date.
    """


@hookspec(since="0.1")
def describe_subjects(session: Session, subjects: Sequence[str]) -> Mapping[str, SubjectFacts]:
    """Describe thread subjects that this plugin owns.

    *collect* hook. Called once per page with every subject on it; leave out what is not yours.
    """
