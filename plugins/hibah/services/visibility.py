"""Who may see which grants: an officer those of the own teams, by a setting all of them."""

from __future__ import annotations

from typing import Final

from sqlalchemy import ColumnElement, Select, false, or_, select, true
from sqlalchemy.orm import Session

from core.api.accounts import TeamMember
from core.api.errors import NotFoundError
from core.api.hooks import UserFacts
from core.api.runtime import runtime_of
from plugins.hibah.models import Grant, Institution

__all__ = [
    "READ",
    "READ_ALL",
    "SEES_ALL_SETTING",
    "check_grant_visible",
    "check_institution_visible",
    "sees_all",
    "visible",
    "visible_grants",
    "visible_institutions",
]

READ: Final = "hibah.grant.read"
READ_ALL: Final = "hibah.grant.read_all"
SEES_ALL_SETTING: Final = "petugas_sees_all"


def sees_all(session: Session, user: UserFacts) -> bool:
    """Tell whether no grant is hidden from a person."""
    if not user.may(READ):
        return False
    return user.may(READ_ALL) or bool(
        runtime_of(session).plugin_settings("hibah")[SEES_ALL_SETTING]
    )


def visible(session: Session, user: UserFacts) -> ColumnElement[bool]:
    """Return the condition on :class:`Grant` under which a person sees it.

    Own grants, those given to one of the person's teams, and those of the other people in them.
    """
    if not user.may(READ):
        return false()
    if sees_all(session, user):
        return true()
    own = Grant.officer_id == user.id
    if not user.team_ids:
        return own
    teams = sorted(user.team_ids)
    colleagues = select(TeamMember.user_id).where(TeamMember.team_id.in_(teams))
    return or_(own, Grant.team_id.in_(teams), Grant.officer_id.in_(colleagues))


def visible_grants(session: Session, user: UserFacts) -> Select[int]:
    """Return a select of the ids of the grants that a person may see."""
    return select(Grant.id).where(visible(session, user))


def visible_institutions(session: Session, user: UserFacts) -> ColumnElement[bool]:
    """Return the condition on :class:`Institution` under which a person sees one of its grants."""
    if sees_all(session, user):
        return true()
    return Institution.id.in_(select(Grant.institution_id).where(visible(session, user)))


def check_grant_visible(session: Session, user: UserFacts, grant_id: int) -> None:
    """Refuse a grant that is not there for this person.

    :raises NotFoundError: it does not exist, or may not be known to exist.
    """
    if session.scalar(visible_grants(session, user).where(Grant.id == grant_id)) is None:
        raise NotFoundError


def check_institution_visible(session: Session, user: UserFacts, institution_id: int) -> None:
    """Refuse an institution that is not there for this person.

    :raises NotFoundError: it does not exist, or may not be known to exist.
    """
    query = select(Institution.id).where(
        Institution.id == institution_id, visible_institutions(session, user)
    )
    if session.scalar(query) is None:
        raise NotFoundError
