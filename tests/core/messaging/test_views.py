from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from sqlalchemy import func, select, update
from webtest import TestApp

from core.api.audit import entries
from core.api.contacts import contacts_of, opt_out, set_contact
from core.api.hooks import (
    DeliveryReport,
    Evidence,
    InboundMessage,
    Outcome,
    OutgoingMessage,
    ReportState,
    ResendReview,
    SendResult,
)
from core.api.messaging import Draft, Lane, ensure_threads, queue_messages
from core.framework.runtime import Runtime
from core.i18n import _
from core.messaging.intake import Intake
from core.messaging.models import Message, Thread
from core.messaging.states import State
from core.testing.people import People, Person
from core.testing.work import Worker
from tests.core.messaging.line import Line
from tests.core.messaging.owner import OwnerPlugin

SUBJECT = "uji.lembaga:1"
ABOUT = f"/pesan/tentang/{SUBJECT}"
NUMBER = "+628123090095"
HX = {"HX-Request": "true"}

pytestmark = pytest.mark.usefixtures("officer")


@pytest.fixture
def owner(runtime: Runtime) -> OwnerPlugin:
    plugin = OwnerPlugin(seen={SUBJECT})
    runtime.hooks.register("uji", plugin)
    return plugin


@pytest.fixture
def contact(runtime: Runtime) -> None:
    with runtime.database.writing() as session:
        set_contact(session, SUBJECT, name="NUR SASMITA", number=NUMBER, actor_id=None)


@pytest.fixture
def officer(
    owner: OwnerPlugin, people: People, app: TestApp, sign_in: Callable[[TestApp, int], None]
) -> Person:
    del owner
    person = people.petugas("DANU MAHARDIKA")
    sign_in(app, person.id)
    return person


@pytest.fixture
def put(runtime: Runtime) -> Callable[..., list[int]]:
    """Queue texts of the system in the conversation and return their ids."""

    def queue(*texts: str, **more: object) -> list[int]:
        with runtime.database.writing() as session:
            thread_id = ensure_threads(session, {SUBJECT: "LEMBAGA 1"})[SUBJECT]
            drafts = [
                Draft(NUMBER, text, "uji", thread_id=thread_id, lane=Lane.WORKFLOW, **more)  # type: ignore[arg-type]
                for text in texts
            ]
            return queue_messages(session, drafts)

    return queue


def thread_id(runtime: Runtime) -> int:
    with runtime.database.reading() as session:
        found = session.scalar(select(Thread.id).where(Thread.subject == SUBJECT))
    assert found is not None
    return found


def count(runtime: Runtime) -> int:
    with runtime.database.reading() as session:
        return session.scalar(select(func.count()).select_from(Message)) or 0


def set_state(runtime: Runtime, message_id: int, state: State, **more: object) -> None:
    counter = {State.UNCERTAIN: "uncertain_count"}.get(state, "failed_count")
    with runtime.database.writing() as session:
        session.execute(update(Message).where(Message.id == message_id).values(state=state, **more))
        session.execute(
            update(Thread)
            .where(Thread.subject == SUBJECT)
            .values({counter: getattr(Thread, counter) + 1})
        )


def text_of(response: object) -> str:
    return " ".join(response.html.get_text(" ").split())  # type: ignore[attr-defined]


# ---- inbox


def test_the_inbox_shows_what_the_manual_shows(app: TestApp, put: Callable[..., list[int]]) -> None:
    put("Yth Bpk/Ibu, SPJ Hibah sudah kami proses.", "dan sekali lagi")
    page = app.get("/pesan")
    text = text_of(page)
    assert page.html.h1.get_text() == "Pesan"
    assert "Terdapat 2 pesan" in text
    row = page.html.select_one("li.thread")
    assert row.select_one(".thread-title").get_text() == "LEMBAGA 1"
    assert "dan sekali lagi" in row.get_text()
    assert re.search(r"\d{1,2} \w+ \d{4} \d\d:\d\d:\d\d WIB", row.get_text())
    assert row.select_one("em").get_text() == "baru saja"
    assert row.select_one(".thread-count").get_text().split()[-1] == "2"


def test_the_menu_leads_to_pesan(
    app: TestApp,
) -> None:
    page = app.get("/pesan")
    assert page.html.select_one('a.dropdown-item[href$="/pesan"]').get_text().strip() == "Pesan"


