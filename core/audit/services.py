"""Adding to the audit trail and reading it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from core.audit.models import AuditEntry
from core.db import utcnow
from core.framework.steps import on_act

__all__ = ["REMOTE_ADDR", "Act", "entries", "record", "record_many"]

REMOTE_ADDR: Final = "remote_addr"
"""Key of ``Session.info`` under which a request leaves the address that it came from."""


@dataclass(frozen=True, slots=True)
class Act:
    """What was done to one subject."""

    action: str
    subject: str
    details: Mapping[str, Any] = field(default_factory=dict)


@on_act
def record(
    session: Session,
    *,
    actor_id: int | None,
    action: str,
    subject: str,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Add an entry in the transaction of what it tells, so that both stay or both vanish.

    ``details`` holds what JSON can: values before and after, counts, names; never a secret. For
    many entries at once see :func:`record_many`.
    """
    session.add(
        AuditEntry(
            at=utcnow(),
            actor_id=actor_id,
            action=action,
            subject=subject,
            details=dict(details or {}),
            remote_addr=str(session.info.get(REMOTE_ADDR, "")),
        )
    )


def record_many(session: Session, acts: Sequence[Act], *, actor_id: int | None) -> None:
    """Add an entry for each act of one person, in one statement however many there are."""
    if not acts:
        return
    now = utcnow()
    remote_addr = str(session.info.get(REMOTE_ADDR, ""))
    rows = [
        {
            "at": now,
            "actor_id": actor_id,
            "action": act.action,
            "subject": act.subject,
            "details": dict(act.details),
            "remote_addr": remote_addr,
        }
        for act in acts
    ]
    session.execute(insert(AuditEntry), rows)


def entries(session: Session, subject: str, *, limit: int | None = None) -> Sequence[AuditEntry]:
    """Return what was done to ``subject``, newest first."""
    statement = (
        select(AuditEntry)
        .where(AuditEntry.subject == subject)
        .order_by(AuditEntry.id.desc())
        .limit(limit)
    )
    return session.scalars(statement).all()
