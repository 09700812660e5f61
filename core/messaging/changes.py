"""Writing new states: one place that changes messages, counts for threads, and tells plugins.

A batch costs the same few statements whatever its size.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Table, bindparam, insert, select, update
from sqlalchemy.orm import Session

from core.framework.runtime import runtime_of
from core.hookspecs.channels import Evidence
from core.hookspecs.messages import MessageChange
from core.messaging.models import Message
from core.messaging.states import Cause, Direction, State, may_move
from core.messaging.threads import Tally, write_tallies

__all__ = [
    "Held",
    "chunks",
    "insert_messages",
    "lock_messages",
    "update_rows",
    "write_changes",
]

CHUNK: Final = 500
"""Values in one IN list."""
FEW: Final = 4
"""So many different sets of values are written by one statement each; more go as a list."""

_COLUMNS: Final = (
    Message.id,
    Message.ref,
    Message.thread_id,
    Message.account_id,
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


def update_rows(
    session: Session,
    table: Table,
    rows: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]],
) -> None:
    """Give rows new values; each is named by the values of key columns, the last of them its own.

    Rows that get the same values are written together: most chunks need a single statement.
    """
    shapes: dict[tuple[str, ...], list[tuple[Mapping[str, Any], Mapping[str, Any]]]]
    shapes = defaultdict(list)
    for key, values in rows:
        shapes[*key, *values].append((key, values))
    for same_shape in shapes.values():
        groups: dict[Any, list[tuple[Mapping[str, Any], Mapping[str, Any]]]] = defaultdict(list)
        for key, values in same_shape:
            groups[_comparable(key, values)].append((key, values))
        if len(groups) <= FEW:
            for group in groups.values():
                _update_group(session, table, group)
        else:
            _update_list(session, table, same_shape)


def insert_messages(session: Session, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """Store new messages, all with the same keys, and return their ids in the order of the rows."""
    session.flush()
    # The references tell which row got which id: SQLite returns them row by row only.
    session.connection().execute(insert(_TABLE), list(rows))
    ids: dict[str, int] = {}
    for chunk in chunks([row["ref"] for row in rows]):
        found = session.execute(select(Message.ref, Message.id).where(Message.ref.in_(chunk)))
        ids.update({row.ref: row.id for row in found})
    return [ids[row["ref"]] for row in rows]


def chunks(values: Sequence[Any], size: int = CHUNK) -> Iterator[Sequence[Any]]:
    """Cut a sequence into pieces that fit into one statement."""
    for begin in range(0, len(values), size):
        yield values[begin : begin + size]


_TABLE: Final[Table] = Message.__table__  # type: ignore[assignment]


def _held(row: Any) -> Held:
    state = State(row.state)
    return Held(
        id=row.id,
        ref=row.ref,
        thread_id=row.thread_id,
        account_id=row.account_id,
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


def _comparable(key: Mapping[str, Any], values: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what rows must have in common to be written together: all but their own key."""
    shared = tuple(key.values())[:-1]
    # Translatable sentences are equal when their msgids are, whatever fills their placeholders.
    return *shared, *((value, str(getattr(value, "mapping", ""))) for value in values.values())


def _update_group(
    session: Session,
    table: Table,
    group: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]],
) -> None:
    *shared, own = group[0][0]
    conditions: list[ColumnElement[bool]] = [table.c[name] == group[0][0][name] for name in shared]
    for chunk in chunks([key[own] for key, _values in group]):
        session.connection().execute(
            update(table).where(*conditions, table.c[own].in_(chunk)).values(**group[0][1])
        )


def _update_list(
    session: Session,
    table: Table,
    rows: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]],
) -> None:
    key, values = rows[0]
    statement = (
        update(table)
        .where(*(table.c[name] == bindparam(f"b_{name}") for name in key))
        .values({name: bindparam(f"n_{name}") for name in values})
    )
    session.connection().execute(
        statement,
        [
            {f"b_{name}": value for name, value in key.items()}
            | {f"n_{name}": value for name, value in values.items()}
            for key, values in rows
        ],
    )