def test_who_may_not_read_messages_is_refused(
    app: TestApp, people: People, sign_in: Callable[[TestApp, int], None]
) -> None:
    sign_in(app, people.make(None, "TANPA PERAN").id)
    app.get("/pesan", status=403)


def test_a_conversation_of_others_is_not_there(
    app: TestApp,
    owner: OwnerPlugin,
    put: Callable[..., list[int]],
    runtime: Runtime,
) -> None:
    put("halo")
    owner.seen = set()
    assert "Belum ada percakapan" in text_of(app.get("/pesan"))
    thread = thread_id(runtime)
    for address in (f"/pesan/{thread}", f"/pesan/{thread}/perubahan", ABOUT, "/pesan/999999"):
        app.get(address, status=404)


def test_an_empty_search_says_so_and_leads_back(
    app: TestApp, put: Callable[..., list[int]]
) -> None:
    put("halo")
    page = app.get("/pesan", {"q": "tidak ada ini"})
    assert "Tidak ada percakapan yang cocok dengan “tidak ada ini”." in text_of(page)
    assert page.click("Tampilkan semua percakapan").html.select("li.thread")


def test_the_inbox_answers_nothing_while_nothing_changed(
    app: TestApp, put: Callable[..., list[int]]
) -> None:
    put("halo")
    address = app.get("/pesan").html.select_one("#inbox-live")["hx-get"]
    app.get(address, headers=HX, status=204)
    put("halo lagi")
    changed = app.get(address, headers=HX)
    assert "halo lagi" in changed.text
    assert "Terdapat 2 pesan" in changed.text


def test_the_bar_and_the_dashboard_count_what_waits(
    app: TestApp, put: Callable[..., list[int]], runtime: Runtime
) -> None:
    put("halo")
    with runtime.database.writing() as session:
        session.execute(update(Thread).values(unread_count=3, failed_count=2))
    page = app.get("/")
    assert page.html.select_one(".envelope")["aria-label"] == "Perpesanan, 3 belum dibaca"
    tiles = " ".join(tile.get_text(" ") for tile in page.html.select("a.tile"))
    assert "3 Pesan belum dibaca" in tiles
    assert "2 Pesan yang tidak dapat diterima" in tiles


# ---- conversation


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


# ---- ticks


@pytest.mark.usefixtures("contact")
def test_no_mark_while_waiting_green_when_received_and_the_proof_in_words(
    app: TestApp,
    put: Callable[..., list[int]],
    runtime: Runtime,
    account: int,
    worker: Worker,
    line: Line,
) -> None:
    put("Undangan NPHD")
    page = app.get(ABOUT)
    assert not page.html.select(".tick-mark")
    worker.run(sweeps=False)
    live = page.html.select_one("#live")["hx-get"]
    sent = app.get(live, headers=HX)
    assert not sent.html.select(".tick-mark")
    assert "terkirim, belum ada laporan" in text_of(sent)
    ref = line.seen[0].ref
    runtime.component(Intake).store(
        account, [DeliveryReport(ReportState.DELIVERED, ref=ref, evidence=Evidence.HANDSET)]
    )
    changed = app.get(live, headers=HX)
    mark = changed.html.select_one(".tick-received")
    assert mark.get_text(strip=True) == "diterima"
    button = changed.html.select_one(".tick-button")
    proof = changed.html.select_one("#" + button["aria-describedby"])
    words = " ".join(proof.get_text(" ").split())
    assert proof["role"] == "tooltip"
    for sentence in (
        "Status: diterima",
        "Bukti: laporan dari telepon penerima",
        "Masuk antrean:",
        "Dikirim:",
        "Dilaporkan:",
        "Saluran: Utama",
        "Bagian: 1 SMS (GSM-7)",
    ):
        assert sentence in words
    assert "Dilaporkan: belum" not in words


