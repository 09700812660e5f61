"""Pesan: the list of conversations."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from sqlalchemy import update
from webtest import TestApp

from core.framework.runtime import Runtime
from core.messaging.models import Thread
from core.testing.people import People
from tests.core.messaging.owner import OwnerPlugin
from tests.core.messaging.pages.talk import (
    ABOUT,
    HX,
    text_of,
    thread_id,
)

pytestmark = pytest.mark.usefixtures("officer")


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
