"""Delivery reports: kept for ever, matched to messages, applied by rank.

A report names our own ref, or the channel's reference (and the number, where references come round
again). One that nobody knows yet waits: the answer to the hand-over may still be on its way. While
a worker holds a message its reports wait too, because only the answer tells how many parts there
are.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Table, func, insert, select
from sqlalchemy.orm import Session

from core.hookspecs.channels import DeliveryReport, Evidence, ReportState
from core.i18n import TranslationString, _
from core.messaging.changes import Held, lock_messages, write_changes
from core.messaging.matching import (
    WaitingReport,
    match_reports,
    select_waiting,
    waiting_report,
)
from core.messaging.models import Message, Report, Segment
from core.messaging.rows import chunks, insert_rows, update_rows
from core.messaging.states import (
    Cause,
    SegmentState,
    State,
    reported_state,
    stronger,
)

__all__ = [
    "apply_waiting",
    "clean",
    "has_waiting",
    "keep_unreadable",
    "match_waiting",
    "store_reports",
]

REASONS: Final[Mapping[ReportState, TranslationString]] = {
    ReportState.UNDELIVERED: _(
        "Tidak dapat diterima: nomor salah, tidak aktif, atau di luar jangkauan. Periksa nomornya."
    ),
    ReportState.REJECTED: _("Ditolak oleh operator. Periksa nomornya."),
    ReportState.EXPIRED: _(
        "Tidak diterima sampai batas waktunya: telepon tidak aktif terlalu lama. Periksa nomornya."
    ),
}

UNREADABLE: Final = "unreadable"
"""State of a stored call that was no report."""

WITHHELD: Final = "***"
"""What is kept of a report about a secret message in place of what came over the wire."""

_SEGMENT_RANK: Final[Mapping[SegmentState, int]] = {
    SegmentState.SENT: 0,
    SegmentState.UNDELIVERED: 1,
    SegmentState.DELIVERED: 2,
}
_SEGMENT_STATE: Final[Mapping[State, SegmentState]] = {
    State.SENT: SegmentState.SENT,
    State.UNDELIVERED: SegmentState.UNDELIVERED,
    State.DELIVERED: SegmentState.DELIVERED,
}


@dataclass(slots=True)
class _Part:
    """A segment whose message is locked."""

    id: int
    message_id: int
    account_id: int
    reference: str
    state: SegmentState
    evidence: Evidence
    reported_at: datetime | None
    dirty: bool = False


def store_reports(
    session: Session, account_id: int, reports: Sequence[DeliveryReport], now: datetime
) -> None:
    """Keep reports as they came and apply those whose message is known."""
    if not reports:
        return
    waiting = [
        WaitingReport(
            id=None,
            account_id=account_id,
            state=report.state,
            evidence=report.evidence,
            ref=clean(report.ref)[:200],
            reference=clean(report.reference)[:200],
            address=clean(report.address)[:254],
            at=report.at or now,
            message_id=None,
        )
        for report in reports
    ]
    match_reports(session, waiting)
    _apply(session, waiting, now)
    secret = _secret_messages(session, waiting)
    rows = [
        {
            "account_id": account_id,
            "state": one.state,
            "evidence": one.evidence,
            "ref": one.ref,
            "reference": one.reference,
            "address": one.address,
            "raw": WITHHELD if one.message_id in secret else clean(report.raw),
            "at": report.at,
            "received_at": now,
            "message_id": one.message_id,
            "applied_at": now if one.applied else None,
        }
        for one, report in zip(waiting, reports, strict=True)
    ]
    insert_rows(session, _REPORT, rows)


def _secret_messages(session: Session, waiting: Sequence[WaitingReport]) -> set[int]:
    """Say which of the reports' messages are secret: a gateway may echo their text."""
    ids = {one.message_id for one in waiting if one.message_id is not None}
    if not ids:
        return set()
    query = select(Message.id).where(Message.id.in_(ids), Message.is_secret)
    return set(session.scalars(query))


