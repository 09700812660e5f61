"""Tables of people: users, their roles and teams, and where they are signed in."""

from __future__ import annotations

import enum
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, BigId, utcnow

__all__ = [
    "Role",
    "RolePermission",
    "SignInSession",
    "Team",
    "TeamMember",
    "User",
    "UserRole",
    "UserStatus",
]


class UserStatus(enum.StrEnum):
    """How far a person has come."""

    PENDING = "pending"
    """Registered and reachable by e-mail; waits for an Admin."""
    ACTIVE = "active"
    DISABLED = "disabled"
    """Refused, or shut out later. The row stays: history points at it."""


class User(Base):
    """A person with an account. Never deleted."""

    __tablename__ = "abah_user"
    __table_args__ = (
        CheckConstraint("status IN ('pending', 'active', 'disabled')", name="status"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    username: Mapped[str] = mapped_column(String(40), unique=True)
    """Account name, in lower case."""
    email: Mapped[str] = mapped_column(String(254), unique=True)
    """In lower case: nobody has two accounts that differ in case alone."""
    password_hash: Mapped[str] = mapped_column(String(255))
    """Argon2id in PHC string format."""
    first_name: Mapped[str] = mapped_column(String(80))
    last_name: Mapped[str] = mapped_column(String(80), default="")
    nip: Mapped[str] = mapped_column(String(18), default="")
    """Employee number of a civil servant, 18 digits, or empty."""
    status: Mapped[str] = mapped_column(String(10), default=UserStatus.PENDING)
    phone: Mapped[str | None] = mapped_column(String(16))
    """Verified number as E.164. A new number stands here only once it is confirmed."""
    phone_verified_at: Mapped[datetime | None]
    locale: Mapped[str] = mapped_column(String(8), default="id")
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    decided_at: Mapped[datetime | None]
    """When an Admin granted or refused access."""
    decided_by: Mapped[int | None] = mapped_column(
        BigId, ForeignKey("abah_user.id", ondelete="SET NULL")
    )
    signed_in_at: Mapped[datetime | None]
    """Last time the person signed in."""

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.first_name} {self.last_name}".strip()


class Role(Base):
    """A set of permissions. The core brings admin, petugas and pimpinan."""

    __tablename__ = "abah_role"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(String(40), unique=True)
    title: Mapped[str] = mapped_column(String(80))
    """Word on the screen, in Indonesian; translated like every other text."""


class RolePermission(Base):
    """A permission that a role grants."""

    __tablename__ = "abah_role_permission"

    role_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("abah_role.id", ondelete="CASCADE"), primary_key=True
    )
    permission: Mapped[str] = mapped_column(String(100), primary_key=True)
    owner: Mapped[str] = mapped_column(String(60), index=True)
    """``core``, or the plugin that brought it and takes it along when it is purged."""


class UserRole(Base):
    """A role that a person has."""

    __tablename__ = "abah_user_role"

    user_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("abah_user.id", ondelete="CASCADE"), primary_key=True
    )
    role_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("abah_role.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class Team(Base):
    """Officers who see each other's grants."""

    __tablename__ = "abah_team"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)


class TeamMember(Base):
    """A person in a team."""

    __tablename__ = "abah_team_member"

    team_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("abah_team.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("abah_user.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class SignInSession(Base):
    """A browser in which a person is signed in. Ending it deletes the row."""

    __tablename__ = "abah_session"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("abah_user.id", ondelete="CASCADE"), index=True
    )
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    """SHA-256 of the token in the cookie: a stolen table opens no session."""
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    seen_at: Mapped[datetime] = mapped_column(default=utcnow)
    """Last use, to within a few minutes."""
    expires_at: Mapped[datetime] = mapped_column(index=True)
    """Absolute end, however busy the person is."""
    remote_addr: Mapped[str] = mapped_column(String(45), default="")
    user_agent: Mapped[str] = mapped_column(String(200), default="")
