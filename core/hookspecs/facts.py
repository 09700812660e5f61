"""Facts that several hooks speak of: people and subjects."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["UserFacts"]


@dataclass(frozen=True, slots=True)
class UserFacts:
    """Who a person is and what the person may do, as read at the beginning of a request."""

    id: int
    username: str
    name: str
    email: str
    nip: str
    """Employee number of a civil servant, digits, or an empty string."""
    phone: str | None
    """Verified number as E.164, or None before the first verification."""
    roles: frozenset[str]
    permissions: frozenset[str]
    team_ids: frozenset[int]
    locale: str

    def may(self, permission: str) -> bool:
        """Tell whether one of the person's roles grants ``permission``."""
        return permission in self.permissions
