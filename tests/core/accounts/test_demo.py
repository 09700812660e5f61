"""People of the demo."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from webtest import TestApp

from core.accounts.demo import DEMO_PASSWORD, PEOPLE, load_demo
from core.accounts.models import User, UserStatus
from core.accounts.passwords import check_password
from core.accounts.services import change_password, find_user
from core.accounts.sessions import facts_of
from core.contacts import parse_number
from core.messaging.models import Message
from tests.core.accounts.browser import sign_in, text_of

pytestmark = [pytest.mark.plugins(), pytest.mark.usefixtures("quick_hashing")]


def quiet(_line: str) -> None:
    """Take a line for nobody."""


def test_every_role_is_there_with_a_password_that_works(session: Session, app: TestApp) -> None:
    accounts = load_demo(session, quiet)
    session.commit()
    assert {account.role.default or str(account.role) for account in accounts} == {
        "Admin",
        "Petugas",
        "Pimpinan",
    }
    for account in accounts:
        assert sign_in(app, account.username, account.password).status_int == 303
        app.reset()


def test_one_officer_still_has_to_confirm_a_number(session: Session, app: TestApp) -> None:
    load_demo(session, quiet)
    session.commit()
    asked = [person.username for person in PEOPLE if person.role and person.phone is None]
    assert asked == ["bagus"]
    sign_in(app, "bagus", DEMO_PASSWORD)
    assert "Perbarui Kontak" in text_of(app.get("/").follow())


def test_one_person_waits_and_nobody_gets_mail(session: Session) -> None:
    load_demo(session, quiet)
    waiting = session.scalars(select(User.username).where(User.status == UserStatus.PENDING)).all()
    assert waiting == ["rina"]
    assert session.scalar(select(func.count()).select_from(Message)) == 0


def test_it_is_safe_to_run_twice(session: Session) -> None:
    first = load_demo(session, quiet)
    assert load_demo(session, quiet) == first
    assert session.scalar(select(func.count()).select_from(User)) == len(PEOPLE)


def test_a_password_that_was_changed_is_not_told(session: Session) -> None:
    load_demo(session, quiet)
    admin = find_user(session, "admin")
    assert admin is not None
    change_password(session, admin.id, password_hash="!", actor_id=None, action="user.x")
    assert "admin" not in {account.username for account in load_demo(session, quiet)}


@pytest.mark.settings(abah__production="true")
def test_in_production_nobody_knows_the_passwords(session: Session) -> None:
    passwords = {account.password for account in load_demo(session, quiet)}
    assert DEMO_PASSWORD not in passwords
    assert len(passwords) == sum(1 for person in PEOPLE if person.role)


def test_people_are_as_they_would_have_to_be_in_earnest(session: Session) -> None:
    load_demo(session, quiet)
    for person in PEOPLE:
        assert person.phone is None or parse_number(person.phone) == person.phone
        user = find_user(session, person.username)
        assert user is not None
        if person.role:
            facts = facts_of(session, user.id)
            assert facts is not None
            assert facts.roles == {person.role}
    check_password(DEMO_PASSWORD, own_words=[person.username for person in PEOPLE])
