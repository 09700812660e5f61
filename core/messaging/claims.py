"""Claiming a chunk: the rows are marked and an attempt is committed before anything is sent."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Select, insert, literal, or_, select, update
from sqlalchemy.orm import Session

from core.db import UTCDateTime
from core.hookspecs.channels import Capabilities, OutgoingMessage
from core.jobs.leases import process_identity, release_lease, take_lease
from core.messaging.channels import AccountRow
from core.messaging.models import SENDING, Attempt, ChannelAccount, Message, due, is_due
from core.messaging.queue import wake
from core.messaging.states import Lane, State

__all__ = [
    "Claim",
    "Claimed",
    "claim",
    "next_lane",
    "open_account",
    "release",
]

LEASE_MARGIN: Final = timedelta(seconds=15)
"""How much longer than its call of ``send`` a chunk is held, to write the results."""


@dataclass(frozen=True, slots=True)
class OpenAccount:
    """An account that may send now."""

    row: AccountRow
    failure_count: int
    last_success_at: datetime | None


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message of a claimed chunk."""

    id: int
    outgoing: OutgoingMessage
    sealed_body: str | None
    is_isolated: bool


@dataclass(frozen=True, slots=True)
class Claim:
    """A chunk that this thread holds."""

    account: OpenAccount
    messages: Sequence[Claimed]
    slot: str
    holder: str


def open_account(session: Session, account_id: int, now: datetime) -> OpenAccount | None:
    """Return the account, or None when it is paused or its breaker is open."""
    row = session.execute(
        select(
            ChannelAccount.id,
            ChannelAccount.name,
            ChannelAccount.transport,
            ChannelAccount.settings,
            ChannelAccount.version,
            ChannelAccount.failure_count,
            ChannelAccount.last_success_at,
        ).where(
            ChannelAccount.id == account_id,
            ChannelAccount.is_paused.is_(False),
            or_(ChannelAccount.open_until.is_(None), ChannelAccount.open_until <= now),
        )
    ).one_or_none()
    if row is None:
        return None
    return OpenAccount(
        row=AccountRow(row.id, row.name, row.transport, row.settings, row.version),
        failure_count=row.failure_count,
        last_success_at=row.last_success_at,
    )


def next_lane(session: Session, account_id: int, now: datetime) -> int | None:
    """Return the lane of what an account has to send first, or None when nothing is due."""
    query = due(now).where(Message.account_id == account_id).order_by(Message.lane).limit(1)
    return session.scalar(query.with_only_columns(Message.lane))


def claim(
    session: Session, account: OpenAccount, can: Capabilities, lane: int, now: datetime
) -> Claim | None:
    """Take the next chunk in lane order, or None when there is none or all slots are taken.

    An account has as many slots as its transport can have chunks under way, over all processes.
    Codes (``lane`` says that they come next) go by themselves, and where there is more than one
    slot the first is left to them: they wait for no chunk of anything else.
    """
    account_id = account.row.id
    holder = f"{process_identity()}/{secrets.token_hex(6)}"
    codes = lane == Lane.CODE
    first = 1 if can.concurrency > 1 and not codes else 0
    slots = [f"dispatch:{account_id}:{number}" for number in range(first, can.concurrency)]
    lease = timedelta(seconds=can.lease_seconds) + LEASE_MARGIN
    slot = take_lease(session, slots, seconds=lease.total_seconds(), holder=holder)
    if slot is None:
        return None
    next_chunk = (
        due(now)
        .where(
            Message.account_id == account_id,
            Message.lane == Lane.CODE if codes else Message.lane > Lane.CODE,
        )
        .order_by(Message.lane, Message.due_at, Message.id)
        .limit(can.chunk)
        .with_for_update(skip_locked=True)
    )
    messages = _mark(session, next_chunk, holder=holder, now=now, lease=lease)
    if not messages:
        release_lease(session, slot, holder=holder)
        return None
    _note_attempts(session, holder, now)
    if can.concurrency > 1:
        # Another thread may take what is left while this chunk is on its way.
        _wake_waiting(session, account_id, now)
    return Claim(account=account, messages=messages, slot=slot, holder=holder)


def release(session: Session, held: Claim, now: datetime) -> None:
    """Give the slot back and wake the workers again if there is more to send."""
    release_lease(session, held.slot, holder=held.holder)
    _wake_waiting(session, held.account.row.id, now)


def _wake_waiting(session: Session, account_id: int, now: datetime) -> None:
    """Wake those who hand over codes and those who hand over the rest, each for its own."""
    codes, others = session.execute(
        select(
            is_due(now, account_id, Message.lane == Lane.CODE),
            is_due(now, account_id, Message.lane > Lane.CODE),
        )
    ).one()
    wake(session, [(account_id, Lane.CODE)] * codes + [(account_id, Lane.BULK)] * others)


def _note_attempts(session: Session, holder: str, now: datetime) -> None:
    """Put the hand-over of every message that was just claimed on record."""
    claimed = select(
        Message.id,
        Message.attempt_count,
        Message.account_id,
        literal(now, UTCDateTime),
        literal(""),
    ).where(SENDING, Message.lease_holder == holder)
    session.execute(
        insert(Attempt).from_select(
            ["message_id", "number", "account_id", "started_at", "code"],
            claimed,
            include_defaults=False,
        )
    )


_RETURNED: Final = (
    Message.id,
    Message.ref,
    Message.address,
    Message.body,
    Message.kind,
    Message.purpose,
    Message.title,
    Message.encoding,
    Message.parts,
    Message.attempt_count,
    Message.sealed_body,
    Message.is_isolated,
    Message.lane,
    Message.due_at,
)


def _mark(
    session: Session, chosen: Select[int], *, holder: str, now: datetime, lease: timedelta
) -> list[Claimed]:
    # A table expression is worked out once; a subquery with a limit and locks might not be.
    taken = chosen.cte("taken")
    rows = session.execute(
        update(Message)
        .where(Message.id.in_(select(taken.c.id)))
        .values(
            state=State.SENDING,
            attempt_count=Message.attempt_count + 1,
            lease_until=now + lease,
            lease_holder=holder,
            reason=None,
            changed_at=now,
        )
        .returning(*_RETURNED)
        .execution_options(synchronize_session=False)
    ).all()
    return [_claimed(row) for row in sorted(rows, key=lambda r: (r.lane, r.due_at, r.id))]


def _claimed(row: Any) -> Claimed:
    return Claimed(
        id=row.id,
        outgoing=OutgoingMessage(
            ref=row.ref,
            address=row.address,
            body=row.body,
            kind=row.kind,
            purpose=row.purpose,
            title=row.title,
            encoding=row.encoding,
            parts=row.parts,
            attempt=row.attempt_count,
        ),
        sealed_body=row.sealed_body,
        is_isolated=row.is_isolated,
    )
