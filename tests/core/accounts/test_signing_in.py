"""Masuk and Keluar, and what attackers try there."""

from __future__ import annotations

from typing import Any

import pytest
from argon2 import PasswordHasher
from sqlalchemy import event, select
from webtest import TestApp

from core.accounts.models import SignInSession, User
from core.accounts.passwords import needs_rehash, verify_password
from core.accounts.security import SESSION_COOKIE
from core.accounts.services import disable_user, user_subject
from core.audit import entries
from core.db import Database
from core.framework.runtime import Runtime
from core.testing.people import People, Person
from tests.core.accounts.browser import PASSWORD, form_to, page_form, sign_in

pytestmark = [pytest.mark.plugins(), pytest.mark.usefixtures("quick_hashing")]


@pytest.fixture
def person(people: People, password_hash: str) -> Person:
    return people.petugas("DANU MAHARDIKA", username="danu", password_hash=password_hash)


def test_the_right_password_signs_in(app: TestApp, person: Person, database: Database) -> None:
    response = sign_in(app, "danu", PASSWORD)
    assert response.status_int == 303
    assert response.follow().status_int == 200
    with database.reading() as session:
        user = session.get(User, person.id)
        assert user is not None
        assert user.signed_in_at is not None
        assert entries(session, user_subject(person.id))[0].action == "user.sign_in"


@pytest.mark.parametrize("name", ["DANU", " danu ", "danu@example.test", "Danu@Example.Test"])
def test_account_name_or_address_in_any_case(app: TestApp, person: Person, name: str) -> None:
    assert person
    assert sign_in(app, name, PASSWORD).status_int == 303


def test_unknown_names_and_wrong_passwords_get_the_same_page(app: TestApp, person: Person) -> None:
    assert person
    known = sign_in(app, "danu", "merpati terbang", status=422)
    unknown = sign_in(app, "tidak-ada", "merpati terbang", status=422)
    assert plain(known, "danu") == plain(unknown, "tidak-ada")
    assert "Nama pemakai atau sandi salah" in known


def plain(response: Any, name: str) -> str:
    """Return a page without what differs by nature: the typed name and the form's token."""
    page = response.html
    for hidden in page.select("input[name=csrf_token]"):
        hidden.decompose()
    page.body.attrs.pop("hx-headers")
    return str(page).replace(name, "")


def test_a_limit_says_the_same_for_names_that_do_not_exist(app: TestApp, person: Person) -> None:
    assert person
    pages = []
    for name in ("danu", "tidak-ada"):
        for _ in range(10):
            sign_in(app, name, "merpati terbang", status=422)
        blocked = sign_in(app, name, PASSWORD, status=429)
        assert "Terlalu banyak percobaan" in blocked
        assert int(blocked.headers["Retry-After"]) > 0
        pages.append(plain(blocked, name))
    assert pages[0] == pages[1]


def test_a_limited_account_does_not_close_the_others(
    app: TestApp, person: Person, people: People, password_hash: str
) -> None:
    people.petugas("SITI", username="siti", password_hash=password_hash)
    for _ in range(10):
        sign_in(app, person.username, "merpati terbang", status=422)
    assert sign_in(app, "siti", PASSWORD).status_int == 303


def test_one_address_cannot_try_everybody(app: TestApp, person: Person) -> None:
    assert person
    for number in range(60):
        sign_in(app, f"orang{number}", "merpati terbang", status=422)
    sign_in(app, "danu", PASSWORD, status=429)
    other = TestApp(app.app, extra_environ={"REMOTE_ADDR": "192.0.2.7"})
    assert sign_in(other, "danu", PASSWORD).status_int == 303


def test_a_forged_header_is_no_other_address(app: TestApp, person: Person) -> None:
    assert person
    for number in range(60):
        forged = {"X-Forwarded-For": f"192.0.2.{number}"}
        sign_in(app, f"orang{number}", "merpati terbang", status=422, headers=forged)
    sign_in(app, "danu", PASSWORD, status=429, headers={"X-Forwarded-For": "192.0.2.200"})


def test_success_clears_the_count(app: TestApp, person: Person) -> None:
    assert person
    for _ in range(2):
        for _ in range(9):
            sign_in(app, "danu", "merpati terbang", status=422)
        sign_in(app, "danu", PASSWORD)
        app.reset()


def test_who_waits_is_told_only_with_the_right_password(
    app: TestApp, people: People, password_hash: str
) -> None:
    people.make(None, "BARU", username="baru", status="pending", password_hash=password_hash)
    assert "menunggu persetujuan Admin" in sign_in(app, "baru", PASSWORD, status=422)
    assert "menunggu persetujuan Admin" not in sign_in(app, "baru", "merpati terbang", status=422)


def test_who_is_shut_out_is_told_only_with_the_right_password(
    app: TestApp, people: People, person: Person, database: Database
) -> None:
    admin = people.admin()
    with database.writing() as session:
        disable_user(session, person.id, actor_id=admin.id)
    assert "tidak aktif" in sign_in(app, "danu", PASSWORD, status=422)
    assert "tidak aktif" not in sign_in(app, "danu", "merpati terbang", status=422)


