"""Rules of people: accounts, who is let in with which roles and teams, profiles, passwords."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core import audit
from core.accounts.models import Role, Team, TeamMember, User, UserRole, UserStatus
from core.accounts.permissions import ADMIN, UnknownRoleError, roles_by_name
from core.accounts.sessions import end_sessions
from core.db import utcnow
from core.errors import ConflictError, InvalidInputError, NotFoundError
from core.i18n import _

__all__ = [
    "AccessChange",
    "LastAdminError",
    "NewUser",
    "change_password",
    "check_nip",
    "check_username",
    "count_waiting",
    "create_team",
    "create_user",
    "disable_user",
    "find_user",
    "get_user",
    "grant_access",
    "normal_email",
    "normal_username",
    "on_access_change",
    "set_phone",
    "teams",
    "update_profile",
    "user_subject",
    "users_by_name",
]

MAX_TEAM_NAME: Final = 80
_USERNAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9._-]{1,38})[a-z0-9]")


@dataclass(frozen=True, slots=True)
class NewUser:
    """An account to be created."""

    username: str
    email: str
    first_name: str
    last_name: str = ""
    nip: str = ""
    """18 digits, spaces allowed, or empty."""


@dataclass(frozen=True, slots=True)
class AccessChange:
    """Access that an Admin granted, changed or took away."""

    user_id: int
    name: str
    email: str
    before: UserStatus
    after: UserStatus
    actor_id: int | None


class LastAdminError(ConflictError):
    """Nobody would be left who can let people in."""

    explanation = _(
        "Ini satu-satunya Admin yang aktif. Beri akses Admin kepada orang lain lebih dahulu."
    )


AccessListener = Callable[[Session, AccessChange], None]

_listeners: dict[str, AccessListener] = {}


def on_access_change(listener: AccessListener) -> AccessListener:
    """Hear, inside the transaction, that access was granted, changed or taken away.

    Called by a higher room when it is imported; the same function twice counts once.
    """
    _listeners[f"{listener.__module__}.{listener.__qualname__}"] = listener
    return listener


def user_subject(user_id: int) -> str:
    """Return the key under which the audit trail knows a person."""
    return f"abah.user:{user_id}"


def normal_username(text: str) -> str:
    """Return an account name as it is stored and compared."""
    return text.strip().casefold()


def normal_email(text: str) -> str:
    """Return an e-mail address as it is stored and compared."""
    return text.strip().casefold()


def check_username(text: str) -> str:
    """Return an account name as it is stored.

    :raises InvalidInputError: it has characters that cannot be typed everywhere, or a wrong length.
    """
    username = normal_username(text)
    if not _USERNAME.fullmatch(username):
        raise InvalidInputError(
            field="username",
            explanation=_(
                "Nama pemakai terdiri dari 3 sampai 40 huruf a-z, angka, titik, garis bawah, atau "
                "tanda hubung, diawali dan diakhiri huruf atau angka."
            ),
        )
    return username


def check_nip(text: str) -> str:
    """Return an employee number as digits only; empty stays empty.

    :raises InvalidInputError: it has not 18 digits.
    """
    nip = re.sub(r"[\s.-]", "", text)
    if nip and not re.fullmatch(r"[0-9]{18}", nip):
        raise InvalidInputError(
            field="nip",
            explanation=_("NIP terdiri dari 18 angka. Kosongkan bila Anda tidak memiliki NIP."),
        )
    return nip


def create_user(
    session: Session, new: NewUser, *, password_hash: str, actor_id: int | None = None
) -> User:
    """Create a pending account and return it, flushed so that it has an id.

    Access is granted apart, with :func:`grant_access`.

    ``password_hash`` comes from :func:`~core.accounts.passwords.hash_password`, called before the
    transaction began.

    :raises InvalidInputError: a field is wrong, or account name or e-mail address are taken.
    """
    user = User(
        username=check_username(new.username),
        email=normal_email(new.email),
        password_hash=password_hash,
        first_name=_name(new.first_name, required=True),
        last_name=_name(new.last_name),
        nip=check_nip(new.nip),
        status=UserStatus.PENDING,
    )
    _refuse_taken(session, user)
    try:
        with session.begin_nested():
            session.add(user)
            session.flush()
    except IntegrityError as error:
        # Somebody took the name between the question and the insert.
        raise ConflictError from error
    _note(session, actor_id, "user.create", user.id, username=user.username, email=user.email)
    return user


def get_user(session: Session, user_id: int) -> User:
    """Return a person's account.

    :raises NotFoundError: there is none.
    """
    user = session.get(User, user_id)
    if user is None:
        raise NotFoundError(_("Pemakai ini tidak ada."))
    return user


def find_user(session: Session, name: str) -> User | None:
    """Return the account with this account name or e-mail address."""
    text = normal_username(name)
    column = User.email if "@" in text else User.username
    return session.scalar(select(User).where(column == text))


def grant_access(  # noqa: PLR0913 - what an Admin decides, by name
    session: Session,
    user_id: int,
    *,
    roles: Collection[str],
    team_ids: Collection[int] = (),
    actor_id: int | None,
    expected: UserStatus | None = None,
) -> User:
    """Let a person in, with exactly these roles and teams, and return the account.

    Also changes roles and teams of somebody who is in, and lets in again who was disabled.
    ``expected`` is the status that the Admin saw.

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
        raise UnknownRoleError(unknown)
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
    _note(session, actor_id, "user.grant", user_id, **details)
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
        raise ConflictError(_("Anda tidak dapat menonaktifkan akun Anda sendiri."))
    before = UserStatus(user.status)
    _keep_an_admin(session, user_id)
    user.status = UserStatus.DISABLED
    user.decided_at, user.decided_by = utcnow(), actor_id
    end_sessions(session, user_id)
    session.flush()
    action = "user.refuse" if before is UserStatus.PENDING else "user.disable"
    _note(session, actor_id, action, user_id, before=str(before))
    _tell(session, user, before, actor_id)
    return user


