"""Forgetting what is no longer needed: unproven registrations and old proofs hold personal data."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from core.db import utcnow
from core.verification.models import Proof, Registration

__all__ = ["KEEP", "purge_proofs"]

KEEP: Final = timedelta(days=30)
"""How long proofs stay after they expired, to answer questions about what was sent."""


def purge_proofs(session: Session) -> int:
    """Delete registrations never confirmed and proofs past keeping, and return how many rows."""
    now = utcnow()
    expired = select(Proof.id).where(Proof.expires_at <= now)
    registrations = session.execute(
        delete(Registration).where(Registration.proof_id.in_(expired)).returning(Registration.id)
    ).all()
    proofs = session.execute(
        delete(Proof).where(Proof.expires_at <= now - KEEP).returning(Proof.id)
    ).all()
    return len(registrations) + len(proofs)
