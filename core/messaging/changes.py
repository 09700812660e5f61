"""Writing new states: one place that changes messages, counts for threads, and tells plugins.

A batch costs the same few statements whatever its size.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, bindparam, insert, select, update
from sqlalchemy.orm import Session

from core.framework.runtime import runtime_of
from core.hookspecs.channels import Evidence
from core.hookspecs.messages import MessageChange
from core.i18n import TranslationString
from core.messaging.models import Message
from core.messaging.states import Cause, Direction, State, may_move
from core.messaging.threads import Tally, write_tallies

__all__ = ["Held", "chunks", "insert_messages", "lock_messages", "write_changes"]

CHUNK: Final = 500
"""Values in one IN list."""

_COLUMNS: Final = (
    Message.id,
    Message.ref,
    Message.thread_id,
    Message.account_id,
    Message.origin,
    Message.address,
    Message.state,
    Message.evidence,
    Message.reason,
    Message.parts,
    Message.attempt_count,
    Message.is_isolated,
    Message.due_at,
    Message.lease_until,
    Message.lease_holder,
    Message.sealed_body,
    Message.is_secret,
    Message.sent_at,
    Message.reported_at,
    Message.superseded_by_id,
)


@dataclass(slots=True)
class Held:
    """A message whose row this transaction has locked, with the values it will get."""

    id: int
    ref: str
    thread_id: int | None
    origin: str
    address: str
    parts: int
    attempt_count: int
    is_secret: bool
    superseded: bool
    before: State
    state: State
    evidence: Evidence
    reason: TranslationString | str | None
    account_id: int | None
    is_isolated: bool
    due_at: datetime
    lease_until: datetime | None
    lease_holder: str | None
    sealed_body: str | None
    sent_at: datetime | None
    reported_at: datetime | None
    dirty: bool = False

    def move(self, state: State, cause: Cause) -> bool:
        """Go to ``state`` if ``cause`` may do that, and tell whether it did."""
        if not may_move(self.state, state, cause):
            return False
        self.state = state
        self.dirty = True
        if state is not State.SENDING:
            self.lease_until = self.lease_holder = None
        return True


def lock_messages(session: Session, ids: Collection[int]) -> dict[int, Held]:
    """Read messages and hold their rows until the transaction ends.

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


def write_changes(session: Session, messages: Collection[Held], now: datetime) -> None:
    """Store what was changed on locked messages, keep the threads' counters, tell the plugins."""
    dirty = [message for message in messages if message.dirty]
    if not dirty:
        return
    session.connection().execute(_UPDATE, [_values(message, now) for message in dirty])
    moved = [message for message in dirty if message.state is not message.before]
    tallies: dict[int, Tally] = defaultdict(Tally)
    for message in moved:
        if message.thread_id is not None:
            tallies[message.thread_id].note_move(
                message.before, message.state, superseded=message.superseded
            )
    write_tallies(session, tallies)
    changes = [
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
    for message in dirty:
        message.before, message.dirty = message.state, False
    if changes:
        runtime_of(session).hooks.tell(session, "messages_changed", changes=changes)


def chunks(values: Sequence[Any], size: int = CHUNK) -> Iterator[Sequence[Any]]:
    """Cut a sequence into pieces that fit into one statement."""
    for begin in range(0, len(values), size):
        yield values[begin : begin + size]


def insert_messages(session: Session, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """Store new messages, all with the same keys, and return their ids in the order of the rows."""
    session.flush()
    # The references tell which row got which id: SQLite returns them row by row only.
    session.connection().execute(insert(_TABLE), list(rows))  # type: ignore[arg-type]
    ids: dict[str, int] = {}
    for chunk in chunks([row["ref"] for row in rows]):
        found = session.execute(select(Message.ref, Message.id).where(Message.ref.in_(chunk)))
        ids.update({row.ref: row.id for row in found})
    return [ids[row["ref"]] for row in rows]


def _held(row: Row[Any]) -> Held:
    return Held(
        id=row.id,
        ref=row.ref,
        thread_id=row.thread_id,
        origin=row.origin,
        address=row.address,
        parts=row.parts,
        attempt_count=row.attempt_count,
        is_secret=row.is_secret,
        superseded=row.superseded_by_id is not None,
        before=State(row.state),
        state=State(row.state),
        evidence=Evidence(row.evidence),
        reason=row.reason,
        account_id=row.account_id,
        is_isolated=row.is_isolated,
        due_at=row.due_at,
        lease_until=row.lease_until,
        lease_holder=row.lease_holder,
        sealed_body=row.sealed_body,
        sent_at=row.sent_at,
        reported_at=row.reported_at,
    )


_WRITTEN: Final = (
    "state",
    "evidence",
    "reason",
    "account_id",
    "is_isolated",
    "due_at",
    "lease_until",
    "lease_holder",
    "sealed_body",
    "sent_at",
    "reported_at",
)
_TABLE: Final = Message.__table__
_UPDATE: Final = (
    update(_TABLE)  # type: ignore[arg-type]
    .where(_TABLE.c.id == bindparam("b_id"))
    .values(
        changed_at=bindparam("b_changed_at"), **{name: bindparam(f"b_{name}") for name in _WRITTEN}
    )
)


def _values(message: Held, now: datetime) -> dict[str, Any]:
    values = {f"b_{name}": getattr(message, name) for name in _WRITTEN}
    return {"b_id": message.id, "b_changed_at": now, **values}