def change_password(
    session: Session, user_id: int, *, password_hash: str, actor_id: int | None, action: str
) -> None:
    """Store a new password and sign the person out everywhere.

    ``action`` names the way for the audit trail: ``user.change_password`` or ``user.reset_password``.

    :raises NotFoundError: there is no such person.
    """
    user = get_user(session, user_id)
    user.password_hash = password_hash
    ended = end_sessions(session, user_id)
    session.flush()
    _note(session, actor_id, action, user_id, ended_sessions=ended)


def update_profile(
    session: Session, user_id: int, *, first_name: str, last_name: str, actor_id: int
) -> User:
    """Change what a person may change about himself.

    :raises InvalidInputError: the first name is empty, or a name is too long.
    """
    user = get_user(session, user_id)
    before = user.name
    user.first_name = _name(first_name, required=True)
    user.last_name = _name(last_name, field="last_name")
    session.flush()
    if user.name != before:
        _note(session, actor_id, "user.update_profile", user_id, before=before, after=user.name)
    return user


def set_phone(
    session: Session, user_id: int, number: str, *, verified_at: datetime | None = None
) -> None:
    """Put a number into force that was proven to be the person's. ``number`` is E.164.

    :raises NotFoundError: there is no such person.
    """
    user = get_user(session, user_id)
    before = user.phone
    user.phone, user.phone_verified_at = number, verified_at or utcnow()
    session.flush()
    _note(session, user_id, "user.set_phone", user_id, before=before, after=number)


def users_by_name(session: Session, names: Iterable[str]) -> dict[str, int]:
    """Return the id of each active person whose full or account name is one of ``names``.

    Compared without regard to case and spaces. A name that several people share is left out.
    """
    wanted = {_folded(name): name for name in names}
    rows = session.execute(
        select(User.id, User.username, User.first_name, User.last_name).where(
            User.status == UserStatus.ACTIVE
        )
    )
    found: dict[str, set[int]] = {}
    for row in rows:
        for spelling in {_folded(f"{row.first_name} {row.last_name}"), row.username}:
            if spelling in wanted:
                found.setdefault(wanted[spelling], set()).add(row.id)
    return {name: ids.pop() for name, ids in found.items() if len(ids) == 1}


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
    query = select(User).where(User.id == user_id).with_for_update()
    user = session.scalar(query.execution_options(populate_existing=True))
    if user is None:
        raise NotFoundError(_("Pemakai ini tidak ada."))
    if expected is not None and user.status != expected:
        raise ConflictError
    return user


def _keep_an_admin(session: Session, user_id: int) -> None:
    """Refuse to take the role from the last active Admin; others pass."""
    # Every Admin's row is locked, or two Admins could shut each other out in the same moment.
    query = (
        select(User.id)
        .join(UserRole, UserRole.user_id == User.id)
        .join(Role, Role.id == UserRole.role_id)
        .where(Role.name == ADMIN, User.status == UserStatus.ACTIVE)
        .order_by(User.id)
        .with_for_update(of=User)
    )
    if set(session.scalars(query)) == {user_id}:
        raise LastAdminError


def _check_teams(session: Session, team_ids: Collection[int]) -> None:
    found = set(session.scalars(select(Team.id).where(Team.id.in_(set(team_ids)))))
    if found != set(team_ids):
        raise NotFoundError(_("Tim yang dipilih sudah tidak ada."))


def _refuse_taken(session: Session, user: User) -> None:
    rows = session.execute(
        select(User.username, User.email).where(
            (User.username == user.username) | (User.email == user.email)
        )
    ).all()
    if any(row.email == user.email for row in rows):
        raise InvalidInputError(
            field="email", explanation=_("Alamat email ini sudah dipakai oleh akun lain.")
        )
    if rows:
        raise InvalidInputError(
            field="username", explanation=_("Nama pemakai ini sudah dipakai. Pilih nama lain.")
        )


def _name(text: str, *, required: bool = False, field: str = "first_name") -> str:
    name = " ".join(text.split())
    if required and not name:
        raise InvalidInputError(field=field, explanation=_("Nama depan harus diisi."))
    limit = 80
    if len(name) > limit:
        raise InvalidInputError(
            field=field,
            explanation=_("Nama terlalu panjang: paling banyak ${n} huruf.", mapping={"n": limit}),
        )
    return name


def _folded(name: str) -> str:
    return " ".join(name.split()).casefold()


def _note(
    session: Session, actor_id: int | None, action: str, user_id: int, **details: Any
) -> None:
    audit.record(
        session, actor_id=actor_id, action=action, subject=user_subject(user_id), details=details
    )


def _tell(session: Session, user: User, before: UserStatus, actor_id: int | None) -> None:
    change = AccessChange(
        user_id=user.id,
        name=user.name,
        email=user.email,
        before=before,
        after=UserStatus(user.status),
        actor_id=actor_id,
    )
    for listener in _listeners.values():
        listener(session, change)
