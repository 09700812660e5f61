"""Reading messages for pages: columns, never objects, one query for any number of them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields
from typing import Any, Final

from sqlalchemy import Row, Select, select
from sqlalchemy.orm import Session

from core.hookspecs.channels import Evidence
from core.messaging.drafts import MessageFacts
from core.messaging.models import ChannelAccount, Message
from core.messaging.rows import chunks
from core.messaging.states import Direction, State

__all__ = ["facts_from", "message_facts", "select_facts"]

_COLUMNS: Final = (
    Message.id,
    Message.ref,
    Message.thread_id,
    Message.direction,
    Message.kind,
    Message.purpose,
    Message.origin,
    Message.address,
    Message.title,
    Message.body,
    Message.encoding,
    Message.parts,
    Message.state,
    Message.evidence,
    Message.reason,
    Message.attempt_count,
    ChannelAccount.name.label("account_name"),
    Message.sender_id,
    Message.is_ambiguous,
    Message.superseded_by_id,
    Message.created_at,
    Message.due_at,
    Message.sent_at,
    Message.reported_at,
    Message.read_at,
)


def select_facts() -> Select[Any]:
    """Return a select of what :func:`facts_from` needs; add conditions, order and limit."""
    return select(*_COLUMNS).outerjoin(ChannelAccount, ChannelAccount.id == Message.account_id)


def facts_from(row: Row[Any]) -> MessageFacts:
    """Make facts from a row of :func:`select_facts`; further columns of the row are left alone."""
    values = {column.name: getattr(row, column.name) for column in fields(MessageFacts)}
    return MessageFacts(
        **{
            **values,
            "direction": Direction(values["direction"]),
            "state": State(values["state"]),
            "evidence": Evidence(values["evidence"]),
        }
    )


def message_facts(session: Session, ids: Collection[int]) -> dict[int, MessageFacts]:
    """Return what pages show of messages, by id; ids that do not exist are left out."""
    found: dict[int, MessageFacts] = {}
    for chunk in chunks(sorted(set(ids))):
        rows = session.execute(select_facts().where(Message.id.in_(chunk)))
        found.update({row.id: facts_from(row) for row in rows})
    return found
