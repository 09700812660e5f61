"""The manual, followed word by word in a browser: from Daftar to the green tick."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect

from core.accounts.demo import DEMO_PASSWORD
from tests.functional.conftest import ROOT, Server
from tests.functional.telephone import look_at, read_code, read_link

pytestmark = pytest.mark.browser

NEW_PASSWORD = "kopi-tubruk-panas-sore"
OWN_NUMBER = "0812 3090 7095"
OWN_NUMBER_E164 = "+6281230907095"
INSTITUTION_NUMBER = "081230907120"
CODE = "2018-HK-00005"

WIB = ZoneInfo("Asia/Jakarta")


class Album:
    """Keeps pictures: below build/screens, and for the documents where that is asked for."""

    def __init__(self, kind: str) -> None:
        self._folders = [ROOT / "build" / "screens" / kind]
        wanted = os.environ.get("ABAH_SCREENSHOTS")
        if wanted and kind == "sqlite":
            self._folders.append(ROOT / wanted)

    def take(self, page: Page, name: str) -> None:
        page.wait_for_timeout(350)  # a dialog has finished moving
        picture = page.screenshot()
        for folder in self._folders:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{name}.png").write_bytes(picture)


@pytest.fixture
def album(request: pytest.FixtureRequest) -> Album:
    return Album(request.node.callspec.params["server"])


def sign_in(page: Page, name: str, password: str = DEMO_PASSWORD) -> None:
    page.goto("/masuk")
    page.get_by_label("Nama pemakai atau alamat email").fill(name)
    page.get_by_label("Sandi", exact=True).fill(password)
    page.get_by_role("button", name="Masuk", exact=True).click()


def register(officer: Page, admin: Page, album: Album, name: str) -> None:
    """M1: Daftar, confirm the address, wait, and be let in by an Admin."""
    mail = f"{name}@abah.example"
    officer.goto("/")
    officer.get_by_role("link", name="Daftar").click()
    officer.get_by_label("Nama pemakai").fill(name)
    officer.get_by_label("Alamat email").fill(mail)
    officer.get_by_label("Nama depan").fill("SEKAR")
    officer.get_by_label("Nama belakang").fill(name.upper())
    officer.get_by_label("NIP").fill("199001012015011234")
    officer.get_by_label("Sandi", exact=True).fill(NEW_PASSWORD)
    officer.get_by_label("Ulangi sandi").fill(NEW_PASSWORD)
    album.take(officer, "register")
    officer.get_by_role("button", name="Daftar").click()

    sign_in(admin, "admin")
    officer.goto(read_link(admin, mail))
    confirm = officer.get_by_role("button", name=re.compile("Konfirmasi"))
    if confirm.is_visible():
        confirm.click()
    expect(officer.locator("main")).to_contain_text("Admin")

    admin.goto("/pemakai?status=pending")
    row = admin.get_by_role("row").filter(has_text=mail)
    row.get_by_role("link", name="Beri akses").click()
    dialog = admin.get_by_role("dialog")
    dialog.get_by_label("Petugas").check()
    dialog.get_by_label("Tim Hibah 1").check()
    album.take(admin, "grant-access")
    dialog.get_by_role("button", name="Ya").click()
    expect(dialog).to_be_hidden()


def verify_number(officer: Page, admin: Page, album: Album, name: str) -> None:
    """M2 to M4: asked at once after signing in, code by SMS, F5 harmless."""
    sign_in(officer, name, NEW_PASSWORD)
    expect(officer.get_by_role("heading", name="Perbarui Kontak")).to_be_visible()
    officer.get_by_label("Negara").select_option(label="Indonesia (+62)")
    officer.get_by_label("Nomor telepon").fill(OWN_NUMBER)
    album.take(officer, "contact-update")
    officer.get_by_role("button", name="Perbarui").click()
    expect(officer.get_by_role("heading", name="Konfirmasi Nomor Telepon")).to_be_visible()
    officer.reload()
    expect(officer.get_by_text("Kode verifikasi telah dikirim ke +62*****7095")).to_be_visible()
    expect(officer.get_by_role("button", name="klik di sini")).to_be_visible()
    code = read_code(admin, OWN_NUMBER_E164)
    album.take(admin, "sandbox-telephone")
    field = officer.get_by_label("Kode verifikasi")
    field.fill("0000" if code != "0000" else "1111")
    officer.get_by_role("button", name="Konfirmasi").click()
    expect(officer.get_by_role("alert").first).to_be_visible()
    field.fill(code)
    album.take(officer, "contact-confirm")
    officer.get_by_role("button", name="Konfirmasi").click()
    expect(officer.get_by_role("heading", name="Dashboard")).to_be_visible()


def invite(officer: Page, album: Album, day: str) -> None:
    """M6 to M9: find by code from any page, Undangan NPHD, fill in, Ya."""
    officer.keyboard.press("/")
    officer.keyboard.type(CODE)
    officer.keyboard.press("Enter")
    expect(officer.get_by_text("Menampilkan hasil untuk Data Aktif dari 1 s/d 1")).to_be_visible()
    album.take(officer, "search")
    officer.get_by_role("link", name="Undangan NPHD", exact=True).last.click()
    dialog = officer.get_by_role("dialog")
    dialog.get_by_label("Negara").select_option(label="Indonesia (+62)")
    dialog.get_by_label("Nomor Telepon").fill(INSTITUTION_NUMBER)
    dialog.get_by_label("Kontak Person").fill("NIRMALA")
    dialog.get_by_label("Tanggal NPHD").fill(day)
    album.take(officer, "invite")
    dialog.get_by_role("button", name="Ya").click()
    expect(dialog).to_be_hidden()


def process(officer: Page, album: Album, day: str) -> None:
    """M10 to M12: the list, the pencil, Proses, Ya."""
    officer.get_by_role("button", name="Hibah").click()
    officer.get_by_role("link", name="Undangan NPHD", exact=True).first.click()
    expect(officer.get_by_role("heading", name="Undangan NPHD")).to_be_visible()
    album.take(officer, "invitations")
    row = officer.get_by_role("row").filter(has_text=re.compile("SEKAR")).first
    row.get_by_role("link", name="Sunting").click()
    expect(officer.get_by_role("heading", name="Sunting Undangan NPHD")).to_be_visible()
    expect(officer.get_by_label("Tanggal", exact=True)).to_have_value(day)
    album.take(officer, "invitation")
    officer.get_by_role("link", name="Proses").or_(
        officer.get_by_role("button", name="Proses")
    ).click()
    dialog = officer.get_by_role("dialog")
    expect(dialog).to_contain_text("1 lembaga")
    album.take(officer, "process")
    dialog.get_by_role("button", name="Ya").click()
    expect(dialog).to_be_hidden()


def see_tick(officer: Page, admin: Page, album: Album) -> None:
    """M14 to M16: the conversation from the card, and its green tick."""
    officer.goto(f"/hibah/cari?q={CODE}")
    officer.get_by_role("link", name="Pesan", exact=True).last.click()
    dialog = officer.get_by_role("dialog")
    tick = dialog.locator("[data-tick=received]").last
    expect(tick).to_be_visible(timeout=30_000)
    expect(tick).to_contain_text("diterima")
    album.take(officer, "conversation")
    officer.keyboard.press("Escape")
    look_at(admin, INSTITUTION_NUMBER)
    expect(admin.locator(".phone-bubble").last).to_contain_text("NPHD")
    officer.goto("/pesan")
    expect(officer.locator("main")).to_contain_text(re.compile(r"Terdapat [\d.]+ pesan"))
    album.take(officer, "inbox")


def test_from_registration_to_the_green_tick(
    new_browser: Callable[..., Page], album: Album, server: Server
) -> None:
    officer, admin = new_browser(), new_browser()
    day = (datetime.now(WIB) + timedelta(days=1)).strftime("%d/%m/%Y")
    register(officer, admin, album, "sekar")
    verify_number(officer, admin, album, "sekar")
    invite(officer, album, day)
    process(officer, album, day)
    see_tick(officer, admin, album)


def test_pictures_of_the_documents_exist() -> None:
    names = re.findall(r"docs/images/[\w-]+\.png", (ROOT / "README.md").read_text("utf-8"))
    assert names
    assert [name for name in names if not Path(ROOT / name).is_file()] == []
