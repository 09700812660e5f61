"""Tables of the message engine.

State, evidence and the like are stored as their words; :mod:`core.messaging.states` says what they
mean. Counters on threads are kept by the same statements that change the messages, so that no page
has to count.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Dialect,
    ForeignKey,
    Index,
    Select,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    literal_column,
    or_,
    select,
    text,
)
from sqlalchemy.orm import InstrumentedAttribute, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

from core.accounts.models import User
from core.db import Base, BigId, utcnow
from core.i18n import DOMAIN, TranslationString

__all__ = [
    "QUEUED",
    "SENDING",
    "Attempt",
    "ChannelAccount",
    "Message",
    "MessageText",
    "Report",
    "Segment",
    "StoredText",
    "Thread",
    "due",
    "is_due",
]


class StoredText(TypeDecorator[TranslationString]):
    """A translatable sentence kept in a row: its msgid and what fills its placeholders, as JSON."""

    impl = Text
    cache_ok = True

    def process_bind_param(
        self, value: TranslationString | str | None, dialect: Dialect
    ) -> str | None:
        """Keep the msgid and the mapping; plain text is its own msgid."""
        del dialect
        if value is None or value == "":
            return None
        mapping = getattr(value, "mapping", None) or {}
        return json.dumps([str(value), {key: str(item) for key, item in mapping.items()}])

    def process_result_value(self, value: str | None, dialect: Dialect) -> TranslationString | None:
        """Make the sentence translatable again."""
        del dialect
        if value is None:
            return None
        msgid, mapping = json.loads(value)
        return TranslationString(msgid, domain=DOMAIN, mapping=mapping or None)


class Thread(Base):
    """One conversation, about whatever its owner's ``subject`` names."""

    __tablename__ = "abah_thread"
    __table_args__ = (
        Index(None, "last_at", "id"),
        # What waits for somebody: few threads of many, asked for by the frame of every page.
        *(
            Index(
                f"ix_abah_thread_{counter}",
                "last_at",
                "id",
                sqlite_where=text(f"{counter}_count > 0"),
                postgresql_where=text(f"{counter}_count > 0"),
            )
            for counter in ("unread", "failed", "uncertain")
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    subject: Mapped[str] = mapped_column(String(160), unique=True)
    """Opaque key of the owner, as ``hibah.institution:42``."""
    title: Mapped[str] = mapped_column(String(300))
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    message_count: Mapped[int] = mapped_column(default=0)
    unread_count: Mapped[int] = mapped_column(default=0)
    """Incoming messages that nobody has read."""
    failed_count: Mapped[int] = mapped_column(default=0)
    """Messages that failed and were not sent again."""
    uncertain_count: Mapped[int] = mapped_column(default=0)
    last_text: Mapped[str] = mapped_column(String(200), default="")
    """Beginning of the last message."""
    last_at: Mapped[datetime] = mapped_column(default=utcnow)
    last_direction: Mapped[str] = mapped_column(String(3), default="")
    """``out``, ``in``, or empty before the first message."""


class ChannelAccount(Base):
    """A configured transport: which one, with which settings, and how it is doing."""

    __tablename__ = "abah_channel_account"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(String(60), unique=True)
    transport: Mapped[str] = mapped_column(String(60))
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Values of the transport's form; those of kind ``secret`` are encrypted."""
    version: Mapped[int] = mapped_column(default=1)
    """Raised whenever settings change; every process then opens its transport anew."""
    is_paused: Mapped[bool] = mapped_column(default=False)
    weight: Mapped[int] = mapped_column(default=100)
    """The heaviest healthy account of a kind carries its messages."""
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    failure_count: Mapped[int] = mapped_column(default=0)
    """Chunks in a row of which nothing was accepted because of the channel."""
    open_until: Mapped[datetime | None]
    """While in the future the breaker is open: nothing is claimed for this account."""
    last_error: Mapped[TranslationString | None] = mapped_column(StoredText)
    last_error_at: Mapped[datetime | None]
    last_success_at: Mapped[datetime | None]


class Message(Base):
    """One message, in either direction."""

    __tablename__ = "abah_message"
    __table_args__ = (
        Index(None, "thread_id", "id"),
        # What a worker claims, in the order in which it claims it.
        Index(
            "ix_abah_message_claim",
            "account_id",
            "lane",
            "due_at",
            "id",
            sqlite_where=text("state = 'queued'"),
            postgresql_where=text("state = 'queued'"),
        ),
        Index(
            "ix_abah_message_expiry",
            "expires_at",
            sqlite_where=text("state = 'queued' AND expires_at IS NOT NULL"),
            postgresql_where=text("state = 'queued' AND expires_at IS NOT NULL"),
        ),
        Index(
            "ix_abah_message_lease",
            "lease_until",
            sqlite_where=text("state = 'sending'"),
            postgresql_where=text("state = 'sending'"),
        ),
        # The conversations in which a person wrote.
        Index(
            "ix_abah_message_sender",
            "sender_id",
            "thread_id",
            sqlite_where=text("sender_id IS NOT NULL"),
            postgresql_where=text("sender_id IS NOT NULL"),
        ),
        # Equal texts to one number, and which thread last wrote to it.
        Index(None, "address", "created_at"),
        Index(
            "ix_abah_message_origin",
            "origin",
            sqlite_where=text("origin != ''"),
            postgresql_where=text("origin != ''"),
        ),
        Index(
            "uq_abah_message_external",
            "account_id",
            "external_id",
            unique=True,
            sqlite_where=text("external_id IS NOT NULL"),
            postgresql_where=text("external_id IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    ref: Mapped[str] = mapped_column(String(32), unique=True)
    """Our own reference: opaque, unique for ever, lower-case letters and digits."""
    thread_id: Mapped[int | None] = mapped_column(ForeignKey(Thread.id, ondelete="RESTRICT"))
    account_id: Mapped[int | None] = mapped_column(
        ForeignKey(ChannelAccount.id, ondelete="RESTRICT")
    )
    """Account that carries it; None while no account can."""
    direction: Mapped[str] = mapped_column(String(3))
    kind: Mapped[str] = mapped_column(String(20))
    """``sms`` or ``email``."""
    purpose: Mapped[str] = mapped_column(String(60))
    origin: Mapped[str] = mapped_column(String(120), default="")
    """Key of what caused it, as ``nphd.invitee:7``, or empty."""
    lane: Mapped[int] = mapped_column(SmallInteger)
    address: Mapped[str] = mapped_column(String(254))
    """Recipient of an outgoing message, sender of an incoming one."""
    title: Mapped[str] = mapped_column(String(300), default="")
    """Subject line of an e-mail."""
    body: Mapped[str] = mapped_column(Text)
    """The text; of a secret message, what may be shown of it."""
    sealed_body: Mapped[str | None] = mapped_column(Text)
    """The encrypted text of a secret message until it was handed over, then None."""
    is_secret: Mapped[bool] = mapped_column(default=False)
    encoding: Mapped[str] = mapped_column(String(8))
    parts: Mapped[int] = mapped_column(SmallInteger, default=1)
    digest: Mapped[str | None] = mapped_column(String(24))
    """Short hash of the text, to find equal ones; None for secrets."""
    state: Mapped[str] = mapped_column(String(12))
    evidence: Mapped[str] = mapped_column(String(12), default="none")
    reason: Mapped[TranslationString | None] = mapped_column(StoredText)
    """Why it waits, failed, or was stopped."""
    attempt_count: Mapped[int] = mapped_column(SmallInteger, default=0)
    is_pinned: Mapped[bool] = mapped_column(default=False)
    """Somebody chose its account; it never moves to another."""
    is_isolated: Mapped[bool] = mapped_column(default=False)
    """The transport raised over its chunk: it is handed over alone from now on."""
    due_at: Mapped[datetime]
    """Not to be sent before."""
    expires_at: Mapped[datetime | None]
    """Not to be sent after."""
    lease_until: Mapped[datetime | None]
    lease_holder: Mapped[str | None] = mapped_column(String(120))
    """Process that holds it while ``sending``."""
    sender_id: Mapped[int | None] = mapped_column(ForeignKey(User.id, ondelete="SET NULL"))
    """Officer who wrote it; None for the system and for incoming messages."""
    external_id: Mapped[str | None] = mapped_column(String(200))
    """The channel's own id of an incoming message."""
    raw: Mapped[str | None] = mapped_column(Text)
    """An incoming message as it came over the wire."""
    is_ambiguous: Mapped[bool] = mapped_column(default=False)
    """Incoming: other conversations use the same number, so the thread is a guess."""
    resend_of_id: Mapped[int | None] = mapped_column(
        ForeignKey("abah_message.id", ondelete="SET NULL")
    )
    superseded_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("abah_message.id", ondelete="SET NULL")
    )
    """The message that was sent instead; this one no longer counts as failed."""
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    reported_at: Mapped[datetime | None]
    """When the last report that changed it says it happened."""
    changed_at: Mapped[datetime]
    read_at: Mapped[datetime | None]
    """When somebody read an incoming message."""


QUEUED: Final = Message.state == literal_column("'queued'")
SENDING: Final = Message.state == literal_column("'sending'")
"""Conditions with the word itself, not a parameter: only so do planners know that the partial
indexes above apply."""


def due(now: datetime) -> Select[int]:
    """Select the messages that may be handed over now."""
    return select(Message.id).where(
        QUEUED,
        Message.due_at <= now,
        or_(Message.expires_at.is_(None), Message.expires_at > now),
    )


def is_due(
    now: datetime, account_id: int | InstrumentedAttribute[int], lanes: ColumnElement[bool]
) -> ColumnElement[bool]:
    """Tell whether an account has something of some lanes to hand over now.

    Asked in the order of the index: PostgreSQL would look through the whole table otherwise, in
    the hope of finding one soon.
    """
    first = due(now).where(Message.account_id == account_id, lanes)
    in_order = first.order_by(Message.lane, Message.due_at, Message.id).limit(1)
    return in_order.scalar_subquery().is_not(None)


class Attempt(Base):
    """One hand-over of a message to an account, committed before anything is sent."""

    __tablename__ = "abah_attempt"
    __table_args__ = (UniqueConstraint("message_id", "number"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey(Message.id, ondelete="CASCADE"))
    number: Mapped[int] = mapped_column(SmallInteger)
    """1 for the first hand-over."""
    account_id: Mapped[int] = mapped_column(ForeignKey(ChannelAccount.id, ondelete="RESTRICT"))
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    outcome: Mapped[str | None] = mapped_column(String(12))
    """An :class:`~core.hookspecs.channels.Outcome`; None while nobody has answered."""
    code: Mapped[str] = mapped_column(String(80), default="")
    reason: Mapped[TranslationString | None] = mapped_column(StoredText)


class Segment(Base):
    """One part for which the channel reports by itself; a single one where it reports the whole."""

    __tablename__ = "abah_segment"
    __table_args__ = (
        UniqueConstraint("message_id", "attempt", "number"),
        Index(
            "ix_abah_segment_reference",
            "account_id",
            "reference",
            sqlite_where=text("reference != ''"),
            postgresql_where=text("reference != ''"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey(Message.id, ondelete="CASCADE"))
    account_id: Mapped[int] = mapped_column(ForeignKey(ChannelAccount.id, ondelete="RESTRICT"))
    attempt: Mapped[int] = mapped_column(SmallInteger)
    number: Mapped[int] = mapped_column(SmallInteger)
    """1 for the first part."""
    reference: Mapped[str] = mapped_column(String(200), default="")
    """The channel's own reference, or empty."""
    state: Mapped[str] = mapped_column(String(12))
    evidence: Mapped[str] = mapped_column(String(12))
    reported_at: Mapped[datetime | None]


class Report(Base):
    """A delivery report as it came, kept for ever; matched to a message or waiting for one."""

    __tablename__ = "abah_report"
    __table_args__ = (
        Index(None, "message_id"),
        Index(
            "ix_abah_report_waiting",
            "account_id",
            "ref",
            sqlite_where=text("applied_at IS NULL"),
            postgresql_where=text("applied_at IS NULL"),
        ),
        # The latest that still wait.
        Index(
            "ix_abah_report_unapplied",
            "received_at",
            sqlite_where=text("applied_at IS NULL"),
            postgresql_where=text("applied_at IS NULL"),
        ),
        Index(
            "ix_abah_report_waiting_reference",
            "account_id",
            "reference",
            sqlite_where=text("applied_at IS NULL"),
            postgresql_where=text("applied_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey(ChannelAccount.id, ondelete="RESTRICT"))
    state: Mapped[str] = mapped_column(String(12))
    evidence: Mapped[str] = mapped_column(String(12))
    ref: Mapped[str] = mapped_column(String(200), default="")
    reference: Mapped[str] = mapped_column(String(200), default="")
    address: Mapped[str] = mapped_column(String(254), default="")
    raw: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime | None]
    """When it happened according to the channel."""
    received_at: Mapped[datetime]
    message_id: Mapped[int | None] = mapped_column(ForeignKey(Message.id, ondelete="SET NULL"))
    applied_at: Mapped[datetime | None]
    """When it was taken into account; None while it waits for its message or its result."""


class MessageText(Base):
    """A text with variables that an administrator may edit."""

    __tablename__ = "abah_message_text"
    __table_args__ = (UniqueConstraint("key", "locale"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    key: Mapped[str] = mapped_column(String(120))
    locale: Mapped[str] = mapped_column(String(10), default="id")
    kind: Mapped[str] = mapped_column(String(20), default="sms")
    title: Mapped[str] = mapped_column(String(200), default="")
    """Its name in lists."""
    subject: Mapped[str] = mapped_column(String(300), default="")
    """Subject line of an e-mail, a template like the body."""
    body: Mapped[str] = mapped_column(Text)
    variables: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Every variable that may be used, with a sample value."""
    changed_at: Mapped[datetime] = mapped_column(default=utcnow)
    changed_by_id: Mapped[int | None] = mapped_column(ForeignKey(User.id, ondelete="SET NULL"))
