"""The quick search: one function behind the frame, the dashboard and the page of results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select, union
from sqlalchemy.orm import Session

from core.api.accounts import User
from core.api.contacts import InvalidNumberError, parse_number
from core.api.hooks import UserFacts
from plugins.hibah.models import FRAGMENT_LENGTH, Grant, SearchDocument, SearchFragment
from plugins.hibah.normalise import fold, terms_of
from plugins.hibah.services.cards import GrantCard, cards_of, select_cards
from plugins.hibah.services.visibility import visible

__all__ = ["PAGE_SIZE", "SearchPage", "SearchQuery", "matching", "search"]

PAGE_SIZE: Final = 10

_LAST: Final = "\U0010ffff"
"""Sorts behind every character of a fragment, byte by byte."""


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """What a person asks for."""

    text: str
    archived: bool = False
    """Whether the cards are to be those of Data Arsip."""
    number: int = 1
    """Page, from 1."""
    size: int = PAGE_SIZE


@dataclass(frozen=True, slots=True)
class SearchPage:
    """One page of one of the two sets, and how much there is in each."""

    query: SearchQuery
    """Its page is the one that is shown."""
    cards: Sequence[GrantCard] = ()
    active_total: int = 0
    archived_total: int = 0

    @property
    def asked(self) -> bool:
        """Tell whether there was anything to search for."""
        return bool(terms_of(self.query.text))

    @property
    def total(self) -> int:
        """Number of hits in the set that is shown."""
        return self.archived_total if self.query.archived else self.active_total

    @property
    def other_total(self) -> int:
        """Number of hits in the other set."""
        return self.active_total if self.query.archived else self.archived_total

    @property
    def first(self) -> int:
        """Position of the first card, from 1; 0 when there is none."""
        return (self.query.number - 1) * self.query.size + 1 if self.cards else 0

    @property
    def last(self) -> int:
        """Position of the last card."""
        return (self.query.number - 1) * self.query.size + len(self.cards)

    @property
    def pages(self) -> int:
        """Number of pages, at least 1."""
        return max(1, -(-self.total // self.query.size))


def search(session: Session, user: UserFacts, query: SearchQuery) -> SearchPage:
    """Find grants by any part of code, DPA, amount, institution, person, decree or telephone.

    Only grants that ``user`` may see are found and counted. A page behind the last one becomes the
    last one. The number of queries does not depend on the hits.
    """
    condition = matching(session, query.text)
    if condition is None:
        return SearchPage(replace(query, number=1))
    condition = and_(condition, visible(session, user))
    active_total, archived_total = session.execute(
        select(
            func.count(case((Grant.archived_at.is_(None), 1))), func.count(Grant.archived_at)
        ).where(condition)
    ).one()
    found = SearchPage(query, (), active_total, archived_total)
    shown = replace(query, number=min(max(1, query.number), found.pages))
    cards = _cards(session, shown, condition) if found.total else ()
    return replace(found, query=shown, cards=cards)


def _cards(
    session: Session, query: SearchQuery, condition: ColumnElement[bool]
) -> Sequence[GrantCard]:
    wanted = Grant.archived_at.is_not(None) if query.archived else Grant.archived_at.is_(None)
    statement = (
        select_cards()
        .where(condition, wanted)
        .order_by(
            # Somebody who typed a whole code wants that one first.
            case((Grant.code == query.text.strip().upper(), 0), else_=1),
            Grant.created_at.desc(),
            Grant.id.desc(),
        )
        .limit(query.size)
        .offset((query.number - 1) * query.size)
    )
    return cards_of(session, statement)


def matching(session: Session, text: str) -> ColumnElement[bool] | None:
    """Return the condition on :class:`Grant` that ``text`` stands for, or None for no words.

    Every word has to match somewhere; a text that is one telephone number, however it is
    spelled, counts as one word.
    """
    terms = terms_of(text)
    if not terms:
        return None
    officers = _officers(session)
    telephone = _telephone(text)
    if telephone is None:
        return and_(*(_matches(term, officers) for term in terms))
    # One number, however it is spaced; as it was typed it may still be a part of something else.
    spellings = dict.fromkeys([telephone, fold(text)])
    return or_(*(_matches(spelling, officers) for spelling in spellings))


def _matches(term: str, officers: Sequence[tuple[int, str]]) -> ColumnElement[bool]:
    contains = _contains(term)
    of_institution = SearchDocument.institution_id == Grant.institution_id
    of_decree = SearchDocument.decree_id == Grant.decree_id
    ids: list[Select[Any]] = [
        select(SearchDocument.grant_id).where(SearchDocument.grant_id.is_not(None), contains),
        select(Grant.id).join(SearchDocument, of_institution).where(contains),
        select(Grant.id).join(SearchDocument, of_decree).where(contains),
    ]
    named = [officer_id for officer_id, folded in officers if term in folded]
    if named:
        ids.append(select(Grant.id).where(Grant.officer_id.in_(named)))
    return Grant.id.in_(union(*ids))


def _contains(term: str) -> ColumnElement[bool]:
    """Return the condition on :class:`SearchDocument` that a fragment begins with a term."""
    start = term[:FRAGMENT_LENGTH]
    found = select(SearchFragment.document_id).where(
        SearchFragment.fragment >= start, SearchFragment.fragment < start + _LAST
    )
    condition: ColumnElement[bool] = SearchDocument.id.in_(found)
    if len(term) > FRAGMENT_LENGTH:
        condition = and_(condition, SearchDocument.body.contains(term, autoescape=True))
    return condition


def _officers(session: Session) -> list[tuple[int, str]]:
    """Read the folded names of the people who have grants.

    They are a few dozen and change in another room, so they are compared here and not indexed.
    """
    return [
        (row.id, f"{fold(f'{row.first_name} {row.last_name}')}|{fold(row.nip)}")
        for row in session.execute(_select_officers())
    ]


@lru_cache(maxsize=1)
def _select_officers() -> Select[*tuple[Any, ...]]:
    return select(User.id, User.first_name, User.last_name, User.nip).where(
        User.id.in_(select(Grant.officer_id).distinct())
    )


def _telephone(text: str) -> str | None:
    try:
        return fold(parse_number(text))
    except InvalidNumberError:
        return None
