from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
import time_machine
from sqlalchemy import func, select

from core.api.contacts import contacts_of
from core.api.errors import NotFoundError
from core.api.messaging import Message
from plugins.hibah import api as hibah
from plugins.nphd.days import today_in_jakarta
from plugins.nphd.errors import (
    AlreadyInvitedError,
    GrantNotInvitableError,
    GrantPendingError,
    OtherDateError,
    OtherOfficerError,
    PastDateError,
)
from plugins.nphd.models import Invitation, Invitee
from plugins.nphd.services.inviting import Order, invite, prospect

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.api.hooks import UserFacts
    from core.api.runtime import Runtime
    from tests.plugins.nphd.conftest import Bureau, InParallel

WIB = ZoneInfo("Asia/Jakarta")


def test_everything_one_officer_invites_for_one_date_is_one_list(
    bureau: Bureau, officer: UserFacts, session: Session
) -> None:
    first = bureau.invite(bureau.case(officer_id=officer.id), officer)
    second = bureau.invite(bureau.case(officer_id=officer.id), officer)
    other_day = bureau.invite(
        bureau.case(officer_id=officer.id), officer, bureau.tomorrow + timedelta(days=1)
    )

    assert first.invitation_id == second.invitation_id != other_day.invitation_id
    counts = session.execute(
        select(Invitation.invitee_count, Invitation.notified_count).order_by(Invitation.id)
    ).all()
    assert [tuple(row) for row in counts] == [(2, 0), (1, 0)]


def test_a_new_list_starts_with_place_and_hour_of_the_settings(
    bureau: Bureau, officer: UserFacts, session: Session
) -> None:
    bureau.invite(bureau.case(officer_id=officer.id), officer)

    row = session.execute(select(Invitation.place, Invitation.held_at)).one()
    assert row.place == "Biro Kesejahteraan Rakyat, Jl. Pahlawan 110 Surabaya"
    assert row.held_at.isoformat() == "09:00:00"


def test_number_and_person_become_the_institutions_contact(
    bureau: Bureau, officer: UserFacts, session: Session
) -> None:
    case = bureau.case(officer_id=officer.id)
    bureau.invite(case, officer)

    subject = hibah.institution_subject(case.institution_id)
    contact = contacts_of(session, [subject])[subject]
    assert (contact.name, contact.number) == ("NUR SASMITA", case.number)


def test_the_dialog_starts_with_the_institutions_contact(
    bureau: Bureau, officer: UserFacts, session: Session
) -> None:
    case = bureau.case(officer_id=officer.id)
    assert prospect(session, officer, case.grant_id).number == ""
    hibah.set_institution_contact(
        session, case.institution_id, name="SITI AMINAH", number="0812 3090 777", actor_id=None
    )

    found = prospect(session, officer, case.grant_id)
    assert (found.person, found.number) == ("SITI AMINAH", "+628123090777")


def test_nothing_is_sent_by_inviting(bureau: Bureau, officer: UserFacts, session: Session) -> None:
    bureau.invite(bureau.case(officer_id=officer.id), officer)
    assert session.scalar(select(func.count()).select_from(Message)) == 0


def test_the_same_dialog_submitted_twice_adds_nothing_twice(
    bureau: Bureau, officer: UserFacts, session: Session
) -> None:
    case = bureau.case(officer_id=officer.id)
    order = Order(case.grant_id, case.number, "NUR SASMITA", bureau.tomorrow, "one-dialog")

    first = invite(session, order, officer)
    second = invite(session, order, officer)

    assert (first.repeated, second.repeated) == (False, True)
    assert first.invitee_id == second.invitee_id
    assert session.scalar(select(func.count()).select_from(Invitee)) == 1


def test_an_institution_is_once_on_a_list(bureau: Bureau, officer: UserFacts) -> None:
    case = bureau.case(officer_id=officer.id)
    bureau.invite(case, officer)
    second_grant = bureau.case(officer_id=officer.id, institution_id=case.institution_id)

    with pytest.raises(AlreadyInvitedError) as error:
        bureau.invite(second_grant, officer)
    assert "sudah ada dalam daftar undangan Anda" in error.value.explanation.interpolate()


