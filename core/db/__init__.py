"""Storage: base of the models, sessions, migrations."""

from __future__ import annotations

from core.db.base import Base, BigId, UTCDateTime, owner_of_table, utcnow
from core.db.database import Database, database_url

__all__ = ["Base", "BigId", "Database", "UTCDateTime", "database_url", "owner_of_table", "utcnow"]
