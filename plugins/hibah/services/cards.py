"""What a grant's card shows: one query of columns for a page, and one for the contacts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Row, Select, select
from sqlalchemy.orm import Session

from core.api.accounts import User
from core.api.contacts import contacts_of
from core.api.hooks import GrantFacts
from plugins.hibah.models import Decree, Grant, Institution, Regency
from plugins.hibah.subjects import institution_subject
from plugins.hibah.workflow import AFTER_NPHD

__all__ = ["CardContact", "CardDecree", "GrantCard", "cards_of", "grant_facts", "select_cards"]

AnyRow = Row[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class CardDecree:
    """The decree (SK) of a grant."""

    stage: int
    official: str
    number: str
    dated: date


@dataclass(frozen=True, slots=True)
class CardContact:
    """Whom the institution is called by."""

    name: str
    number: str
    """E.164."""


@dataclass(frozen=True, slots=True)
class GrantCard:
    """A grant with everything its card and its page say."""

    facts: GrantFacts
    dpa: str
    address: str
    regency: str
    amount: int
    """Whole rupiah."""
    kind: str
    recommendation: str
    purpose: str
    decree: CardDecree | None
    officer: str
    """Name of the officer, or what the workbook wrote; empty where nobody was named."""
    officer_nip: str
    created_at: datetime
    archived_at: datetime | None
    version: int
    contact: CardContact | None

    @property
    def needs_contact(self) -> bool:
        """Tell whether an NPHD was signed although nobody there can be called (M17)."""
        return self.contact is None and self.facts.state in AFTER_NPHD and not self.facts.archived


@lru_cache(maxsize=1)
def select_cards() -> Select[*tuple[Any, ...]]:
    """Return the query behind every card; the caller adds conditions and order."""
    return (
        select(
            Grant.id,
            Grant.code,
            Grant.dpa,
            Grant.institution_id,
            Grant.amount,
            Grant.kind,
            Grant.recommendation,
            Grant.purpose,
            Grant.state,
            Grant.officer_id,
            Grant.officer_text,
            Grant.locked,
            Grant.pending,
            Grant.archived_at,
            Grant.version,
            Grant.created_at,
            Institution.name.label("institution_name"),
            Institution.address,
            Regency.name.label("regency"),
            Decree.stage,
            Decree.official,
            Decree.number,
            Decree.dated,
            User.first_name,
            User.last_name,
            User.nip,
        )
        .join(Institution, Institution.id == Grant.institution_id)
        .outerjoin(Regency, Regency.id == Institution.regency_id)
        .outerjoin(Decree, Decree.id == Grant.decree_id)
        .outerjoin(User, User.id == Grant.officer_id)
    )


def cards_of(session: Session, query: Select[*tuple[Any, ...]]) -> list[GrantCard]:
    """Run a query made with :func:`select_cards`, and read the contacts of its institutions."""
    rows = session.execute(query).all()
    contacts = contacts_of(
        session, list(dict.fromkeys(institution_subject(row.institution_id) for row in rows))
    )
    found = {
        subject: CardContact(contact.name, contact.number) for subject, contact in contacts.items()
    }
    return [_card(row, found.get(institution_subject(row.institution_id))) for row in rows]


def grant_facts(session: Session, ids: Collection[int]) -> dict[int, GrantFacts]:
    """Return the facts of the grants that exist among ``ids``."""
    return {row.id: _facts(row) for row in _fact_rows(session, ids)}


def _fact_rows(session: Session, ids: Collection[int]) -> Sequence[AnyRow]:
    return session.execute(
        select(
            Grant.id,
            Grant.code,
            Grant.institution_id,
            Institution.name.label("institution_name"),
            Grant.state,
            Grant.archived_at,
            Grant.locked,
            Grant.pending,
            Grant.officer_id,
        )
        .join(Institution, Institution.id == Grant.institution_id)
        .where(Grant.id.in_(ids))
    ).all()


def _facts(row: AnyRow) -> GrantFacts:
    return GrantFacts(
        id=row.id,
        code=row.code,
        institution_id=row.institution_id,
        institution_name=row.institution_name,
        state=row.state,
        archived=row.archived_at is not None,
        locked=row.locked,
        pending=row.pending,
        officer_id=row.officer_id,
    )


def _card(row: AnyRow, contact: CardContact | None) -> GrantCard:
    decree = None
    if row.number is not None:
        decree = CardDecree(row.stage, row.official, row.number, row.dated)
    known = row.officer_id is not None
    return GrantCard(
        facts=_facts(row),
        dpa=row.dpa,
        address=row.address,
        regency=row.regency or "",
        amount=row.amount,
        kind=row.kind,
        recommendation=row.recommendation,
        purpose=row.purpose,
        decree=decree,
        officer=f"{row.first_name} {row.last_name}".strip() if known else row.officer_text,
        officer_nip=row.nip if known else "",
        created_at=row.created_at,
        archived_at=row.archived_at,
        version=row.version,
        contact=contact,
    )
