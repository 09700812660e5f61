"""Adding to the audit trail and reading it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.audit.models import AuditEntry
from core.db import utcnow

__all__ = ["REMOTE_ADDR", "entries", "record"]

REMOTE_ADDR: Final = "remote_addr"
"""Key of ``Session.info`` under which a request leaves the address that it came from."""

log = structlog.get_logger(__name__)


def record(
    session: Session,
    *,
    actor_id: int | None,
    action: str,
    subject: str,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Add an entry in the transaction of what it tells, so that both stay or both vanish.

    ``details`` holds what JSON can: values before and after, counts, names; never a secret. Many entries of
    one transaction are written in one statement.
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
    log.debug("audit", actor_id=actor_id, action=action, subject=subject, details=details)


def entries(session: Session, subject: str, *, limit: int | None = None) -> Sequence[AuditEntry]:
    """Return what was done to ``subject``, newest first."""
    statement = (
        select(AuditEntry)
        .where(AuditEntry.subject == subject)
        .order_by(AuditEntry.id.desc())
        .limit(limit)
    )
    return session.scalars(statement).all()
