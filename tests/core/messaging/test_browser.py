"""The conversation screens in a real browser: live refresh, keys, counting, looks."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, expect
from sqlalchemy import update

from core.accounts.security import SESSION_COOKIE
from core.accounts.sessions import SessionRules, open_session
from core.api.contacts import set_contact
from core.api.hooks import DeliveryReport, Evidence, InboundMessage, ReportState
from core.api.messaging import Draft, ensure_threads, measure, queue_messages
from core.app import build_wsgi
from core.framework.runtime import Runtime
from core.messaging.intake import Intake
from core.messaging.models import Message, Thread
from core.messaging.states import State
from core.testing.people import People, Person
from core.testing.serving import serving
from core.testing.work import Worker
from tests.core.messaging.line import Line
from tests.core.messaging.owner import OwnerPlugin

pytestmark = pytest.mark.browser

NUMBER = "+628123090095"
windows: dict[Page, Window] = {}
SCREENS = Path(os.environ.get("ABAH_SCREENS", "build/screens"))


def subject(n: int) -> str:
    return f"uji.lembaga:{n}"


@pytest.fixture
def database_kind() -> str:
    """Looks do not depend on the database; what the screens read is tested on both elsewhere."""
    return "sqlite"


@pytest.fixture
def owner(runtime: Runtime) -> OwnerPlugin:
    plugin = OwnerPlugin(seen={subject(n) for n in range(60)})
    runtime.hooks.register("uji", plugin)
    return plugin


@pytest.fixture
def address(runtime: Runtime, owner: OwnerPlugin) -> Iterator[str]:
    """Serve the application on a free port."""
    del owner
    with serving(build_wsgi(runtime)) as served:
        yield served


@pytest.fixture
def officer(people: People) -> Person:
    return people.petugas("DANU MAHARDIKA")


class Window:
    """A window of the browser, and what its console complained about."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors: list[str] = []
        page.on("pageerror", self._note_error)
        page.on("console", self._note_console)

    def _note_error(self, error: Error) -> None:
        self.errors.append(str(error))

    def _note_console(self, said: ConsoleMessage) -> None:
        if said.type == "error":
            self.errors.append(said.text)


@pytest.fixture
def browse(
    chromium: Browser, address: str, runtime: Runtime, officer: Person
) -> Iterator[Callable[..., Page]]:
    """Open a window in which the officer is signed in."""
    contexts = []
    windows.clear()

    def open_page(path: str, **more: Any) -> Page:
        context = chromium.new_context(base_url=address, locale="id-ID", **more)
        contexts.append(context)
        with runtime.database.writing() as session:
            token = open_session(session, officer.id, rules=runtime.component(SessionRules))
        context.add_cookies([{"name": SESSION_COOKIE, "value": token, "url": address}])
        page = context.new_page()
        windows[page] = Window(page)
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def talk(runtime: Runtime, account: int, officer: Person, worker: Worker, line: Line) -> int:
    """Hold a conversation in which everything happened once; return its thread."""
    with runtime.database.writing() as session:
        set_contact(session, subject(1), name="NUR SASMITA", number=NUMBER, actor_id=None)
        threads = ensure_threads(
            session, {subject(n): f"MASJID AL IKHLAS DESA SUMBER MULYO {n}" for n in range(1, 31)}
        )
        for n in range(30, 1, -1):
            queue_messages(
                session,
                [
                    Draft(
                        NUMBER,
                        f"Yth Bpk/Ibu, SPJ Hibah TA 2018 sebesar Rp. {n}00.000.000,00 utk "
                        "Pembangunan Ruang Kelas Baru (RKB) (bagian Tahap I) sudah kami proses "
                        "30 November 2018.",
                        "uji",
                        thread_id=threads[subject(n)],
                    )
                ],
            )
    thread = threads[subject(1)]
    states = {
        "Yth NUR SASMITA, Anda diundang menandatangani NPHD pada Sabtu, 1 Desember 2018 pukul "
        "09.00 WIB di Biro Kesejahteraan Rakyat.": (State.DELIVERED, None),
        "Mohon membawa stempel lembaga dan fotokopi KTP.": (State.DELIVERED, officer.id),
        "Pesan yang tidak sampai.": (State.UNDELIVERED, None),
        "Pesan yang belum pasti.": (State.UNCERTAIN, None),
        "Pesan yang kedaluwarsa.": (State.EXPIRED, None),
        "Pesan yang baru dikirim.": (State.SENT, officer.id),
    }
    with runtime.database.writing() as session:
        ids = queue_messages(
            session,
            [
                Draft(NUMBER, text, "uji", thread_id=thread, sender_id=sender)
                for text, (_state, sender) in states.items()
            ],
        )
    worker.run(sweeps=False)
    refs = {message.body: message.ref for message in line.seen}
    reports = [
        DeliveryReport(
            ReportState.DELIVERED if state is State.DELIVERED else ReportState.UNDELIVERED,
            ref=refs[text],
            evidence=Evidence.HANDSET,
        )
        for text, (state, _sender) in states.items()
        if state in {State.DELIVERED, State.UNDELIVERED}
    ]
    incoming = [InboundMessage(sender=NUMBER, body="Baik Pak, kami hadir tepat waktu. 🙏")]
    runtime.component(Intake).store(account, [*reports, *incoming])
    with runtime.database.writing() as session:
        for message_id, (state, _sender) in zip(ids, states.values(), strict=True):
            if state in {State.UNCERTAIN, State.EXPIRED}:
                session.execute(update(Message).where(Message.id == message_id).values(state=state))
        session.execute(
            update(Thread).where(Thread.id == thread).values(uncertain_count=1, failed_count=2)
        )
    return thread


