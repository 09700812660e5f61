"""Lupa sandi: the same answer for everybody, a link that works once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import event, select
from webtest import TestApp

from core.accounts.models import SignInSession
from core.accounts.services import disable_user
from core.db import Database
from core.messaging.models import Message
from core.testing.people import People, Person
from core.verification.models import Proof
from tests.core.accounts.browser import PASSWORD, page_form, sign_in, text_of
from tests.core.verification.post import bodies, last_link

pytestmark = [pytest.mark.plugins(), pytest.mark.usefixtures("quick_hashing")]

NEW = "merpati terbang tinggi"


@pytest.fixture
def person(people: People, password_hash: str) -> Person:
    return people.petugas("DANU MAHARDIKA", username="danu", password_hash=password_hash)


def forget(app: TestApp, email: str, status: int | None = None) -> Any:
    form = page_form(app.get("/lupa-sandi"))
    form["email"] = email
    return form.submit(status=status)


def link(database: Database, address: str) -> str:
    with database.reading() as session:
        return last_link(session, address)


def choose(app: TestApp, path: str, password: str = NEW, status: int | None = None) -> Any:
    form = page_form(app.get(path))
    form["password"] = form["again"] = password
    return form.submit(status=status)


def test_a_forgotten_password_is_replaced(app: TestApp, person: Person, database: Database) -> None:
    page = app.get("/masuk").click("Lupa sandi")
    assert page.html.h1.text == "Lupa sandi"
    assert "Periksa email Anda" in text_of(forget(app, person.email).follow())
    done = choose(app, link(database, person.email)).follow()
    assert "Sandi baru sudah disimpan" in done
    assert sign_in(app, "danu", PASSWORD, status=422)
    assert sign_in(app, "danu", NEW).status_int == 303


def test_the_answer_is_the_same_for_everybody(
    app: TestApp, person: Person, people: People, database: Database
) -> None:
    admin = people.admin()
    gone = people.petugas("PERGI")
    with database.writing() as session:
        disable_user(session, gone.id, actor_id=admin.id)
    waiting = people.make(None, "BARU", status="pending")
    emails = [person.email, "tidak@ada.example", gone.email, waiting.email]
    answers = [forget(app, email) for email in emails]
    assert len({(answer.status, answer.location, answer.text) for answer in answers}) == 1
    with database.reading() as session:
        letters = [bodies(session, email)[-1][0] for email in emails]
    assert letters == [
        "accounts.reset",
        "accounts.reset_unknown",
        "accounts.reset_unknown",
        "accounts.reset",
    ]


def test_known_and_unknown_addresses_cost_the_same(
    app: TestApp, person: Person, database: Database
) -> None:
    forget(app, "pertama@contoh.go.id")
    seen: list[list[str]] = []
    for email in ("tidak@ada.example", person.email):
        form = page_form(app.get("/lupa-sandi"))
        form["email"] = email
        statements: list[str] = []

        def note(*args: Any, kept: list[str] = statements) -> None:
            kept.append(args[2].split("WHERE")[0].strip())

        event.listen(database.engine, "before_cursor_execute", note)
        form.submit()
        event.remove(database.engine, "before_cursor_execute", note)
        seen.append(statements)
    assert seen[0] == seen[1]


def test_a_link_works_once(app: TestApp, person: Person, database: Database) -> None:
    forget(app, person.email)
    path = link(database, person.email)
    form = page_form(app.get(path))
    choose(app, path)
    form["password"] = form["again"] = "merpati terbang rendah"
    assert "Tautan tidak berlaku" in form.submit(status=410)
    app.get(path, status=410)
    assert sign_in(app, "danu", NEW).status_int == 303


def test_a_used_link_takes_the_others_along(
    app: TestApp, person: Person, database: Database
) -> None:
    forget(app, person.email)
    first = link(database, person.email)
    forget(app, person.email)
    choose(app, link(database, person.email))
    app.get(first, status=410)


def test_a_link_dies_after_an_hour(app: TestApp, person: Person, database: Database) -> None:
    now = datetime.now(UTC)
    with time_machine.travel(now, tick=False) as clock:
        forget(app, person.email)
        clock.shift(timedelta(minutes=59))
        app.get(link(database, person.email))
        clock.shift(timedelta(minutes=1))
        app.get(link(database, person.email), status=410)


def test_a_link_of_somebody_shut_out_is_dead(
    app: TestApp, person: Person, people: People, database: Database
) -> None:
    admin = people.admin()
    forget(app, person.email)
    with database.writing() as session:
        disable_user(session, person.id, actor_id=admin.id)
    app.get(link(database, person.email), status=410)


def test_a_registration_s_link_changes_no_password(
    app: TestApp, person: Person, database: Database
) -> None:
    forget(app, person.email)
    token = link(database, person.email).rsplit("/", 1)[-1]
    app.get(f"/daftar/konfirmasi/{token}", status=410)


def test_every_browser_is_signed_out(app: TestApp, person: Person, database: Database) -> None:
    other = TestApp(app.app)
    sign_in(other, "danu")
    forget(app, person.email)
    choose(app, link(database, person.email))
    assert other.get("/profilku").status_int == 303
    with database.reading() as session:
        assert session.scalars(select(SignInSession)).all() == []
        assert bodies(session, person.email)[-1][0] == "accounts.password_changed"


@pytest.mark.parametrize("password", ["pendek", "danumahardika1", "password12345"])
def test_a_bad_password_keeps_the_link(
    app: TestApp, person: Person, database: Database, password: str
) -> None:
    forget(app, person.email)
    path = link(database, person.email)
    assert choose(app, path, password, status=422).html.select_one("#password-error") is not None
    assert choose(app, path).status_int == 303


def test_no_token_can_be_read(app: TestApp, person: Person, database: Database) -> None:
    forget(app, person.email)
    token = link(database, person.email).rsplit("/", 1)[-1]
    with database.reading() as session:
        proof = session.scalars(select(Proof)).one()
        message = session.scalars(select(Message)).one()
    assert token not in proof.secret_hash
    assert message.is_secret
    assert token not in message.body


def test_nobody_is_flooded_with_letters(app: TestApp, person: Person, database: Database) -> None:
    for _ in range(8):
        assert forget(app, person.email).status_int == 303
    with database.reading() as session:
        assert len(bodies(session, person.email)) == 5


def test_one_address_cannot_ask_without_end(app: TestApp, person: Person) -> None:
    assert person
    for number in range(20):
        forget(app, f"orang{number}@contoh.go.id")
    forget(app, person.email, status=429)


def test_what_is_no_address_is_told(app: TestApp) -> None:
    assert forget(app, "danu", status=422).html.select_one("#email-error") is not None
