"""The audit trail: who did what to what."""

from __future__ import annotations

from core.audit import Act, AuditEntry, entries, record, record_many

__all__ = ["Act", "AuditEntry", "entries", "record", "record_many"]
