"""People: accounts, roles, teams, and what a person may do."""

from __future__ import annotations

from core.accounts.models import Team, TeamMember, User, UserStatus
from core.accounts.permissions import ADMIN, PETUGAS, PIMPINAN, SIGNED_IN
from core.accounts.services import (
    NewUser,
    create_team,
    create_user,
    find_user,
    get_user,
    grant_access,
    teams,
    user_subject,
    users_by_name,
)
from core.accounts.sessions import facts_of
from core.hookspecs.facts import UserFacts

__all__ = [
    "ADMIN",
    "PETUGAS",
    "PIMPINAN",
    "SIGNED_IN",
    "NewUser",
    "Team",
    "TeamMember",
    "User",
    "UserFacts",
    "UserStatus",
    "create_team",
    "create_user",
    "facts_of",
    "find_user",
    "get_user",
    "grant_access",
    "teams",
    "user_subject",
    "users_by_name",
]
