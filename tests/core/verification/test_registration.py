"""Daftar: register, prove the address, wait for an Admin. Nobody learns who has an account."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import event, func, select
from webtest import TestApp

from core.accounts.models import User, UserStatus
from core.accounts.passwords import verify_password
from core.accounts.services import find_user
from core.db import Database
from core.messaging.models import Message
from core.testing.people import People
from core.verification.models import Proof, Registration
from tests.core.accounts.browser import PASSWORD, page_form, sign_in, text_of
from tests.core.verification.post import bodies, last_link

pytestmark = [pytest.mark.plugins(), pytest.mark.usefixtures("quick_hashing")]

EMAIL = "lestari@contoh.go.id"
FACTS = {
    "username": "lestari",
    "email": EMAIL,
    "first_name": "LESTARI",
    "last_name": "WIDODO",
    "nip": "19900608 201503 2 007",
    "password": PASSWORD,
    "again": PASSWORD,
}


def register(app: TestApp, status: int | None = None, **more: str) -> Any:
    form = page_form(app.get("/daftar"))
    for name, value in (FACTS | more).items():
        form[name] = value
    return form.submit(status=status)


def link(database: Database, address: str = EMAIL) -> str:
    with database.reading() as session:
        return last_link(session, address)


def counts(database: Database) -> dict[str, int]:
    with database.reading() as session:
        tables: tuple[Any, ...] = (User, Registration, Proof, Message)
        return {
            table.__name__: session.scalar(select(func.count()).select_from(table)) or 0
            for table in tables
        }


def test_from_daftar_to_the_approval_queue_and_in(
    app: TestApp,
    people: People,
    sign_in: Callable[[TestApp, int], None],
    database: Database,
) -> None:
    admin = people.admin(username="admin")
    page = app.get("/masuk").click("Daftar")
    assert page.html.h1.text == "Daftar"
    sent = register(app).follow()
    assert "Periksa email Anda" in text_of(sent)
    assert counts(database)["User"] == 1, "nobody has an account before the address is proven"

    page = app.get(link(database))
    assert "LESTARI WIDODO" in text_of(page)
    done = page_form(page).submit().follow()
    assert "menunggu persetujuan Admin" in text_of(done)
    with database.reading() as session:
        user = find_user(session, EMAIL)
        assert user is not None
        assert (user.status, user.nip) == (UserStatus.PENDING, "199006082015032007")
        assert verify_password(user.password_hash, PASSWORD)
        assert bodies(session, admin.email)[-1][0] == "accounts.waiting"

    waiting = page_form(app.get("/masuk"))
    waiting["name"], waiting["password"] = "lestari", PASSWORD
    assert "menunggu persetujuan Admin" in waiting.submit(status=422)

    theirs = TestApp(app.app)
    sign_in(theirs, admin.id)
    form = page_form(theirs.get("/pemakai?status=pending").click("Beri akses"))
    form.set("roles", True, index=1)
    form.submit()

    letter = bodies_of(database, EMAIL)[-1]
    assert letter[0] == "accounts.granted"
    form = page_form(app.get("/masuk"))
    form["name"], form["password"] = "lestari", PASSWORD
    assert form.submit().follow(status=303).location.endswith("/kontak/perbarui")


def bodies_of(database: Database, address: str) -> list[tuple[str, str]]:
    with database.reading() as session:
        return bodies(session, address)


def test_a_known_address_gets_the_same_answer_and_another_letter(
    app: TestApp, people: People, database: Database
) -> None:
    person = people.petugas("SUDAH ADA", username="sudah")
    before = counts(database)
    new, known = register(app), register(app, email=person.email.upper())
    assert (new.status, new.location, new.text) == (known.status, known.location, known.text)
    assert bodies_of(database, EMAIL)[0][0] == "accounts.registration"
    [(purpose, letter)] = bodies_of(database, person.email)
    assert purpose == "accounts.registration_known"
    assert "sudah memiliki akun" in letter
    assert "/daftar/konfirmasi/" not in letter
    assert counts(database)["User"] == before["User"]


def test_known_and_unknown_addresses_cost_the_same(
    app: TestApp, people: People, database: Database
) -> None:
    """The same statements run in both cases, so the clock tells nothing either."""
    person = people.petugas("SUDAH ADA", username="sudah")
    register(app, email="pertama@contoh.go.id")
    seen: list[list[str]] = []
    for email in ("baru@contoh.go.id", person.email):
        form = page_form(app.get("/daftar"))
        for name, value in (FACTS | {"email": email}).items():
            form[name] = value
        statements: list[str] = []

        def note(*args: Any, kept: list[str] = statements) -> None:
            kept.append(args[2].split("WHERE")[0].strip())

        event.listen(database.engine, "before_cursor_execute", note)
        form.submit()
        event.remove(database.engine, "before_cursor_execute", note)
        seen.append(statements)
    assert seen[0] == seen[1]


def test_a_taken_account_name_is_told_only_to_who_proved_an_address(
    app: TestApp, people: People, database: Database
) -> None:
    people.petugas("SUDAH ADA", username="lestari")
    assert register(app).status_int == 303
    page = page_form(app.get(link(database))).submit(status=422)
    assert "Nama pemakai ini sudah dipakai orang lain" in page
    form = page_form(page)
    form["username"] = "lestari.widodo"
    form.submit()
    with database.reading() as session:
        user = find_user(session, EMAIL)
        assert user is not None
        assert user.username == "lestari.widodo"


def test_another_name_that_is_wrong_in_itself_keeps_the_link(
    app: TestApp, people: People, database: Database
) -> None:
    people.petugas("SUDAH ADA", username="lestari")
    register(app)
    form = page_form(page_form(app.get(link(database))).submit(status=422))
    form["username"] = "?"
    page = form.submit(status=422)
    assert "3 sampai 40 huruf" in page
    form = page_form(page)
    form["username"] = "lestari2"
    assert form.submit().status_int == 303


def test_a_link_works_once_and_only_when_it_is_used(app: TestApp, database: Database) -> None:
    register(app)
    path = link(database)
    for _ in range(3):
        page = app.get(path)
    form = page_form(page)
    form.submit()
    assert "Tautan tidak berlaku" in app.get(path, status=410)
    form["once"] = "another-key"
    form.submit(status=410)
    assert counts(database)["User"] == 1


def test_a_link_dies_after_two_days(app: TestApp, database: Database) -> None:
    now = datetime.now(UTC)
    with time_machine.travel(now, tick=False) as clock:
        register(app)
        clock.shift(timedelta(hours=47, minutes=59))
        app.get(link(database))
        clock.shift(timedelta(minutes=1))
        app.get(link(database), status=410)


@pytest.mark.parametrize("token", ["x", "x" * 43, "%00", "../../etc", "x" * 3000])
def test_a_made_up_link_is_dead(app: TestApp, token: str) -> None:
    app.get(f"/daftar/konfirmasi/{token}", status=[400, 404, 410])


def test_who_registers_twice_has_one_account(app: TestApp, database: Database) -> None:
    register(app)
    first = link(database)
    register(app, username="lestari2")
    second = link(database)
    assert page_form(app.get(first)).submit().status_int == 303
    assert page_form(app.get(second)).submit().status_int == 303
    assert counts(database)["User"] == 1


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("username", "ab", "3 sampai 40 huruf"),
        ("username", "", "harus diisi"),
        ("email", "no address", "alamat email yang lengkap"),
        ("first_name", " ", "harus diisi"),
        ("nip", "123", "18 angka"),
        ("password", "pendek", "terlalu pendek"),
        ("password", "lestariwidodo", "nama pemakai"),
        ("again", "merpati terbang", "tidak sama"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_the_rest_stays(
    app: TestApp, database: Database, field: str, value: str, sentence: str
) -> None:
    more = {field: value} | ({"again": value} if field == "password" else {})
    page = register(app, status=422, **more)
    assert sentence in page.html.select_one(f"#{field}-error").text
    kept = "email" if field == "username" else "username"
    assert page_form(page)[kept].value == FACTS[kept]
    assert page_form(page)["password"].value == ""
    assert counts(database)["Registration"] == 0


def test_several_mistakes_are_told_at_once(app: TestApp) -> None:
    page = register(app, status=422, username="ab", nip="1", password="pendek", again="pendek")
    for field in ("username", "nip", "password"):
        assert page.html.select_one(f"#{field}-error") is not None


def test_no_password_and_no_token_can_be_read(app: TestApp, database: Database) -> None:
    register(app)
    token = link(database).rsplit("/", 1)[-1]
    with database.reading() as session:
        registration = session.scalars(select(Registration)).one()
        proof = session.scalars(select(Proof)).one()
        message = session.scalars(select(Message)).one()
    assert registration.password_hash.startswith("$argon2id$")
    assert token not in proof.secret_hash
    assert message.is_secret
    assert token not in message.body


def test_nobody_is_flooded_with_letters(app: TestApp, database: Database) -> None:
    answers = {register(app).location for _ in range(8)}
    assert len(answers) == 1
    assert len(bodies_of(database, EMAIL)) == 5


def test_one_address_cannot_register_without_end(app: TestApp) -> None:
    for number in range(20):
        register(app, email=f"orang{number}@contoh.go.id")
    page = register(app, status=429)
    assert "Terlalu banyak percobaan" in page
    assert int(page.headers["Retry-After"]) > 0


def test_the_link_leads_to_the_configured_address_whatever_the_request_says(
    app: TestApp, database: Database
) -> None:
    form = page_form(app.get("/daftar"))
    for name, value in FACTS.items():
        form[name] = value
    form.submit(headers={"X-Forwarded-Host": "evil.example"})
    assert "evil.example" not in bodies_of(database, EMAIL)[0][1]
    assert "http://localhost/daftar/konfirmasi/" in bodies_of(database, EMAIL)[0][1]


def test_who_is_signed_in_can_still_open_a_link(
    app: TestApp, people: People, database: Database, password_hash: str
) -> None:
    people.petugas("DANU", username="danu", phone=None, password_hash=password_hash)
    register(app)
    sign_in(app, "danu")
    assert app.get(link(database)).status_int == 200