def faults(page: Page) -> list[str]:
    """Name what axe finds, what the console said, and whether the page is too wide."""
    found = [
        f"{page.url} {each['id']}: {[node['html'][:160] for node in each['nodes']]}"
        for each in Axe().run(page).response["violations"]
    ]
    if not page.evaluate("document.documentElement.scrollWidth <= innerWidth"):
        found.append(f"{page.url} is wider than its window")
    return found + windows[page].errors


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 768, 1440])
def test_every_screen_is_clean_and_fits_its_window(
    browse: Callable[..., Page], talk: int, runtime: Runtime, width: int, scheme: str
) -> None:
    SCREENS.mkdir(parents=True, exist_ok=True)
    with runtime.database.reading() as session:
        failed = session.query(Message.id).filter_by(state="undelivered").scalar()
        uncertain = session.query(Message.id).filter_by(state="uncertain").scalar()
    page = browse("/pesan", viewport={"width": width, "height": 900}, color_scheme=scheme)
    broken = []
    for name, path in {
        "pesan": "/pesan",
        "percakapan": f"/pesan/{talk}",
        "percakapan-kosong": f"/pesan/tentang/{subject(40)}",
        "perbaiki-nomor": f"/pesan/{talk}/perbaiki/{failed}",
        "belum-pasti": f"/pesan/{talk}/belum-pasti/{uncertain}",
        "dashboard-pesan": "/",
    }.items():
        page.goto(path)
        page.screenshot(path=SCREENS / f"{name}-{width}-{scheme}.png", full_page=width < 992)
        broken += faults(page)
    assert broken == []


def test_new_messages_and_ticks_come_by_themselves_and_are_told(
    browse: Callable[..., Page], talk: int, runtime: Runtime, account: int, line: Line
) -> None:
    page = browse(f"/pesan/{talk}")
    sent = page.locator("li.bubble-row", has_text="Pesan yang baru dikirim.")
    expect(sent.locator(".tick-mark")).to_have_count(0)
    typed = page.get_by_label("Tulis pesan kepada NUR SASMITA")
    typed.fill("Sedang menulis")
    ref = next(m.ref for m in line.seen if m.body == "Pesan yang baru dikirim.")
    intake = runtime.component(Intake)
    intake.store(
        account, [DeliveryReport(ReportState.DELIVERED, ref=ref, evidence=Evidence.HANDSET)]
    )
    expect(sent.locator(".tick-mark")).to_have_text("diterima", timeout=8000)
    expect(page.locator("#said")).to_have_text("Pesan terakhir: diterima")
    intake.store(account, [InboundMessage(sender=NUMBER, body="Sampai jumpa besok.")])
    expect(page.locator("li.bubble-in").last).to_contain_text("Sampai jumpa besok.", timeout=8000)
    expect(page.locator("#said")).to_have_text("1 pesan baru masuk")
    assert typed.input_value() == "Sedang menulis"
    expect(typed).to_be_focused()
    expect(page.locator(".thread").first).not_to_contain_text("belum dibaca", timeout=8000)
    assert faults(page) == []


