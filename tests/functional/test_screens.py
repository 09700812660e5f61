"""Every screen at three widths, light and dark: pictures to look at, and axe finds nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

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
    "applications": "/aplikasi",
    "application": "/aplikasi/hibah",
    "application-disable": "/aplikasi/nphd/disable",
    "settings": "/setelan",
    "settings-plugin": "/setelan/nphd",
    "profile": "/profilku",
    "profile-contact": "/profilku/kontak",
    "profile-password": "/profilku/sandi",
    "sandbox": "/p/sandbox/",
    "help": "/bantuan",
    "help-chapter": "/bantuan/pesan",
    "not-found": "/tidak-ada",
}
WIDER = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
WIDTHS = {360: True, 768: False, 1440: True}
"""Whether axe looks at a width, too: between the narrow and the wide layout is no third one."""


def show(page: Page, name: str, path: str, *, everywhere: bool) -> list[str]:
    """Open a page, look at it in every window or in one, and return what is wrong with it."""
    answer = page.goto(path)
    assert answer is not None
    assert answer.status == (404 if name == "not-found" else 200), path
    assert urlsplit(answer.url).path == urlsplit(path).path, f"{path} is another page"
    problems = []
    for scheme in ("light", "dark") if everywhere else ("light",):
        # Without motion: a colour on its way from one scheme to the other is not what stays.
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        for width, with_axe in WIDTHS.items() if everywhere else [(360, True)]:
            page.set_viewport_size({"width": width, "height": 800})
            page.wait_for_timeout(50)
            window = f"{width}-{scheme}"
            if everywhere:
                target = ROOT / "build" / "screens" / window / f"{name}.png"
                page.screenshot(path=target, full_page=True)
            if page.evaluate(WIDER):
                problems.append(f"{window}/{name}: wider than the screen")
            if with_axe:
                problems += [f"{window}/{name}: {found}" for found in look(page)]
    return problems


def look(page: Page) -> Iterator[str]:
    """Tell what keeps somebody out, and where."""
    for violation in Axe().run(page).response["violations"]:
        places = [" ".join(node["target"]) for node in violation["nodes"]][:3]
        yield f"{violation['id']} at {places}"


def test_screens_fit_and_are_accessible(
    new_browser: Callable[..., Page], request: pytest.FixtureRequest
) -> None:
    # How a page is laid out does not depend on the database; that it is there does.
    everywhere = request.node.callspec.params["server"] == "sqlite"
    page = new_browser(strict=False)
    problems = []
    for name, path in SIGNED_OUT.items():
        problems += show(page, name, path, everywhere=everywhere)
    page.goto("/masuk")
    page.get_by_label("Nama pemakai atau alamat email").fill("admin")
    page.get_by_label("Sandi", exact=True).fill(DEMO_PASSWORD)
    page.get_by_role("button", name="Masuk", exact=True).click()
    page.get_by_role("heading", name="Dashboard").wait_for()
    for name, path in SIGNED_IN.items():
        problems += show(page, name, path, everywhere=everywhere)
    assert problems == []
