"""The scripts of every page in a real browser: dialogs, calendars, guards, lists, keys."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Dialog, Page, Route, expect
from sqlalchemy import func, select

from core.hookspecs.web import Slot
from core.testing.serving import serving
from tests.core.web import pages
from tests.core.web.world import SIGNED_IN, person

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pyramid.config import Configurator

    from core.framework.runtime import Runtime
    from tests.core.web.conftest import Browser

pytestmark = pytest.mark.browser


def with_links(config: Configurator) -> None:
    """Add the pages, and a dashboard that opens them as dialogs."""
    pages.includeme(config)
    config.add_slots(
        "uji",
        Slot("dashboard.tiles", "try/links.jinja2"),
        Slot("frame.search", "try/search.jinja2"),
    )


@pytest.fixture
def site(browser: Browser, papers: int) -> Iterator[str]:
    """Serve the application on a free port."""
    assert papers
    with serving(browser(with_links).app) as address:
        yield address


@pytest.fixture
def new_page(chromium: Chromium, site: str) -> Iterator[Callable[..., Page]]:
    """``new_page(**options)`` opens a browser window; nothing may be complained about in it."""
    contexts = []
    complaints: list[str] = []

    def build(*, complain: bool = True, **options: Any) -> Page:
        context = chromium.new_context(base_url=site, extra_http_headers=SIGNED_IN, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        if complain:
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on(
                "console",
                lambda message: (
                    complaints.append(message.text)
                    if message.type == "error" and "422" not in message.text
                    else None
                ),
            )
        return page

    yield build
    for context in contexts:
        context.close()
    assert complaints == []


def dialog(page: Page) -> Any:
    return page.get_by_role("dialog")


def open_dialog(page: Page, name: str) -> None:
    page.goto("/")
    page.get_by_role("link", name=name, exact=True).click()
    expect(dialog(page)).to_be_visible()
    # A dialog takes no key before it is open; the cursor in it tells when that is.
    expect(page.locator("#dialog:focus-within")).to_have_count(1)


def test_a_dialog_keeps_its_errors_and_closes_on_success(new_page: Callable[..., Page]) -> None:
    page = new_page()
    open_dialog(page, "Pendek")
    expect(page.get_by_label("Nama")).to_be_focused()
    dialog(page).get_by_role("button", name="Ya").click()
    expect(dialog(page).get_by_role("alert")).to_contain_text("Nama harus diisi.")
    page.get_by_label("Nama").fill("NUR SASMITA")
    dialog(page).get_by_role("button", name="Ya").click()
    page.wait_for_url("**/daftar")
    expect(page.get_by_role("status").first).to_contain_text("NUR SASMITA sudah disimpan.")


def test_escape_and_tidak_close_a_dialog_and_give_the_focus_back(
    new_page: Callable[..., Page],
) -> None:
    page = new_page()
    for close in (
        lambda: page.keyboard.press("Escape"),
        lambda: dialog(page).get_by_role("button", name="Tidak").click(),
        lambda: dialog(page).get_by_role("button", name="Tutup").click(),
    ):
        open_dialog(page, "Pendek")
        expect(page.get_by_label("Nama")).to_be_focused()
        close()
        expect(dialog(page)).to_be_hidden()
        expect(page.get_by_role("link", name="Pendek", exact=True)).to_be_focused()


def test_an_error_of_the_server_is_told_in_the_dialog(new_page: Callable[..., Page]) -> None:
    page = new_page(complain=False)
    open_dialog(page, "Gagal")
    expect(dialog(page)).to_contain_text("Data ini sudah diubah oleh orang lain")
    dialog(page).get_by_role("button", name="Tutup").last.click()
    expect(dialog(page)).to_be_hidden()


def test_typed_text_in_a_dialog_is_not_lost_by_a_slip(new_page: Callable[..., Page]) -> None:
    page = new_page()
    asked: list[str] = []

    def stay(question: Dialog) -> None:
        asked.append(question.message)
        question.dismiss()

    page.on("dialog", stay)
    open_dialog(page, "Pendek")
    page.get_by_label("Nama").fill("panjang sekali")
    page.keyboard.press("Escape")
    expect(dialog(page)).to_be_visible()
    expect(page.get_by_label("Nama")).to_have_value("panjang sekali")
    assert asked == ["Isian belum disimpan. Tinggalkan halaman ini?"]


def test_typed_text_on_a_page_is_not_lost_by_a_slip(new_page: Callable[..., Page]) -> None:
    page = new_page()
    page.goto("/pendek")
    page.get_by_label("Nama").fill("panjang sekali")
    asked: list[str] = []

    def leave(question: Dialog) -> None:
        asked.append(question.type)
        question.accept()

    page.once("dialog", leave)
    page.get_by_role("link", name="Bantuan", exact=True).first.click()
    page.wait_for_url("**/bantuan")
    assert asked == ["beforeunload"]


def test_sending_a_form_asks_nothing(new_page: Callable[..., Page]) -> None:
    page = new_page()
    asked: list[str] = []

    def note(question: Dialog) -> None:
        asked.append(question.type)
        question.accept()

    page.on("dialog", note)
    page.goto("/pendek")
    page.get_by_label("Nama").fill("BUDI")
    page.get_by_role("button", name="Ya").click()
    page.wait_for_url("**/daftar")
    assert asked == []


def test_a_double_click_sends_once(new_page: Callable[..., Page], web_runtime: Runtime) -> None:
    page = new_page()
    page.goto("/pendek")
    page.get_by_label("Nama").fill("DUA KALI")
    page.get_by_role("button", name="Ya").dblclick()
    page.wait_for_url("**/daftar")
    with web_runtime.database.reading() as session:
        count = select(func.count()).select_from(person).where(person.c.name == "DUA KALI")
        assert session.scalar(count) == 1


def test_the_calendar_and_the_typed_day_follow_each_other(new_page: Callable[..., Page]) -> None:
    page = new_page()
    page.goto("/isian")
    box = page.get_by_label("Tanggal NPHD", exact=True)
    box.fill("30/11/2150")
    expect(page.get_by_role("button", name="Buka kalender")).to_be_visible()
    page.evaluate(
        "HTMLInputElement.prototype.showPicker = function () { window.shown = this.value; }"
    )
    page.get_by_role("button", name="Buka kalender").click()
    assert page.evaluate("window.shown") == "2150-11-30"
    page.evaluate(
        """() => {
            const native = document.querySelector("[data-date-native]");
            native.value = "2151-02-01";
            native.dispatchEvent(new Event("change"));
        }"""
    )
    expect(box).to_have_value("01/02/2151")
    expect(box).to_be_focused()


def test_the_counter_counts_while_one_types(new_page: Callable[..., Page]) -> None:
    page = new_page()
    page.goto("/isian")
    page.get_by_label("Catatan").fill("Halo 👋")
    expect(page.locator("#note-count")).to_have_text("6 dari 50 karakter")
    assert page.get_by_label("Catatan").get_attribute("aria-describedby") is None


def test_the_summary_of_errors_takes_the_cursor_to_the_field(new_page: Callable[..., Page]) -> None:
    page = new_page()
    page.goto("/isian")
    page.get_by_role("button", name="Ya").click()
    summary = page.get_by_role("alert")
    expect(summary).to_be_focused()
    summary.get_by_role("link", name="Kontak Person harus diisi.").click()
    expect(page.get_by_label("Kontak Person")).to_be_focused()


def test_rows_are_chosen_by_page_and_by_everything(new_page: Callable[..., Page]) -> None:
    page = new_page()
    page.goto("/daftar")
    everything = page.get_by_label(re.compile("Pilih semua 60 hasil"))
    expect(everything).to_be_hidden()
    page.get_by_label("Pilih semua di halaman ini").check()
    expect(page.locator("[data-bulk-count]")).to_have_text("25 dipilih")
    everything.check()
    page.get_by_role("button", name="Pilih aksi").click()
    page.get_by_role("button", name="Arsip").click()
    expect(dialog(page)).to_contain_text("Arsipkan 60 berkas?")
    dialog(page).get_by_role("button", name="Ya").click()
    expect(page.get_by_role("status").first).to_contain_text("60 berkas diarsipkan.")


def test_taking_one_row_out_takes_everything_back(new_page: Callable[..., Page]) -> None:
    page = new_page()
    page.goto("/daftar?sort=id")
    page.get_by_label("Pilih semua di halaman ini").check()
    page.get_by_label(re.compile("Pilih semua 60 hasil")).check()
    page.get_by_label("Pilih baris 3", exact=True).uncheck()
    page.get_by_role("button", name="Pilih aksi").click()
    page.get_by_role("button", name="Arsip").click()
    expect(dialog(page)).to_contain_text("Arsipkan 24 berkas?")


def test_a_list_is_sorted_filtered_and_paged_without_loading_the_page(
    new_page: Callable[..., Page],
) -> None:
    page = new_page()
    page.goto("/daftar")
    page.evaluate("window.same = true")
    page.get_by_role("link", name="Judul").click()
    page.wait_for_url("**/daftar?sort=title")
    expect(page.get_by_role("columnheader", name="Judul")).to_have_attribute(
        "aria-sort", "ascending"
    )
    page.get_by_role("link", name="Berikutnya").click()
    page.wait_for_url("**after=**")
    page.locator("summary", has_text="Filter").click()
    page.get_by_label("Status").select_option("Baru")
    page.get_by_role("button", name="Terapkan").click()
    expect(page.get_by_role("status")).to_have_text("20 hasil")
    assert "sort=title" in page.url
    page.get_by_role("link", name="Hapus filter Status: Baru").click()
    expect(page.get_by_role("status")).to_have_text("60 hasil")
    assert page.evaluate("window.same") is True
    page.go_back()
    expect(page.get_by_role("status")).to_have_text("20 hasil")


def test_the_slash_key_goes_to_the_quick_search(new_page: Callable[..., Page]) -> None:
    page = new_page()
    page.goto("/daftar")
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox", name="Pencarian cepat")).to_be_focused()
    page.keyboard.type("a/b")
    expect(page.get_by_role("searchbox", name="Pencarian cepat")).to_have_value("a/b")


def test_the_theme_follows_the_system_until_one_is_chosen(new_page: Callable[..., Page]) -> None:
    page = new_page(color_scheme="dark")
    page.goto("/bantuan")
    root = page.locator("html")
    expect(root).to_have_attribute("data-bs-theme", "dark")
    page.emulate_media(color_scheme="light")
    expect(root).to_have_attribute("data-bs-theme", "light")
    page.get_by_role("button", name="Tampilan").click()
    with page.expect_response("**/tampilan"):
        page.get_by_role("button", name="Gelap").click()
    expect(root).to_have_attribute("data-bs-theme", "dark")
    page.goto("/daftar")
    expect(root).to_have_attribute("data-bs-theme", "dark")


def test_no_page_flashes_in_the_wrong_theme(new_page: Callable[..., Page]) -> None:
    """The attribute is there before the body is: nothing was painted without it."""
    page = new_page(color_scheme="dark")
    page.add_init_script(
        """new MutationObserver(() => {
            if (document.body && window.first === undefined)
                window.first = document.documentElement.dataset.bsTheme || "none";
        }).observe(document, {childList: true, subtree: true});"""
    )
    page.goto("/bantuan")
    assert page.evaluate("window.first") == "dark"


def test_a_lost_connection_is_told(new_page: Callable[..., Page]) -> None:
    page = new_page(complain=False)
    page.goto("/")

    def cut(route: Route) -> None:
        route.abort()

    page.route("**/pendek", cut)
    page.get_by_role("link", name="Pendek", exact=True).click()
    expect(page.locator("#toasts").get_by_role("alert")).to_contain_text("Periksa sambungan")


def test_menus_and_dialogs_are_usable_on_a_phone(new_page: Callable[..., Page]) -> None:
    page = new_page(viewport={"width": 360, "height": 700})
    page.goto("/daftar")
    expect(page.get_by_role("link", name="Dashboard", exact=True)).to_be_hidden()
    page.get_by_role("button", name="Buka menu").click()
    expect(page.get_by_role("link", name="Dashboard", exact=True)).to_be_visible()
    open_dialog(page, "Pendek")
    expect(page.get_by_label("Nama")).to_be_focused()
    box = page.locator(".modal-content").bounding_box()
    assert box is not None
    assert (box["width"], box["height"]) == (360, 700)


PLACES = ("/", "/isian", "/daftar", "/daftar?cari=x", "/bantuan/pesan", "/gagal/404")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1440])
def test_nobody_is_shut_out(new_page: Callable[..., Page], width: int, scheme: str) -> None:
    """axe finds nothing, and nothing is wider than the screen."""
    page = new_page(complain=False, color_scheme=scheme, viewport={"width": width, "height": 800})
    for place in PLACES:
        page.goto(place)
        found = Axe().run(page).response["violations"]
        assert [(each["id"], each["nodes"][0]["html"]) for each in found] == [], place
        root = "document.documentElement"
        assert page.evaluate(f"{root}.scrollWidth - {root}.clientWidth") <= 0, place


def test_pages_work_without_javascript(new_page: Callable[..., Page]) -> None:
    page = new_page(java_script_enabled=False)
    page.goto("/")
    page.get_by_role("link", name="Pendek", exact=True).click()
    page.get_by_label("Nama").fill("TANPA SKRIP")
    page.get_by_role("button", name="Ya").click()
    page.wait_for_url("**/daftar")
    expect(page.get_by_role("status").first).to_contain_text("TANPA SKRIP sudah disimpan.")
    page.get_by_label("Pilih baris 9", exact=True).check()
    page.get_by_role("button", name="Pilih aksi").focus()
    page.get_by_role("button", name="Arsip").click()
    expect(page.get_by_role("main")).to_contain_text("Arsipkan 1 berkas?")
    page.get_by_role("button", name="Ya").click()
    expect(page.get_by_role("status").first).to_contain_text("1 berkas diarsipkan.")
