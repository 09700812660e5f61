"""Tables of proofs: what was sent to an address, and whether its holder answered."""

from __future__ import annotations

import enum
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, BigId, utcnow

__all__ = ["Proof", "ProofKind", "Registration"]


class ProofKind(enum.StrEnum):
    """What a proof is for."""

    PHONE = "phone"
    REGISTRATION = "registration"
    RESET = "reset"


class Proof(Base):
    """A code or link that was sent, or would have been. Kept as account of what was asked for."""

    __tablename__ = "abah_proof"
    __table_args__ = (
        CheckConstraint("kind IN ('phone', 'registration', 'reset')", name="kind"),
        Index("ix_abah_proof_address", "kind", "address", "created_at"),
        Index("ix_abah_proof_user", "kind", "user_id", "id"),
        Index("ix_abah_proof_remote", "kind", "remote_addr", "created_at"),
        Index("ix_abah_proof_secret", "secret_hash"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str] = mapped_column(String(12))
    user_id: Mapped[int | None] = mapped_column(
        BigId, ForeignKey("abah_user.id", ondelete="CASCADE")
    )
    """None for a registration, and where no account has the address."""
    address: Mapped[str] = mapped_column(String(254))
    """E.164 number, or e-mail address in lower case."""
    secret_hash: Mapped[str] = mapped_column(String(64))
    """Keyed hash of a code, or SHA-256 of a link's token."""
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    expires_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)
    """Wrong codes so far; the same one twice in a row counts once."""
    wrong_hash: Mapped[str] = mapped_column(String(64), default="")
    """Keyed hash of the last of them, or empty."""
    used_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    """When it lost its force unused: replaced by a newer one, given up, or guessed at too often."""
    message_id: Mapped[int | None] = mapped_column(
        BigId, ForeignKey("abah_message.id", ondelete="SET NULL")
    )
    """The message that carried it; None where nothing was sent."""
    remote_addr: Mapped[str] = mapped_column(String(45), default="")
    """From where it was asked for."""


class Registration(Base):
    """What somebody typed who wants an account, until the e-mail address is proven."""

    __tablename__ = "abah_registration"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    proof_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("abah_proof.id", ondelete="CASCADE"), unique=True
    )
    username: Mapped[str] = mapped_column(String(40))
    first_name: Mapped[str] = mapped_column(String(80))
    last_name: Mapped[str] = mapped_column(String(80), default="")
    nip: Mapped[str] = mapped_column(String(18), default="")
    password_hash: Mapped[str] = mapped_column(String(255))