def keep_unreadable(session: Session, account_id: int, raw: str, now: datetime) -> None:
    """Keep a call that its channel could not read, so that a person can see what was posted."""
    session.execute(
        insert(Report).values(
            account_id=account_id,
            state=UNREADABLE,
            evidence=Evidence.NONE,
            raw=clean(raw),
            received_at=now,
            # It waits for no message.
            applied_at=now,
        )
    )


def apply_waiting(
    session: Session, held: Mapping[int, Held], references: Sequence[tuple[int, str]], now: datetime
) -> None:
    """Apply reports that came before their message's result; the messages are locked.

    :param references: accounts and the channel's references that have just been stored.
    """
    waiting: list[WaitingReport] = []
    for chunk in chunks(sorted(held)):
        query = select_waiting().where(Report.message_id.in_(chunk))
        waiting += [waiting_report(row) for row in session.execute(query)]
    by_account: dict[int, list[str]] = defaultdict(list)
    for account_id, reference in references:
        if reference:
            by_account[account_id].append(reference)
    for account_id, values in by_account.items():
        for chunk in chunks(values):
            query = select_waiting().where(
                Report.account_id == account_id,
                Report.reference.in_(chunk),
                Report.message_id.is_(None),
            )
            waiting += [waiting_report(row) for row in session.execute(query)]
    if waiting:
        match_reports(session, waiting)
        _apply(session, waiting, now)


def match_waiting(session: Session, now: datetime, *, age: timedelta, limit: int = 1000) -> int:
    """Look once more for the messages of waiting reports and return how many were applied.

    A report and the result it belongs to may have been written at the same moment by two processes
    that could not see each other's rows.
    """
    rows = session.execute(
        select_waiting()
        .where(Report.received_at > now - age)
        .order_by(None)
        .order_by(Report.received_at.desc(), Report.id.desc())
        .limit(limit)
    )
    waiting = [waiting_report(row) for row in rows]
    waiting.reverse()
    if not waiting:
        return 0
    match_reports(session, waiting)
    _apply(session, waiting, now)
    return sum(report.applied for report in waiting)


def has_waiting(session: Session, now: datetime, *, age: timedelta) -> bool:
    """Tell whether there are reports for :func:`match_waiting`."""
    query = select_waiting().where(Report.received_at > now - age).order_by(None).limit(1)
    return session.execute(query).first() is not None


def clean(text: str) -> str:
    """Make text from outside storable: no NUL, no half of a surrogate pair."""
    text = text.replace("\0", "")
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _apply(session: Session, waiting: Sequence[WaitingReport], now: datetime) -> None:
    """Apply matched reports to locked messages, in the order in which they came."""
    held = lock_messages(session, {r.message_id for r in waiting if r.message_id is not None})
    parts = _load_parts(session, held)
    delivered = _count_delivered(session, [m for m in held.values() if not parts[m.id]])
    for report in waiting:
        message = held.get(report.message_id or 0)
        if message is None or message.state is State.SENDING:
            continue
        report.applied = True
        if report.state is ReportState.DELIVERED:
            delivered[message.id] += 1
        _apply_one(report, message, parts[message.id], delivered[message.id])
    update_rows(
        session,
        _REPORT,
        [
            (
                {"id": report.id},
                {
                    "message_id": report.message_id,
                    "applied_at": now if report.applied else None,
                },
            )
            for report in waiting
            if report.id is not None and (report.applied or report.matched)
        ],
    )
    update_rows(
        session,
        _SEGMENT,
        [
            (
                {"id": part.id},
                {
                    "state": part.state,
                    "evidence": part.evidence,
                    "reported_at": part.reported_at,
                },
            )
            for group in parts.values()
            for part in group
            if part.dirty
        ],
    )
    write_changes(session, held.values(), now)