@pytest.mark.usefixtures("contact")
def test_from_a_red_mark_one_step_mends_the_number_and_sends_again(
    app: TestApp,
    officer: Person,
    owner: OwnerPlugin,
    put: Callable[..., list[int]],
    runtime: Runtime,
) -> None:
    failed = put("Undangan NPHD")[0]
    set_state(runtime, failed, State.UNDELIVERED)
    page = app.get(ABOUT)
    assert page.html.select_one(".tick-failed").get_text(" ", strip=True) == (
        "! tidak dapat diterima"
    )
    step = page.click("Perbaiki nomor dan kirim ulang")
    form = next(form for form in step.forms.values() if "number" in form.fields)
    assert (form["country"].value, form["number"].value, form["name"].value) == (
        "ID",
        "0812-3090-095",
        "NUR SASMITA",
    )
    form["number"] = "0812-3090-0123"
    form["name"] = "SITI AMINAH"
    shown = form.submit().follow()
    assert "Kontak disimpan dan pesan dikirim ulang." in text_of(shown)
    assert [p.get_text() for p in shown.html.select(".bubble-text")] == ["Undangan NPHD"] * 2
    assert "Sudah dikirim ulang" in text_of(shown)
    assert not shown.html.find("a", string=re.compile("Perbaiki nomor"))
    with runtime.database.reading() as session:
        known = contacts_of(session, [SUBJECT])[SUBJECT]
        new = session.get_one(Message, failed + 1)
        assert session.scalar(select(Thread.failed_count)) == 0
    assert (known.name, known.number) == ("SITI AMINAH", "+6281230900123")
    assert (new.address, new.sender_id, new.lane) == ("+6281230900123", officer.id, Lane.PERSON)
    assert [change.previous_number for change in owner.mended] == [NUMBER]
    form.submit()
    assert count(runtime) == 2


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        ("021 3456789", "bukan nomor telepon genggam"),
        ("081230900123 / 081230900124", "lebih dari satu nomor"),
        ("", "harus diisi"),
    ],
)
@pytest.mark.usefixtures("contact")
def test_a_number_that_cannot_be_mended_to_changes_nothing(
    app: TestApp,
    put: Callable[..., list[int]],
    runtime: Runtime,
    number: str,
    sentence: str,
) -> None:
    failed = put("Undangan NPHD")[0]
    set_state(runtime, failed, State.UNDELIVERED)
    step = app.get(f"/pesan/{thread_id(runtime)}/perbaiki/{failed}")
    form = next(form for form in step.forms.values() if "number" in form.fields)
    form["number"] = number
    refused = form.submit(status=422)
    assert sentence in text_of(refused)
    with runtime.database.reading() as session:
        assert contacts_of(session, [SUBJECT])[SUBJECT].number == NUMBER
    assert count(runtime) == 1


@pytest.mark.usefixtures("contact")
def test_mending_to_a_number_that_asked_for_silence_changes_nothing(
    app: TestApp,
    put: Callable[..., list[int]],
    runtime: Runtime,
) -> None:
    failed = put("Undangan NPHD")[0]
    set_state(runtime, failed, State.UNDELIVERED)
    with runtime.database.writing() as session:
        set_contact(session, "uji.lembaga:2", name="A", number="+6281230900123", actor_id=None)
        opt_out(session, "+6281230900123")
    step = app.get(f"/pesan/{thread_id(runtime)}/perbaiki/{failed}")
    form = next(form for form in step.forms.values() if "number" in form.fields)
    form["number"] = "081230900123"
    refused = form.submit(status=422)
    assert "meminta berhenti menerima SMS" in text_of(refused)
    with runtime.database.reading() as session:
        assert contacts_of(session, [SUBJECT])[SUBJECT].number == NUMBER


@pytest.mark.parametrize(
    ("choice", "state"),
    [("delivered", "delivered"), ("queued", "queued"), ("undelivered", "undelivered")],
)
@pytest.mark.usefixtures("contact")
def test_an_uncertain_message_is_explained_and_settled_by_a_person(
    app: TestApp,
    put: Callable[..., list[int]],
    runtime: Runtime,
    choice: str,
    state: str,
) -> None:
    message = put("Undangan NPHD")[0]
    set_state(runtime, message, State.UNCERTAIN)
    page = app.get(ABOUT)
    assert not page.html.select(".tick-mark")
    assert "belum diketahui apakah pesan sudah dikirim" in text_of(page)
    step = page.click("Periksa dan tetapkan")
    assert "tidak dikirim ulang otomatis" in text_of(step)
    form = next(form for form in step.forms.values() if "state" in form.fields)
    form["state"] = choice
    form.submit().follow()
    with runtime.database.reading() as session:
        assert session.get_one(Message, message).state == state
        assert session.scalar(select(Thread.uncertain_count)) == 0


