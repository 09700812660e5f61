"""Being signed in: random tokens in cookies, their hashes in the table, two ends to each."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import (
    ColumnElement,
    Row,
    String,
    bindparam,
    cast,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.orm import Session

from core.accounts.models import (
    Role,
    RolePermission,
    SignInSession,
    TeamMember,
    User,
    UserRole,
    UserStatus,
)
from core.db import utcnow
from core.hookspecs.facts import UserFacts

if TYPE_CHECKING:
    from core.framework.runtime import Runtime

__all__ = [
    "TOUCH_AFTER",
    "SessionRules",
    "SignedIn",
    "end_session",
    "end_sessions",
    "facts_of",
    "find_session",
    "open_session",
    "purge_sessions",
    "touch_session",
]

TOKEN_BYTES: Final = 32
TOUCH_AFTER: Final = timedelta(minutes=5)
"""How old ``seen_at`` may grow before it is written again: not every page writes."""

_SEPARATOR: Final = "\n"


class SessionRules:
    """How long a session lives: ``abah.session.idle_minutes`` and ``abah.session.hours``."""

    def __init__(self, runtime: Runtime) -> None:
        """Read the settings: by default eight idle hours and seven days in all."""
        self.idle = timedelta(minutes=runtime.settings.number("abah.session.idle_minutes", 480))
        self.absolute = timedelta(hours=runtime.settings.number("abah.session.hours", 168))


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session that is in force, and whose it is."""

    session_id: int
    facts: UserFacts
    seen_at: datetime


def open_session(
    session: Session, user_id: int, *, rules: SessionRules, remote_addr: str = "", agent: str = ""
) -> str:
    """Sign a person in and return the token for the cookie; only its hash is stored."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    now = utcnow()
    session.add(
        SignInSession(
            user_id=user_id,
            token_hash=_digest(token),
            created_at=now,
            seen_at=now,
            expires_at=now + rules.absolute,
            remote_addr=remote_addr[:45],
            user_agent=agent[:200],
        )
    )
    session.flush()
    return token


def find_session(session: Session, token: str, *, rules: SessionRules) -> SignedIn | None:
    """Return who is signed in with ``token``, in one query; None when it is unknown or over."""
    now = utcnow()
    values = {"token_hash": _digest(token), "now": now, "idle_since": now - rules.idle}
    row = session.execute(_session_query(), values).one_or_none()
    return None if row is None else SignedIn(row.session_id, _facts(row), row.seen_at)


def facts_of(session: Session, user_id: int) -> UserFacts | None:
    """Return an active person's facts in one query; None for everybody else."""
    row = session.execute(_user_query(), {"user_id": user_id}).one_or_none()
    return None if row is None else _facts(row)


def touch_session(session: Session, session_id: int) -> None:
    """Note that a session was used just now."""
    session.execute(
        update(SignInSession).where(SignInSession.id == session_id).values(seen_at=utcnow())
    )


def end_session(session: Session, token: str) -> None:
    """Sign out the browser that holds ``token``."""
    session.execute(delete(SignInSession).where(SignInSession.token_hash == _digest(token)))


def end_sessions(session: Session, user_id: int) -> int:
    """Sign a person out everywhere and return from how many browsers."""
    gone = session.execute(
        delete(SignInSession).where(SignInSession.user_id == user_id).returning(SignInSession.id)
    )
    return len(gone.all())


def purge_sessions(session: Session, *, rules: SessionRules) -> int:
    """Delete sessions that have ended by themselves and return how many."""
    now = utcnow()
    gone = session.execute(
        delete(SignInSession)
        .where((SignInSession.expires_at <= now) | (SignInSession.seen_at <= now - rules.idle))
        .returning(SignInSession.id)
    )
    return len(gone.all())


@lru_cache(maxsize=1)
def _session_query() -> Any:
    """Make the query of every request once: putting it together costs more than running it."""
    return (
        _facts_query(SignInSession.id.label("session_id"), SignInSession.seen_at.label("seen_at"))
        .join(SignInSession, SignInSession.user_id == User.id)
        .where(
            SignInSession.token_hash == bindparam("token_hash"),
            SignInSession.expires_at > bindparam("now"),
            SignInSession.seen_at > bindparam("idle_since"),
        )
    )


@lru_cache(maxsize=1)
def _user_query() -> Any:
    return _facts_query().where(User.id == bindparam("user_id"))


def _facts_query(*more: ColumnElement[Any]) -> Any:
    roles = (
        select(func.aggregate_strings(Role.name, _SEPARATOR))
        .join(UserRole, UserRole.role_id == Role.id)
        .where(UserRole.user_id == User.id)
    )
    permissions = (
        select(func.aggregate_strings(RolePermission.permission, _SEPARATOR))
        .join(UserRole, UserRole.role_id == RolePermission.role_id)
        .where(UserRole.user_id == User.id)
    )
    teams = select(func.aggregate_strings(cast(TeamMember.team_id, String), _SEPARATOR)).where(
        TeamMember.user_id == User.id
    )
    return select(
        User.id,
        User.username,
        User.first_name,
        User.last_name,
        User.email,
        User.nip,
        User.phone,
        User.locale,
        roles.scalar_subquery().label("roles"),
        permissions.scalar_subquery().label("permissions"),
        teams.scalar_subquery().label("teams"),
        *more,
    ).where(User.status == UserStatus.ACTIVE)


def _facts(row: Row[Any]) -> UserFacts:
    return UserFacts(
        id=row.id,
        username=row.username,
        name=f"{row.first_name} {row.last_name}".strip(),
        email=row.email,
        nip=row.nip,
        phone=row.phone,
        roles=frozenset((row.roles or "").split()),
        permissions=frozenset((row.permissions or "").split()),
        team_ids=frozenset(int(team) for team in (row.teams or "").split()),
        locale=row.locale,
    )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
