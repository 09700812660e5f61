"""What the web keeps in the database: the one-time keys of forms."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, utcnow

__all__ = ["FormKey"]


class FormKey(Base):
    """A form that was posted, and where its answer led."""

    __tablename__ = "abah_form_key"
    __table_args__ = (Index("ix_abah_form_key_created_at", "created_at"),)

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    """SHA-256 over key, the page's token and path: a key means something in one place only."""
    location: Mapped[str | None] = mapped_column(Text)
    """Redirect of the first answer."""
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