@pytest.mark.parametrize(
    ("state", "word"),
    [
        (State.CANCELLED, "dibatalkan"),
        (State.EXPIRED, "kedaluwarsa"),
        (State.REJECTED, "ditolak"),
    ],
)
@pytest.mark.usefixtures("contact")
def test_what_was_stopped_shows_its_reason(
    app: TestApp,
    put: Callable[..., list[int]],
    runtime: Runtime,
    state: State,
    word: str,
) -> None:
    message = put("halo")[0]
    set_state(runtime, message, state, reason="Alasan uji.")
    bubble = app.get(ABOUT).html.select_one("li.bubble-row").get_text(" ")
    assert word in bubble
    assert "Alasan uji." in bubble


@pytest.mark.usefixtures("contact", "owner")
def test_a_message_of_another_conversation_cannot_be_mended_from_here(
    app: TestApp,
    put: Callable[..., list[int]],
    runtime: Runtime,
) -> None:
    put("halo")
    with runtime.database.writing() as session:
        other = ensure_threads(session, {"uji.lembaga:2": "LEMBAGA 2"})["uji.lembaga:2"]
        foreign = queue_messages(session, [Draft(NUMBER, "rahasia", "uji", thread_id=other)])[0]
    set_state(runtime, foreign, State.UNDELIVERED)
    app.get(f"/pesan/{thread_id(runtime)}/perbaiki/{foreign}", status=404)
    app.get(f"/pesan/{other}/perbaiki/{foreign}", status=404)


# ---- a shared number


@pytest.mark.usefixtures("contact")
def test_a_text_from_a_shared_number_says_so_and_can_be_moved(
    app: TestApp,
    owner: OwnerPlugin,
    put: Callable[..., list[int]],
    runtime: Runtime,
    account: int,
) -> None:
    owner.seen = {SUBJECT, "uji.lembaga:2"}
    with runtime.database.writing() as session:
        other = ensure_threads(session, {"uji.lembaga:2": "LEMBAGA 2"})["uji.lembaga:2"]
        queue_messages(session, [Draft(NUMBER, "halo juga", "uji", thread_id=other)])
    put("halo")
    runtime.component(Intake).store(account, [InboundMessage(sender=NUMBER, body="Ya")])
    page = app.get(ABOUT)
    assert "Nomor ini dipakai beberapa percakapan" in text_of(page)
    step = page.click("Pindahkan")
    form = next(form for form in step.forms.values() if "thread" in form.fields)
    form["thread"] = "uji.lembaga:2"
    moved = form.submit().follow()
    assert [p.get_text() for p in moved.html.select(".bubble-text")] == ["halo juga", "Ya"]
    assert [p.get_text() for p in app.get(ABOUT).html.select(".bubble-text")] == ["halo"]


# ---- hostile text


@pytest.mark.usefixtures("contact")
def test_what_people_write_is_shown_as_text(app: TestApp, put: Callable[..., list[int]]) -> None:
    put("<script>alert(1)</script> {{ 7*7 }}")
    for page in (app.get("/pesan"), app.get(ABOUT)):
        assert "<script>alert(1)" not in page.text
        assert "<script>alert(1)</script> {{ 7*7 }}" in text_of(page)


def _refuse(message: OutgoingMessage) -> SendResult:
    return SendResult(message.ref, Outcome.PERMANENT, reason="Nomor tidak dikenal.")


@pytest.mark.usefixtures("contact", "account")
def test_a_refusal_of_the_gateway_is_a_red_mark_with_its_reason(
    app: TestApp,
    put: Callable[..., list[int]],
    worker: Worker,
    line: Line,
) -> None:
    line.behave = _refuse
    put("halo")
    worker.run(sweeps=False)
    bubble = app.get(ABOUT).html.select_one("li.bubble-row")
    assert bubble.select_one(".tick-failed").get_text(" ", strip=True) == "! ditolak"
    assert "Nomor tidak dikenal." in bubble.get_text(" ")
    assert "Perbaiki nomor dan kirim ulang" in bubble.get_text(" ")


@pytest.mark.usefixtures("contact")
def test_who_may_only_read_leaves_the_mark_of_unread_for_the_others(
    app: TestApp,
    people: People,
    put: Callable[..., list[int]],
    runtime: Runtime,
    account: int,
    sign_in: Callable[[TestApp, int], None],
) -> None:
    put("halo")
    runtime.component(Intake).store(account, [InboundMessage(sender=NUMBER, body="Baik")])
    sign_in(app, people.pimpinan().id)
    address = f"/pesan/{thread_id(runtime)}"
    page = app.get(address)
    app.get(ABOUT)
    assert "data-read" not in app.get(page.html.select_one("#live")["hx-get"] + "x", headers=HX)
    token = page.html.select_one("input[name=csrf_token]")["value"]
    app.post(f"{address}/dibaca?last=9", headers={**HX, "X-CSRF-Token": token}, status=403)
    with runtime.database.reading() as session:
        assert session.scalar(select(Thread.unread_count)) == 1


