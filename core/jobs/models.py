"""The table of leases: what at most one process does at a time."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base

__all__ = ["Lease"]


class Lease(Base):
    """A right that one holder has for some seconds; one that died loses it."""

    __tablename__ = "abah_lease"

    name: Mapped[str] = mapped_column(String(120), primary_key=True)
    """What it is for, as ``sweeper`` or ``dispatch:3:0``."""
    holder: Mapped[str] = mapped_column(String(120))
    """Process (:func:`core.db.processes.process_identity`), and what else tells apart."""
    until: Mapped[datetime]
