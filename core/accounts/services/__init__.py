"""Rules of people: accounts, who is let in with which roles and teams, profiles, passwords."""

from __future__ import annotations

from core.accounts.services.access import (
    AccessChange,
    LastAdminError,
    count_waiting,
    create_team,
    disable_user,
    grant_access,
    on_access_change,
    teams,
)
from core.accounts.services.people import (
    NewUser,
    PasswordChange,
    change_password,
    check_nip,
    check_username,
    create_user,
    find_user,
    get_user,
    normal_email,
    normal_username,
    note_sign_in,
    on_password_change,
    set_phone,
    update_profile,
    user_subject,
    users_by_name,
)
from core.accounts.services.signing_in import Answer, SignIn, authenticate, check_own_password

__all__ = [
    "AccessChange",
    "Answer",
    "LastAdminError",
    "NewUser",
    "PasswordChange",
    "SignIn",
    "authenticate",
    "change_password",
    "check_nip",
    "check_own_password",
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
    "note_sign_in",
    "on_access_change",
    "on_password_change",
    "set_phone",
    "teams",
    "update_profile",
    "user_subject",
    "users_by_name",
]