def test_a_message_is_sent_with_keys_alone_and_shows_at_once(
    browse: Callable[..., Page], talk: int, worker: Worker
) -> None:
    page = browse(f"/pesan/{talk}", viewport={"width": 1280, "height": 900})
    area = page.get_by_label("Tulis pesan kepada NUR SASMITA")
    area.focus()
    page.keyboard.type("Mohon datang besok.")
    expect(page.locator("#count")).to_have_text("19 karakter, GSM-7, 1 SMS, sisa 141")
    page.keyboard.press("Control+Enter")
    bubble = page.locator("li.bubble-row").last
    expect(bubble).to_contain_text("Mohon datang besok.")
    expect(bubble).to_contain_text("DANU MAHARDIKA")
    expect(area).to_have_value("")
    expect(area).to_be_focused()
    expect(page.locator("li.bubble-row", has_text="Mohon datang besok.")).to_have_count(1)
    worker.run(sweeps=False)
    page.wait_for_timeout(3500)
    expect(page.locator("li.bubble-row", has_text="Mohon datang besok.")).to_have_count(1)
    assert faults(page) == []


def test_an_empty_text_is_refused_where_it_was_typed(
    browse: Callable[..., Page], talk: int
) -> None:
    page = browse(f"/pesan/{talk}")
    area = page.get_by_label("Tulis pesan kepada NUR SASMITA")
    area.fill("   ")
    page.get_by_role("button", name="Kirim", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Isi pesan masih kosong.")
    expect(page.get_by_label("Tulis pesan kepada NUR SASMITA")).to_be_focused()


def test_the_proof_opens_by_keyboard_and_pointer_and_closes_by_escape(
    browse: Callable[..., Page], talk: int
) -> None:
    page = browse(f"/pesan/{talk}", viewport={"width": 1280, "height": 900})
    button = page.locator(".tick-button").first
    proof = page.get_by_role("tooltip").first
    expect(proof).to_be_hidden()
    button.focus()
    expect(proof).to_be_visible()
    expect(proof).to_contain_text("laporan dari telepon penerima")
    expect(button).to_have_accessible_description(
        re.compile("Bukti: laporan dari telepon penerima")
    )
    page.screenshot(path=SCREENS / "bukti-1280-light.png")
    page.keyboard.press("Escape")
    expect(proof).to_be_hidden()
    page.locator(".tick-button").nth(1).hover()
    expect(page.get_by_role("tooltip").nth(0)).to_be_visible()


TEXTS = (
    "",
    "Halo",
    "a" * 160,
    "a" * 161,
    "€" * 80,
    "€" * 81,
    "a" * 152 + "€" + "b" * 20,
    "“Halo”",
    "🙏" * 35,
    "🙏" * 36,
    "é" * 306 + "[" * 5,
    "漢" * 70,
    "漢" * 66 + "🙏" + "漢" * 10,
    "baris\nbaru \u00a0 dan\ttab",
    "a\u200bb",
)


def test_the_composer_counts_as_the_server_does(browse: Callable[..., Page], talk: int) -> None:
    page = browse(f"/pesan/{talk}")
    counted = page.evaluate(
        """texts => {
            const rules = JSON.parse(document.querySelector("[data-composer]").dataset.rules);
            return texts.map(text => abahMeasure(text, rules));
        }""",
        list(TEXTS),
    )
    for text, found in zip(TEXTS, counted, strict=True):
        wanted = measure(text)
        assert (found["encoding"], found["units"], found["parts"], found["left"]) == (
            wanted.encoding,
            wanted.units,
            wanted.parts,
            wanted.remaining,
        ), text


def test_a_cheaper_plain_form_is_offered(browse: Callable[..., Page], talk: int) -> None:
    page = browse(f"/pesan/{talk}")
    area = page.get_by_label("Tulis pesan kepada NUR SASMITA")
    area.fill("“Undangan” … " + "a" * 90)
    expect(page.locator("#count")).to_contain_text("Unicode, 2 SMS")
    page.get_by_role("button", name="Pakai tanda baca biasa (1 SMS)").click()
    expect(area).to_have_value('"Undangan" ... ' + "a" * 90)
    expect(page.locator("#count")).to_contain_text("GSM-7, 1 SMS")


@pytest.mark.usefixtures("talk")
def test_a_conversation_in_a_dialog_sends_mends_and_stays(browse: Callable[..., Page]) -> None:
    page = browse("/pesan", viewport={"width": 1280, "height": 900})
    page.evaluate(
        """path => {
            const link = document.createElement("a");
            link.href = path; link.dataset.dialog = ""; link.textContent = "Buka dialog";
            document.querySelector("h1").after(link);
        }""",
        f"/pesan/tentang/{subject(1)}",
    )
    page.get_by_role("link", name="Buka dialog").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Pesan: LEMBAGA 1")
    dialog.get_by_label("Tulis pesan kepada NUR SASMITA").fill("Dari dialog.")
    dialog.get_by_role("button", name="Kirim", exact=True).click()
    expect(dialog.locator("li.bubble-row").last).to_contain_text("Dari dialog.")
    expect(dialog.get_by_label("Tulis pesan kepada NUR SASMITA")).to_be_focused()
    page.wait_for_timeout(3000)
    page.screenshot(path=SCREENS / "percakapan-dialog-1280-light.png")
    assert faults(page) == []
    dialog.get_by_role("link", name="Perbaiki nomor dan kirim ulang").click()
    expect(dialog).to_contain_text("Simpan dan kirim ulang")
    dialog.get_by_label("Nomor Telepon").fill("081230900123")
    dialog.get_by_role("button", name="Simpan dan kirim ulang").click()
    expect(dialog).to_contain_text("Kontak disimpan dan pesan dikirim ulang.")
    expect(dialog.locator("li.bubble-row").last).to_contain_text("Pesan yang tidak sampai.")


@pytest.mark.usefixtures("talk")
def test_list_and_conversation_work_side_by_side_without_losing_their_place(
    browse: Callable[..., Page], runtime: Runtime, account: int
) -> None:
    page = browse("/pesan", viewport={"width": 1440, "height": 900})
    page.get_by_role("link", name="Percakapan sebelumnya").click()
    expect(page.locator(".thread")).to_have_count(30)
    box = page.locator(".inbox-scroll")
    box.evaluate("box => box.scrollTop = 900")
    page.locator("#thread-12").click()
    expect(page.get_by_role("heading", name="LEMBAGA 12")).to_be_visible()
    expect(page).to_have_url(f"{page.url.split('/pesan')[0]}/pesan/12")
    assert box.evaluate("box => box.scrollTop") == 900
    runtime.component(Intake).store(account, [InboundMessage(sender=NUMBER, body="Berita baru")])
    expect(page.locator(".thread").first).to_contain_text("Berita baru", timeout=8000)
    assert box.evaluate("box => box.scrollTop") == 900
    expect(page.locator(".thread")).to_have_count(30)
    expect(page.locator('.thread-link[aria-current="true"]')).to_have_attribute("id", "thread-12")
    page.go_back()
    expect(page.get_by_text("Pilih percakapan di sebelah kiri")).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator(".thread-link").nth(1)).to_be_focused()
    assert windows[page].errors == []


def test_a_page_whose_session_ended_stops_asking_and_keeps_what_was_typed(
    browse: Callable[..., Page], talk: int
) -> None:
    page = browse(f"/pesan/{talk}")
    page.get_by_label("Tulis pesan kepada NUR SASMITA").fill("Belum terkirim")
    page.context.clear_cookies()
    page.wait_for_timeout(6000)
    assert page.locator("#live[data-live]").count() == 0
    expect(page.get_by_label("Tulis pesan kepada NUR SASMITA")).to_have_value("Belum terkirim")
    assert page.locator("form").filter(has_text="Sandi").count() == 0
