"""Tables of the framework: plugins, journal, registry number, lock, data, settings, figures."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, BigId, utcnow
from core.framework.appendonly import append_only

__all__ = [
    "JournalEntry",
    "LifecycleLock",
    "LoadedData",
    "Outcome",
    "PluginHealth",
    "PluginRow",
    "PluginState",
    "Registry",
    "ScheduledStart",
    "StoredSetting",
]


class PluginState(enum.StrEnum):
    """Where a plugin stands. ``missing`` and ``incompatible`` are found out, never stored."""

    AVAILABLE = "available"
    INSTALLING = "installing"
    INSTALLED = "installed"
    DISABLED = "disabled"
    UPGRADING = "upgrading"
    REMOVING = "removing"
    FAILED = "failed"
    MISSING = "missing"
    INCOMPATIBLE = "incompatible"


class Outcome(enum.StrEnum):
    """How a step of a lifecycle operation stands."""

    BEGUN = "begun"
    DONE = "done"
    FAILED = "failed"


class PluginRow(Base):
    """A plugin that was installed here once."""

    __tablename__ = "abah_plugin"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    version: Mapped[str] = mapped_column(String(40))
    """Version whose migrations and data are in the database."""
    state: Mapped[str] = mapped_column(String(20))
    error: Mapped[str] = mapped_column(Text, default="")
    """Why the last operation failed, or empty."""
    adds: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """What this version adds to the application: names by kind, of ``core.framework.surface``."""
    changed_at: Mapped[datetime] = mapped_column(default=utcnow)


class JournalEntry(Base):
    """One step of one lifecycle operation. Rows are only ever added."""

    __tablename__ = "abah_plugin_journal"
    __table_args__ = (Index(None, "plugin", "id"), Index(None, "run"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    operation_id: Mapped[str] = mapped_column(String(32))
    """The same in every entry of one operation."""
    plugin: Mapped[str] = mapped_column(String(40))
    operation: Mapped[str] = mapped_column(String(20))
    step: Mapped[str] = mapped_column(String(20))
    outcome: Mapped[str] = mapped_column(String(10))
    detail: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    actor: Mapped[str] = mapped_column(String(100), default="")
    run: Mapped[str] = mapped_column(String(32), default="")
    """The start from the page Aplikasi that it belongs to; empty for the command line."""
    at: Mapped[datetime] = mapped_column(default=utcnow)


class Registry(Base):
    """One row with a number that rises whenever what should run has changed."""

    __tablename__ = "abah_registry"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(BigId, default=0)
    replaced: Mapped[int] = mapped_column(BigId, default=0)
    """Number of the last change that a running process cannot follow: it has to be replaced."""


class LifecycleLock(Base):
    """One row while somebody installs or removes; tells who, so that a dead one is known."""

    __tablename__ = "abah_lifecycle_lock"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    token: Mapped[str] = mapped_column(String(32))
    host: Mapped[str] = mapped_column(String(200))
    pid: Mapped[int]
    holder: Mapped[str] = mapped_column(String(120))
    """Process, as :func:`core.db.processes.process_identity` names it; host and id are to read."""
    purpose: Mapped[str] = mapped_column(String(200))
    acquired_at: Mapped[datetime] = mapped_column(default=utcnow)
    seen_at: Mapped[datetime] = mapped_column(default=utcnow)
    """Renewed every few seconds; decides where the process cannot be seen."""


class LoadedData(Base):
    """What a data file last loaded, to tell an administrator's edit from our own text."""

    __tablename__ = "abah_plugin_data"
    __table_args__ = (UniqueConstraint("kind", "external_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    owner: Mapped[str] = mapped_column(String(40), index=True)
    kind: Mapped[str] = mapped_column(String(40))
    external_id: Mapped[str] = mapped_column(String(120))
    loaded: Mapped[dict[str, Any]] = mapped_column(JSON)
    offered: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """Newer values that were not applied because somebody edited the row, or None."""
    loaded_at: Mapped[datetime] = mapped_column(default=utcnow)


class StoredSetting(Base):
    """A setting that an administrator changed; what is not here has its declared default."""

    __tablename__ = "abah_setting"

    owner: Mapped[str] = mapped_column(String(40), primary_key=True)
    key: Mapped[str] = mapped_column(String(60), primary_key=True)
    value: Mapped[str] = mapped_column(Text)
    """JSON, encrypted when ``is_secret``."""
    is_secret: Mapped[bool] = mapped_column(default=False)
    changed_at: Mapped[datetime] = mapped_column(default=utcnow)


class PluginHealth(Base):
    """What one plugin cost and where it failed at one place within one hour, in all processes."""

    __tablename__ = "abah_plugin_health"

    plugin: Mapped[str] = mapped_column(String(40), primary_key=True)
    """Name, or ``core``."""
    place: Mapped[str] = mapped_column(Text, primary_key=True)
    hour: Mapped[datetime] = mapped_column(primary_key=True)
    """When it began."""
    calls: Mapped[int] = mapped_column(BigId)
    failures: Mapped[int] = mapped_column(BigId)
    microseconds: Mapped[int] = mapped_column(BigId)
    error: Mapped[str | None] = mapped_column(Text)
    """Last error without personal data."""
    error_id: Mapped[str | None] = mapped_column(String(8))
    """Under which it was logged."""
    failed_at: Mapped[datetime | None]
    open_until: Mapped[datetime | None]
    """When the last breaker that opened closes."""


class ScheduledStart(Base):
    """When a task that a manifest schedules starts next."""

    __tablename__ = "abah_schedule"

    owner: Mapped[str] = mapped_column(String(40), primary_key=True)
    task: Mapped[str] = mapped_column(String(80), primary_key=True)
    start_at: Mapped[datetime]
    last_at: Mapped[datetime | None]


append_only(JournalEntry.__table__)
