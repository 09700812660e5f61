from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
import time_machine

from plugins.sandbox.behaviours import Behaviour
from tests.plugins.nphd.browser import Visit, fill, form_with, main_text

if TYPE_CHECKING:
    from core.api.hooks import UserFacts
    from core.testing.people import People
    from core.testing.work import Worker
    from tests.plugins.nphd.conftest import Bureau

WIB = ZoneInfo("Asia/Jakarta")


def test_the_page_shows_the_manuals_sections(
    visit: Visit, bureau: Bureau, officer: UserFacts
) -> None:
    with time_machine.travel(datetime(2018, 11, 8, 9, 11, tzinfo=WIB)):
        invitation_id = bureau.list_of(1, officer, date(2018, 12, 1))
    page = visit.detail(invitation_id)
    assert page.html.main.h1.get_text() == "Sunting Undangan NPHD"
    assert [each.get_text() for each in page.html.main.select("h2")] == [
        "Appointment",
        "Lembaga",
        "Informasi",
    ]
    values = {
        label.get_text().strip().rstrip("*"): page.html.find(id=label["for"]).get("value")
        for label in page.html.main.find_all("label")
    }
    assert values == {
        "Tanggal": "01/12/2018",
        "Jam": "09.00",
        "Tempat": "Biro Kesejahteraan Rakyat, Jl. Pahlawan 110 Surabaya",
        "Petugas": f"{officer.nip} - ANINDHITA",
        "Jumlah": "1",
        "Tanggal dibuat": "08/11/2018 09:11",
    }
    text = main_text(page)
    assert "Status ini menandakan apakah notifikasi pesan teks sudah dikirim" in text
    assert "Kembali" in text


def test_an_officer_is_told_to_ask_an_admin_and_sees_no_dead_button(
    visit: Visit, bureau: Bureau, officer: UserFacts, admin: UserFacts
) -> None:
    invitation_id = bureau.list_of(1, officer)
    visit.send(invitation_id, officer)
    text = main_text(visit.detail(invitation_id))
    assert "Hubungi Admin jika Anda memerlukannya" in text
    assert "Batalkan" not in text
    assert "Kirim ulang" not in text
    for path in ("batalkan", "kirim-ulang", "lembaga/1/kirim-ulang"):
        assert visit.ask(f"{invitation_id}/{path}").status_int == 403

    visit.enter(admin)
    text = main_text(visit.detail(invitation_id))
    assert "Batalkan" in text
    assert "Kirim ulang" in text
    assert "Hubungi Admin" not in text


def test_who_only_reads_gets_no_form_and_no_action(
    visit: Visit, bureau: Bureau, people: People, officer: UserFacts
) -> None:
    invitation_id = bureau.list_of(1, officer)
    visit.enter(people.facts(people.pimpinan()))
    page = visit.detail(invitation_id)
    assert page.html.find(id="hour") is None
    assert "Proses" not in main_text(page)
    assert visit.ask(f"{invitation_id}/proses").status_int == 403
    assert visit.ask(f"{invitation_id}/lembaga/1").status_int == 403


def test_day_hour_and_place_are_saved(visit: Visit, bureau: Bureau, officer: UserFacts) -> None:
    invitation_id = bureau.list_of(1, officer)
    day = (bureau.tomorrow + timedelta(days=2)).strftime("%d/%m/%Y")
    form = fill(form_with(visit.detail(invitation_id), "hour"), day=day, hour="13:30", place="Aula")
    page = form.submit().follow()
    assert "Undangan sudah disimpan" in main_text(page)
    form = form_with(page, "hour")
    assert [form[name].value for name in ("day", "hour", "place")] == [day, "13.30", "Aula"]


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"hour": "25.00"}, "Tulis jam sebagai jam.menit"),
        ({"hour": ""}, "Jam harus diisi"),
        ({"place": ""}, "Tempat harus diisi"),
        ({"day": "30/02/2031"}, "Tanggal 30/02/2031 tidak ada"),
        ({"day": "01/12/2018"}, "sudah lewat"),
    ],
)
def test_what_cannot_be_saved_is_explained(
    visit: Visit, bureau: Bureau, officer: UserFacts, values: dict[str, str], sentence: str
) -> None:
    invitation_id = bureau.list_of(1, officer)
    form = fill(form_with(visit.detail(invitation_id), "hour"), **values)
    answer = form.submit(expect_errors=True)
    assert answer.status_int == 422
    assert sentence in main_text(answer)


def test_a_page_that_is_stale_is_a_conflict(
    visit: Visit, bureau: Bureau, officer: UserFacts
) -> None:
    invitation_id = bureau.list_of(1, officer)
    form = fill(form_with(visit.detail(invitation_id), "hour"), place="Aula")
    bureau.list_of(1, officer)
    answer = form.submit(expect_errors=True)
    assert answer.status_int == 409
    assert "sudah berubah sejak halaman ini dibuka" in main_text(answer)


