from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
import time_machine
from sqlalchemy import func, select, update

from core.api.audit import entries
from core.api.messaging import Message, State, Thread
from core.api.messaging import resend as resend_message
from plugins.hibah import api as hibah
from plugins.nphd.errors import (
    InvitationCancelledError,
    InvitationChangedError,
    NothingToResendError,
    PastDateError,
)
from plugins.nphd.models import Invitation, Invitee
from plugins.nphd.services.calls import newest_calls
from plugins.nphd.services.cancelling import CancelResult, ResendResult, cancel, resend
from plugins.nphd.services.sending import send
from plugins.nphd.subjects import invitation_subject
from plugins.sandbox.behaviours import Behaviour

if TYPE_CHECKING:
    from core.api.hooks import UserFacts
    from core.api.runtime import Runtime
    from core.testing.work import Worker
    from tests.plugins.nphd.conftest import Bureau, Statements

WIB = ZoneInfo("Asia/Jakarta")


class Desk:
    """Does what the pages do, each in a transaction of its own."""

    def __init__(self, runtime: Runtime, officer: UserFacts, admin: UserFacts) -> None:
        self.runtime = runtime
        self.officer = officer
        self.admin = admin

    def send(self, invitation_id: int) -> int:
        with self.runtime.database.writing() as session:
            return send(session, {invitation_id: None}, self.officer)[0].queued

    def cancel(self, invitation_id: int, *, tell: bool) -> CancelResult:
        with self.runtime.database.writing() as session:
            return cancel(session, {invitation_id: None}, self.admin, tell=tell)[0]

    def resend(self, invitation_id: int, **more: bool | int | None) -> ResendResult:
        with self.runtime.database.writing() as session:
            return resend(session, invitation_id, self.admin, **more)  # type: ignore[arg-type]

    def purposes(self) -> list[str]:
        with self.runtime.database.reading() as session:
            return list(session.scalars(select(Message.purpose).order_by(Message.id)))

    def states(self) -> list[str]:
        with self.runtime.database.reading() as session:
            return list(session.scalars(select(Message.state).order_by(Message.id)))

    def newest(self, invitation_id: int) -> dict[int, State]:
        with self.runtime.database.reading() as session:
            ids = session.scalars(
                select(Invitee.id).where(Invitee.invitation_id == invitation_id)
            ).all()
            return {key: facts.state for key, facts in newest_calls(session, ids).items()}


@pytest.fixture
def desk(runtime: Runtime, officer: UserFacts, admin: UserFacts, channel: int) -> Desk:
    assert channel
    return Desk(runtime, officer, admin)


def delivered(worker: Worker) -> None:
    """Let everything that waits be sent and reported."""
    for _round in range(3):
        worker.run()


def test_a_cancelled_date_can_be_used_again(bureau: Bureau, desk: Desk) -> None:
    first = bureau.list_of(1, desk.officer)
    assert desk.cancel(first, tell=False).refused is None
    second = bureau.list_of(1, desk.officer)
    assert first != second


def test_an_institution_of_a_cancelled_list_can_be_invited_by_another_officer(
    bureau: Bureau, desk: Desk
) -> None:
    case = bureau.case(officer_id=desk.officer.id)
    invitation_id = bureau.invite(case, desk.officer).invitation_id
    desk.cancel(invitation_id, tell=False)
    assert not bureau.invite(case, desk.admin).repeated


def test_a_notification_that_still_waits_is_taken_back_and_nobody_is_told(
    bureau: Bureau, desk: Desk
) -> None:
    invitation_id = bureau.list_of(2, desk.officer)
    desk.send(invitation_id)

    result = desk.cancel(invitation_id, tell=True)

    assert (result.withdrawn, result.told) == (2, 0)
    assert desk.states() == ["cancelled", "cancelled"]


def test_institutions_that_were_called_are_told_when_the_admin_says_so(
    bureau: Bureau, desk: Desk, worker: Worker
) -> None:
    invitation_id = bureau.list_of(2, desk.officer)
    desk.send(invitation_id)
    worker.run()

    result = desk.cancel(invitation_id, tell=True)

    assert (result.withdrawn, result.told) == (0, 2)
    assert desk.purposes() == ["nphd.call", "nphd.call", "nphd.cancelled", "nphd.cancelled"]