def test_a_planted_token_is_never_signed_in(
    app: TestApp, person: Person, database: Database
) -> None:
    planted = "planted-by-somebody-else-0123456789abcdefgh"
    app.set_cookie(SESSION_COOKIE, planted)
    sign_in(app, "danu", PASSWORD)
    assert app.cookies[SESSION_COOKIE] != planted
    attacker = TestApp(app.app)
    attacker.set_cookie(SESSION_COOKIE, planted)
    assert attacker.get("/profilku").location.startswith("http://localhost/masuk")
    with database.reading() as session:
        assert len(session.scalars(select(SignInSession)).all()) == 1
    assert person


def test_each_sign_in_has_its_own_token_and_ends_the_one_before(
    app: TestApp, person: Person, database: Database
) -> None:
    assert person
    form = page_form(app.get("/masuk"))
    sign_in(app, "danu", PASSWORD)
    first = app.cookies[SESSION_COOKIE]
    form["name"], form["password"] = "danu", PASSWORD
    form["csrf_token"] = app.get("/").forms[0]["csrf_token"].value
    form.submit()
    assert app.cookies[SESSION_COOKIE] != first
    with database.reading() as session:
        assert len(session.scalars(select(SignInSession)).all()) == 1


def test_a_form_from_before_signing_in_is_stale_afterwards(app: TestApp, person: Person) -> None:
    assert person
    before = page_form(app.get("/masuk"))["csrf_token"].value
    sign_in(app, "danu", PASSWORD)
    app.post("/profilku", {"first_name": "X", "csrf_token": before}, status=400)


def test_the_cookie_is_closed_to_scripts_and_other_sites(app: TestApp, person: Person) -> None:
    assert person
    cookies = sign_in(app, "danu", PASSWORD).headers.getall("Set-Cookie")
    [mine] = [cookie for cookie in cookies if cookie.startswith(f"{SESSION_COOKIE}=")]
    assert "HttpOnly" in mine
    assert "SameSite=Lax" in mine
    assert "secure" not in mine.lower()


@pytest.mark.settings(abah__cookie_secure="true")
def test_the_cookie_travels_encrypted_only(app: TestApp, person: Person) -> None:
    assert person
    secure = TestApp(app.app, extra_environ={"wsgi.url_scheme": "https", "HTTP_HOST": "localhost"})
    cookies = sign_in(secure, "danu", PASSWORD).headers.getall("Set-Cookie")
    assert all("secure" in cookie.lower() for cookie in cookies)


def test_signing_out_ends_the_session_on_the_server(app: TestApp, person: Person) -> None:
    assert person
    sign_in(app, "danu", PASSWORD)
    stolen = app.cookies[SESSION_COOKIE]
    out = form_to(app.get("/profilku"), "/keluar").submit()
    assert out.location == "http://localhost/masuk"
    assert "Anda sudah keluar" in out.follow()
    thief = TestApp(app.app)
    thief.set_cookie(SESSION_COOKIE, stolen)
    assert thief.get("/profilku").status_int == 303


def test_signing_out_needs_the_form_token(app: TestApp, person: Person) -> None:
    assert person
    sign_in(app, "danu", PASSWORD)
    app.post("/keluar", status=400)
    app.get("/keluar", status=405)
    assert app.get("/profilku").status_int == 200


def test_one_comes_back_to_the_page_that_was_wanted(app: TestApp, person: Person) -> None:
    assert person
    there = app.get("/profilku?x=1").location
    assert there == "http://localhost/masuk?next=%2Fprofilku%3Fx%3D1"
    response = sign_in(app, "danu", PASSWORD, params={"next": "/profilku?x=1"})
    assert response.location == "http://localhost/profilku?x=1"


@pytest.mark.parametrize(
    "there", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_one_never_leaves_for_another_site(app: TestApp, person: Person, there: str) -> None:
    assert person
    response = sign_in(app, "danu", PASSWORD, params={"next": there})
    assert response.location == "http://localhost/"


def test_a_weak_hash_is_renewed_on_the_way(
    app: TestApp, people: People, database: Database
) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)
    person = people.petugas("LAMA", username="lama", password_hash=weak)
    sign_in(app, "lama", PASSWORD)
    with database.reading() as session:
        stored = session.scalar(select(User.password_hash).where(User.id == person.id))
    assert stored is not None
    assert not needs_rehash(stored)
    assert verify_password(stored, PASSWORD)


def test_nothing_is_locked_while_a_password_is_checked(
    app: TestApp, person: Person, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hashing takes long: whoever wants to write meanwhile must be let in."""
    from core.accounts.services import signing_in  # noqa: PLC0415

    checked = []

    def while_checking(stored: str | None, password: str) -> bool:
        assert database.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
        checked.append(person.id)
        return verify_password(stored, password)

    monkeypatch.setattr(signing_in, "verify_password", while_checking)
    sign_in(app, "danu", PASSWORD)
    assert checked == [person.id]


def test_a_page_reads_who_asks_once(app: TestApp, person: Person, database: Database) -> None:
    assert person
    sign_in(app, "danu", PASSWORD)
    statements: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    app.get("/profilku")
    assert sum("abah_session" in statement for statement in statements) == 1


def test_a_signed_in_person_needs_not_sign_in(app: TestApp, person: Person) -> None:
    assert person
    sign_in(app, "danu", PASSWORD)
    assert app.get("/masuk").location == "http://localhost/"


def test_an_endless_token_is_nobody(app: TestApp, runtime: Runtime) -> None:
    assert runtime
    app.set_cookie(SESSION_COOKIE, "x" * 5000)
    assert app.get("/profilku").status_int == 303
