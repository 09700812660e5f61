"""The audit trail: who did what to what."""

from __future__ import annotations

from core.audit import AuditEntry, entries, record

__all__ = ["AuditEntry", "entries", "record"]