def test_nobody_is_told_when_the_admin_does_not_want_it(
    bureau: Bureau, desk: Desk, worker: Worker
) -> None:
    invitation_id = bureau.list_of(1, desk.officer)
    desk.send(invitation_id)
    worker.run()
    assert desk.cancel(invitation_id, tell=False).told == 0
    assert desk.purposes() == ["nphd.call"]


def test_who_was_never_reached_is_not_told(bureau: Bureau, desk: Desk, worker: Worker) -> None:
    bureau.network(Behaviour.LOSE)
    invitation_id = bureau.list_of(1, desk.officer)
    desk.send(invitation_id)
    delivered(worker)
    assert desk.states() == ["undelivered"]

    assert desk.cancel(invitation_id, tell=True).told == 0


def test_nobody_is_told_of_a_day_that_is_over(bureau: Bureau, desk: Desk, worker: Worker) -> None:
    case = bureau.case(officer_id=desk.officer.id)
    with time_machine.travel(datetime(2018, 12, 1, 9, tzinfo=WIB)):
        invitation_id = bureau.invite(case, desk.officer, date(2018, 12, 1)).invitation_id
        desk.send(invitation_id)
        worker.run()
    with time_machine.travel(datetime(2018, 12, 2, 0, 0, tzinfo=WIB)):
        assert desk.cancel(invitation_id, tell=True).told == 0


def test_cancelling_twice_does_no_harm(bureau: Bureau, desk: Desk) -> None:
    invitation_id = bureau.list_of(1, desk.officer)
    desk.cancel(invitation_id, tell=True)
    again = desk.cancel(invitation_id, tell=True)
    assert again.refused is not None
    assert "sudah dibatalkan" in again.refused.interpolate()


def test_a_list_that_does_not_exist_or_changed_is_not_cancelled(bureau: Bureau, desk: Desk) -> None:
    invitation_id = bureau.list_of(1, desk.officer)
    with desk.runtime.database.writing() as session:
        results = cancel(session, {404: None, invitation_id: 1}, desk.admin, tell=False)
    assert all(result.refused is not None for result in results)
    with desk.runtime.database.reading() as session:
        assert session.scalar(select(Invitation.cancelled_at)) is None


def test_who_cancelled_and_who_sent_again_is_in_the_audit_trail(
    bureau: Bureau, desk: Desk, worker: Worker
) -> None:
    invitation_id = bureau.list_of(1, desk.officer)
    desk.send(invitation_id)
    delivered(worker)
    desk.resend(invitation_id)
    desk.cancel(invitation_id, tell=False)

    with desk.runtime.database.reading() as session:
        found = entries(session, invitation_subject(invitation_id))
        trail = {entry.action: entry.actor_id for entry in found}
    assert trail["nphd.invitation.resend"] == desk.admin.id
    assert trail["nphd.invitation.cancel"] == desk.admin.id


def test_a_notification_goes_out_again_with_what_holds_now(
    bureau: Bureau, desk: Desk, worker: Worker
) -> None:
    case = bureau.case(officer_id=desk.officer.id)
    invitation_id = bureau.invite(case, desk.officer).invitation_id
    desk.send(invitation_id)
    delivered(worker)
    with desk.runtime.database.writing() as session:
        hibah.set_institution_contact(
            session, case.institution_id, name="SITI AMINAH", number="+628123090777", actor_id=None
        )
        session.execute(update(Invitation).values(place="Aula lantai 2"))

    assert desk.resend(invitation_id) == ResendResult(queued=1, waiting=0)

    with desk.runtime.database.reading() as session:
        row = session.execute(
            select(Message.address, Message.body).order_by(Message.id.desc()).limit(1)
        ).one()
        invitee = session.execute(select(Invitee.person, Invitee.number)).one()
    assert row.address == "+628123090777"
    assert "Aula lantai 2" in row.body
    assert tuple(invitee) == ("SITI AMINAH", "+628123090777")


def test_only_those_without_proof_can_be_chosen(bureau: Bureau, desk: Desk, worker: Worker) -> None:
    bureau.network(Behaviour.DELIVER, count=1)
    bureau.network(Behaviour.LOSE, count=1)
    invitation_id = bureau.list_of(1, desk.officer)
    desk.send(invitation_id)
    delivered(worker)
    case = bureau.case(officer_id=desk.officer.id)
    bureau.invite(case, desk.officer)
    desk.send(invitation_id)
    delivered(worker)

    assert desk.resend(invitation_id, unproven_only=True).queued == 1
    with desk.runtime.database.reading() as session:
        newest = select(Message.address).order_by(Message.id.desc()).limit(1)
        assert session.scalar(newest) == case.number


