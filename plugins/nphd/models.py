"""Tables of the invitations: a list per officer and date, and the institutions on it."""

from __future__ import annotations

import enum
from datetime import date, datetime, time

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.api.db import Base, BigId, utcnow

__all__ = ["Invitation", "Invitee", "Notified"]


class Notified(enum.StrEnum):
    """How far the notifications of a list went."""

    NONE = "none"
    SOME = "some"
    ALL = "all"

    @classmethod
    def of(cls, invitees: int, notified: int) -> Notified:
        """Tell the state from the two numbers that an invitation keeps."""
        if not notified:
            return cls.NONE
        return cls.ALL if notified >= invitees else cls.SOME


class Invitation(Base):
    """Everything that one officer invited for one date."""

    __tablename__ = "nphd_invitation"
    __table_args__ = (
        # A cancelled list keeps its row and frees its date.
        Index(
            "uq_nphd_invitation_officer_id_held_on",
            "officer_id",
            "held_on",
            unique=True,
            sqlite_where=text("cancelled_at IS NULL"),
            postgresql_where=text("cancelled_at IS NULL"),
        ),
        Index("ix_nphd_invitation_held_on_id", "held_on", "id"),
        CheckConstraint("notified_count <= invitee_count", name="notified_count"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    officer_id: Mapped[int] = mapped_column(BigId, ForeignKey("abah_user.id"), index=True)
    held_on: Mapped[date]
    """The day of signing, by the calendar of Asia/Jakarta."""
    held_at: Mapped[time]
    """The hour of signing, WIB."""
    place: Mapped[str] = mapped_column(String(200))
    invitee_count: Mapped[int] = mapped_column(default=0)
    notified_count: Mapped[int] = mapped_column(default=0)
    """Both counts are kept by the services, so that lists sort and filter by them."""
    version: Mapped[int] = mapped_column(default=1)
    """Rises whenever something changes that a confirmation page shows."""
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    cancelled_at: Mapped[datetime | None]
    cancelled_by: Mapped[int | None] = mapped_column(BigId, ForeignKey("abah_user.id"))


class Invitee(Base):
    """One institution on a list, with the person and number that are called."""

    __tablename__ = "nphd_invitee"
    __table_args__ = (UniqueConstraint("invitation_id", "institution_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    invitation_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("nphd_invitation.id", ondelete="CASCADE")
    )
    institution_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("hibah_institution.id"), index=True
    )
    grant_id: Mapped[int] = mapped_column(BigId, ForeignKey("hibah_grant.id"), index=True)
    person: Mapped[str] = mapped_column(String(120))
    number: Mapped[str] = mapped_column(String(16))
    """E.164."""
    request_key: Mapped[str] = mapped_column(String(36), unique=True)
    """Key of the dialog that added it: the same dialog sent twice adds nothing twice."""
    version: Mapped[int] = mapped_column(default=1)
    """Rises when person or number change: a page that was opened before is stale."""
    added_by: Mapped[int] = mapped_column(BigId, ForeignKey("abah_user.id"))
    added_at: Mapped[datetime] = mapped_column(default=utcnow)
    notified_at: Mapped[datetime | None]
    """When its notification was queued for the first time; None until then.

    Which messages call it and what became of them is the message engine's to know: they carry the
    invitee as their origin, also when they are sent again from the conversation.
    """
