"""What became of the messages that call institutions, read from the message engine."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import func, literal_column, select
from sqlalchemy.orm import Session

from core.api.messaging import Message, MessageFacts, State, message_facts
from plugins.nphd.subjects import call_origin, cancel_origin

__all__ = ["MAY_HAVE_LEFT", "newest_calls", "newest_notices", "reached", "waiting_calls"]

MAY_HAVE_LEFT = frozenset({State.SENDING, State.UNCERTAIN, State.SENT, State.DELIVERED})
"""States of a message that somebody has read, or may read yet."""


def newest_calls(session: Session, invitee_ids: Collection[int]) -> dict[int, MessageFacts]:
    """Return the newest message that calls each invitee; those that were never called are left out.

    It follows a message that was sent again, whether from the list or from the conversation.
    """
    return _newest(session, {call_origin(invitee_id): invitee_id for invitee_id in invitee_ids})


def newest_notices(session: Session, invitee_ids: Collection[int]) -> dict[int, MessageFacts]:
    """Return the newest message that told each invitee of the cancellation."""
    return _newest(session, {cancel_origin(invitee_id): invitee_id for invitee_id in invitee_ids})


def reached(session: Session, invitee_ids: Collection[int]) -> dict[int, str]:
    """Return the invitees of whom a call was read, or may be read yet: the newest one's address."""
    origins = {call_origin(invitee_id): invitee_id for invitee_id in invitee_ids}
    query = (
        select(Message.origin, Message.address)
        .where(Message.origin.in_(origins), _INDEXED, Message.state.in_(MAY_HAVE_LEFT))
        .order_by(Message.id)
    )
    return {origins[row.origin]: row.address for row in session.execute(query)}


def waiting_calls(session: Session, invitee_ids: Collection[int]) -> dict[int, int]:
    """Return the calls that can still be taken back: invitee by message."""
    origins = {call_origin(invitee_id): invitee_id for invitee_id in invitee_ids}
    query = select(Message.id, Message.origin).where(
        Message.origin.in_(origins), _INDEXED, Message.state == State.QUEUED
    )
    return {row.id: origins[row.origin] for row in session.execute(query)}


def _newest(session: Session, origins: dict[str, int]) -> dict[int, MessageFacts]:
    query = (
        select(func.max(Message.id))
        .where(Message.origin.in_(origins), _INDEXED)
        .group_by(Message.origin)
    )
    facts = message_facts(session, session.scalars(query).all())
    return {origins[found.origin]: found for found in facts.values()}


_INDEXED = Message.origin != literal_column("''")
"""The condition of the engine's partial index, in the words in which SQLite recognises it."""
