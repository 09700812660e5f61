"""The one table of the audit trail."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, BigId, utcnow
from core.framework.appendonly import append_only

__all__ = ["AuditEntry"]


class AuditEntry(Base):
    """One act of a person or of the system. The database refuses to change or delete it."""

    __tablename__ = "abah_audit"
    __table_args__ = (
        Index(None, "subject", "id"),
        Index(None, "actor_id", "id"),
        Index(None, "at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[datetime] = mapped_column(default=utcnow)
    actor_id: Mapped[int | None] = mapped_column(BigId)
    """Id of the person, or None for the system. No foreign key: an entry outlives everything."""
    action: Mapped[str] = mapped_column(String(80))
    """As ``nphd.invitation.send``."""
    subject: Mapped[str] = mapped_column(String(160))
    """What it was done to, as ``hibah.grant:42``."""
    details: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    remote_addr: Mapped[str] = mapped_column(String(45), default="")
    """Address that the request came from; empty for tasks and the command line."""


append_only(AuditEntry.__table__)
