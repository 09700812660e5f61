"""One conversation: reading it and writing into it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import func, select
from webtest import TestApp

from core.api.audit import entries
from core.api.contacts import opt_out, set_contact
from core.api.hooks import (
    InboundMessage,
)
from core.api.messaging import Lane
from core.framework.runtime import Runtime
from core.messaging.intake import Intake
from core.messaging.models import Message, Thread
from core.testing.people import People, Person
from tests.core.messaging.owner import OwnerPlugin
from tests.core.messaging.pages.talk import (
    ABOUT,
    HX,
    NUMBER,
    SUBJECT,
    count,
    text_of,
    thread_id,
)

pytestmark = pytest.mark.usefixtures("officer")


@pytest.mark.usefixtures("contact")
def test_looking_opens_no_conversation_and_writing_does(
    app: TestApp, owner: OwnerPlugin, runtime: Runtime
) -> None:
    page = app.get(ABOUT)
    assert "Belum ada pesan dalam percakapan ini." in text_of(page)
    with runtime.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Thread)) == 0
    form = page.forms[form_index(page)]
    form["body"] = "Mohon datang besok."
    shown = form.submit().follow()
    assert "Mohon datang besok." in text_of(shown)
    assert shown.request.path == f"/pesan/{thread_id(runtime)}"
    assert owner.opened == {SUBJECT: thread_id(runtime)}


def form_index(page: object) -> int:
    forms = page.html.find_all("form")  # type: ignore[attr-defined]
    return next(i for i, form in enumerate(forms) if form.select_one("textarea[name=body]"))


@pytest.mark.usefixtures("contact")
def test_a_message_of_an_officer_is_queued_in_the_person_lane_and_audited(
    app: TestApp, officer: Person, runtime: Runtime
) -> None:
    page = app.get(ABOUT)
    form = page.forms[form_index(page)]
    form["body"] = "  Mohon datang besok.\r\nTerima kasih.  "
    form.submit()
    with runtime.database.reading() as session:
        row = session.execute(
            select(Message.body, Message.lane, Message.sender_id, Message.address, Message.state)
        ).one()
        audited = [entry for entry in entries(session, SUBJECT) if entry.action == "messages.send"]
    assert tuple(row) == (
        "Mohon datang besok.\nTerima kasih.",
        Lane.PERSON,
        officer.id,
        NUMBER,
        "queued",
    )
    assert [entry.actor_id for entry in audited] == [officer.id]


@pytest.mark.usefixtures("contact")
def test_the_same_form_sent_twice_queues_one_message(app: TestApp, runtime: Runtime) -> None:
    page = app.get(ABOUT)
    form = page.forms[form_index(page)]
    form["body"] = "Satu kali saja."
    form.submit()
    form.submit()
    app.post(ABOUT, form.submit_fields(), headers={**HX, "HX-Target": "log"})
    assert count(runtime) == 1


@pytest.mark.usefixtures("contact")
def test_an_htmx_post_answers_the_bubble_and_a_fresh_composer(
    app: TestApp, put: Callable[..., list[int]], runtime: Runtime
) -> None:
    known = put("sudah ada")
    page = app.get(ABOUT)
    fields = dict(page.forms[form_index(page)].submit_fields(), body="Baru.")
    fields |= {"first": str(known[0]), "last": str(known[0])}
    address = f"/pesan/{thread_id(runtime)}"
    piece = app.post(address, fields, headers={**HX, "HX-Target": "log"})
    assert [row["data-message"] for row in piece.html.select("li.bubble-row")] == [
        str(known[0] + 1)
    ]
    fresh = piece.html.select_one("#composer")
    assert fresh["hx-swap-oob"] == "true"
    assert fresh.select_one("textarea").get_text().strip() == ""
    assert fresh.select_one("input[name=key]")["value"] != fields["key"]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("   ", "Isi pesan masih kosong. Tulis isi pesan lebih dahulu."),
        ("a" * 1600, "Pesan ini menjadi 11 SMS; paling banyak 10. Persingkat isinya."),
    ],
)
@pytest.mark.usefixtures("contact")
def test_a_text_that_cannot_be_sent_is_refused_and_stays(
    app: TestApp, runtime: Runtime, body: str, sentence: str
) -> None:
    page = app.get(ABOUT)
    form = page.forms[form_index(page)]
    form["body"] = body
    refused = form.submit(status=422)
    assert sentence in text_of(refused)
    assert refused.html.select_one("textarea[name=body]").get_text().strip() == body.strip()
    piece = app.post(ABOUT, form.submit_fields(), headers={**HX, "HX-Target": "log"}, status=422)
    assert piece.headers["HX-Retarget"] == "#composer"
    assert count(runtime) == 0


def test_without_a_contact_the_composer_leads_to_setting_one(
    app: TestApp, runtime: Runtime
) -> None:
    page = app.get(ABOUT)
    assert not page.html.select("textarea[name=body]")
    assert page.html.find("a", string="Isi nomor kontak")["href"] == "/p/uji/kontak"
    token = page.html.select_one("input[name=csrf_token]")["value"]
    refused = app.post(ABOUT, {"csrf_token": token, "body": "halo", "key": "k"}, status=422)
    assert "Isi nomor kontak" in text_of(refused)
    assert count(runtime) == 0


@pytest.mark.usefixtures("contact")
def test_a_contact_replaced_in_the_meantime_is_told_before_anything_is_sent(
    app: TestApp, runtime: Runtime
) -> None:
    page = app.get(ABOUT)
    form = page.forms[form_index(page)]
    form["body"] = "halo"
    with runtime.database.writing() as session:
        set_contact(session, SUBJECT, name="SITI", number="+6281230900123", actor_id=None)
    refused = form.submit(status=422)
    assert "Kontak sudah diganti sejak halaman ini dibuka: sekarang SITI" in text_of(refused)
    assert count(runtime) == 0
    again = refused.forms[form_index(refused)]
    again.submit()
    assert count(runtime) == 1


@pytest.mark.usefixtures("contact")
def test_who_asked_for_silence_is_not_written_to(app: TestApp, runtime: Runtime) -> None:
    page = app.get(ABOUT)
    form = page.forms[form_index(page)]
    form["body"] = "halo"
    with runtime.database.writing() as session:
        opt_out(session, NUMBER)
    refused = form.submit(status=422)
    assert "meminta berhenti menerima SMS" in text_of(refused)
    assert not refused.html.select("textarea[name=body]")
    assert count(runtime) == 0


@pytest.mark.usefixtures("contact", "owner")
def test_who_may_only_read_gets_no_composer(
    app: TestApp,
    people: People,
    put: Callable[..., list[int]],
    sign_in: Callable[[TestApp, int], None],
) -> None:
    put("halo")
    sign_in(app, people.pimpinan().id)
    page = app.get(ABOUT)
    assert not page.html.select("textarea[name=body]")
    token = page.html.select_one("input[name=csrf_token]")["value"]
    app.post(ABOUT, {"csrf_token": token, "body": "halo", "key": "k"}, status=403)


@pytest.mark.usefixtures("contact")
def test_a_conversation_is_a_dialog_too(app: TestApp, put: Callable[..., list[int]]) -> None:
    put("halo")
    dialog = app.get(ABOUT, headers={**HX, "X-Abah-Dialog": "1"})
    assert dialog.html.select_one("#dialog-title").get_text() == "Pesan: LEMBAGA 1"
    assert not dialog.html.select("html, .inbox-list")
    assert dialog.html.select_one("#d-log li.bubble-row")


@pytest.mark.usefixtures("contact")
def test_sender_side_and_day_are_told(
    app: TestApp,
    officer: Person,
    put: Callable[..., list[int]],
    runtime: Runtime,
    account: int,
) -> None:
    put("dari sistem")
    put("dari petugas", sender_id=officer.id)
    runtime.component(Intake).store(account, [InboundMessage(sender=NUMBER, body="dari lembaga")])
    page = app.get(ABOUT)
    rows = page.html.select("li.bubble-row")
    assert [row.select_one(".bubble-sender").contents[0].strip() for row in rows] == [
        "Sistem",
        "DANU MAHARDIKA",
        "+62 812-3090-095",
    ]
    assert ["bubble-in" in row["class"] for row in rows] == [False, False, True]
    assert len(page.html.select("li.day")) == 1


@pytest.mark.usefixtures("contact")
def test_reading_marks_as_read_and_the_page_still_shows_where_the_new_begins(
    app: TestApp,
    put: Callable[..., list[int]],
    runtime: Runtime,
    account: int,
) -> None:
    put("halo")
    runtime.component(Intake).store(
        account, [InboundMessage(sender=NUMBER, body="Baik, kami hadir")]
    )
    assert app.get("/pesan").html.select_one("li.thread-unread")
    page = app.get(ABOUT)
    line = page.html.select_one("li.new-line")
    assert line.find_next_sibling("li").select_one(".bubble-text").get_text() == "Baik, kami hadir"
    assert not app.get("/pesan").html.select_one("li.thread-unread")
    assert not app.get(ABOUT).html.select_one("li.new-line")


@pytest.mark.usefixtures("contact")
def test_what_came_in_while_looking_is_marked_by_its_own_request(
    app: TestApp,
    put: Callable[..., list[int]],
    runtime: Runtime,
    account: int,
) -> None:
    put("halo")
    page = app.get(ABOUT)
    runtime.component(Intake).store(account, [InboundMessage(sender=NUMBER, body="Baik")])
    changes = app.get(page.html.select_one("#live")["hx-get"], headers=HX)
    assert "1 pesan baru masuk" in text_of(changes)
    token = page.html.select_one("input[name=csrf_token]")["value"]
    read = changes.html.select_one("[data-read]")["data-read"]
    app.post(read, headers={**HX, "X-CSRF-Token": token}, status=204)
    with runtime.database.reading() as session:
        assert session.scalar(select(Thread.unread_count)) == 0


@pytest.mark.usefixtures("contact")
def test_older_messages_are_fetched_by_their_link(
    app: TestApp, put: Callable[..., list[int]]
) -> None:
    put(*(f"pesan {n}" for n in range(60)))
    page = app.get(ABOUT)
    assert "pesan 9" not in [p.get_text() for p in page.html.select(".bubble-text")]
    older = page.click("Pesan sebelumnya")
    assert [p.get_text() for p in older.html.select(".bubble-text")] == [
        f"pesan {n}" for n in range(10)
    ]
    piece = app.get(older.request.path_qs, headers={**HX, "HX-Target": "earlier"})
    assert len(piece.html.select("li.bubble-row")) == 10
    assert not piece.html.select("html")
