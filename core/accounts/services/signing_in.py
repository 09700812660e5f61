"""Checking name and password, slowly and without telling who exists."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from core.accounts.limits import Limit, RateLimits, address_key
from core.accounts.models import User, UserStatus
from core.accounts.passwords import hash_password, needs_rehash, verify_password
from core.accounts.services.people import normal_username

if TYPE_CHECKING:
    from core.framework.runtime import Runtime

__all__ = ["BY_ACCOUNT", "BY_ADDRESS", "Answer", "SignIn", "authenticate", "check_own_password"]

BY_ACCOUNT: Final = Limit("sign-in-account", 10, 15 * 60)
"""Wrong passwords for one name, whether it exists or not."""
BY_ADDRESS: Final = Limit("sign-in-address", 60, 15 * 60)
"""Tries from one address; a whole office can share one."""
BY_OWNER: Final = Limit("own-password", 10, 15 * 60)


class SignIn(enum.StrEnum):
    """How trying to sign in ended."""

    OK = "ok"
    REFUSED = "refused"
    """No such account, or another password: which of them is nobody's business."""
    WAITING = "waiting"
    """The password is right, an Admin has not let the person in yet."""
    DISABLED = "disabled"
    """The password is right, the account was shut."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is known after name and password were checked."""

    outcome: SignIn
    user_id: int | None = None
    new_hash: str | None = None
    """To be stored, where the present hash was made with weaker parameters."""


def authenticate(runtime: Runtime, name: str, password: str, *, remote_addr: str | None) -> Answer:
    """Check name (or e-mail address) and password; nothing is written.

    Takes a tenth of a second and must be called before the caller's own transaction begins.

    :raises TooManyTriesError: too many tries for this name or from this address.
    """
    limits = runtime.component(RateLimits)
    text = normal_username(name)
    limits.spend((BY_ADDRESS, address_key(remote_addr)), (BY_ACCOUNT, text))
    column = User.email if "@" in text else User.username
    with runtime.database.reading() as session:
        row = session.execute(
            select(User.id, User.status, User.password_hash).where(column == text)
        ).one_or_none()
    if not verify_password(row.password_hash if row else None, password) or row is None:
        return Answer(SignIn.REFUSED)
    limits.forgive(BY_ACCOUNT, text)
    if row.status == UserStatus.PENDING:
        return Answer(SignIn.WAITING)
    if row.status != UserStatus.ACTIVE:
        return Answer(SignIn.DISABLED)
    renewed = hash_password(password) if needs_rehash(row.password_hash) else None
    return Answer(SignIn.OK, row.id, renewed)


def check_own_password(runtime: Runtime, user_id: int, password: str) -> bool:
    """Tell whether a signed-in person knows the own password. Called as :func:`authenticate`.

    :raises TooManyTriesError: too many wrong ones.
    """
    limits = runtime.component(RateLimits)
    limits.spend((BY_OWNER, str(user_id)))
    with runtime.database.reading() as session:
        stored = session.scalar(select(User.password_hash).where(User.id == user_id))
    if not verify_password(stored, password):
        return False
    limits.forgive(BY_OWNER, str(user_id))
    return True
