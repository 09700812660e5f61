"""Calls that are sent again from the conversation, which any officer may do (M15)."""

from __future__ import annotations

from datetime import time, timedelta
from typing import TYPE_CHECKING

import pytest
import time_machine
from sqlalchemy import select

from core.api.contacts import set_contact
from core.api.db import utcnow
from core.api.messaging import Message, State
from core.messaging.writing import Mending, RefusedResendError, mend_and_resend, settle
from plugins.hibah import api as hibah
from plugins.nphd.models import Invitee
from plugins.nphd.services.cancelling import cancel, resend
from plugins.nphd.services.editing import Edit, edit_invitation
from plugins.nphd.services.reading import invitee_facts
from plugins.nphd.services.sending import send
from plugins.sandbox.behaviours import Behaviour
from tests.plugins.nphd.browser import DIALOG, Visit, form_with, main_text

if TYPE_CHECKING:
    from core.api.hooks import UserFacts
    from core.api.runtime import Runtime
    from core.testing.work import Worker
    from tests.plugins.nphd.conftest import Bureau

OTHER = "+6281230900778"


class Failed:
    """A list of one institution, whose call did not arrive."""

    def __init__(self, bureau: Bureau, worker: Worker, officer: UserFacts) -> None:
        self.runtime: Runtime = bureau.runtime
        self.bureau = bureau
        self.worker = worker
        self.officer = officer
        bureau.network(Behaviour.LOSE, count=1)
        self.list_id = bureau.list_of(1, officer)
        with self.runtime.database.writing() as session:
            send(session, {self.list_id: None}, officer)
        self.deliver()
        call = self.messages()[0]
        assert call.state == State.UNDELIVERED
        assert call.thread_id is not None
        self.thread_id = call.thread_id
        self.call_id = call.id

    def deliver(self) -> None:
        for _round in range(3):
            self.worker.run()

    def messages(self) -> list[Message]:
        with self.runtime.database.reading() as session:
            found = list(session.scalars(select(Message).order_by(Message.id)))
            session.expunge_all()
            return found

    def mend(self, number: str = OTHER) -> int:
        mending = Mending(self.thread_id, self.call_id, "SITI  AMINAH", number)
        with self.runtime.database.writing() as session:
            return mend_and_resend(session, self.officer, mending)

    def cancel(self, admin: UserFacts, *, tell: bool = False) -> None:
        with self.runtime.database.writing() as session:
            assert cancel(session, {self.list_id: None}, admin, tell=tell)[0].refused is None


@pytest.fixture
def failed(bureau: Bureau, worker: Worker, officer: UserFacts, channel: int) -> Failed:
    assert channel
    return Failed(bureau, worker, officer)


def test_a_call_of_a_cancelled_list_is_not_sent_again(failed: Failed, admin: UserFacts) -> None:
    failed.cancel(admin)
    with pytest.raises(RefusedResendError, match="sudah dibatalkan"):
        failed.mend()
    assert len(failed.messages()) == 1


def test_a_call_for_a_day_that_is_over_is_not_sent_again(failed: Failed) -> None:
    with (
        time_machine.travel(utcnow() + timedelta(days=3)),
        pytest.raises(RefusedResendError, match="sudah lewat"),
    ):
        failed.mend()
    assert len(failed.messages()) == 1


def test_a_mended_call_says_person_hour_and_place_as_they_are_now(failed: Failed) -> None:
    day = failed.bureau.tomorrow
    with failed.runtime.database.writing() as session:
        edit = Edit(day=day, hour=time(13, 45), place="Ruang Rapat Lantai 9")
        edit_invitation(session, failed.list_id, edit, failed.officer)
    failed.mend()
    old, new = failed.messages()
    assert "Ruang Rapat Lantai 9" in new.body
    assert "13.45" in new.body
    assert "SITI AMINAH" in new.body
    assert "Ruang Rapat Lantai 9" not in old.body
    assert new.address == OTHER
    assert new.expires_at is not None
    assert new.origin == old.origin


def test_a_mended_call_shows_whom_it_went_to_on_the_list(failed: Failed) -> None:
    failed.mend()
    with failed.runtime.database.reading() as session:
        (row,) = invitee_facts(session, failed.list_id)
        stored = session.scalars(select(Invitee.number)).one()
    assert (row.person, row.number, stored) == ("SITI AMINAH", OTHER, OTHER)


def test_a_cancellation_is_told_to_the_number_that_was_called(
    failed: Failed, admin: UserFacts
) -> None:
    failed.mend()
    failed.deliver()
    failed.cancel(admin, tell=True)
    assert [each.address for each in failed.messages()[1:]] == [OTHER, OTHER]


def test_a_cancellation_is_not_told_to_a_contact_that_was_never_called(
    failed: Failed, admin: UserFacts
) -> None:
    failed.mend()
    failed.deliver()
    with failed.runtime.database.writing() as session:
        institution = session.scalars(select(Invitee.institution_id)).one()
        set_contact(
            session,
            hibah.institution_subject(institution),
            name="BUDI",
            number="+6281230900779",
            actor_id=admin.id,
        )
    failed.cancel(admin, tell=True)
    assert failed.messages()[-1].address == OTHER


def test_a_call_that_an_admin_sent_again_is_not_sent_by_an_officer_too(
    failed: Failed, admin: UserFacts
) -> None:
    with failed.runtime.database.writing() as session:
        old = session.get_one(Message, failed.call_id)
        old.state = State.SENT
    with failed.runtime.database.writing() as session:
        resend(session, failed.list_id, admin)
    with failed.runtime.database.writing() as session:
        # The report comes late, after the newer call left.
        session.get_one(Message, failed.call_id).state = State.UNDELIVERED
    with pytest.raises(RefusedResendError, match="lebih baru"):
        failed.mend()
    assert len(failed.messages()) == 2


def test_an_uncertain_call_of_a_cancelled_list_is_not_handed_over_again(
    failed: Failed, admin: UserFacts
) -> None:
    failed.cancel(admin)
    with failed.runtime.database.writing() as session:
        session.get_one(Message, failed.call_id).state = State.UNCERTAIN
    with pytest.raises(RefusedResendError), failed.runtime.database.writing() as session:
        settle(session, failed.officer, failed.thread_id, failed.call_id, State.QUEUED)


def test_the_conversation_explains_why_a_cancelled_call_is_not_mended(
    failed: Failed, admin: UserFacts, visit: Visit
) -> None:
    page = visit.app.get(f"/pesan/{failed.thread_id}")
    assert "Perbaiki nomor dan kirim ulang" in main_text(page)
    window = page.click("Perbaiki nomor dan kirim ulang")
    failed.cancel(admin)
    page = visit.app.get(f"/pesan/{failed.thread_id}")
    assert "Perbaiki nomor dan kirim ulang" not in main_text(page)
    assert "sudah dibatalkan" in main_text(page)
    stale = form_with(window, "number").submit(status=409)
    assert "sudah dibatalkan" in main_text(stale)
    assert visit.messages() == 1
    assert visit.app.get(window.request.path, headers=DIALOG).status_int == 200
