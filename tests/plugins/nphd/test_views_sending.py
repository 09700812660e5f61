from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import time_machine
from sqlalchemy import select, update

from core.api.messaging import Message, list_texts, save_text
from plugins.nphd.models import Invitee
from tests.plugins.nphd.browser import LIST, Visit, chosen, form_with, main_text

if TYPE_CHECKING:
    from core.api.hooks import UserFacts
    from tests.plugins.nphd.conftest import Bureau

WIB = ZoneInfo("Asia/Jakarta")


def test_proses_asks_first_and_names_how_many_and_when(
    visit: Visit, bureau: Bureau, officer: UserFacts
) -> None:
    with time_machine.travel(datetime(2018, 11, 29, 9, tzinfo=WIB)):
        invitation_id = bureau.list_of(12, officer, date(2018, 12, 1))
        visit.enter(officer)
        page = visit.ask(f"{invitation_id}/proses")
        assert "Kirim undangan ke 12 lembaga untuk 1 Desember 2018?" in main_text(page)
        assert visit.messages() == 0
        answer = form_with(page, "versi").submit()
        assert "sedang dikirim ke 12 lembaga" in main_text(answer.follow())
        assert visit.messages() == 12


def test_a_confirmation_submitted_twice_sends_once(
    visit: Visit, bureau: Bureau, officer: UserFacts
) -> None:
    invitation_id = bureau.list_of(1, officer)
    form = form_with(visit.ask(f"{invitation_id}/proses"), "versi")
    assert [form.submit().status_int, form.submit().status_int] == [303, 303]
    assert visit.messages() == 1


def test_two_people_who_confirm_send_once_and_the_second_learns_why(
    visit: Visit, bureau: Bureau, officer: UserFacts, admin: UserFacts
) -> None:
    invitation_id = bureau.list_of(1, officer)
    first = form_with(visit.ask(f"{invitation_id}/proses"), "versi")
    visit.send(invitation_id, admin)
    answer = first.submit(expect_errors=True)
    assert answer.status_int == 409
    assert "sudah diberi tahu, jadi tidak ada yang dikirim lagi" in main_text(answer)
    assert visit.messages() == 1


def test_an_institution_added_after_the_question_must_be_confirmed_too(
    visit: Visit, bureau: Bureau, officer: UserFacts
) -> None:
    invitation_id = bureau.list_of(1, officer)
    form = form_with(visit.ask(f"{invitation_id}/proses"), "versi")
    bureau.list_of(1, officer)
    answer = form.submit(expect_errors=True)
    assert answer.status_int == 409
    assert visit.messages() == 0


def test_the_button_is_gone_and_the_page_says_why(
    visit: Visit, bureau: Bureau, officer: UserFacts, admin: UserFacts
) -> None:
    with time_machine.travel(datetime(2018, 11, 29, 9, tzinfo=WIB)):
        over = bureau.list_of(1, officer, date(2018, 12, 1))
    done = bureau.list_of(1, officer)
    visit.send(done, officer)
    gone = bureau.list_of(1, officer, bureau.tomorrow + timedelta(days=1))
    visit.cancel(gone, admin)
    for invitation_id, sentence in (
        (over, "1 Desember 2018, sudah lewat"),
        (done, "sudah diberi tahu"),
        (gone, "dibatalkan oleh KEPALA BIRO"),
    ):
        page = visit.detail(invitation_id)
        assert page.html.main.find("a", href=f"{LIST}/{invitation_id}/proses") is None
        assert sentence in main_text(page)
        assert visit.ask(f"{invitation_id}/proses").status_int == 409


def test_at_midnight_in_jakarta_the_confirmation_comes_too_late(
    visit: Visit, bureau: Bureau, officer: UserFacts
) -> None:
    with time_machine.travel(datetime(2018, 12, 1, 23, 59, 0, tzinfo=WIB)):
        visit.enter(officer)
        invitation_id = bureau.list_of(1, officer, date(2018, 12, 1))
        form = form_with(visit.ask(f"{invitation_id}/proses"), "versi")
    with time_machine.travel(datetime(2018, 12, 2, 0, 0, 1, tzinfo=WIB)):
        answer = form.submit(expect_errors=True)
        assert answer.status_int == 409
        assert "sudah lewat" in main_text(answer)
    assert visit.messages() == 0


def test_a_missing_variable_stops_everything_with_a_clear_message(
    visit: Visit, bureau: Bureau, officer: UserFacts
) -> None:
    invitation_id = bureau.list_of(2, officer)
    with bureau.runtime.database.writing() as session:
        session.execute(update(Invitee).where(Invitee.id == 2).values(person=""))
    answer = visit.confirm(f"{invitation_id}/proses")
    assert answer.status_int == 422
    assert "kontak" in main_text(answer)
    assert visit.messages() == 0


def test_an_edited_text_is_what_is_sent(
    visit: Visit, bureau: Bureau, officer: UserFacts, admin: UserFacts
) -> None:
    with bureau.runtime.database.writing() as session:
        text = next(each for each in list_texts(session) if each.key == "nphd.call")
        save_text(session, text.id, body="Hadir {{ tanggal }}", actor_id=admin.id)
    visit.confirm(f"{bureau.list_of(1, officer)}/proses")
    with bureau.runtime.database.reading() as session:
        assert (session.scalar(select(Message.body)) or "").startswith("Hadir ")


def test_several_lists_are_sent_at_once_after_one_question(
    visit: Visit, bureau: Bureau, officer: UserFacts
) -> None:
    with time_machine.travel(datetime(2018, 11, 29, 9, tzinfo=WIB)):
        visit.enter(officer)
        first = bureau.list_of(2, officer, date(2018, 12, 1))
        second = bureau.list_of(1, officer, date(2018, 12, 3))
        question = chosen(visit, "proses", first, second)
        text = main_text(question)
        assert "Kirim undangan ke 3 lembaga untuk 1 Desember 2018, 3 Desember 2018?" in text
        answer = form_with(question, "versi").submit().follow()
    assert answer.request.path == LIST
    assert "sedang dikirim ke 2 lembaga" in main_text(answer)
    assert visit.messages() == 3


def test_of_several_lists_those_that_cannot_be_sent_are_named(
    visit: Visit, bureau: Bureau, officer: UserFacts
) -> None:
    good = bureau.list_of(1, officer)
    done = bureau.list_of(1, officer, bureau.tomorrow + timedelta(days=1))
    visit.send(done, officer)
    text = main_text(chosen(visit, "proses", good, done))
    assert "Kirim undangan ke 1 lembaga" in text
    assert f"undangan {done} sudah diberi tahu" in text
    assert chosen(visit, "proses", done).status_int == 409


def test_a_list_that_one_may_not_see_cannot_be_chosen(
    visit: Visit, bureau: Bureau, admin: UserFacts
) -> None:
    hidden = bureau.list_of(1, admin)
    answer = chosen(visit, "proses", hidden)
    assert answer.status_int == 422
    assert "Belum ada baris yang dipilih" in main_text(answer)
