from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from plugins.nphd.models import Invitation
from plugins.sandbox.behaviours import Behaviour
from tests.plugins.nphd.browser import DIALOG, LIST, Visit, chosen, form_with, main_text

if TYPE_CHECKING:
    from core.api.hooks import UserFacts
    from core.testing.work import Worker
    from tests.plugins.nphd.conftest import Bureau

WIB = ZoneInfo("Asia/Jakarta")


def test_an_admin_cancels_after_being_asked_whether_to_tell(
    visit: Visit, bureau: Bureau, officer: UserFacts, admin: UserFacts, channel: int, worker: Worker
) -> None:
    assert channel
    invitation_id = bureau.list_of(2, officer)
    visit.send(invitation_id, officer)
    worker.run()
    visit.enter(admin)
    page = visit.ask(f"{invitation_id}/batalkan")
    text = main_text(page)
    assert "Batalkan undangan 2 lembaga untuk" in text
    assert "2 lembaga sudah diberi tahu" in text
    answer = form_with(page, "versi").submit().follow()
    assert "Diberi tahu: 2 lembaga" in main_text(answer)
    assert visit.messages() == 4
    assert visit.ask(f"{invitation_id}/batalkan").status_int == 409


def test_the_question_can_be_answered_with_no(
    visit: Visit, bureau: Bureau, officer: UserFacts, admin: UserFacts, channel: int, worker: Worker
) -> None:
    assert channel
    invitation_id = bureau.list_of(1, officer)
    visit.send(invitation_id, officer)
    worker.run()
    visit.enter(admin)
    visit.confirm(f"{invitation_id}/batalkan", tell=False)
    assert visit.messages() == 1
    assert "dibatalkan oleh KEPALA BIRO" in main_text(visit.detail(invitation_id))


def test_several_lists_are_cancelled_at_once_by_an_admin_only(
    visit: Visit, bureau: Bureau, officer: UserFacts, admin: UserFacts
) -> None:
    ids = [bureau.list_of(1, officer, bureau.tomorrow + timedelta(days=n)) for n in range(2)]
    assert chosen(visit, "batalkan", *ids).status_int == 403
    visit.enter(admin)
    question = chosen(visit, "batalkan", *ids)
    assert "Batalkan undangan 2 lembaga untuk" in main_text(question)
    form_with(question, "versi").submit()
    with bureau.runtime.database.reading() as session:
        open_lists = select(func.count()).where(Invitation.cancelled_at.is_(None))
        assert session.scalar(open_lists) == 0
    assert chosen(visit, "batalkan", *ids).status_int == 409


def test_an_admin_sends_again_to_one_or_all(
    visit: Visit, bureau: Bureau, officer: UserFacts, admin: UserFacts, channel: int, worker: Worker
) -> None:
    assert channel
    bureau.network(Behaviour.DELIVER)
    invitation_id = bureau.list_of(2, officer)
    visit.send(invitation_id, officer)
    for _round in range(3):
        worker.run()
    visit.enter(admin)
    question = visit.ask(f"{invitation_id}/kirim-ulang")
    assert "2 lembaga sudah diberi tahu; 0 di antaranya belum terbukti" in main_text(question)
    refused = visit.confirm(f"{invitation_id}/kirim-ulang", scope="unproven")
    assert refused.status_int == 409
    assert "tidak ada lembaga" in main_text(refused)

    answer = visit.confirm(f"{invitation_id}/kirim-ulang", scope="all")
    assert "dikirim ulang ke 2 lembaga" in main_text(answer.follow())
    worker.run()
    one = visit.confirm(f"{invitation_id}/lembaga/2/kirim-ulang")
    assert "dikirim ulang ke 1 lembaga" in main_text(one.follow())
    assert visit.messages() == 5
    assert visit.ask(f"{invitation_id}/lembaga/99/kirim-ulang").status_int == 404


def test_a_question_opens_as_a_dialog_and_closes_onto_the_page(
    visit: Visit, bureau: Bureau, officer: UserFacts
) -> None:
    invitation_id = bureau.list_of(1, officer)
    path = f"{LIST}/{invitation_id}/proses"
    dialog = visit.app.get(path, headers=DIALOG)
    assert dialog.html.find("html") is None
    values = dict(form_with(dialog, "versi").submit_fields())
    answer = visit.app.post(path, values, headers=DIALOG)
    assert answer.headers["HX-Redirect"].endswith(f"{LIST}/{invitation_id}")


def test_a_list_that_was_cancelled_before_is_named_among_those_to_be_cancelled(
    visit: Visit, bureau: Bureau, officer: UserFacts, admin: UserFacts
) -> None:
    ids = [bureau.list_of(1, officer, bureau.tomorrow + timedelta(days=n)) for n in range(2)]
    visit.cancel(ids[0], admin)
    visit.enter(admin)
    text = main_text(chosen(visit, "batalkan", *ids))
    assert f"Undangan {ids[0]} sudah dibatalkan" in text
    assert f"(Id {ids[1]}): 1 lembaga" in text


def test_sending_again_is_explained_where_nobody_was_notified(
    visit: Visit, bureau: Bureau, officer: UserFacts, admin: UserFacts
) -> None:
    invitation_id = bureau.list_of(1, officer)
    visit.enter(admin)
    page = visit.ask(f"{invitation_id}/kirim-ulang")
    assert page.status_int == 409
    assert "Belum ada lembaga" in main_text(page)


def test_what_is_offered_for_sending_again_can_be_done(
    visit: Visit, bureau: Bureau, officer: UserFacts, admin: UserFacts, channel: int, worker: Worker
) -> None:
    assert channel
    bureau.network(Behaviour.DELIVER)
    invitation_id = bureau.list_of(1, officer)
    visit.send(invitation_id, officer)
    visit.enter(admin)
    assert "masih menunggu" in main_text(visit.ask(f"{invitation_id}/kirim-ulang"))
    for _round in range(3):
        worker.run()
    page = visit.ask(f"{invitation_id}/kirim-ulang")
    assert "0 di antaranya belum terbukti menerima" in main_text(page)
    form_with(page, "versi").submit().follow()
    assert visit.messages() == 2


def test_who_may_send_again_is_led_there_and_others_to_an_admin(
    visit: Visit, bureau: Bureau, officer: UserFacts, admin: UserFacts
) -> None:
    invitation_id = bureau.list_of(1, officer)
    visit.send(invitation_id, officer)
    sentence = "Pengiriman ulang hanya bisa dilakukan oleh Admin."
    assert sentence in main_text(visit.detail(invitation_id))
    visit.enter(admin)
    text = main_text(visit.detail(invitation_id))
    assert sentence not in text
    assert "Pilih Kirim ulang bila mereka perlu" in text


def test_the_list_is_found_with_a_slash_behind_too(visit: Visit) -> None:
    answer = visit.app.get(f"{LIST}/?notifikasi=all", status=301)
    assert answer.location.endswith(f"{LIST}?notifikasi=all")


def test_a_state_in_which_one_does_not_invite_is_named(
    visit: Visit, bureau: Bureau, officer: UserFacts
) -> None:
    case = bureau.case(officer_id=officer.id, state="EVALUASI")
    page = visit.ask(f"undang/{case.grant_id}")
    assert page.status_int == 409
    assert "statusnya sekarang EVALUASI" in main_text(page)
    assert "hanya untuk hibah berstatus SK PENETAPAN" in main_text(page)
