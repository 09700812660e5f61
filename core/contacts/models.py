"""The table of contacts: who is written to about a subject, now and before."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, BigId, utcnow

__all__ = ["Contact"]


class Contact(Base):
    """A person and number for a subject.

    A row never becomes another person or number: it is replaced, and stays as history.
    """

    __tablename__ = "abah_contact"
    __table_args__ = (
        Index(
            "uq_abah_contact_current",
            "subject",
            "role",
            unique=True,
            sqlite_where=text("is_current"),
            postgresql_where=text("is_current"),
        ),
        Index("ix_abah_contact_subject_id", "subject", "id"),
        Index("ix_abah_contact_number", "number"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    subject: Mapped[str] = mapped_column(String(120))
    """Opaque key filled by its owner, as ``hibah.institution:42``."""
    name: Mapped[str] = mapped_column(String(120))
    number: Mapped[str] = mapped_column(String(16))
    """E.164."""
    role: Mapped[str] = mapped_column(String(40), default="")
    """What the person is to the subject; empty for its one main contact."""
    is_current: Mapped[bool] = mapped_column(default=True)
    opted_out_at: Mapped[datetime | None]
    """When the number asked for no more texts; belongs to the number and is carried along."""
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    created_by: Mapped[int | None] = mapped_column(
        BigId, ForeignKey("abah_user.id", ondelete="SET NULL")
    )
