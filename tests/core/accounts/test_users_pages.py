"""Pemakai: the Admin's list of people, and letting in and out from it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import event, select
from webtest import TestApp

from core.accounts.models import User
from core.accounts.services import roles_and_teams, teams, user_subject
from core.audit import entries
from core.db import Database
from core.messaging.models import Message
from core.testing.people import People, Person
from tests.core.accounts.browser import page_form, text_of

pytestmark = pytest.mark.plugins()


@pytest.fixture
def admin(app: TestApp, people: People, sign_in: Callable[[TestApp, int], None]) -> Person:
    person = people.admin("ADMIN UJI", username="admin")
    sign_in(app, person.id)
    return person


@pytest.fixture
def applicant(people: People) -> Person:
    return people.make(
        None, "RINA WULANDARI", username="rina", status="pending", phone=None, nip="1" * 18
    )


def status(database: Database, person: Person) -> str | None:
    with database.reading() as session:
        return session.scalar(select(User.status).where(User.id == person.id))


def test_only_an_admin_sees_people(
    app: TestApp, people: People, sign_in: Callable[[TestApp, int], None], applicant: Person
) -> None:
    paths = [f"/pemakai{rest}" for rest in ("", f"/{applicant.id}", f"/{applicant.id}/akses")]
    for person in (people.petugas(), people.pimpinan()):
        sign_in(app, person.id)
        assert "Pemakai" not in app.get("/profilku").html.select_one(".dropdown-menu-end").text
        for path in paths:
            app.get(path, status=403)
        token = app.get("/profilku").forms[0]["csrf_token"].value
        app.post(f"/pemakai/{applicant.id}/akses", {"csrf_token": token}, status=403)


def test_who_waits_is_on_the_dashboard_and_on_top_of_the_list(
    app: TestApp, admin: Person, applicant: Person
) -> None:
    assert admin.id != applicant.id
    assert "1 pendaftaran menunggu persetujuan" in text_of(app.get("/"))
    page = app.get("/pemakai")
    assert "1 pendaftaran menunggu persetujuan Anda." in text_of(page)
    page = app.get("/pemakai?status=pending")
    assert "RINA WULANDARI" in page
    assert "ADMIN UJI" not in page.html.select_one("tbody").text


def test_the_list_is_found_sorted_and_exported(
    app: TestApp, admin: Person, applicant: Person
) -> None:
    assert admin.id != applicant.id
    assert "RINA WULANDARI" in app.get("/pemakai?cari=111111").html.select_one("tbody").text
    rows = app.get("/pemakai?peran=admin").html.select("tbody tr")
    assert [row.select_one(".list-main a").text for row in rows] == ["ADMIN UJI"]
    for column in ("name", "username", "status", "created_at"):
        assert app.get(f"/pemakai?sort={column}").status_int == 200
    export = app.get("/pemakai?format=csv").text
    assert "RINA WULANDARI,rina,111111111111111111,rina@example.test" in export
    assert "Menunggu persetujuan" in export


def test_the_list_asks_as_much_for_many_as_for_few(
    app: TestApp, admin: Person, people: People, database: Database
) -> None:
    assert admin
    statements: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    app.get("/pemakai")
    few = len(statements)
    for number in range(20):
        people.petugas(f"PETUGAS {number}", team="Tim 1")
    statements.clear()
    app.get("/pemakai")
    assert len(statements) == few


def test_letting_in_asks_first_and_tells_the_person(
    app: TestApp, admin: Person, applicant: Person, database: Database
) -> None:
    assert admin
    page = app.get(f"/pemakai/{applicant.id}/akses")
    assert "Beri akses kepada RINA WULANDARI (rina@example.test)?" in text_of(page)
    form = page_form(page)
    form.set("roles", True, index=1)
    form["new_team"] = "Tim Hibah 1"
    done = form.submit().follow()
    assert "RINA WULANDARI sekarang memiliki akses." in done
    with database.reading() as session:
        roles, team_ids = roles_and_teams(session, applicant.id)
        assert roles == {"petugas"}
        assert teams(session) == [(next(iter(team_ids)), "Tim Hibah 1")]
        mail = session.scalars(select(Message).where(Message.kind == "email")).one()
        assert (mail.address, mail.purpose) == (applicant.email, "accounts.granted")
        assert "http://localhost/masuk" in mail.body
        [entry] = [
            e for e in entries(session, user_subject(applicant.id)) if e.action == "user.grant"
        ]
        assert (entry.actor_id, entry.remote_addr) == (admin.id, "127.0.0.1")
    assert status(database, applicant) == "active"


def test_without_a_role_nobody_is_let_in(
    app: TestApp, admin: Person, applicant: Person, database: Database
) -> None:
    assert admin
    page = page_form(app.get(f"/pemakai/{applicant.id}/akses")).submit(status=422)
    assert "Pilih paling sedikit satu peran." in page
    assert status(database, applicant) == "pending"


def test_changing_access_begins_with_what_is(
    app: TestApp, admin: Person, people: People, database: Database
) -> None:
    assert admin
    person = people.petugas("SITI AMINAH", team="Tim 1")
    form = page_form(app.get(f"/pemakai/{person.id}/akses"))
    assert [box.checked for box in form.fields["roles"]] == [False, True, False]
    assert [box.checked for box in form.fields["teams"]] == [True]
    form.set("roles", False, index=1)
    form.set("roles", True, index=2)
    form.submit()
    with database.reading() as session:
        roles, team_ids = roles_and_teams(session, person.id)
    assert roles == {"pimpinan"}
    assert len(team_ids) == 1


def test_refusing_asks_first_with_the_focus_on_no(
    app: TestApp, admin: Person, applicant: Person, database: Database
) -> None:
    assert admin
    page = app.get(f"/pemakai/{applicant.id}/nonaktifkan")
    assert "Tolak pendaftaran RINA WULANDARI (rina@example.test)?" in text_of(page)
    assert page.html.select_one("[autofocus]").text.strip() == "Tidak"
    assert status(database, applicant) == "pending"
    assert "Pendaftaran RINA WULANDARI ditolak." in page_form(page).submit().follow()
    assert status(database, applicant) == "disabled"


def test_shutting_out_signs_out_at_once(
    app: TestApp,
    admin: Person,
    people: People,
    sign_in: Callable[[TestApp, int], None],
) -> None:
    assert admin
    person = people.petugas("SITI AMINAH")
    theirs = TestApp(app.app)
    sign_in(theirs, person.id)
    assert theirs.get("/profilku").status_int == 200
    page = app.get(f"/pemakai/{person.id}/nonaktifkan")
    assert "Nonaktifkan akun SITI AMINAH" in text_of(page)
    page_form(page).submit()
    assert theirs.get("/profilku").status_int == 303


def test_a_page_that_is_too_old_is_told_so(
    app: TestApp, admin: Person, applicant: Person, database: Database
) -> None:
    assert admin
    refuse = page_form(app.get(f"/pemakai/{applicant.id}/nonaktifkan"))
    form = page_form(app.get(f"/pemakai/{applicant.id}/akses"))
    form.set("roles", True, index=1)
    form.submit()
    assert "sudah diubah oleh orang lain" in refuse.submit(status=409)
    assert status(database, applicant) == "active"


def test_a_form_without_what_was_seen_is_too_old(
    app: TestApp, admin: Person, applicant: Person, database: Database
) -> None:
    assert admin
    token = app.get("/pemakai").forms[0]["csrf_token"].value
    app.post(f"/pemakai/{applicant.id}/nonaktifkan", {"csrf_token": token}, status=409)
    assert status(database, applicant) == "pending"


def test_an_admin_finds_no_way_to_shut_himself_out(app: TestApp, admin: Person) -> None:
    page = app.get(f"/pemakai/{admin.id}")
    assert f"/pemakai/{admin.id}/nonaktifkan" not in page
    form = page_form(app.get(f"/pemakai/{admin.id}/nonaktifkan"))
    assert "tidak dapat menonaktifkan akun Anda sendiri" in form.submit(status=409)


def test_one_person_is_shown_with_history(app: TestApp, admin: Person, applicant: Person) -> None:
    assert admin
    form = page_form(app.get(f"/pemakai/{applicant.id}/akses"))
    form.set("roles", True, index=1)
    form.submit()
    text = text_of(app.get(f"/pemakai/{applicant.id}"))
    assert "Status Aktif" in text
    assert "Nomor telepon belum dikonfirmasi" in text
    assert "Akses diberikan atau diubah" in text
    app.get("/pemakai/999999", status=404)


def test_every_page_is_a_dialog_too(app: TestApp, admin: Person, applicant: Person) -> None:
    assert admin
    dialog = {"HX-Request": "true", "X-Abah-Dialog": "1"}
    for rest in ("", "/akses", "/nonaktifkan"):
        page = app.get(f"/pemakai/{applicant.id}{rest}", headers=dialog)
        assert "<html" not in page
        assert "modal-title" in page