def test_a_failed_call_that_was_sent_again_counts_as_failed_no_longer(
    bureau: Bureau, desk: Desk, worker: Worker
) -> None:
    bureau.network(Behaviour.LOSE)
    invitation_id = bureau.list_of(1, desk.officer)
    desk.send(invitation_id)
    delivered(worker)

    desk.resend(invitation_id)

    with desk.runtime.database.reading() as session:
        assert session.scalar(select(Thread.failed_count)) == 0
        first = session.execute(
            select(Message.superseded_by_id).order_by(Message.id).limit(1)
        ).scalar_one()
    assert first is not None


def test_what_still_waits_is_not_sent_a_second_time(bureau: Bureau, desk: Desk) -> None:
    invitation_id = bureau.list_of(1, desk.officer)
    desk.send(invitation_id)
    with pytest.raises(NothingToResendError) as error:
        desk.resend(invitation_id)
    assert error.value.waiting == 1
    assert desk.purposes() == ["nphd.call"]


def test_nobody_is_left_to_be_sent_again(bureau: Bureau, desk: Desk) -> None:
    with pytest.raises(NothingToResendError):
        desk.resend(bureau.list_of(1, desk.officer))


def test_a_second_confirmation_of_the_same_page_sends_nothing(
    bureau: Bureau, desk: Desk, worker: Worker
) -> None:
    invitation_id = bureau.list_of(1, desk.officer)
    desk.send(invitation_id)
    delivered(worker)
    with desk.runtime.database.reading() as session:
        version = session.scalar(select(Invitation.version))

    desk.resend(invitation_id, version=version)
    with pytest.raises(InvitationChangedError):
        desk.resend(invitation_id, version=version)


def test_a_cancelled_list_or_one_whose_day_is_over_is_not_sent_again(
    bureau: Bureau, desk: Desk, worker: Worker
) -> None:
    case = bureau.case(officer_id=desk.officer.id)
    with time_machine.travel(datetime(2018, 12, 1, 9, tzinfo=WIB)):
        over = bureau.invite(case, desk.officer, date(2018, 12, 1)).invitation_id
        desk.send(over)
        worker.run()
    with pytest.raises(PastDateError):
        desk.resend(over)

    cancelled = bureau.list_of(1, desk.officer)
    desk.cancel(cancelled, tell=False)
    with pytest.raises(InvitationCancelledError):
        desk.resend(cancelled)


def test_the_state_follows_a_message_that_was_sent_again_from_the_conversation(
    bureau: Bureau, desk: Desk, worker: Worker
) -> None:
    bureau.network(Behaviour.LOSE)
    invitation_id = bureau.list_of(1, desk.officer)
    desk.send(invitation_id)
    delivered(worker)
    assert list(desk.newest(invitation_id).values()) == [State.UNDELIVERED]

    with desk.runtime.database.writing() as session:
        message_id = session.scalars(select(Message.id)).one()
        resend_message(session, message_id, address="+628123090778", actor_id=desk.officer.id)

    assert list(desk.newest(invitation_id).values()) == [State.QUEUED]


def test_cancelling_and_sending_again_cost_the_same_whatever_the_list_holds(
    bureau: Bureau, desk: Desk, worker: Worker, statements: Statements
) -> None:
    costs: list[tuple[int, int]] = []
    for size, days in ((2, 1), (9, 2)):
        day = bureau.tomorrow + timedelta(days=days)
        invitation_id = bureau.list_of(size, desk.officer, day)
        desk.send(invitation_id)
        delivered(worker)
        with statements() as again:
            desk.resend(invitation_id)
        delivered(worker)
        with statements() as cancelling:
            assert desk.cancel(invitation_id, tell=True).told == size
        costs.append((len(_reads(again)), len(_reads(cancelling))))
    assert costs[0] == costs[1]


def _reads(statements: list[str]) -> list[str]:
    # SQLite takes rows one by one when their ids are wanted back, in the same transaction.
    return [statement for statement in statements if not statement.startswith("INSERT")]


def test_messages_of_other_origins_are_nobodys_call(bureau: Bureau, desk: Desk) -> None:
    invitation_id = bureau.list_of(1, desk.officer)
    assert desk.newest(invitation_id) == {}
    with desk.runtime.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Message)) == 0
