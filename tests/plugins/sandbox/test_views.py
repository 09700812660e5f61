from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from core.api.db import utcnow
from core.testing.channels import outgoing
from plugins.sandbox.behaviours import Behaviour
from plugins.sandbox.models import Delivery, Reply, Rule
from plugins.sandbox.services import network

if TYPE_CHECKING:
    from collections.abc import Callable

    from webtest import TestApp

    from core.api.runtime import Runtime
    from core.testing.people import People

PHONE = "/p/sandbox/"
NUMBER = "+6281230900951"

pytestmark = pytest.mark.plugins("sandbox")


def arrive(runtime: Runtime, body: str, address: str = NUMBER, title: str = "") -> None:
    kind = "email" if "@" in address else "sms"
    with runtime.database.writing() as session:
        message = outgoing(f"r-{utcnow().timestamp()}", address, body, kind=kind, title=title)
        network.take(session, 1, [message], seconds=0)


@pytest.fixture
def officer(app: TestApp, people: People, sign_in: Callable[[TestApp, int], None]) -> TestApp:
    sign_in(app, people.petugas().id)
    return app


def test_a_number_in_any_spelling_shows_what_its_telephone_received(
    officer: TestApp, runtime: Runtime
) -> None:
    arrive(runtime, "Kode verifikasi Anda 4711. <b>Rahasia</b>")
    page = officer.get(PHONE)
    form = page.forms[next(key for key in page.forms if page.forms[key].method == "get")]
    form["address"] = "0812-3090-0951"
    shown = form.submit()
    assert "Kode verifikasi Anda 4711. &lt;b&gt;Rahasia&lt;/b&gt;" in shown
    assert "+62 812-3090-0951" in shown


def test_a_mailbox_is_a_telephone_too(officer: TestApp, runtime: Runtime) -> None:
    arrive(runtime, "Buka tautan ini", "nur@example.go.id", title="Atur ulang sandi")
    shown = officer.get(PHONE, {"address": "nur@example.go.id"})
    assert "Atur ulang sandi" in shown
    assert "Buka tautan ini" in shown


def test_what_is_no_number_is_refused_with_its_reason(officer: TestApp) -> None:
    shown = officer.get(PHONE, {"address": "0812"}, status=422)
    assert "belum lengkap" in shown
    assert officer.get(PHONE, {"address": "nur@"}, status=422)


def test_the_page_is_told_only_of_what_changed(officer: TestApp, runtime: Runtime) -> None:
    arrive(runtime, "Satu")
    page = officer.get(PHONE, {"address": NUMBER})
    question = page.html.select_one("#phone-screen")["hx-get"]
    assert officer.get(question, status=204).body == b""
    arrive(runtime, "Dua")
    news = officer.get(question)
    assert "Dua" in news
    assert "<html" not in news
    again = news.html.select_one("#phone-screen")["hx-get"]
    assert officer.get(again, status=204)


def test_a_reply_is_written_with_the_keyboard_alone(officer: TestApp, runtime: Runtime) -> None:
    arrive(runtime, "Hadir?")
    page = officer.get(PHONE, {"address": NUMBER})
    form = page.forms[_form(page, "/reply")]
    form["body"] = "HADIR"
    shown = form.submit().follow()
    assert "HADIR" in shown
    assert "sedang dikirim" in shown
    assert "autofocus" in shown.html.select_one(".phone-reply input[name=body]").attrs
    with runtime.database.reading() as session:
        assert session.scalars(select(Reply.body)).all() == ["HADIR"]


def test_an_empty_reply_is_refused_and_nothing_is_sent(officer: TestApp, runtime: Runtime) -> None:
    page = officer.get(PHONE, {"address": NUMBER})
    page.forms[_form(page, "/reply")].submit(status=422)
    with runtime.database.reading() as session:
        assert session.scalars(select(Reply.id)).all() == []


def test_the_network_is_told_what_to_do_and_told_again(officer: TestApp, runtime: Runtime) -> None:
    page = officer.get(PHONE, {"address": NUMBER})
    form = page.forms[_form(page, "/rules")]
    form["behaviour"] = str(Behaviour.LOSE)
    form["count"] = "3"
    shown = form.submit().follow()
    assert "3 pesan lagi" in shown
    with runtime.database.reading() as session:
        rule = session.execute(select(Rule.address, Rule.behaviour, Rule.seconds)).one()
    assert tuple(rule) == (NUMBER, "lose", 2)
    gone = shown.forms[_form(shown, "/delete")].submit().follow()
    assert "3 pesan lagi" not in gone


