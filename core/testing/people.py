"""Users for tests, made through the services and signed in through a real session."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from core.accounts.models import Role, Team, TeamMember, User, UserRole, UserStatus
from core.accounts.sessions import SessionRules, facts_of, open_session
from core.db import utcnow
from core.errors import NotFoundError

if TYPE_CHECKING:
    from webtest import TestApp

    from core.framework.runtime import Runtime
    from core.hookspecs.facts import UserFacts

__all__ = ["People", "Person", "sign_in_as"]


@dataclass(frozen=True, slots=True)
class Person:
    """A user of a test."""

    id: int
    username: str
    name: str
    email: str
    phone: str | None


class People:
    """Makes users with a role; numbers are invented."""

    def __init__(self, runtime: Runtime) -> None:
        """Work on the runtime's database."""
        self._runtime = runtime
        self._numbers = itertools.count(1)

    def admin(self, name: str = "ADMIN UJI", **more: str | None) -> Person:
        """Make an Admin."""
        return self.make("admin", name, **more)

    def petugas(self, name: str = "PETUGAS UJI", **more: str | None) -> Person:
        """Make an officer."""
        return self.make("petugas", name, **more)

    def pimpinan(self, name: str = "PIMPINAN UJI", **more: str | None) -> Person:
        """Make somebody who reads everything."""
        return self.make("pimpinan", name, **more)

    def make(
        self, role: str | None, name: str, *, team: str | None = None, **more: str | None
    ) -> Person:
        """Make an active user with a verified number, unless ``phone=None`` is given.

        ``more`` overrides columns: ``username``, ``email``, ``nip``, ``phone``, ``status``,
        ``password_hash``.
        """
        number = next(self._numbers)
        first, _space, last = name.partition(" ")
        username = more.get("username") or f"{first.lower()}{number}"
        phone = more.get("phone", f"+6281230900{number:03d}")
        user = User(
            username=username,
            email=more.get("email") or f"{username}@example.test",
            password_hash=more.get("password_hash") or "!",
            first_name=first,
            last_name=last,
            nip=more.get("nip") or f"{number:018d}",
            status=more.get("status") or UserStatus.ACTIVE,
            phone=phone,
            phone_verified_at=utcnow() if phone else None,
        )
        with self._runtime.database.writing() as session:
            session.add(user)
            session.flush()
            if role is not None:
                role_id = session.scalar(select(Role.id).where(Role.name == role))
                session.add(UserRole(user_id=user.id, role_id=role_id))
            if team is not None:
                team_id = session.scalar(select(Team.id).where(Team.name == team))
                if team_id is None:
                    row = Team(name=team)
                    session.add(row)
                    session.flush()
                    team_id = row.id
                session.add(TeamMember(user_id=user.id, team_id=team_id))
            return Person(user.id, username, user.name, user.email, phone)

    def facts(self, person: Person) -> UserFacts:
        """Return what ``request.identity`` would be for this person.

        :raises NotFoundError: the person may not sign in.
        """
        with self._runtime.database.reading() as session:
            facts = facts_of(session, person.id)
        if facts is None:
            raise NotFoundError
        return facts


def sign_in_as(runtime: Runtime, app: TestApp, user_id: int) -> None:
    """Open a session for a user and give its cookie to the browser."""
    from core.accounts.security import SESSION_COOKIE  # noqa: PLC0415

    with runtime.database.writing() as session:
        token = open_session(session, user_id, rules=runtime.component(SessionRules))
    app.set_cookie(SESSION_COOKIE, token)
