"""Accounts and what a person may change about himself."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core import audit
from core.accounts.models import User, UserStatus
from core.accounts.sessions import end_sessions
from core.db import utcnow
from core.errors import ConflictError, InvalidInputError, NotFoundError
from core.i18n import _

__all__ = [
    "NewUser",
    "PasswordChange",
    "change_password",
    "check_nip",
    "check_username",
    "create_user",
    "find_user",
    "get_user",
    "normal_email",
    "normal_username",
    "note",
    "note_sign_in",
    "on_password_change",
    "set_locale",
    "set_phone",
    "update_profile",
    "user_subject",
    "users_by_name",
]

MAX_NAME: Final = 80


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
class PasswordChange:
    """A password that was replaced."""

    user_id: int
    username: str
    name: str
    email: str


PasswordListener = Callable[[Session, PasswordChange], None]


_password_listeners: dict[str, PasswordListener] = {}


def on_password_change(listener: PasswordListener) -> PasswordListener:
    """Hear, inside the transaction, that a password was replaced; see ``on_access_change``."""
    _password_listeners[f"{listener.__module__}.{listener.__qualname__}"] = listener
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
    note(session, actor_id, "user.create", user.id, username=user.username, email=user.email)
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


def change_password(
    session: Session, user_id: int, *, password_hash: str, actor_id: int | None, action: str
) -> None:
    """Store a new password and sign the person out everywhere.

    ``action`` names the way for the audit trail: ``user.change_password`` (by oneself) or
    ``user.reset_password``.

    :raises NotFoundError: there is no such person.
    """
    user = get_user(session, user_id)
    user.password_hash = password_hash
    ended = end_sessions(session, user_id)
    session.flush()
    note(session, actor_id, action, user_id, ended_sessions=ended)
    change = PasswordChange(user_id, user.username, user.name, user.email)
    for listener in _password_listeners.values():
        listener(session, change)


def note_sign_in(session: Session, user_id: int, *, new_hash: str | None = None) -> None:
    """Note that a person signed in; ``new_hash`` replaces a password hash of weaker parameters.

    :raises NotFoundError: there is no such person.
    """
    user = get_user(session, user_id)
    user.signed_in_at = utcnow()
    if new_hash is not None:
        user.password_hash = new_hash
    session.flush()
    note(session, user_id, "user.sign_in", user_id)


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
        note(session, actor_id, "user.update_profile", user_id, before=before, after=user.name)
    return user


def set_locale(session: Session, user_id: int, locale: str) -> None:
    """Store the language that a person reads, as ``id`` or ``en``.

    :raises NotFoundError: there is no such person.
    """
    get_user(session, user_id).locale = locale
    session.flush()


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
    note(session, user_id, "user.set_phone", user_id, before=before, after=number)


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


def note(session: Session, actor_id: int | None, action: str, user_id: int, **details: Any) -> None:
    """Add to the audit trail what was done to a person."""
    audit.record(
        session, actor_id=actor_id, action=action, subject=user_subject(user_id), details=details
    )


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
    if len(name) > MAX_NAME:
        raise InvalidInputError(
            field=field,
            explanation=_(
                "Nama terlalu panjang: paling banyak ${n} huruf.", mapping={"n": MAX_NAME}
            ),
        )
    return name


def _folded(name: str) -> str:
    return " ".join(name.split()).casefold()
