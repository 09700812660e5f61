"""The marks beside messages, what they rest on, and the steps from them."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from sqlalchemy import select
from webtest import TestApp

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
from tests.core.messaging.pages.talk import (
    ABOUT,
    HX,
    NUMBER,
    SUBJECT,
    count,
    set_state,
    text_of,
    thread_id,
)

pytestmark = pytest.mark.usefixtures("officer")


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
