"""One conversation: its messages in order, as bubbles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Row, Select, select

from core.accounts.models import User
from core.messaging.facts import facts_from, select_facts
from core.messaging.models import Message
from core.messaging.reading.access import signature
from core.messaging.states import Direction, State

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from core.messaging.drafts import MessageFacts

__all__ = ["CONVERSATION_PAGE", "Bubble", "Conversation", "conversation", "status_signature"]

CONVERSATION_PAGE: Final = 50
MOST_MESSAGES: Final = 500
"""More than this one page never shows of a conversation, however far back somebody read."""


@dataclass(frozen=True, slots=True)
class Bubble:
    """A message in its conversation."""

    facts: MessageFacts
    sender: str
    """Name of the officer who wrote it; empty for the system and for incoming messages."""
    resend_of_id: int | None
    expires_at: datetime | None

    @property
    def incoming(self) -> bool:
        """Tell on which side it stands."""
        return self.facts.direction is Direction.IN

    @property
    def mendable(self) -> bool:
        """Tell whether it failed for good and was not sent again."""
        failed = self.facts.state in {State.UNDELIVERED, State.REJECTED}
        return failed and self.facts.superseded_by_id is None and self.facts.kind == "sms"

    @property
    def again(self) -> bool:
        """Tell whether it never left and may be sent once more as it is."""
        stopped = self.facts.state in {State.EXPIRED, State.CANCELLED}
        return stopped and self.facts.superseded_by_id is None


@dataclass(frozen=True, slots=True)
class Conversation:
    """The latest messages of a thread, or those before one, oldest first."""

    bubbles: Sequence[Bubble]
    older: int | None
    """Id before which more is to be read, or None."""

    @property
    def first_id(self) -> int:
        """Id of the oldest message shown; 0 in an empty conversation."""
        return self.bubbles[0].facts.id if self.bubbles else 0

    @property
    def last_id(self) -> int:
        """Id of the newest message shown; 0 in an empty conversation."""
        return self.bubbles[-1].facts.id if self.bubbles else 0

    @property
    def signature(self) -> str:
        """As :func:`status_signature` would answer now."""
        return signature(
            (b.facts.id, b.facts.state, b.facts.evidence, b.facts.superseded_by_id)
            for b in self.bubbles
        )


def conversation(
    session: Session,
    thread_id: int,
    *,
    before: int | None = None,
    since: int | None = None,
    limit: int = CONVERSATION_PAGE,
) -> Conversation:
    """Read the latest messages of a thread. One statement.

    :param before: only messages older than this id.
    :param since: everything from this id on, at most ``MOST_MESSAGES``.
    """
    query = _bubbles().where(Message.thread_id == thread_id)
    if before is not None:
        query = query.where(Message.id < before)
    if since is not None:
        query = query.where(Message.id >= since)
        limit = MOST_MESSAGES
    rows = session.execute(query.order_by(Message.id.desc()).limit(limit + 1))
    found = [_bubble(row) for row in rows]
    shown = found[:limit][::-1]
    return Conversation(shown, shown[0].facts.id if len(found) > limit else None)


def status_signature(session: Session, thread_id: int, since: int) -> str:
    """Return what differs once a conversation looks different from id ``since`` on."""
    query = (
        select(Message.id, Message.state, Message.evidence, Message.superseded_by_id)
        .where(Message.thread_id == thread_id, Message.id >= since, Message.is_secret.is_(False))
        .order_by(Message.id.desc())
        .limit(MOST_MESSAGES)
    )
    return signature(session.execute(query).all()[::-1])


def _bubble(row: Row[Any]) -> Bubble:
    """Make a bubble from a row of the conversation's select."""
    name = f"{row.first_name} {row.last_name}".strip() if row.first_name is not None else ""
    return Bubble(facts_from(row), name, row.resend_of_id, row.expires_at)


def _bubbles() -> Select[*tuple[Any, ...]]:
    return (
        select_facts()
        .add_columns(Message.resend_of_id, Message.expires_at, User.first_name, User.last_name)
        .outerjoin(User, User.id == Message.sender_id)
        .where(Message.is_secret.is_(False))
    )
