"""Finding the message that a delivery report speaks of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, select
from sqlalchemy.orm import Session

from core.hookspecs.channels import Evidence, ReportState
from core.messaging.models import Message, Report, Segment
from core.messaging.rows import chunks
from core.messaging.states import Direction, SegmentState

__all__ = ["WaitingReport", "match_reports", "select_waiting", "waiting_report"]


@dataclass(slots=True)
class WaitingReport:
    """A stored report that has not been applied yet."""

    id: int | None
    """None for one that is just being stored."""
    account_id: int
    state: ReportState
    evidence: Evidence
    ref: str
    reference: str
    address: str
    at: datetime
    message_id: int | None
    applied: bool = False
    matched: bool = False


def match_reports(session: Session, waiting: Sequence[WaitingReport]) -> None:
    """Find the message of each report: by our ref, else by the channel's reference."""
    open_reports = [report for report in waiting if report.message_id is None]
    by_ref: dict[str, int] = {}
    for chunk in chunks(sorted({report.ref for report in open_reports if report.ref})):
        rows = session.execute(
            select(Message.ref, Message.id).where(
                Message.ref.in_(chunk), Message.direction == Direction.OUT
            )
        )
        by_ref.update({row.ref: row.id for row in rows})
    by_reference = _find_references(
        session,
        [report for report in open_reports if report.reference and report.ref not in by_ref],
    )
    for report in open_reports:
        report.message_id = by_ref.get(report.ref)
        if report.message_id is None and report.reference:
            found = by_reference.get((report.account_id, report.reference), [])
            report.message_id = _newest(report, found)
        report.matched = report.message_id is not None


def _find_references(
    session: Session, reports: Sequence[WaitingReport]
) -> dict[tuple[int, str], list[Any]]:
    """Return segments by account and reference, newest first."""
    found: dict[tuple[int, str], list[Any]] = defaultdict(list)
    wanted: dict[int, set[str]] = defaultdict(set)
    for report in reports:
        wanted[report.account_id].add(report.reference)
    for account_id, references in wanted.items():
        for chunk in chunks(sorted(references)):
            rows = session.execute(
                select(Segment.message_id, Segment.reference, Segment.state, Message.address)
                .join(Message, Message.id == Segment.message_id)
                .where(Segment.account_id == account_id, Segment.reference.in_(chunk))
                .order_by(Segment.id.desc())
            )
            for row in rows:
                found[account_id, row.reference].append(row)
    return found


def _newest(report: WaitingReport, found: Sequence[Any]) -> int | None:
    """Choose among messages with the same reference: same number, still open, newest."""
    mine = [row for row in found if not report.address or row.address == report.address]
    still_open = [row for row in mine if row.state == SegmentState.SENT]
    for row in still_open or mine:
        return int(row.message_id)
    return None


def select_waiting() -> Select[*tuple[Any, ...]]:
    """Return a select of reports that were not applied yet, oldest first."""
    return (
        select(
            Report.id,
            Report.account_id,
            Report.state,
            Report.evidence,
            Report.ref,
            Report.reference,
            Report.address,
            Report.at,
            Report.received_at,
            Report.message_id,
        )
        .where(Report.applied_at.is_(None))
        .order_by(Report.id)
    )


def waiting_report(row: Row[Any]) -> WaitingReport:
    """Read a row of :func:`select_waiting`."""
    return WaitingReport(
        id=row.id,
        account_id=row.account_id,
        state=ReportState(row.state),
        evidence=Evidence(row.evidence),
        ref=row.ref,
        reference=row.reference,
        address=row.address,
        at=row.at or row.received_at,
        message_id=row.message_id,
    )
