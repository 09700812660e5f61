"""Who is let in, with which roles and in which teams."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Select, delete, func, or_, select
from sqlalchemy.orm import Session

from core import audit
from core.accounts.models import Role, Team, TeamMember, User, UserRole, UserStatus
from core.accounts.permissions import ADMIN, UnknownRoleError, role_titles, roles_by_name
from core.accounts.services.people import note
from core.accounts.sessions import end_sessions
from core.db import utcnow
from core.errors import ConflictError, InvalidInputError, NotFoundError, RefusedError
from core.i18n import _

__all__ = [
    "AccessChange",
    "LastAdminError",
    "count_waiting",
    "create_team",
    "disable_user",
    "grant_access",
    "on_access_change",
    "roles_and_teams",
    "teams",
]

MAX_TEAM_NAME: Final = 80


@dataclass(frozen=True, slots=True)
class AccessChange:
    """Access that an Admin granted, changed or took away."""

    user_id: int
    name: str
    email: str
    before: UserStatus
    after: UserStatus
    actor_id: int | None


class LastAdminError(RefusedError):
    """Nobody would be left who can let people in."""

    explanation = _(
        "Ini satu-satunya Admin yang aktif. Beri akses Admin kepada orang lain lebih dahulu."
    )


AccessListener = Callable[[Session, AccessChange], None]


_access_listeners: dict[str, AccessListener] = {}


def on_access_change(listener: AccessListener) -> AccessListener:
    """Hear, inside the transaction, that access was granted, changed or taken away.

    Called by a higher room when it is imported; the same function twice counts once.
    """
    _access_listeners[f"{listener.__module__}.{listener.__qualname__}"] = listener
    return listener


def grant_access(  # noqa: PLR0913 - what an Admin decides, by name
    session: Session,
    user_id: int,
    *,
    roles: Collection[str],
    team_ids: Collection[int] = (),
    actor_id: int | None,
    expected: UserStatus | None = None,
    tell: bool = True,
) -> User:
    """Let a person in, with exactly these roles and teams, and return the account.

    Also changes roles and teams of somebody who is in, and lets in again who was disabled.
    ``expected`` is the status that the Admin saw. The person is told unless ``tell`` is false.

    :raises InvalidInputError: no role was chosen.
    :raises UnknownRoleError: a role does not exist.
    :raises NotFoundError: there is no such person or team.
    :raises ConflictError: the status is no longer the expected one.
    :raises LastAdminError: the last Admin would lose that role.
    """
    user = _locked(session, user_id, expected)
    before = UserStatus(user.status)
    known = roles_by_name(session)
    if not roles:
        raise InvalidInputError(field="roles", explanation=_("Pilih paling sedikit satu peran."))
    if unknown := set(roles) - set(known):
        raise UnknownRoleError(unknown, role_titles(session))
    _check_teams(session, team_ids)
    if ADMIN not in roles:
        _keep_an_admin(session, user_id)
    session.execute(delete(UserRole).where(UserRole.user_id == user_id))
    session.execute(delete(TeamMember).where(TeamMember.user_id == user_id))
    session.add_all(UserRole(user_id=user_id, role_id=known[role]) for role in sorted(set(roles)))
    session.add_all(TeamMember(user_id=user_id, team_id=team) for team in sorted(set(team_ids)))
    user.status = UserStatus.ACTIVE
    user.decided_at, user.decided_by = utcnow(), actor_id
    session.flush()
    details = {"roles": sorted(set(roles)), "teams": sorted(set(team_ids)), "before": str(before)}
    note(session, actor_id, "user.grant", user_id, **details)
    if tell:
        _tell(session, user, before, actor_id)
    return user


def disable_user(
    session: Session, user_id: int, *, actor_id: int | None, expected: UserStatus | None = None
) -> User:
    """Refuse a person who waits, or shut out one who is in: signed out everywhere at once.

    Roles and teams stay noted, so that letting in again finds them.

    :raises NotFoundError: there is no such person.
    :raises ConflictError: the status is not the expected one, or the Admin means himself.
    :raises LastAdminError: this is the last Admin.
    """
    user = _locked(session, user_id, expected)
    if user_id == actor_id:
        raise RefusedError(_("Anda tidak dapat menonaktifkan akun Anda sendiri."))
    before = UserStatus(user.status)
    _keep_an_admin(session, user_id)
    user.status = UserStatus.DISABLED
    user.decided_at, user.decided_by = utcnow(), actor_id
    end_sessions(session, user_id)
    session.flush()
    action = "user.refuse" if before is UserStatus.PENDING else "user.disable"
    note(session, actor_id, action, user_id, before=str(before))
    _tell(session, user, before, actor_id)
    return user


def count_waiting(session: Session) -> int:
    """Count the people who wait for an Admin."""
    query = select(func.count()).select_from(User).where(User.status == UserStatus.PENDING)
    return session.scalar(query) or 0


def teams(session: Session) -> list[tuple[int, str]]:
    """Return id and name of every team, by name."""
    rows = session.execute(select(Team.id, Team.name).order_by(Team.name))
    return [(row.id, row.name) for row in rows]


def create_team(session: Session, name: str, *, actor_id: int | None) -> int:
    """Create a team and return its id; one that exists already is returned as it is.

    :raises InvalidInputError: the name is empty or too long.
    """
    text = " ".join(name.split())
    if not text or len(text) > MAX_TEAM_NAME:
        raise InvalidInputError(
            field="team",
            explanation=_(
                "Nama tim harus diisi, paling banyak ${n} huruf.", mapping={"n": MAX_TEAM_NAME}
            ),
        )
    existing = session.scalar(select(Team.id).where(func.lower(Team.name) == text.lower()))
    if existing is not None:
        return existing
    team = Team(name=text)
    session.add(team)
    session.flush()
    audit.record(
        session,
        actor_id=actor_id,
        action="team.create",
        subject=f"abah.team:{team.id}",
        details={"name": text},
    )
    return team.id


def _locked(session: Session, user_id: int, expected: UserStatus | None) -> User:
    # Every active Admin is locked with the person, all in the order of their ids: two Admins must
    # neither shut each other out in the same moment nor wait for each other.
    query = (
        select(User)
        .where(or_(User.id == user_id, User.id.in_(_active_admins())))
        .order_by(User.id)
        # Without the key: rows that name one of them go on being written.
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    user = next((one for one in session.scalars(query) if one.id == user_id), None)
    if user is None:
        raise NotFoundError(_("Pemakai ini tidak ada."))
    if expected is not None and user.status != expected:
        raise ConflictError
    return user


def _active_admins() -> Select[int]:
    return (
        select(UserRole.user_id)
        .join(Role, Role.id == UserRole.role_id)
        .join(User, User.id == UserRole.user_id)
        .where(Role.name == ADMIN, User.status == UserStatus.ACTIVE)
    )


def _keep_an_admin(session: Session, user_id: int) -> None:
    """Refuse to take the role from the last active Admin, whose row is locked; others pass."""
    # Asked anew after the lock came: the roles that the locking query saw may be gone.
    if set(session.scalars(_active_admins())) == {user_id}:
        raise LastAdminError


def _check_teams(session: Session, team_ids: Collection[int]) -> None:
    found = set(session.scalars(select(Team.id).where(Team.id.in_(set(team_ids)))))
    if found != set(team_ids):
        raise NotFoundError(_("Tim yang dipilih sudah tidak ada."))


def _tell(session: Session, user: User, before: UserStatus, actor_id: int | None) -> None:
    change = AccessChange(
        user_id=user.id,
        name=user.name,
        email=user.email,
        before=before,
        after=UserStatus(user.status),
        actor_id=actor_id,
    )
    for listener in _access_listeners.values():
        listener(session, change)


def roles_and_teams(session: Session, user_id: int) -> tuple[frozenset[str], frozenset[int]]:
    """Return the names of a person's roles and the ids of the teams, whatever the status."""
    roles = session.scalars(
        select(Role.name)
        .join(UserRole, UserRole.role_id == Role.id)
        .where(UserRole.user_id == user_id)
    )
    team_ids = session.scalars(select(TeamMember.team_id).where(TeamMember.user_id == user_id))
    return frozenset(roles), frozenset(team_ids)
