"""Names of people, for lines that say who did something."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.api.accounts import User

__all__ = ["names_of"]


def names_of(session: Session, ids: Collection[int]) -> dict[int, str]:
    """Return the names of people by id, in one query or none."""
    if not ids:
        return {}
    query = select(User.id, User.first_name, User.last_name).where(User.id.in_(ids))
    return {row.id: f"{row.first_name} {row.last_name}".strip() for row in session.execute(query)}