def test_a_change_after_the_notification_warns_that_nobody_knows_it_yet(
    visit: Visit, bureau: Bureau, officer: UserFacts
) -> None:
    invitation_id = bureau.list_of(2, officer)
    visit.send(invitation_id, officer)
    page = visit.detail(invitation_id)
    assert page.html.find(id="day") is None, "the day stays"
    text = main_text(fill(form_with(page, "hour"), place="Aula").submit().follow())
    assert "2 lembaga sudah diberi tahu jam dan tempat yang lama" in text


def test_an_institution_can_be_mended_or_taken_off_before_it_is_notified(
    visit: Visit, bureau: Bureau, officer: UserFacts
) -> None:
    invitation_id = bureau.list_of(1, officer)
    page = visit.ask(f"{invitation_id}/lembaga/1")
    form = form_with(page, "number")
    assert form["person"].value == "NUR SASMITA"
    bad = fill(form, number="021 123").submit(expect_errors=True)
    assert bad.status_int == 422
    good = fill(form_with(bad, "number"), number="0812 3090 777", person="SITI AMINAH").submit()
    assert "SITI AMINAH, +62 812-3090-777" in main_text(good.follow())

    question = visit.ask(f"{invitation_id}/lembaga/1/hapus")
    assert "Hapus MASJID AL IKHLAS 1 dari undangan untuk" in main_text(question)
    form = form_with(question, "csrf_token")
    form = next(f for f in question.forms.values() if f.action.endswith("/hapus"))
    again = dict(form.submit_fields())
    assert "dihapus dari undangan ini" in main_text(form.submit().follow())
    again.pop("once")
    text = main_text(visit.app.post(form.action, again).follow())
    assert "sudah tidak ada dalam undangan ini" in text


def test_a_notified_institution_cannot_be_edited(
    visit: Visit, bureau: Bureau, officer: UserFacts
) -> None:
    invitation_id = bureau.list_of(1, officer)
    visit.send(invitation_id, officer)
    for path in ("lembaga/1", "lembaga/1/hapus"):
        answer = visit.ask(f"{invitation_id}/{path}")
        assert answer.status_int == 409
        assert "sudah diberi tahu" in main_text(answer)


def test_each_institution_shows_its_own_tick_and_the_next_step(
    visit: Visit, bureau: Bureau, officer: UserFacts, channel: int, worker: Worker
) -> None:
    assert channel
    bureau.network(Behaviour.DELIVER, count=1)
    bureau.network(Behaviour.LOSE, count=1)
    invitation_id = bureau.list_of(2, officer)
    visit.send(invitation_id, officer)
    bureau.list_of(1, officer)
    waiting = visit.detail(invitation_id)
    assert "menunggu dikirim" in main_text(waiting)
    assert waiting.html.find(id="lembaga-undangan").get("hx-trigger") == "every 3s"
    for _round in range(3):
        worker.run()

    page = visit.detail(invitation_id)
    first, second, third = page.html.select("#lembaga-undangan li")
    assert first.select_one("[data-tick=received]")
    assert "Perbaiki nomor" not in first.get_text()
    assert second.select_one("[data-tick=failed]")
    mend = second.find("a", string=lambda text: text and "Perbaiki nomor" in text) or next(
        link for link in second.find_all("a") if "Perbaiki nomor" in link.get_text()
    )
    assert visit.app.get(mend["href"]).status_int == 200
    assert "Belum diberi tahu" in third.get_text()
    talk = next(link for link in first.find_all("a") if link.get_text().strip() == "Pesan")
    assert "diundang menandatangani NPHD" in main_text(visit.app.get(talk["href"]))
    assert page.html.find(id="lembaga-undangan").get("hx-trigger") is None
    assert "Sebagian dikirim (2 dari 3)" in main_text(page)


def test_mending_the_number_from_the_red_mark_sends_it_again(
    visit: Visit, bureau: Bureau, officer: UserFacts, channel: int, worker: Worker
) -> None:
    assert channel
    bureau.network(Behaviour.LOSE, count=1)
    bureau.network(Behaviour.DELIVER)
    invitation_id = bureau.list_of(1, officer)
    visit.send(invitation_id, officer)
    for _round in range(3):
        worker.run()
    page = visit.detail(invitation_id)
    link = next(a for a in page.html.find_all("a") if "Perbaiki nomor" in a.get_text())

    form = form_with(visit.app.get(link["href"]), "number")
    fill(form, number="081230900777").submit()
    for _round in range(3):
        worker.run()

    item = visit.detail(invitation_id).html.select_one("#lembaga-undangan li")
    assert item.select_one("[data-tick=received]")


def test_the_institutions_alone_can_be_asked_for(
    visit: Visit, bureau: Bureau, officer: UserFacts
) -> None:
    invitation_id = bureau.list_of(1, officer)
    piece = visit.ask(f"{invitation_id}/lembaga")
    assert piece.html.find("html") is None
    assert piece.html.find(id="lembaga-undangan")