@pytest.mark.usefixtures("contact")
def test_the_link_to_the_contact_is_left_out_for_who_may_not_change_it(
    app: TestApp, owner: OwnerPlugin, put: Callable[..., list[int]]
) -> None:
    put("halo")
    assert "Ubah kontak" in text_of(app.get(ABOUT))
    owner.contact_permission = "uji.kontak"
    assert "Ubah kontak" not in text_of(app.get(ABOUT))


@pytest.mark.usefixtures("contact")
def test_a_stale_window_for_mending_is_refused_and_keeps_what_was_typed(
    app: TestApp, put: Callable[..., list[int]], runtime: Runtime
) -> None:
    failed = put("Undangan NPHD")[0]
    set_state(runtime, failed, State.UNDELIVERED)
    windows = [app.get(ABOUT).click("Perbaiki nomor dan kirim ulang") for _ in range(2)]
    first, form = (
        next(form for form in step.forms.values() if "number" in form.fields) for step in windows
    )
    first["number"] = "0812-3090-0123"
    first.submit()
    form["number"] = "0812-3090-0124"
    form["name"] = "SITI AMINAH"
    stale = form.submit(status=409)
    assert "sudah dikirim ulang oleh orang lain" in text_of(stale)
    kept = next(form for form in stale.forms.values() if "number" in form.fields)
    assert (kept["number"].value, kept["name"].value) == ("0812-3090-0124", "SITI AMINAH")
    assert count(runtime) == 2


@pytest.mark.usefixtures("contact")
def test_a_message_that_may_not_go_out_again_says_why_instead_of_offering_the_step(
    app: TestApp, owner: OwnerPlugin, put: Callable[..., list[int]], runtime: Runtime
) -> None:
    failed = put("Undangan NPHD", origin="uji:1")[0]
    set_state(runtime, failed, State.UNDELIVERED)
    step = app.get(ABOUT).click("Perbaiki nomor dan kirim ulang")
    form = next(form for form in step.forms.values() if "number" in form.fields)
    owner.answer = ResendReview(refusal=_("Undangan sudah dibatalkan."))
    page = app.get(ABOUT)
    assert "Undangan sudah dibatalkan." in text_of(page)
    assert "Perbaiki nomor" not in text_of(page)
    assert "Undangan sudah dibatalkan." in text_of(app.get(step.request.path))
    assert "Undangan sudah dibatalkan." in text_of(form.submit(status=409))
    assert count(runtime) == 1


@pytest.mark.usefixtures("contact")
def test_the_mended_text_is_shown_before_it_is_sent(
    app: TestApp, owner: OwnerPlugin, put: Callable[..., list[int]], runtime: Runtime
) -> None:
    failed = put("Undangan NPHD", origin="uji:1")[0]
    set_state(runtime, failed, State.UNDELIVERED)
    owner.answer = ResendReview(body="Undangan NPHD pukul 10.00")
    step = app.get(ABOUT).click("Perbaiki nomor dan kirim ulang")
    assert step.html.select_one(".quoted-message").get_text() == "Undangan NPHD pukul 10.00"


@pytest.mark.usefixtures("contact")
def test_a_reason_with_a_full_stop_gets_no_second_one(
    app: TestApp, put: Callable[..., list[int]], runtime: Runtime
) -> None:
    failed = put("halo")[0]
    set_state(runtime, failed, State.UNDELIVERED, reason="Nomor sudah tidak aktif.")
    proof = app.get(ABOUT).html.select_one(f"#proof-{failed}").get_text()
    assert "Nomor sudah tidak aktif." in proof
    assert ".." not in proof


@pytest.mark.usefixtures("contact")
def test_without_javascript_a_link_leads_to_the_newest_message(
    app: TestApp, put: Callable[..., list[int]]
) -> None:
    newest = put("halo", "apa kabar")[-1]
    page = app.get(ABOUT)
    link = page.html.select_one("noscript .conversation-latest a")
    assert link["href"] == f"#pesan-{newest}"
    assert page.html.select_one(f"#pesan-{newest}")
