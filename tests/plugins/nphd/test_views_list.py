from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
import time_machine

from tests.plugins.nphd.browser import LIST, Visit, main_text

if TYPE_CHECKING:
    from webtest import TestApp

    from core.api.hooks import UserFacts
    from core.testing.people import People
    from tests.plugins.nphd.conftest import Bureau, Statements

WIB = ZoneInfo("Asia/Jakarta")


def test_the_list_shows_the_manuals_columns_and_counts(
    visit: Visit, bureau: Bureau, officer: UserFacts
) -> None:
    with time_machine.travel(datetime(2018, 11, 29, 9, tzinfo=WIB)):
        bureau.list_of(2, officer, date(2018, 12, 1))
    page = visit.app.get(LIST)
    headings = [each.get_text().strip() for each in page.html.main.select("thead th")][1:]
    assert headings == ["Id", "Tanggal", "Pegawai", "Jumlah", "Notifikasi", "Aksi"]
    text = main_text(page)
    assert "1 hasil" in text
    assert "1 Desember 2018 ANINDHITA 2 Belum dikirim" in text
    assert page.html.main.select_one("tbody a").get_text().strip() == "Sunting"


@pytest.mark.parametrize("sort", ["id", "day", "officer", "invitees"])
def test_the_list_sorts_by_every_column_of_the_manual(
    visit: Visit, bureau: Bureau, officer: UserFacts, sort: str
) -> None:
    for days, size in ((3, 1), (1, 2)):
        bureau.list_of(size, officer, bureau.tomorrow + timedelta(days=days))
    orders = [
        [
            row["value"]
            for row in visit.app.get(f"{LIST}?sort={way}{sort}").html.select("[name=pilih]")
        ]
        for way in ("", "-")
    ]
    assert orders[0] == orders[1][::-1] or sort == "officer"
    assert sorted(orders[0]) == ["1", "2"]


def test_an_officer_sees_own_lists_and_those_of_the_team(
    visit: Visit, bureau: Bureau, people: People, officer: UserFacts, admin: UserFacts
) -> None:
    mate = people.facts(people.petugas("MATE SATU", team="Tim 1"))
    other = people.facts(people.petugas("LAIN", team="Tim 2"))
    viewer = people.facts(people.petugas("PEMBACA", team="Tim 1"))
    pimpinan = people.facts(people.pimpinan())
    lists = {who.name: bureau.list_of(1, who) for who in (officer, mate, other, viewer)}

    seen = {}
    for who in (viewer, pimpinan, admin):
        visit.enter(who)
        page = visit.app.get(LIST)
        seen[who.id] = {int(row.get_text()) for row in page.html.select('td[data-label="Id"]')}
    assert seen[viewer.id] == {lists["MATE SATU"], lists["PEMBACA"]}
    assert seen[pimpinan.id] == seen[admin.id] == set(lists.values())

    visit.enter(viewer)
    assert visit.ask(str(lists["LAIN"])).status_int == 404
    assert visit.ask(f"{lists['LAIN']}/proses").status_int == 404


def test_the_list_filters_by_date_officer_notification_and_cancellation(
    visit: Visit, bureau: Bureau, officer: UserFacts, admin: UserFacts
) -> None:
    day = bureau.tomorrow
    none = bureau.list_of(1, officer, day)
    done = bureau.list_of(1, officer, day + timedelta(days=1))
    visit.send(done, officer)
    partly = bureau.list_of(1, officer, day + timedelta(days=2))
    visit.send(partly, officer)
    bureau.list_of(1, officer, day + timedelta(days=2))
    gone = bureau.list_of(1, admin, day)
    visit.cancel(gone, admin)
    visit.enter(admin)

    def shown(query: str) -> set[int]:
        page = visit.app.get(f"{LIST}?{query}")
        return {int(each["value"]) for each in page.html.select("[name=pilih]")}

    assert shown("notifikasi=none") == {none, gone}
    assert shown("notifikasi=some") == {partly}
    assert shown("notifikasi=all") == {done}
    assert shown("batal=ya") == {gone}
    assert shown("batal=tidak") == {none, done, partly}
    assert shown(f"pegawai={admin.id}") == {gone}
    after = (day + timedelta(days=1)).strftime("%d/%m/%Y")
    assert shown(f"tanggal_dari={after}") == {done, partly}
    assert shown(f"tanggal_dari={after}&tanggal_sampai={after}") == {done}


def test_an_empty_list_says_what_to_do(visit: Visit) -> None:
    text = main_text(visit.app.get(LIST))
    assert "0 hasil" in text
    assert "Cari lembaga lebih dahulu" in text


def test_the_list_costs_the_same_statements_whatever_it_holds(
    visit: Visit, bureau: Bureau, officer: UserFacts, statements: Statements
) -> None:
    def cost() -> int:
        with statements() as counted:
            visit.app.get(LIST)
        return len(counted)

    bureau.list_of(1, officer)
    visit.app.get(LIST)
    few = cost()
    for days in range(1, 8):
        bureau.list_of(1, officer, bureau.tomorrow + timedelta(days=days))
    assert cost() == few


def test_the_dashboard_names_own_lists_that_wait_to_be_sent(
    visit: Visit, bureau: Bureau, officer: UserFacts, colleague: UserFacts
) -> None:
    with time_machine.travel(datetime(2018, 11, 29, 9, tzinfo=WIB)):
        bureau.list_of(1, officer, date(2018, 12, 1))
    assert "menunggu dikirim" not in main_text(visit.app.get("/"))
    invitation_id = bureau.list_of(1, officer)
    page = visit.app.get("/")
    assert "undangan NPHD menunggu dikirim" in main_text(page)
    assert page.html.find("a", href=f"{LIST}/{invitation_id}")
    visit.enter(colleague)
    assert "undangan NPHD menunggu" not in main_text(visit.app.get("/"))


def test_the_menu_and_the_guide_lead_to_the_invitations(visit: Visit) -> None:
    page = visit.app.get("/")
    link = page.html.find("a", href=LIST)
    assert link.get_text().strip() == "Undangan NPHD"
    chapter = visit.app.get("/bantuan/undangan-nphd")
    assert "Pemanggilan Penandatanganan NPHD" in main_text(chapter)
    assert "Proses" in main_text(chapter)


def test_who_is_not_signed_in_is_sent_to_sign_in(app: TestApp) -> None:
    for path in (LIST, f"{LIST}/1", f"{LIST}/1/proses"):
        answer = app.get(path)
        assert answer.status_int in {302, 303}