def _count_delivered(session: Session, unanswered: Sequence[Held]) -> Counter[int]:
    """Count the reports of delivery so far of messages whose hand-over nobody answered.

    Nobody knows whether their channel reports for the whole or for each part.
    """
    counted: Counter[int] = Counter()
    for chunk in chunks([message.id for message in unanswered if message.parts > 1]):
        rows = session.execute(
            select(Report.message_id, func.count())
            .where(
                Report.message_id.in_(chunk),
                Report.state == ReportState.DELIVERED,
                Report.applied_at.is_not(None),
            )
            .group_by(Report.message_id)
        )
        counted.update({message_id: count for message_id, count in rows if message_id})
    return counted


def _apply_one(
    report: WaitingReport, message: Held, parts: Sequence[_Part], delivered: int
) -> None:
    target = reported_state(report.state)
    for part in _parts_of(report, parts):
        _raise_part(part, _SEGMENT_STATE[target], report)
    if parts:
        target = _whole(parts)
    elif target is State.DELIVERED and delivered < message.parts:
        # It may speak of one part only: proof that the message left, and of no more yet.
        target = State.SENT
    if not message.move(target, Cause.REPORT):
        if message.state is target and stronger(message.evidence, report.evidence) is not (
            message.evidence
        ):
            message.set(evidence=report.evidence)
        return
    message.set(
        evidence=report.evidence,
        reported_at=report.at,
        reason=REASONS.get(report.state) if target is State.UNDELIVERED else None,
        sent_at=message.sent_at or report.at,
    )


def _parts_of(report: WaitingReport, parts: Sequence[_Part]) -> Sequence[_Part]:
    """Return the parts that a report speaks of."""
    named = [part for part in parts if report.reference and part.reference == report.reference]
    meant = named or parts
    if len(meant) <= 1 or report.state is ReportState.ACCEPTED:
        return meant
    # It names the message, or a reference that several parts have, and no part: it can only be
    # taken for one that has no report yet.
    still_open = [part for part in meant if part.state is SegmentState.SENT]
    return still_open[:1]


def _raise_part(part: _Part, state: SegmentState, report: WaitingReport) -> None:
    if _SEGMENT_RANK[state] > _SEGMENT_RANK[part.state]:
        part.state, part.evidence = state, report.evidence
        part.reported_at, part.dirty = report.at, True
    elif state is part.state and stronger(part.evidence, report.evidence) is not part.evidence:
        part.evidence, part.reported_at, part.dirty = report.evidence, report.at, True


def _whole(parts: Sequence[_Part]) -> State:
    """Return the state of a message from the states of all its parts."""
    states = {part.state for part in parts}
    if SegmentState.UNDELIVERED in states:
        return State.UNDELIVERED
    return State.SENT if SegmentState.SENT in states else State.DELIVERED


def _load_parts(session: Session, held: Mapping[int, Held]) -> dict[int, list[_Part]]:
    """Read the segments of each message's last hand-over that was accepted."""
    groups: dict[int, dict[int, list[_Part]]] = defaultdict(lambda: defaultdict(list))
    for chunk in chunks(sorted(held)):
        rows = session.execute(
            select(
                Segment.id,
                Segment.message_id,
                Segment.account_id,
                Segment.attempt,
                Segment.reference,
                Segment.state,
                Segment.evidence,
                Segment.reported_at,
            )
            .where(Segment.message_id.in_(chunk))
            .order_by(Segment.message_id, Segment.number)
        )
        for row in rows:
            groups[row.message_id][row.attempt].append(
                _Part(
                    id=row.id,
                    message_id=row.message_id,
                    account_id=row.account_id,
                    reference=row.reference,
                    state=SegmentState(row.state),
                    evidence=Evidence(row.evidence),
                    reported_at=row.reported_at,
                )
            )
    return {
        message_id: groups[message_id][max(groups[message_id])] if message_id in groups else []
        for message_id in held
    }


_REPORT: Final[Table] = Report.__table__  # type: ignore[assignment]
_SEGMENT: Final[Table] = Segment.__table__  # type: ignore[assignment]
