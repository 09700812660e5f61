"""Every screen at three widths, light and dark: pictures to look at, and axe finds nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from core.accounts.demo import DEMO_PASSWORD
from tests.functional.conftest import ROOT

pytestmark = pytest.mark.browser

SIGNED_OUT = {"sign-in": "/masuk", "register": "/daftar", "reset": "/lupa-sandi"}
SIGNED_IN = {
    "dashboard": "/",
    "search": "/hibah/cari?q=LPTQ",
    "search-archive": "/hibah/cari?q=LPTQ&set=archive",
    "search-nothing": "/hibah/cari?q=zzzzzz",
    "grants": "/hibah/",
    "institutions": "/hibah/lembaga",
    "grant": "/hibah/1",
    "institution": "/hibah/lembaga/1",
    "contact": "/hibah/lembaga/1/kontak",
    "log": "/hibah/1/log",
    "invitations": "/hibah/undangan",
    "invitation": "/hibah/undangan/1",
    "invitation-process": "/hibah/undangan/1/proses",
    "inbox": "/pesan",
    "conversation": "/pesan/1",
    "texts": "/teks",
    "text": "/teks/1",
    "users": "/pemakai",
    "profile": "/profilku",
    "profile-contact": "/profilku/kontak",
    "profile-password": "/profilku/sandi",
    "sandbox": "/p/sandbox/",
    "help": "/bantuan",
    "help-chapter": "/bantuan/pesan",
    "not-found": "/tidak-ada",
}
WIDTHS = (360, 768, 1440)


def show(page: Page, name: str, path: str, folder: str) -> list[str]:
    """Open a page, keep its picture, and return what is wrong with it."""
    page.goto(path)
    page.wait_for_timeout(150)
    target = ROOT / "build" / "screens" / folder
    target.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=target / f"{name}.png", full_page=True)
    problems = []
    if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
        problems.append(f"{folder}/{name}: wider than the screen")
    for violation in Axe().run(page).response["violations"]:
        places = [" ".join(node["target"]) for node in violation["nodes"]][:3]
        problems.append(f"{folder}/{name}: {violation['id']} at {places}")
    return problems


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_screens_fit_and_are_accessible(
    new_browser: Callable[..., Page], width: int, scheme: str
) -> None:
    page = new_browser(width, 800, scheme, strict=False)
    folder = f"{width}-{scheme}"
    problems = []
    for name, path in SIGNED_OUT.items():
        problems += show(page, name, path, folder)
    page.goto("/masuk")
    page.get_by_label("Nama pemakai atau alamat email").fill("admin")
    page.get_by_label("Sandi", exact=True).fill(DEMO_PASSWORD)
    page.get_by_role("button", name="Masuk", exact=True).click()
    page.get_by_role("heading", name="Dashboard").wait_for()
    for name, path in SIGNED_IN.items():
        problems += show(page, name, path, folder)
    assert problems == []