@pytest.mark.parametrize(("field", "value"), [("seconds", "301"), ("count", "0"), ("count", "x")])
def test_a_rule_out_of_bounds_is_refused_at_its_field(
    officer: TestApp, field: str, value: str
) -> None:
    page = officer.get(PHONE, {"address": NUMBER})
    form = page.forms[_form(page, "/rules")]
    form["behaviour"] = str(Behaviour.DELIVER)
    form[field] = value
    shown = form.submit(status=422)
    assert "is-invalid" in shown.html.select_one(f"[name={field}]")["class"]
    assert shown.html.select_one("[name=body]").get("value", "") == ""


def test_a_telephone_can_be_emptied(officer: TestApp, runtime: Runtime) -> None:
    arrive(runtime, "Satu")
    with runtime.database.writing() as session:
        session.query(Delivery).update({"reports_left": 0})
    page = officer.get(PHONE, {"address": NUMBER})
    shown = page.forms[_form(page, "/clear")].submit().follow()
    assert "Belum ada pesan untuk nomor ini" in shown


@pytest.mark.settings(abah__demo="true")
def test_in_a_demo_everybody_may_look(
    app: TestApp, people: People, sign_in: Callable[[TestApp, int], None]
) -> None:
    assert "Telepon percobaan" in app.get(PHONE)
    sign_in(app, people.pimpinan().id)
    page = app.get(PHONE)
    assert page.html.select_one(f'.dropdown-menu a[href="{PHONE}"]')


def test_without_a_word_of_demo_it_takes_the_permission(
    app: TestApp, people: People, sign_in: Callable[[TestApp, int], None]
) -> None:
    assert app.get(PHONE, status="*").status_int in {302, 303, 403}
    sign_in(app, people.pimpinan().id)
    app.get(PHONE, status=403)


@pytest.mark.settings(abah__production="true", abah__demo="true")
def test_in_production_it_takes_the_permission(
    app: TestApp, people: People, sign_in: Callable[[TestApp, int], None]
) -> None:
    assert app.get(PHONE, status="*").status_int in {302, 303, 403}
    sign_in(app, people.pimpinan().id)
    app.get(PHONE, status=403)
    app.get(f"{PHONE}live", status=403)
    sign_in(app, people.petugas().id)
    page = app.get(PHONE)
    assert page.html.select_one(f'.dropdown-menu a[href="{PHONE}"]')


def _form(page: object, action: str) -> int:
    forms = page.forms  # type: ignore[attr-defined]
    return next(
        key for key, form in forms.items() if isinstance(key, int) and action in form.action
    )


@pytest.mark.settings(abah__demo="true")
@pytest.mark.parametrize("page", ["/daftar/terkirim", "/lupa-sandi/terkirim"])
def test_a_page_that_waits_for_a_link_says_where_to_read_it(app: TestApp, page: str) -> None:
    assert app.get(page).html.select_one(f'main a[href="{PHONE}"]')


@pytest.mark.settings(abah__production="true")
def test_in_production_no_page_speaks_of_the_telephone(app: TestApp) -> None:
    assert PHONE not in app.get("/lupa-sandi/terkirim")


@pytest.mark.settings(abah__demo="true")
def test_somebody_whose_number_is_not_verified_yet_can_read_the_code(
    app: TestApp, people: People, sign_in: Callable[[TestApp, int], None]
) -> None:
    sign_in(app, people.make(None, "BARU SAJA", phone=None).id)
    assert "Telepon percobaan" in app.get(PHONE, status=200)


def test_an_address_in_a_text_can_be_followed(officer: TestApp, runtime: Runtime) -> None:
    arrive(runtime, 'Buka https://abah.example/sandi-baru/a?b=1&c=2 "sekarang"')
    link = officer.get(PHONE, {"address": NUMBER}).html.select_one(".phone-text a")
    assert link["href"] == "https://abah.example/sandi-baru/a?b=1&c=2"