def test_another_officer_cannot_invite_for_the_same_date(
    bureau: Bureau, officer: UserFacts, admin: UserFacts
) -> None:
    case = bureau.case(officer_id=officer.id)
    bureau.invite(case, officer)

    with pytest.raises(OtherOfficerError) as error:
        bureau.invite(case, admin)
    assert "ANINDHITA" in error.value.explanation.interpolate()


def test_an_invitation_for_another_coming_day_must_be_meant(
    bureau: Bureau, officer: UserFacts
) -> None:
    case = bureau.case(officer_id=officer.id)
    bureau.invite(case, officer)
    later = bureau.tomorrow + timedelta(days=5)

    with pytest.raises(OtherDateError):
        bureau.invite(case, officer, later)
    assert not bureau.invite(case, officer, later, again=True).repeated


def test_an_invitation_that_is_over_stands_in_nobodys_way(
    bureau: Bureau, officer: UserFacts
) -> None:
    case = bureau.case(officer_id=officer.id)
    with time_machine.travel(datetime(2018, 11, 30, 9, tzinfo=WIB), tick=False):
        bureau.invite(case, officer, date(2018, 11, 30))
    bureau.invite(case, officer)


@pytest.mark.parametrize(
    ("now", "today"),
    [
        (datetime(2018, 11, 30, 23, 59, 59, tzinfo=WIB), date(2018, 11, 30)),
        (datetime(2018, 12, 1, 0, 0, 0, tzinfo=WIB), date(2018, 12, 1)),
    ],
)
def test_midnight_in_jakarta_decides_which_day_is_over(
    bureau: Bureau, officer: UserFacts, now: datetime, today: date
) -> None:
    case = bureau.case(officer_id=officer.id)
    with time_machine.travel(now, tick=False):
        assert today_in_jakarta() == today
        with pytest.raises(PastDateError):
            bureau.invite(case, officer, today - timedelta(days=1))
        assert bureau.invite(case, officer, today).day == today


@pytest.mark.parametrize("state", ["PERMOHONAN", "NPHD", "SELESAI"])
def test_a_grant_in_another_state_cannot_be_invited(
    bureau: Bureau, officer: UserFacts, state: str
) -> None:
    with pytest.raises(GrantNotInvitableError):
        bureau.invite(bureau.case(officer_id=officer.id, state=state), officer)


def test_a_pending_grant_cannot_be_invited(bureau: Bureau, officer: UserFacts) -> None:
    with pytest.raises(GrantPendingError):
        bureau.invite(bureau.case(officer_id=officer.id, pending=True), officer)


def test_a_grant_that_one_may_not_see_does_not_exist(
    bureau: Bureau, officer: UserFacts, colleague: UserFacts
) -> None:
    with pytest.raises(NotFoundError):
        bureau.invite(bureau.case(officer_id=officer.id), colleague)


def test_two_windows_that_invite_at_once_make_one_list(
    bureau: Bureau, officer: UserFacts, runtime: Runtime, in_parallel: InParallel
) -> None:
    cases = [bureau.case(officer_id=officer.id) for _ in range(6)]

    in_parallel([lambda case=case: bureau.invite(case, officer) for case in cases])  # type: ignore[misc]

    with runtime.database.reading() as session:
        row = session.execute(select(Invitation.invitee_count)).one()
    assert row.invitee_count == 6


def test_two_officers_that_invite_at_once_do_not_both_get_the_institution(
    bureau: Bureau, officer: UserFacts, admin: UserFacts, in_parallel: InParallel
) -> None:
    case = bureau.case(officer_id=officer.id)

    results = in_parallel(
        [lambda: bureau.invite(case, officer), lambda: bureau.invite(case, admin)]
    )

    assert sum(isinstance(result, OtherOfficerError) for result in results) == 1


def test_a_contact_changed_elsewhere_is_the_one_that_will_be_called(
    bureau: Bureau, officer: UserFacts, session: Session
) -> None:
    case = bureau.case(officer_id=officer.id)
    bureau.invite(case, officer)

    hibah.set_institution_contact(
        session, case.institution_id, name="SITI AMINAH", number="+628123090777", actor_id=None
    )

    row = session.execute(select(Invitee.person, Invitee.number)).one()
    assert tuple(row) == ("SITI AMINAH", "+628123090777")
