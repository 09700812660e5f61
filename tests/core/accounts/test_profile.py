"""Profilku: Profil, Kontak, Sandi."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select
from webtest import TestApp

from core.accounts.models import SignInSession, User
from core.accounts.security import SESSION_COOKIE
from core.db import Database
from core.messaging.models import Message
from core.testing.people import People, Person
from tests.core.accounts.browser import PASSWORD, form_to, page_form, sign_in, text_of

pytestmark = [pytest.mark.plugins(), pytest.mark.usefixtures("quick_hashing")]

NEW = "merpati terbang tinggi"


@pytest.fixture
def person(people: People, password_hash: str) -> Person:
    return people.petugas("DANU MAHARDIKA", username="danu", password_hash=password_hash)


@pytest.fixture
def signed_in(app: TestApp, person: Person) -> TestApp:
    sign_in(app, person.username)
    return app


def test_the_tabs_stand_in_the_manual_s_order(signed_in: TestApp) -> None:
    page = signed_in.get("/profilku")
    tabs = [tab.get_text() for tab in page.html.select(".nav-tabs a")]
    assert tabs == ["Profil", "Kontak", "Sandi"]
    assert page.html.select_one(".nav-tabs a[aria-current=page]").get_text() == "Profil"


def test_account_name_and_address_are_shown(signed_in: TestApp, person: Person) -> None:
    text = text_of(signed_in.get("/profilku"))
    assert "Informasi Akun Nama pemakai danu Alamat email danu@example.test" in text
    assert person.name == "DANU MAHARDIKA"


def test_names_are_changed_and_shown_in_the_bar(signed_in: TestApp) -> None:
    form = page_form(signed_in.get("/profilku"))
    assert (form["first_name"].value, form["last_name"].value) == ("DANU", "MAHARDIKA")
    form["first_name"], form["last_name"] = "DANU", "MAHARDIKA, S.E."
    page = form.submit().follow()
    assert "Profil Anda sudah diperbarui." in page
    assert "Selamat datang DANU MAHARDIKA, S.E." in page


def test_an_empty_first_name_is_refused_at_its_field(signed_in: TestApp) -> None:
    form = page_form(signed_in.get("/profilku"))
    form["first_name"] = "  "
    page = form.submit(status=422)
    assert page.html.select_one("#first_name-error") is not None
    assert "Selamat datang DANU MAHARDIKA" in page


def change(app: TestApp, current: str, new: str, again: str | None = None, **more: int) -> object:
    form = page_form(app.get("/profilku/sandi"))
    form["current"], form["password"], form["again"] = current, new, again or new
    return form.submit(**more)


def test_a_new_password_counts_at_once_and_signs_other_browsers_out(
    signed_in: TestApp, person: Person, database: Database
) -> None:
    other = TestApp(signed_in.app)
    sign_in(other, person.username)
    before = signed_in.cookies[SESSION_COOKIE]
    change(signed_in, PASSWORD, NEW)
    assert signed_in.cookies[SESSION_COOKIE] != before
    assert signed_in.get("/profilku").status_int == 200
    assert other.get("/profilku").status_int == 303
    assert sign_in(other, person.username, PASSWORD, status="*").status_int == 422
    assert sign_in(other, person.username, NEW).status_int == 303
    with database.reading() as session:
        assert len(session.scalars(select(SignInSession)).all()) == 2


def test_the_person_is_warned_by_mail(
    signed_in: TestApp, person: Person, database: Database
) -> None:
    change(signed_in, PASSWORD, NEW)
    with database.reading() as session:
        mail = session.scalars(select(Message).where(Message.kind == "email")).one()
        assert (mail.address, mail.purpose) == (person.email, "accounts.password_changed")
        assert NEW not in mail.body


@pytest.mark.parametrize(
    ("current", "new", "again", "field"),
    [
        ("salah sekali ya", NEW, NEW, "current"),
        (PASSWORD, "pendek", "pendek", "password"),
        (PASSWORD, "danumahardika99", "danumahardika99", "password"),
        (PASSWORD, NEW, "merpati terbang rendah", "again"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    signed_in: TestApp, current: str, new: str, again: str, field: str
) -> None:
    page = change(signed_in, current, new, again, status=422)
    assert page.html.select_one(f"#{field}-error") is not None  # type: ignore[attr-defined]
    assert f'value="{new}"' not in page  # type: ignore[operator]


def test_the_own_password_cannot_be_guessed_without_end(
    signed_in: TestApp, person: Person, database: Database
) -> None:
    for _ in range(10):
        change(signed_in, "salah sekali ya", NEW, status=422)
    change(signed_in, PASSWORD, NEW, status=429)
    with database.reading() as session:
        assert session.get(User, person.id) is not None
    assert sign_in(TestApp(signed_in.app), person.username).status_int == 303


def test_the_language_that_was_chosen_stays_with_the_account(
    signed_in: TestApp, person: Person, database: Database
) -> None:
    form_to(signed_in.get("/profilku"), "/bahasa").submit("locale", value="en")
    with database.reading() as session:
        assert session.scalar(select(User.locale).where(User.id == person.id)) == "en"
    assert 'lang="en"' in signed_in.get("/profilku")


def test_nobody_reads_a_profile_without_signing_in(app: TestApp) -> None:
    for path in ("/profilku", "/profilku/sandi", "/profilku/kontak"):
        assert app.get(path).location.startswith("http://localhost/masuk?next=")


def test_everybody_who_was_let_in_has_a_profile(
    app: TestApp, people: People, sign_in: Callable[[TestApp, int], None]
) -> None:
    for person in (people.admin(), people.petugas(), people.pimpinan()):
        sign_in(app, person.id)
        assert app.get("/profilku").status_int == 200
