"""Writing new states: one place that changes messages, counts for threads, and tells plugins.

A batch costs the same few statements whatever its size.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Table, func, select
from sqlalchemy.orm import Session

from core.framework.runtime import runtime_of
from core.hookspecs.channels import Evidence
from core.hookspecs.messages import MessageChange
from core.messaging.models import Message
from core.messaging.rows import chunks, insert_rows, update_rows
from core.messaging.states import Cause, Direction, State, may_move
from core.messaging.threads import Tally, write_tallies

__all__ = [
    "Held",
    "insert_messages",
    "lock_messages",
    "write_changes",
]

_COLUMNS: Final = (
    Message.id,
    Message.ref,
    Message.thread_id,
    Message.account_id,
    Message.lane,
    Message.parts,
    Message.origin,
    Message.address,
    Message.state,
    Message.evidence,
    Message.attempt_count,
    Message.is_secret,
    Message.sealed_body,
    Message.sent_at,
    Message.superseded_by_id,
)


@dataclass(slots=True)
class Held:
    """A message whose row this transaction has locked, and what will change about it."""

    id: int
    ref: str
    thread_id: int | None
    account_id: int | None
    lane: int
    parts: int
    origin: str
    address: str
    attempt_count: int
    is_secret: bool
    sealed_body: str | None
    sent_at: datetime | None
    superseded: bool
    before: State
    state: State
    evidence: Evidence
    changes: dict[str, Any] = field(default_factory=dict)
    """New values by column."""

    def move(self, state: State, cause: Cause, **values: Any) -> bool:
        """Go to ``state`` with ``values`` if ``cause`` may do that, and tell whether it did."""
        if not may_move(self.state, state, cause):
            return False
        if self.state is State.SENDING:
            self.changes.update(lease_until=None, lease_holder=None)
        self.state = state
        self.changes["state"] = state
        # The text of a secret is kept for the hand-over and not a moment longer.
        if self.sealed_body is not None and state is not State.QUEUED:
            self.sealed_body = None
            self.changes["sealed_body"] = None
        self.set(**values)
        return True

    def set(self, **values: Any) -> None:
        """Change columns; the next reader of this object sees what decides further changes."""
        self.changes.update(values)
        if "evidence" in values:
            self.evidence = values["evidence"]
        if "sent_at" in values:
            self.sent_at = values["sent_at"]


def lock_messages(session: Session, ids: Collection[int]) -> dict[int, Held]:
    """Read outgoing messages and hold their rows until the transaction ends.

    Rows are locked in the order of their ids, so that two writers cannot wait for each other.
    """
    held: dict[int, Held] = {}
    for chunk in chunks(sorted(ids)):
        query = (
            select(*_COLUMNS)
            .where(Message.id.in_(chunk), Message.direction == Direction.OUT)
            .order_by(Message.id)
            .with_for_update(of=Message)
        )
        held.update({row.id: _held(row) for row in session.execute(query)})
    return held


def write_changes(session: Session, messages: Iterable[Held], now: datetime) -> None:
    """Store what was changed on locked messages, keep the threads' counters, tell the plugins."""
    changed = [message for message in messages if message.changes]
    if not changed:
        return
    update_rows(
        session,
        _TABLE,
        [({"id": one.id}, {"changed_at": now, **one.changes}) for one in changed],
    )
    moved = [message for message in changed if message.state is not message.before]
    tallies: dict[int, Tally] = defaultdict(Tally)
    for message in moved:
        if message.thread_id is not None:
            tallies[message.thread_id].note_move(
                message.before, message.state, superseded=message.superseded
            )
    write_tallies(session, tallies)
    told = [
        MessageChange(
            id=message.id,
            origin=message.origin,
            thread_id=message.thread_id,
            before=message.before,
            after=message.state,
            at=now,
        )
        for message in moved
    ]
    for message in changed:
        message.before, message.changes = message.state, {}
    if told:
        runtime_of(session).hooks.tell(session, "messages_changed", changes=told)


def insert_messages(session: Session, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """Store new messages, all with the same keys, and return their ids in the order of the rows."""
    session.flush()
    before = session.scalar(select(func.max(Message.id))) or 0
    insert_rows(session, _TABLE, rows)
    # The references tell which row got which id; new ids are larger than any that was seen before.
    found = session.execute(select(Message.ref, Message.id).where(Message.id > before))
    ids = {row.ref: row.id for row in found}
    return [ids[row["ref"]] for row in rows]


_TABLE: Final[Table] = Message.__table__  # type: ignore[assignment]


def _held(row: Any) -> Held:
    state = State(row.state)
    return Held(
        id=row.id,
        ref=row.ref,
        thread_id=row.thread_id,
        account_id=row.account_id,
        lane=row.lane,
        parts=row.parts,
        origin=row.origin,
        address=row.address,
        attempt_count=row.attempt_count,
        is_secret=row.is_secret,
        sealed_body=row.sealed_body,
        sent_at=row.sent_at,
        superseded=row.superseded_by_id is not None,
        before=state,
        state=state,
        evidence=Evidence(row.evidence),
    )
