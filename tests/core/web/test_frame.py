"""What surrounds a page: menus, footer, language, theme, messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pyramid.httpexceptions import HTTPSeeOther

from core.i18n import _
from core.web.locale import LocaleChosen
from core.web.menu import MenuEntry
from tests.core.web import pages
from tests.core.web.world import SIGNED_IN

if TYPE_CHECKING:
    from bs4 import BeautifulSoup
    from pyramid.config import Configurator
    from pyramid.request import Request

    from tests.core.web.conftest import Browser


def menu_of(html: BeautifulSoup) -> list[str]:
    entries = html.select("#menu .navbar-nav > li > a, #menu .navbar-nav > li > button")
    return [entry.text.strip() for entry in entries]


def add(*entries: MenuEntry) -> pages.Include:
    def include(config: Configurator) -> None:
        pages.includeme(config)
        config.add_menus(*entries)

    return include


def test_only_entries_that_lead_somewhere_are_in_the_menu(browser: Browser) -> None:
    html = browser(pages.includeme).get("/", headers=SIGNED_IN).html
    assert menu_of(html) == ["Dashboard", "Bantuan", "UCP"]


def test_entries_stand_in_the_manuals_order_under_their_parents(browser: Browser) -> None:
    app = browser(
        add(
            MenuEntry("hibah", "Hibah", order=40),
            MenuEntry("x.two", "Kedua", "try.short", parent="hibah", order=20),
            MenuEntry("x.one", "Pertama", "try.list", parent="hibah", order=10),
            MenuEntry("x.report", "Ringkas", "try.every", parent="laporan"),
        )
    )
    html = app.get("/daftar", headers=SIGNED_IN).html
    assert menu_of(html) == ["Dashboard", "Bantuan", "Laporan", "Hibah", "UCP"]
    hibah = html.select("#menu .dropdown")[1]
    assert [item.text.strip() for item in hibah.select(".dropdown-item")] == ["Pertama", "Kedua"]
    assert hibah.select_one("[aria-current=page]").text.strip() == "Pertama"


def test_entries_without_permission_or_route_are_left_out(browser: Browser) -> None:
    app = browser(
        add(
            MenuEntry("hibah", "Hibah", order=40),
            MenuEntry(
                "a", "Terlarang", "try.managed", parent="hibah", permission="settings.manage"
            ),
            MenuEntry("b", "Tanpa rute", "tidak.ada", parent="hibah"),
            MenuEntry("c", "Perlu nomor", "try.failing", parent="hibah"),
        )
    )
    assert "Hibah" not in menu_of(app.get("/", headers=SIGNED_IN).html)
    granted = {"X-Permissions": "abah.signed_in settings.manage"}
    assert "Hibah" in menu_of(app.get("/", headers=granted).html)


def test_the_person_is_greeted_by_name(browser: Browser) -> None:
    html = browser().get("/", headers=SIGNED_IN).html
    assert html.select_one(".dropdown-header").text == "Selamat datang ANINDHITA"


def test_keyboard_users_can_skip_the_menu(browser: Browser) -> None:
    html = browser().get("/", headers=SIGNED_IN).html
    link = html.select_one("body > a")
    assert link["href"] == "#isi"
    assert html.select_one("main#isi") is not None


@pytest.mark.settings(
    **{
        "abah.footer.berita": "Bantuan Sosial | https://contoh.example/bansos\nKinerja | /kinerja",
        "abah.footer.situs": "Jebakan | javascript:alert(1)\ntanpa alamat",
    }
)
def test_the_footer_has_the_columns_that_were_set(browser: Browser) -> None:
    html = browser().get("/", headers=SIGNED_IN).html
    assert [each.text for each in html.select("footer h2")] == ["Berita"]
    links = {each.text: each["href"] for each in html.select("footer li a")}
    assert links == {"Bantuan Sosial": "https://contoh.example/bansos", "Kinerja": "/kinerja"}


def test_pages_are_indonesian_until_english_is_chosen(browser: Browser) -> None:
    app = browser()
    page = app.get("/bantuan", headers=SIGNED_IN)
    assert page.html.select_one("html")["lang"] == "id"
    answer = page.forms[0].submit("locale", value="en", headers=SIGNED_IN)
    assert answer.location == "http://localhost/bantuan"
    assert app.get("/bantuan", headers=SIGNED_IN).html.select_one("html")["lang"] == "en"


def test_the_choice_of_a_language_can_be_heard_by_other_rooms(browser: Browser) -> None:
    heard: list[str] = []

    def include(config: Configurator) -> None:
        config.add_subscriber(lambda event: heard.append(event.locale), LocaleChosen)

    app = browser(include)
    app.get("/bantuan", headers=SIGNED_IN).forms[0].submit("locale", value="en", headers=SIGNED_IN)
    assert heard == ["en"]


def test_a_language_that_does_not_exist_is_ignored(browser: Browser) -> None:
    app = browser()
    token = app.get("/bantuan").forms[0]["csrf_token"].value
    app.post("/bahasa", {"csrf_token": token, "locale": "../xx"}, status=303)
    assert app.get("/bantuan").html.select_one("html")["lang"] == "id"


def test_the_chosen_theme_is_in_the_page_before_it_is_painted(browser: Browser) -> None:
    app = browser()
    page = app.get("/bantuan", headers=SIGNED_IN)
    assert not page.html.select_one("html").has_attr("data-bs-theme")
    page.forms[1].submit("theme", value="dark", headers=SIGNED_IN)
    root = app.get("/bantuan", headers=SIGNED_IN).html.select_one("html")
    assert root["data-bs-theme"] == "dark"
    page.forms[1].submit("theme", value="auto", headers=SIGNED_IN)
    root = app.get("/bantuan", headers=SIGNED_IN).html.select_one("html")
    assert not root.has_attr("data-bs-theme")


@pytest.mark.parametrize("elsewhere", ["https://jahat.example", "//jahat.example", "/\\jahat"])
def test_a_switch_never_leads_off_the_site(browser: Browser, elsewhere: str) -> None:
    app = browser()
    token = app.get("/bantuan").forms[0]["csrf_token"].value
    posted = {"csrf_token": token, "theme": "dark", "next": elsewhere}
    assert app.post("/tampilan", posted).location == "http://localhost/"


def flashing(config: Configurator) -> None:
    def leave(request: Request) -> HTTPSeeOther:
        name = {"name": "<b>Masjid</b>", "what": _("Undangan NPHD")}
        request.session.flash(_("${what} untuk ${name} disimpan.", mapping=name), "success")
        request.session.flash(_("Periksa nomornya."), "warning")
        return HTTPSeeOther("/bantuan")

    config.add_route("leave", "/tinggalkan")
    config.add_view(leave, route_name="leave", permission="abah.signed_in")


def test_messages_are_shown_once_translated_and_escaped(browser: Browser) -> None:
    app = browser(flashing)
    html = app.get("/tinggalkan", headers=SIGNED_IN).follow(headers=SIGNED_IN).html
    shown = [" ".join(each.select_one("span").text.split()) for each in html.select(".flash")]
    assert shown == ["Undangan NPHD untuk <b>Masjid</b> disimpan.", "Periksa nomornya."]
    assert html.select_one(".flash b") is None
    assert [each["role"] for each in html.select(".flash")] == ["status", "alert"]
    assert not app.get("/bantuan", headers=SIGNED_IN).html.select(".flash")


def test_the_dashboard_says_when_nothing_waits(browser: Browser) -> None:
    html = browser().get("/", headers=SIGNED_IN).html
    assert "Tidak ada yang menunggu" in html.select_one(".dash-waiting").text
