"""Grants as one person may read them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from core.api.errors import NotFoundError
from core.api.hooks import UserFacts
from core.api.text import _
from plugins.hibah.models import Grant
from plugins.hibah.services.cards import GrantCard, cards_of, select_cards
from plugins.hibah.services.visibility import visible

__all__ = ["cards_of_institution", "find_card"]


def find_card(session: Session, user: UserFacts, grant_id: int) -> GrantCard:
    """Return a grant that a person may see.

    :raises NotFoundError: it does not exist, or may not be known to exist.
    """
    cards = cards_of(session, select_cards().where(Grant.id == grant_id, visible(session, user)))
    if not cards:
        raise NotFoundError(
            _(
                "Hibah ini tidak ditemukan, atau bukan hibah yang Anda tangani. Cari kembali "
                "hibahnya."
            )
        )
    return cards[0]


def cards_of_institution(
    session: Session, user: UserFacts, institution_id: int
) -> Sequence[GrantCard]:
    """Return the grants of an institution that a person may see, newest first."""
    query = (
        select_cards()
        .where(Grant.institution_id == institution_id, visible(session, user))
        .order_by(Grant.created_at.desc(), Grant.id.desc())
    )
    return cards_of(session, query)
