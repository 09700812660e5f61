"""From registration to the green tick with key presses only."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect

from core.accounts.demo import DEMO_PASSWORD
from tests.functional.telephone import read_code, read_link

pytestmark = pytest.mark.browser

PASSWORD = "teh-manis-anget-pagi"
NUMBER = "081230907311"
CODE = "2018-HK-00005"
MANY = 120
"""More tab stops than any page has before what one looks for."""

FOCUSED_NAME = """() => {
  const e = document.activeElement;
  if (!e || e === document.body) return '';
  const label = e.labels && e.labels.length ? e.labels[0].innerText : '';
  return (e.getAttribute('aria-label') || label || e.innerText || e.title || '').trim();
}"""


class Keys:
    """A person without a mouse."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def reach(self, name: str) -> None:
        """Press Tab until what is called ``name`` has the focus."""
        wanted = re.compile(name)
        seen = []
        for _stop in range(MANY):
            self.page.keyboard.press("Tab")
            found = self.page.evaluate(FOCUSED_NAME)
            seen.append(found)
            if wanted.fullmatch(found):
                return
        pytest.fail(f"no tab stop called {name!r}; passed {seen}")

    def type(self, name: str, text: str) -> None:
        """Go to a field and type."""
        self.reach(name)
        self.page.keyboard.press("Control+a")
        self.page.keyboard.type(text)

    def press(self, name: str) -> None:
        """Go to a button or link and press Enter."""
        self.reach(name)
        self.page.keyboard.press("Enter")

    def tick(self, name: str) -> None:
        """Go to a check box and press Space."""
        self.reach(name)
        self.page.keyboard.press("Space")

    def heading(self, name: str) -> None:
        """Wait until the page has this heading."""
        expect(self.page.get_by_role("heading", name=name).first).to_be_visible()


def sign_in(keys: Keys, name: str, password: str) -> None:
    keys.page.goto("/masuk")
    keys.type("Nama pemakai atau alamat email", name)
    keys.type("Sandi", password)
    keys.page.keyboard.press("Enter")


def register(keys: Keys, admin: Keys, phone: Page) -> None:
    keys.page.goto("/daftar")
    for label, text in (
        ("Nama pemakai", "laras"),
        ("Alamat email", "laras@abah.example"),
        ("Nama depan", "LARAS"),
        ("Sandi", PASSWORD),
        ("Ulangi sandi", PASSWORD),
    ):
        keys.type(label, text)
    keys.page.keyboard.press("Enter")
    expect(keys.page.locator("main")).to_contain_text("email")
    sign_in(admin, "admin", DEMO_PASSWORD)
    admin.heading("Dashboard")
    sign_in(Keys(phone), "admin", DEMO_PASSWORD)
    Keys(phone).heading("Dashboard")
    keys.page.goto(read_link(phone, "laras@abah.example"))
    if keys.page.get_by_role("button", name=re.compile("Konfirmasi")).is_visible():
        keys.press(".*Konfirmasi.*")
    expect(keys.page.locator("main")).to_contain_text("Admin")

    admin.page.goto("/pemakai?status=pending&q=laras")
    admin.press("Beri akses")
    expect(admin.page.get_by_role("dialog")).to_be_visible()
    admin.tick("Petugas")
    admin.tick("Tim Hibah 1")
    admin.press("Ya")
    expect(admin.page.get_by_role("dialog")).to_be_hidden()


def verify(keys: Keys, phone: Page) -> None:
    sign_in(keys, "laras", PASSWORD)
    keys.heading("Perbarui Kontak")
    keys.type("Nomor telepon", NUMBER)
    keys.press("Perbarui")
    keys.heading("Konfirmasi Nomor Telepon")
    keys.page.reload()
    # The field has the focus already.
    keys.page.keyboard.type(read_code(phone, NUMBER))
    keys.page.keyboard.press("Enter")
    keys.heading("Dashboard")


def invite_and_send(keys: Keys) -> None:
    day = (datetime.now(ZoneInfo("Asia/Jakarta")) + timedelta(days=2)).strftime("%d/%m/%Y")
    keys.page.keyboard.press("/")
    keys.page.keyboard.type(CODE)
    keys.page.keyboard.press("Enter")
    keys.heading("Pencarian")
    keys.press("Undangan NPHD")
    dialog = keys.page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    keys.type("Nomor Telepon", "081230907322")
    keys.type("Kontak Person", "PRANATA")
    keys.type("Tanggal NPHD", day)
    keys.press("Ya")
    expect(dialog).to_be_hidden()

    keys.reach("Hibah")
    keys.page.keyboard.press("Enter")
    keys.page.keyboard.press("ArrowDown")
    for _step in range(MANY):
        if keys.page.evaluate(FOCUSED_NAME) == "Undangan NPHD":
            break
        keys.page.keyboard.press("ArrowDown")
    keys.page.keyboard.press("Enter")
    keys.heading("Undangan NPHD")
    row = keys.page.get_by_role("row").filter(has_text="LARAS")
    href = row.get_by_role("link", name="Sunting").get_attribute("href")
    assert href
    for _stop in range(MANY):
        keys.page.keyboard.press("Tab")
        if keys.page.evaluate("() => document.activeElement.getAttribute('href')") == href:
            break
    keys.page.keyboard.press("Enter")
    keys.heading("Sunting Undangan NPHD")
    keys.press("Proses")
    expect(dialog).to_be_visible()
    keys.press("Ya")
    # The page that says so has come, and with it the keys of the frame.
    expect(keys.page.get_by_role("status").first).to_contain_text("sedang dikirim")
    expect(dialog).to_be_hidden()


def test_the_whole_path_works_without_a_mouse(new_browser: Callable[..., Page]) -> None:
    keys, admin, phone = Keys(new_browser()), Keys(new_browser()), new_browser()
    register(keys, admin, phone)
    verify(keys, phone)
    invite_and_send(keys)
    keys.page.keyboard.press("/")
    keys.page.keyboard.type(CODE)
    keys.page.keyboard.press("Enter")
    keys.heading("Pencarian")
    keys.reach("Lihat")  # past the envelope of the bar, into the card
    keys.press("Pesan")
    dialog = keys.page.get_by_role("dialog")
    expect(dialog.locator("[data-tick=received]").last).to_be_visible(timeout=30_000)
    keys.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
