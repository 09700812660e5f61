"""Perbarui Kontak and Konfirmasi Nomor Telepon, followed as the manual says."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
import time_machine
from sqlalchemy import select
from webtest import TestApp

from core.accounts.models import User
from core.db import Database
from core.testing.people import People, Person
from core.testing.work import Worker
from tests.core.accounts.browser import form_to, page_form, text_of
from tests.core.verification.post import bodies, last_code, wrong

pytestmark = pytest.mark.plugins()

NUMBER = "+628123090095"
SENT = (
    "Kode verifikasi telah dikirim ke +62*****0095. Masukkan di sini untuk memastikan nomor "
    "telepon anda tervalidasi. Kode tidak terkirim, klik di sini untuk mengirim ulang!"
)


@pytest.fixture
def person(people: People) -> Person:
    return people.petugas("BARU", phone=None)


@pytest.fixture
def browser(app: TestApp, sign_in: Callable[[TestApp, int], None], person: Person) -> TestApp:
    sign_in(app, person.id)
    return app


def code_of(database: Database, number: str = NUMBER) -> str:
    with database.reading() as session:
        return last_code(session, number)


def phone_of(database: Database, person: Person) -> str | None:
    with database.reading() as session:
        return session.scalar(select(User.phone).where(User.id == person.id))


def ask(browser: TestApp, number: str = "08123090095") -> object:
    form = page_form(browser.get("/kontak/perbarui"))
    form["number"] = number
    return form.submit().follow()


def test_the_manual_is_followed_word_for_word(
    browser: TestApp, person: Person, database: Database
) -> None:
    page = browser.get("/").follow()
    assert page.html.h1.text == "Perbarui Kontak"
    assert page.html.select_one("label[for=country]").text.strip() == "Negara"
    chosen = page.html.select_one("#country option[selected]")
    assert chosen.text == "Indonesia (+62)"
    assert page.html.select_one("label[for=number]").text.rstrip("*").strip() == "Nomor telepon"
    form = page_form(page)
    assert page.html.select_one("main button[type=submit]").text.strip() == "Perbarui"
    form["number"] = "08123090095"

    page = form.submit().follow()
    assert page.html.h1.text == "Konfirmasi Nomor Telepon"
    assert page.html.select_one("label[for=code]").text == "Kode verifikasi"
    assert SENT in text_of(page)
    assert "+628123090095" not in page

    again = browser.get(page.request.path)
    assert SENT in text_of(again), "F5 shows the same page"
    form = form_to(again, "/kontak/konfirmasi")
    form["code"] = code_of(database)
    assert "Konfirmasi" in again.html.select_one("main form button.btn-primary").text

    done = form.submit().follow()
    assert done.request.path == "/"
    assert "Nomor telepon +62 812-3090-095 sudah terkonfirmasi." in done
    assert phone_of(database, person) == NUMBER
    assert browser.get("/").status_int == 200


@pytest.mark.parametrize(
    "path", ["/", "/profilku", "/pesan", "/profilku/kontak", "/profilku/sandi"]
)
def test_every_page_asks_for_the_number_first(browser: TestApp, path: str) -> None:
    assert browser.get(path).location == "http://localhost/kontak/perbarui"


def test_a_form_is_answered_with_the_question_too(browser: TestApp, person: Person) -> None:
    assert person
    token = browser.get("/kontak/perbarui").forms[0]["csrf_token"].value
    answer = browser.post("/profilku", {"csrf_token": token, "first_name": "LAIN"})
    assert answer.location == "http://localhost/kontak/perbarui"


def test_help_language_and_the_way_out_stay_open(browser: TestApp) -> None:
    assert browser.get("/bantuan").status_int == 200
    page = browser.get("/kontak/perbarui")
    form_to(page, "/bahasa").submit("locale", value="en").follow(status="*")
    assert form_to(browser.get("/kontak/perbarui"), "/keluar").submit().location.endswith("/masuk")


def test_a_part_of_a_page_takes_the_whole_page_along(browser: TestApp) -> None:
    answer = browser.get("/pesan/perubahan", headers={"HX-Request": "true"})
    assert answer.status_int == 200
    assert answer.headers["HX-Redirect"].endswith("/kontak/perbarui")
    assert answer.text == ""


def test_afterwards_one_is_where_one_wanted_to_be(browser: TestApp, database: Database) -> None:
    browser.get("/profilku/sandi")
    page = ask(browser)
    form = form_to(page, "/kontak/konfirmasi")
    form["code"] = code_of(database)
    assert form.submit().location == "http://localhost/profilku/sandi"


def test_who_has_a_number_is_not_asked(
    app: TestApp, people: People, sign_in: Callable[[TestApp, int], None]
) -> None:
    sign_in(app, people.petugas().id)
    assert app.get("/").status_int == 200


def test_an_admin_reaches_the_settings_without_a_number(
    app: TestApp, people: People, sign_in: Callable[[TestApp, int], None]
) -> None:
    """Before a channel is set up no code can be sent to anybody."""
    from core.verification.gate import OPEN_PERMISSIONS  # noqa: PLC0415

    sign_in(app, people.admin(phone=None).id)
    assert app.get("/pemakai").location.endswith("/kontak/perbarui")
    assert {"channels.manage", "settings.manage", "plugins.manage"} == OPEN_PERMISSIONS


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        ("", "Nomor telepon belum diisi"),
        ("08123090095, 08123090096", "lebih dari satu nomor telepon"),
        ("021 555 1234", "bukan nomor telepon genggam"),
        ("3636", "Nomor pendek layanan"),
        ("0812", "belum lengkap"),
    ],
)
def test_a_wrong_number_is_explained_and_stays_in_the_field(
    browser: TestApp, number: str, sentence: str
) -> None:
    form = page_form(browser.get("/kontak/perbarui"))
    form["number"] = number
    page = form.submit(status=422)
    assert sentence in page.html.select_one("#number-error").text
    assert page_form(page)["number"].value == number


def test_the_chosen_country_counts(browser: TestApp, database: Database) -> None:
    form = page_form(browser.get("/kontak/perbarui"))
    form["country"], form["number"] = "MY", "012-345 6789"
    assert "+60*****6789" in text_of(form.submit().follow())
    assert code_of(database, "+60123456789")


def confirm(browser: TestApp, code: str, **more: int) -> object:
    form = form_to(browser.get("/kontak/konfirmasi"), "/kontak/konfirmasi")
    form["code"] = code
    return form.submit(**more)


def error(page: object) -> str:
    return str(page.html.select_one("#kode-salah").text)  # type: ignore[attr-defined]


def test_each_refusal_has_its_own_words(browser: TestApp, database: Database) -> None:
    ask(browser)
    code = code_of(database)
    assert "belum diisi" in error(confirm(browser, "", status=422))
    assert "terdiri dari 4 angka" in error(confirm(browser, "62", status=422))
    page = confirm(browser, wrong(code), status=422)
    assert "Kode verifikasi salah" in error(page)
    assert "Sisa percobaan: 4." in error(page)
    assert SENT in text_of(page)
    again = confirm(browser, wrong(code), status=422)
    assert "Sisa percobaan: 4." in error(again), "F5 costs no try"
    for step in range(2, 5):
        confirm(browser, wrong(code, step), status=422)
    assert "Kode salah 5 kali" in error(confirm(browser, wrong(code, 5), status=422))
    assert "Kode salah 5 kali" in error(confirm(browser, code, status=422))
    assert "Kode terakhir sudah tidak berlaku" in text_of(browser.get("/kontak/konfirmasi"))


def test_an_expired_code_says_so(browser: TestApp, database: Database) -> None:
    now = datetime.now(UTC)
    with time_machine.travel(now, tick=False) as clock:
        ask(browser)
        clock.shift(601)
        assert "sudah kedaluwarsa" in error(confirm(browser, code_of(database), status=422))


def test_a_code_that_was_used_says_so(browser: TestApp, database: Database) -> None:
    ask(browser)
    code = code_of(database)
    form = form_to(browser.get("/kontak/konfirmasi"), "/kontak/konfirmasi")
    form["code"] = code
    form.submit()
    again = form.submit().follow()
    assert "Kode verifikasi ini sudah dipakai" in again
    assert "+62*****0095" in again


def test_resending_has_a_cool_down_that_the_page_shows(
    browser: TestApp, database: Database
) -> None:
    now = datetime.now(UTC)
    with time_machine.travel(now, tick=False) as clock:
        page = ask(browser)
        wait = page.html.select_one("[data-countdown]")  # type: ignore[attr-defined]
        assert wait["data-countdown"] == "60"
        assert "Kode baru dapat diminta dalam 60 detik." in wait.text
        early = form_to(page, "/kirim-ulang").submit().follow()
        assert "Tunggu 60 detik sebelum meminta kode lagi." in early
        clock.shift(60)
        page = browser.get("/kontak/konfirmasi")
        assert page.html.select_one("[data-countdown]") is None
        page = form_to(page, "/kirim-ulang").submit().follow()
        assert "Kode baru telah dikirim ke +62*****0095." in page
        with database.reading() as session:
            assert len(bodies(session, NUMBER)) == 2
        form = form_to(page, "/kontak/konfirmasi")
        form["code"] = code_of(database)
        assert form.submit().status_int == 303


def test_the_words_klik_di_sini_are_a_button_of_the_resend_form(browser: TestApp) -> None:
    page = ask(browser)
    [button] = [b for b in page.html.select("button") if b.text == "klik di sini"]  # type: ignore[attr-defined]
    form = page.html.select_one(f"form#{button['form']}")  # type: ignore[attr-defined]
    assert form["action"] == "/kontak/konfirmasi/kirim-ulang"
    assert form["method"] == "post"


def test_too_many_codes_a_day_are_explained(browser: TestApp) -> None:
    now = datetime.now(UTC)
    with time_machine.travel(now, tick=False) as clock:
        page = ask(browser)
        for _ in range(4):
            clock.shift(61)
            page = form_to(browser.get("/kontak/konfirmasi"), "/kirim-ulang").submit().follow()
        clock.shift(61)
        page = form_to(browser.get("/kontak/konfirmasi"), "/kirim-ulang").submit().follow()
        assert "terlalu sering dikirim ke nomor ini hari ini" in page


def test_a_mistyped_number_is_mended(browser: TestApp, database: Database, person: Person) -> None:
    page = ask(browser, "08123090777")
    page = page.click("Nomor salah")  # type: ignore[attr-defined]
    form = page_form(page)
    form["number"] = "08123090095"
    page = form.submit().follow()
    assert SENT in text_of(page)
    form = form_to(page, "/kontak/konfirmasi")
    form["code"] = code_of(database)
    form.submit()
    assert phone_of(database, person) == NUMBER


def test_asking_twice_sends_once(browser: TestApp, database: Database) -> None:
    form = page_form(browser.get("/kontak/perbarui"))
    form["number"] = "08123090095"
    for _ in range(2):
        assert form.submit().location.endswith("/kontak/konfirmasi")
    ask_again = page_form(browser.get("/kontak/perbarui?ganti=1"))
    ask_again["number"] = "+62 812-3090-095"
    assert "Tunggu" in ask_again.submit().follow()
    with database.reading() as session:
        assert len(bodies(session, NUMBER)) == 1


def test_the_page_shows_what_became_of_the_sms(browser: TestApp) -> None:
    assert "SMS: menunggu dikirim" in text_of(ask(browser))
    part = browser.get("/kontak/konfirmasi/status", headers={"HX-Request": "true"})
    assert part.status_int == 200
    assert "menunggu dikirim" in part
    assert "<html" not in part


@pytest.mark.plugins("sandbox")
def test_the_code_arrives_on_the_telephone_and_is_then_forgotten(
    browser: TestApp, person: Person, database: Database, worker: Worker
) -> None:
    from plugins.sandbox.services.demo import ensure_account  # noqa: PLC0415
    from plugins.sandbox.services.handset import bubbles  # noqa: PLC0415

    with database.writing() as session:
        ensure_account(session)
    ask(browser)
    code = code_of(database)
    arrived: list[str] = []
    deadline = time.monotonic() + 20
    while not arrived and time.monotonic() < deadline:
        # The sandbox's network takes a moment, as every network does.
        worker.run()
        with database.reading() as session:
            arrived = [bubble.body for bubble in bubbles(session, NUMBER)]
    assert [code in body for body in arrived] == [True]
    with database.reading() as session:
        assert not any(code in text for _purpose, text in bodies(session, NUMBER))
    part = browser.get("/kontak/konfirmasi/status", status="*")
    assert "SMS:" in part
    form = form_to(browser.get("/kontak/konfirmasi"), "/kontak/konfirmasi")
    form["code"] = code
    form.submit()
    assert phone_of(database, person) == NUMBER


@pytest.fixture
def settled(app: TestApp, sign_in: Callable[[TestApp, int], None], people: People) -> Person:
    person = people.petugas("LAMA", phone="+6281230900001")
    sign_in(app, person.id)
    return person


def test_the_number_is_changed_from_the_profile(
    app: TestApp, settled: Person, database: Database
) -> None:
    page = app.get("/profilku").click("Kontak")
    assert "Nomor telepon Anda sekarang: +62 812-3090-0001" in text_of(page)
    form = page_form(page)
    form["number"] = "08123090095"
    page = form.submit().follow()
    assert page.html.h1.text == "Konfirmasi Nomor Telepon"
    assert "Nomor +62 812-3090-0001 tetap berlaku" in text_of(page)
    assert phone_of(database, settled) == "+6281230900001"
    assert app.get("/").status_int == 200, "nobody is locked out while the code is on its way"
    assert "menunggu kode verifikasi" in text_of(app.get("/profilku/kontak"))
    form = form_to(page, "/kontak/konfirmasi")
    form["code"] = code_of(database)
    assert form.submit().location.endswith("/profilku/kontak")
    assert phone_of(database, settled) == NUMBER


def test_a_change_is_given_up(app: TestApp, settled: Person, database: Database) -> None:
    form = page_form(app.get("/profilku/kontak"))
    form["number"] = "08123090095"
    page = form.submit().follow()
    back = form_to(page, "/konfirmasi/batal").submit()
    assert back.location.endswith("/profilku/kontak")
    assert "menunggu kode" not in text_of(back.follow())
    assert phone_of(database, settled) == "+6281230900001"


def test_the_same_number_again_is_no_change(
    app: TestApp, settled: Person, database: Database
) -> None:
    form = page_form(app.get("/profilku/kontak"))
    form["number"] = "0812-3090-0001"
    assert "sudah menjadi nomor telepon Anda" in form.submit(status=422)
    with database.reading() as session:
        assert bodies(session, str(settled.phone)) == []


def test_without_a_code_on_its_way_there_is_nothing_to_confirm(
    app: TestApp, settled: Person
) -> None:
    assert settled
    assert app.get("/kontak/konfirmasi").location.endswith("/profilku/kontak")
