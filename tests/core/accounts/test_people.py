"""Accounts and what people change about themselves."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from core.accounts.models import User, UserStatus
from core.accounts.services import (
    NewUser,
    change_password,
    create_user,
    find_user,
    set_phone,
    update_profile,
    user_subject,
    users_by_name,
)
from core.accounts.sessions import SessionRules, find_session, open_session
from core.audit import entries
from core.errors import InvalidInputError, NotFoundError
from core.framework.runtime import Runtime
from core.testing.people import People

pytestmark = pytest.mark.plugins()


def create(session: Session, **more: str) -> User:
    facts = {"username": "lestari", "email": "lestari@contoh.go.id", "first_name": "LESTARI"}
    return create_user(session, NewUser(**{**facts, **more}), password_hash="!")


def test_a_new_account_waits(session: Session) -> None:
    user = create(session, username=" Lestari.W ", email="Lestari@Contoh.go.id ")
    assert user.status == UserStatus.PENDING
    assert (user.username, user.email) == ("lestari.w", "lestari@contoh.go.id")
    assert entries(session, user_subject(user.id))[0].action == "user.create"


@pytest.mark.parametrize(
    "username", ["", "ab", "a" * 41, "dua kata", "ü.umlaut", ".titik", "titik.", "a@b.c", "tanda<>"]
)
def test_odd_account_names_are_refused(session: Session, username: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        create(session, username=username)
    assert caught.value.field == "username"


@pytest.mark.parametrize(
    ("nip", "stored"), [("", ""), ("19800101 200501 1 001", "198001012005011001")]
)
def test_employee_numbers_are_kept_as_digits(session: Session, nip: str, stored: str) -> None:
    assert create(session, nip=nip).nip == stored


@pytest.mark.parametrize("nip", ["1234", "1980010120050110011", "ABCDEFGHIJKLMNOPQR"])
def test_other_employee_numbers_are_refused(session: Session, nip: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        create(session, nip=nip)
    assert caught.value.field == "nip"


def test_names_and_addresses_are_taken_in_any_case(session: Session) -> None:
    create(session)
    with pytest.raises(InvalidInputError) as caught:
        create(session, username="LESTARI", email="lain@contoh.go.id")
    assert caught.value.field == "username"
    with pytest.raises(InvalidInputError) as caught:
        create(session, username="lain", email="LESTARI@contoh.go.id")
    assert caught.value.field == "email"


def test_people_are_found_by_account_name_or_address(session: Session) -> None:
    user = create(session)
    assert find_user(session, "LESTARI") is user
    assert find_user(session, "lestari@contoh.go.id") is user
    assert find_user(session, "nobody") is None


def test_people_are_found_by_their_full_name(session: Session, people: People) -> None:
    danu = people.petugas("DANU MAHARDIKA")
    twin_one, twin_two = people.petugas("SITI AMINAH"), people.petugas("SITI AMINAH")
    people.petugas("PERGI JAUH", status="disabled")
    names = ["Danu  Mahardika", "SITI AMINAH", "PERGI JAUH", "TIDAK ADA", danu.username]
    assert users_by_name(session, names) == {"Danu  Mahardika": danu.id, danu.username: danu.id}
    assert twin_one.id != twin_two.id


def test_names_are_changed_and_the_change_is_noted(session: Session) -> None:
    user = create(session)
    update_profile(session, user.id, first_name=" LESTARI ", last_name="WIDODO", actor_id=user.id)
    assert user.name == "LESTARI WIDODO"
    newest = entries(session, user_subject(user.id))[0]
    assert newest.details == {"before": "LESTARI", "after": "LESTARI WIDODO"}


def test_a_name_must_be_there_and_fit(session: Session) -> None:
    user = create(session)
    for facts in ({"first_name": " ", "last_name": ""}, {"first_name": "A", "last_name": "x" * 81}):
        with pytest.raises(InvalidInputError):
            update_profile(session, user.id, **facts, actor_id=user.id)


def test_a_new_password_ends_every_session(session: Session, runtime: Runtime) -> None:
    user = create(session)
    user.status = UserStatus.ACTIVE
    rules = runtime.component(SessionRules)
    tokens = [open_session(session, user.id, rules=rules) for _ in range(2)]
    change_password(
        session, user.id, password_hash="new", actor_id=user.id, action="user.change_password"
    )
    assert [find_session(session, token, rules=rules) for token in tokens] == [None, None]
    assert entries(session, user_subject(user.id))[0].details == {"ended_sessions": 2}


def test_no_hash_stands_in_the_audit_trail(session: Session) -> None:
    user = create_user(
        session, NewUser("siti", "siti@contoh.go.id", "SITI"), password_hash="$argon2id$secret"
    )
    change_password(session, user.id, password_hash="$argon2id$new", actor_id=None, action="user.x")
    noted = [str(entry.details) for entry in entries(session, user_subject(user.id))]
    assert not any("argon2id" in details for details in noted)


def test_a_proven_number_comes_into_force(session: Session) -> None:
    user = create(session)
    set_phone(session, user.id, "+6281230900101")
    assert user.phone == "+6281230900101"
    assert user.phone_verified_at is not None


def test_nobody_is_not_found(session: Session) -> None:
    with pytest.raises(NotFoundError):
        set_phone(session, 999_999, "+6281230900101")
