"""People of the demo: an Admin, officers, their head, one who waits. All of them invented."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.accounts.models import User
from core.accounts.passwords import hash_password, verify_password
from core.accounts.permissions import ADMIN, PETUGAS, PIMPINAN, ROLE_TITLES
from core.accounts.services import NewUser, create_team, create_user, grant_access, set_phone
from core.framework.runtime import runtime_of
from core.framework.steps import DemoAccount, on_demo

__all__ = ["DEMO_PASSWORD", "PEOPLE", "DemoPerson", "load_demo"]

DEMO_PASSWORD: Final = "wedang-jahe-hangat"  # noqa: S105 - printed by `abah setup --demo`
"""Password of every demo account; with ``abah.production`` each gets one of its own."""

_TEAM_ONE: Final = "Tim Hibah 1"
_TEAM_TWO: Final = "Tim Hibah 2"


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """Somebody of the demo."""

    username: str
    first_name: str
    last_name: str
    nip: str
    role: str | None
    """None for somebody who still waits for an Admin."""
    phone: str | None
    team: str | None = None


PEOPLE: Final = (
    DemoPerson("admin", "ADMIN", "ABAH", "198001012005011001", ADMIN, "+6281230900001"),
    DemoPerson(
        "anindhita", "ANINDHITA", "", "198203152006042015", PETUGAS, "+6281230900002", _TEAM_ONE
    ),
    DemoPerson(
        "danu", "DANU", "MAHARDIKA", "197911202003121004", PETUGAS, "+6281230900003", _TEAM_ONE
    ),
    DemoPerson(
        "lestari", "LESTARI", "WIDODO", "199006082015032007", PETUGAS, "+6281230900004", _TEAM_TWO
    ),
    DemoPerson("bagus", "BAGUS", "PRAKOSO", "199512242020121009", PETUGAS, None, _TEAM_TWO),
    DemoPerson("pimpinan", "HARTONO", "SUBEKTI", "196807171992031002", PIMPINAN, "+6281230900005"),
    DemoPerson("rina", "RINA", "WULANDARI", "199802112022042003", None, None),
)
"""The one without a number is asked for it after signing in; the one without a role waits."""


@on_demo
def load_demo(session: Session, progress: Callable[[str], None]) -> Sequence[DemoAccount]:
    """Create who is not there yet, and return the accounts that one can sign in with.

    An account whose password was changed since is left out of the answer.
    """
    rows = session.execute(
        select(User.username, User.password_hash).where(
            User.username.in_([person.username for person in PEOPLE])
        )
    )
    known = {row.username: row.password_hash for row in rows}
    production = runtime_of(session).settings.flag("abah.production")
    found = []
    for person in PEOPLE:
        password = secrets.token_urlsafe(12) if production else DEMO_PASSWORD
        if person.username not in known:
            _create(session, person, password)
        elif not verify_password(known[person.username], password):
            continue
        if person.role is not None:
            found.append(DemoAccount(person.username, password, ROLE_TITLES[person.role]))
    created = len(PEOPLE) - len(known)
    if created:
        progress(f"{created} pemakai rekaan")
    return found


def _create(session: Session, person: DemoPerson, password: str) -> None:
    new = NewUser(
        username=person.username,
        email=f"{person.username}@demo.example",
        first_name=person.first_name,
        last_name=person.last_name,
        nip=person.nip,
    )
    user = create_user(session, new, password_hash=hash_password(password))
    if person.phone is not None:
        set_phone(session, user.id, person.phone)
    if person.role is None:
        return
    team_ids = []
    if person.team is not None:
        team_ids.append(create_team(session, person.team, actor_id=None))
    # Let in without the mail that a real person gets.
    grant_access(
        session, user.id, roles=[person.role], team_ids=team_ids, actor_id=None, tell=False
    )
