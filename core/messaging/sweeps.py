"""What is looked for at intervals: what a wake-up missed, and what time decides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Select, or_, select, update
from sqlalchemy.orm import Session

from core.db import utcnow
from core.framework.runtime import Runtime, runtime_of
from core.hookspecs.channels import OutgoingMessage, Transport
from core.i18n import _
from core.jobs.leases import dead_holders
from core.jobs.runner import Jobs
from core.messaging.accounts import account_rows
from core.messaging.changes import Held, lock_messages, write_changes
from core.messaging.channels import Channels
from core.messaging.models import QUEUED, SENDING, ChannelAccount, Message, is_due
from core.messaging.queue import dispatch_task, wake
from core.messaging.reports import apply_waiting, has_waiting, match_waiting
from core.messaging.results import MAX_UNANSWERED, UNCERTAIN
from core.messaging.routing import Candidate, candidates, choose
from core.messaging.states import Cause, Lane, State

__all__ = [
    "due_accounts",
    "end_leases",
    "expire",
    "fail_over",
    "polled_accounts",
    "rematch_reports",
    "route_waiting",
    "sweep_messages",
]

LIMIT: Final = 1000
"""Rows that one round takes on; the next round is two seconds away."""
EXPIRED: Final = _("Batas waktu kirim sudah lewat sebelum pesan dapat dikirim.")
REPORT_AGE: Final = timedelta(hours=1)


def sweep_messages(runtime: Runtime) -> None:
    """Do one round; each step is a transaction of its own, and none is opened for nothing."""
    for step, is_needed in _STEPS:
        with runtime.database.reading() as session:
            needed = is_needed(session, utcnow())
        if needed:
            with runtime.database.writing() as session:
                step(session, utcnow())
    with runtime.database.reading() as session:
        due = due_accounts(session, utcnow())
    for account_id, lane in due:
        runtime.component(Jobs).send(dispatch_task(lane), account_id)


def end_leases(session: Session, now: datetime) -> int:
    """Free messages whose worker died or took too long, and return how many there were.

    They become uncertain, or go back into the queue under the same ref where their transport
    delivers one ref once however often it gets it.
    """
    ids = _lost(session, now)
    if not ids:
        return 0
    held = lock_messages(session, ids)
    idempotent = _idempotent_accounts(session)
    waiting = [message for message in held.values() if message.state is State.SENDING]
    for message in waiting:
        if message.account_id in idempotent and message.attempt_count < MAX_UNANSWERED:
            message.move(State.QUEUED, Cause.LEASE, due_at=now)
        else:
            message.move(State.UNCERTAIN, Cause.LEASE, reason=UNCERTAIN)
    write_changes(session, held.values(), now)
    apply_waiting(session, held, [], now)
    _wake_queued(session, waiting)
    return len(waiting)


def expire(session: Session, now: datetime) -> int:
    """End what waited longer than it makes sense, and return how many there were."""
    held = lock_messages(session, session.scalars(_expired(now)).all())
    count = 0
    for message in held.values():
        count += message.move(State.EXPIRED, Cause.CLOCK, reason=EXPIRED)
    write_changes(session, held.values(), now)
    return count


def fail_over(session: Session, now: datetime) -> int:
    """Free waiting messages whose account cannot work while another one could carry them."""
    stranded = _stranded(session, now)
    if stranded is None:
        return 0
    freed = session.scalars(
        update(Message)
        .where(Message.id.in_(stranded.scalar_subquery()))
        .values(account_id=None)
        .returning(Message.id)
        .execution_options(synchronize_session=False)
    ).all()
    return len(freed)


def route_waiting(session: Session, now: datetime) -> int:
    """Give an account to messages that have none, and return how many got one."""
    found = candidates(session, now)
    rows = session.execute(
        select(
            Message.id,
            Message.ref,
            Message.address,
            Message.body,
            Message.kind,
            Message.purpose,
            Message.title,
            Message.encoding,
            Message.parts,
        )
        .where(*_unrouted(found))
        .order_by(Message.lane, Message.id)
        .limit(LIMIT)
    ).all()
    batch = [
        OutgoingMessage(**{k: v for k, v in row._asdict().items() if k != "id"}) for row in rows
    ]
    chosen = choose(session, batch, found)
    held = lock_messages(session, [row.id for row in rows if row.ref in chosen])
    for message in held.values():
        if message.state is State.QUEUED:
            message.account_id = chosen[message.ref]
            message.set(account_id=chosen[message.ref], reason=None)
    write_changes(session, held.values(), now)
    _wake_queued(session, list(held.values()))
    return len(held)


def due_accounts(session: Session, now: datetime) -> list[tuple[int, int]]:
    """Return the accounts that can send and have something to send, each with a lane of it.

    An account comes twice when codes and other messages wait.
    """
    # Asked account by account: the first waiting message is found at once, however many there are.
    rows = session.execute(
        select(
            ChannelAccount.id,
            is_due(now, ChannelAccount.id, Message.lane == Lane.CODE).label("codes"),
            is_due(now, ChannelAccount.id, Message.lane > Lane.CODE).label("others"),
        ).where(
            ChannelAccount.is_paused.is_(False),
            or_(ChannelAccount.open_until.is_(None), ChannelAccount.open_until <= now),
        )
    ).all()
    return [(row.id, Lane.CODE) for row in rows if row.codes] + [
        (row.id, Lane.BULK) for row in rows if row.others
    ]


def rematch_reports(runtime: Runtime) -> None:
    """Look once more for the messages of reports that wait."""
    with runtime.database.reading() as session:
        waiting = has_waiting(session, utcnow(), age=REPORT_AGE)
    if waiting:
        with runtime.database.writing() as session:
            match_waiting(session, utcnow(), age=REPORT_AGE)


def polled_accounts(runtime: Runtime) -> list[int]:
    """Return the accounts that have to be asked for reports and incoming texts."""
    transports = runtime.component(Channels).transports
    with runtime.database.reading() as session:
        rows = account_rows(session)
    return [
        row.id
        for row in rows
        if row.transport in transports and _is_polled(transports[row.transport])
    ]


def _is_polled(transport: type[Transport]) -> bool:
    can = transport.capabilities
    return (can.reports or can.inbound) and transport.poll is not Transport.poll


def _lost(session: Session, now: datetime) -> list[int]:
    """Return messages that are being sent by nobody any more."""
    holders = session.scalars(select(Message.lease_holder).where(SENDING).distinct())
    dead = dead_holders(holder for holder in holders if holder)
    query = (
        select(Message.id)
        .where(
            SENDING,
            or_(Message.lease_until <= now, Message.lease_holder.in_(dead)),
        )
        .limit(LIMIT)
    )
    return list(session.scalars(query))


def _expired(now: datetime) -> Select[int]:
    return select(Message.id).where(QUEUED, Message.expires_at <= now).limit(LIMIT)


def _stranded(session: Session, now: datetime) -> Select[int] | None:
    """Select messages whose account cannot work while another one could carry them."""
    found = candidates(session, now)
    able = {item.facts.id for item in found if item.facts.healthy}
    # Named, so that the queues of healthy accounts are not walked through.
    unable = [each for each in session.scalars(select(ChannelAccount.id)) if each not in able]
    kinds = {
        kind
        for item in found
        if item.by_default and item.facts.healthy
        for kind in item.facts.kinds
    }
    if not kinds or not unable:
        return None
    return (
        select(Message.id)
        .where(
            QUEUED,
            Message.is_pinned.is_(False),
            Message.account_id.in_(unable),
            Message.kind.in_(kinds),
        )
        .limit(LIMIT)
    )


def _has_stranded(session: Session, now: datetime) -> bool:
    query = _stranded(session, now)
    return query is not None and session.scalar(query.limit(1)) is not None


def _unrouted(found: Sequence[Candidate]) -> Any:
    kinds = {kind for item in found for kind in item.facts.kinds}
    return (
        QUEUED,
        Message.account_id.is_(None),
        Message.kind.in_(kinds),
    )


def _has_unrouted(session: Session, now: datetime) -> bool:
    query = select(Message.id).where(*_unrouted(candidates(session, now))).limit(1)
    return session.scalar(query) is not None


def _idempotent_accounts(session: Session) -> set[int]:
    transports = runtime_of(session).component(Channels).transports
    rows = session.execute(select(ChannelAccount.id, ChannelAccount.transport))
    return {
        row.id
        for row in rows
        if row.transport in transports and transports[row.transport].capabilities.idempotent
    }


def _wake_queued(session: Session, messages: Sequence[Held]) -> None:
    wake(session, ((one.account_id, one.lane) for one in messages if one.state is State.QUEUED))


_STEPS: Final[Sequence[tuple[Callable[[Session, datetime], int], Callable[..., bool]]]] = (
    (end_leases, lambda session, now: bool(_lost(session, now))),
    (expire, lambda session, now: session.scalar(_expired(now).limit(1)) is not None),
    (fail_over, _has_stranded),
    (route_waiting, _has_unrouted),
)
