"""The network's side: messages are taken by rule, reports and replies given when due."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, insert, or_, select, update

from core.api.db import utcnow
from core.api.hooks import (
    DeliveryReport,
    Evidence,
    InboundMessage,
    Outcome,
    OutgoingMessage,
    ReportState,
    SendResult,
)
from core.api.text import _
from plugins.sandbox.behaviours import Behaviour
from plugins.sandbox.models import RULE_ORDER, Delivery, LogEntry, Reply, Rule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

__all__ = ["Crossing", "Due", "due", "forget_old", "given", "take"]

LIMIT: Final = 500
KEPT: Final = timedelta(days=30)
"""How long the sandbox remembers anything."""


@dataclass(frozen=True, slots=True)
class Crossing:
    """What becomes of a message: the answer, how long it takes, what is reported before."""

    result: SendResult
    wait: float = 0.0
    """Seconds until the answer."""
    early: DeliveryReport | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """What the network has for the engine now."""

    reports: Sequence[tuple[int, DeliveryReport]]
    replies: Sequence[tuple[int, InboundMessage]]

    @property
    def items(self) -> list[DeliveryReport | InboundMessage]:
        """Return all of it."""
        return [*(one for _id, one in self.reports), *(one for _id, one in self.replies)]


def take(
    session: Session, account_id: int, messages: Sequence[OutgoingMessage], *, seconds: float
) -> list[Crossing]:
    """Take a chunk. A message for which there is no rule arrives after ``seconds``."""
    now = utcnow()
    rules = _Rules(session)
    deliveries: list[dict[str, Any]] = []
    entries: list[dict[str, Any]] = []
    crossings = []
    for message in messages:
        rule = rules.next(message.address)
        behaviour = Behaviour.DELIVER if rule is None else Behaviour(rule.behaviour)
        delay = seconds if rule is None else rule.seconds
        crossings.append(_crossing(account_id, message, behaviour, delay, now))
        entries.extend(_entries(message, behaviour, delay, now))
        if behaviour not in {Behaviour.REFUSE, Behaviour.BUSY}:
            deliveries.append(_delivery(account_id, message, behaviour, delay, now))
    rules.save()
    if deliveries:
        session.execute(insert(Delivery), deliveries)
    if entries:
        session.execute(insert(LogEntry), entries)
    return crossings


def due(session: Session, account_id: int) -> Due:
    """Read the reports and replies that have to be given to the engine; nothing changes yet."""
    now = utcnow()
    reports = session.execute(
        select(
            Delivery.id,
            Delivery.ref,
            Delivery.address,
            Delivery.report_state,
            Delivery.report_at,
            Delivery.reports_left,
        )
        .where(
            Delivery.account_id == account_id, Delivery.reports_left > 0, Delivery.report_at <= now
        )
        .order_by(Delivery.report_at, Delivery.id)
        .limit(LIMIT)
    )
    replies = session.execute(
        select(Reply.id, Reply.address, Reply.body, Reply.created_at)
        .where(
            Reply.taken_at.is_(None),
            or_(Reply.account_id == account_id, Reply.account_id.is_(None)),
        )
        .order_by(Reply.id)
        .limit(LIMIT)
    )
    return Due(
        [
            (row.id, _report(row.ref, row.address, ReportState(row.report_state), row.report_at))
            for row in reports
        ],
        [(row.id, _inbound(row.id, row.address, row.body, row.created_at)) for row in replies],
    )


def given(session: Session, found: Due) -> None:
    """Remember that the engine has stored what was due."""
    now = utcnow()
    entries: list[dict[str, Any]] = []
    if found.reports:
        session.execute(
            update(Delivery)
            .where(Delivery.id.in_([one for one, _report in found.reports]))
            .values(reports_left=Delivery.reports_left - 1)
            .execution_options(synchronize_session=False)
        )
        entries.extend(
            _entry("report", report.address, now, report.state) for _id, report in found.reports
        )
    if found.replies:
        session.execute(
            update(Reply)
            .where(Reply.id.in_([one for one, _inbound in found.replies]))
            .values(taken_at=now)
            .execution_options(synchronize_session=False)
        )
        entries.extend(_entry("taken", text.sender, now) for _id, text in found.replies)
    if entries:
        session.execute(insert(LogEntry), entries)


def forget_old(session: Session) -> int:
    """Delete what is older than 30 days and return how many rows that were."""
    before = utcnow() - KEPT
    count = 0
    for model, column in (
        (Delivery, Delivery.created_at),
        (Reply, Reply.created_at),
        (LogEntry, LogEntry.at),
        (Rule, Rule.created_at),
    ):
        done: Any = session.execute(
            delete(model).where(column < before).execution_options(synchronize_session=False)
        )
        count += done.rowcount
    return count


class _Rules:
    """The rules in force, used up as messages pass."""

    def __init__(self, session: Session) -> None:
        self._session = session
        # Locked: two chunks at once must not use the same "next message" up twice.
        self._rules = list(session.scalars(select(Rule).order_by(*RULE_ORDER).with_for_update()))

    def next(self, address: str) -> Rule | None:
        """Return the rule for a message; one for its number comes before one for any."""
        for rule in self._rules:
            if rule.address in {"", address} and rule.remaining != 0:
                if rule.remaining is not None:
                    rule.remaining -= 1
                return rule
        return None

    def save(self) -> None:
        """Drop the rules that were used up."""
        for rule in self._rules:
            if rule.remaining == 0:
                self._session.delete(rule)
        self._session.flush()


def _crossing(
    account_id: int, message: OutgoingMessage, behaviour: Behaviour, seconds: float, now: datetime
) -> Crossing:
    ref = message.ref
    if behaviour is Behaviour.REFUSE:
        reason = _("Jaringan percobaan menolak pesan ini, seperti yang diminta.")
        return Crossing(SendResult(ref, Outcome.PERMANENT, code="sandbox-refuse", reason=reason))
    if behaviour is Behaviour.BUSY:
        reason = _("Jaringan percobaan sedang sibuk, seperti yang diminta.")
        return Crossing(SendResult(ref, Outcome.TEMPORARY, code="sandbox-busy", reason=reason))
    if behaviour is Behaviour.HANG:
        reason = _("Jaringan percobaan tidak menjawab, seperti yang diminta.")
        result = SendResult(ref, Outcome.UNCERTAIN, code="sandbox-hang", reason=reason)
        return Crossing(result, wait=seconds)
    accepted = SendResult(ref, Outcome.ACCEPTED, (f"sandbox-{account_id}-{ref}",))
    if behaviour is Behaviour.EARLY:
        report = _report(ref, message.address, ReportState.DELIVERED, now)
        return Crossing(accepted, wait=seconds, early=report)
    return Crossing(accepted)


def _delivery(
    account_id: int, message: OutgoingMessage, behaviour: Behaviour, seconds: float, now: datetime
) -> dict[str, Any]:
    at_once = behaviour in {Behaviour.EARLY, Behaviour.HANG}
    arrives = now if at_once else now + timedelta(seconds=seconds)
    reports = {Behaviour.DELIVER: 1, Behaviour.LOSE: 1, Behaviour.DOUBLE: 2}.get(behaviour, 0)
    lost = behaviour is Behaviour.LOSE
    state = ReportState.UNDELIVERED if lost else ReportState.DELIVERED
    return {
        "account_id": account_id,
        "ref": message.ref,
        "address": message.address,
        "kind": message.kind,
        "title": message.title,
        "body": message.body,
        "parts": message.parts,
        "created_at": now,
        "arrives_at": None if lost else arrives,
        "report_state": str(state) if reports else "",
        "report_at": arrives if reports else None,
        "reports_left": reports,
    }


def _entries(
    message: OutgoingMessage, behaviour: Behaviour, seconds: float, now: datetime
) -> list[dict[str, Any]]:
    entries = [_entry("handed_over", message.address, now, str(message.attempt))]
    if behaviour in {Behaviour.REFUSE, Behaviour.BUSY, Behaviour.HANG, Behaviour.LOSE}:
        entries.append(_entry(behaviour, message.address, now))
    if behaviour is Behaviour.EARLY:
        entries.append(_entry("early", message.address, now, ReportState.DELIVERED))
    if behaviour in {Behaviour.DELIVER, Behaviour.DOUBLE, Behaviour.SILENT}:
        entries.append(_entry("arrived", message.address, now + timedelta(seconds=seconds)))
    elif behaviour in {Behaviour.EARLY, Behaviour.HANG}:
        entries.append(_entry("arrived", message.address, now))
    return entries


def _entry(event: str, address: str, at: datetime, detail: str = "") -> dict[str, Any]:
    return {"event": str(event), "address": address, "at": at, "detail": str(detail)}


def _report(ref: str, address: str, state: ReportState, at: datetime) -> DeliveryReport:
    return DeliveryReport(
        state=state,
        ref=ref,
        address=address,
        evidence=Evidence.HANDSET if state is ReportState.DELIVERED else Evidence.NETWORK,
        at=at,
        raw=f"sandbox ref={ref} state={state}",
    )


def _inbound(reply_id: int, address: str, body: str, at: datetime) -> InboundMessage:
    return InboundMessage(
        sender=address,
        body=body,
        external_id=f"sandbox-reply-{reply_id}",
        at=at,
        raw=f"sandbox reply={reply_id}",
    )
