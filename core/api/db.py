"""Storage for plugins: the base of their models, column types, the clock, sessions."""

from __future__ import annotations

from core.db import Base, BigId, Database, UTCDateTime, utcnow

__all__ = ["Base", "BigId", "Database", "UTCDateTime", "utcnow"]
