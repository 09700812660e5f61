"""Who did what to what, append-only: an entry is added in the transaction of what it tells."""

from __future__ import annotations

from core.audit.models import AuditEntry
from core.audit.services import Act, entries, record, record_many

__all__ = ["Act", "AuditEntry", "entries", "record", "record_many"]
