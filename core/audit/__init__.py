"""Who did what to what, append-only: an entry is added in the transaction of what it tells."""

from __future__ import annotations

from core.audit.models import AuditEntry
from core.audit.services import entries, record

__all__ = ["AuditEntry", "entries", "record"]
