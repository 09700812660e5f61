"""The network of the sandbox: what it carries, its rules, the replies, and the log."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import Index, SmallInteger, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from core.api.db import Base, BigId, utcnow

__all__ = ["Delivery", "LogEntry", "Reply", "Rule"]


class Delivery(Base):
    """A message that the network took. It is on the handset once ``arrives_at`` is past."""

    __tablename__ = "sandbox_delivery"
    __table_args__ = (
        Index(None, "address", "id"),
        Index(
            "ix_sandbox_delivery_report",
            "account_id",
            "report_at",
            sqlite_where=text("reports_left > 0"),
            postgresql_where=text("reports_left > 0"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    account_id: Mapped[int] = mapped_column(BigId)
    ref: Mapped[str] = mapped_column(String(64))
    """The engine's reference. Not unique: a message that is sent twice must be seen twice."""
    address: Mapped[str] = mapped_column(String(254))
    kind: Mapped[str] = mapped_column(String(20))
    title: Mapped[str] = mapped_column(String(300))
    body: Mapped[str] = mapped_column(Text)
    """The text as the handset shows it, codes of verification included: that is what it is for."""
    parts: Mapped[int] = mapped_column(SmallInteger)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    arrives_at: Mapped[datetime | None]
    """None for a message that was lost."""
    report_state: Mapped[str] = mapped_column(String(12), default="")
    report_at: Mapped[datetime | None]
    """When the next report is due."""
    reports_left: Mapped[int] = mapped_column(SmallInteger, default=0)


class Rule(Base):
    """What the network does with messages, to one number or to any."""

    __tablename__ = "sandbox_rule"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    address: Mapped[str] = mapped_column(String(254), default="")
    """Number or e-mail address; empty for any."""
    behaviour: Mapped[str] = mapped_column(String(12))
    seconds: Mapped[int] = mapped_column(SmallInteger)
    remaining: Mapped[int | None]
    """Messages it still applies to; None until it is taken away."""
    created_at: Mapped[datetime] = mapped_column(default=utcnow)


RULE_ORDER: Final = ((Rule.address == "").asc(), Rule.remaining.is_(None).asc(), Rule.id)
"""Which rule a message meets first: one for its number, and one that will be used up."""


class Reply(Base):
    """A text written on the handset, waiting for the next poll."""

    __tablename__ = "sandbox_reply"
    __table_args__ = (
        Index(None, "address", "id"),
        Index(
            "ix_sandbox_reply_waiting",
            "id",
            sqlite_where=text("taken_at IS NULL"),
            postgresql_where=text("taken_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    account_id: Mapped[int | None] = mapped_column(BigId)
    """Account that last wrote to the number; None: whichever asks first."""
    address: Mapped[str] = mapped_column(String(254))
    body: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    taken_at: Mapped[datetime | None]


class LogEntry(Base):
    """One thing that crossed between the engine and the network."""

    __tablename__ = "sandbox_log"
    __table_args__ = (Index(None, "at", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[datetime] = mapped_column(default=utcnow)
    """When it happens; may lie ahead (an arrival), and is shown only afterwards."""
    event: Mapped[str] = mapped_column(String(20))
    address: Mapped[str] = mapped_column(String(254), default="")
    detail: Mapped[str] = mapped_column(String(200), default="")
