from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
import time_machine
from sqlalchemy import select

from core.api.contacts import contacts_of
from core.api.errors import NotFoundError
from plugins.hibah import api as hibah
from plugins.nphd.errors import (
    AlreadyNotifiedError,
    DateFixedError,
    DateTakenError,
    InvitationCancelledError,
    InvitationChangedError,
    OtherOfficerError,
    PastDateError,
)
from plugins.nphd.models import Invitation, Invitee
from plugins.nphd.services.cancelling import cancel
from plugins.nphd.services.editing import (
    Edit,
    edit_invitation,
    edit_invitee,
    remove_invitee,
)
from plugins.nphd.services.inviting import Invited
from plugins.nphd.services.sending import send

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.api.hooks import UserFacts
    from tests.plugins.nphd.conftest import Bureau, InParallel

WIB = ZoneInfo("Asia/Jakarta")


@pytest.fixture
def invited(bureau: Bureau, officer: UserFacts) -> Invited:
    """A list with one institution that was not notified."""
    return bureau.invite(bureau.case(officer_id=officer.id), officer)


def edit(day: date, *, version: int | None = None) -> Edit:
    return Edit(day=day, hour=time(13, 30), place="Aula lantai 2", version=version)


def test_day_hour_and_place_can_be_changed_before_anybody_knows(
    invited: Invited, bureau: Bureau, officer: UserFacts, session: Session
) -> None:
    later = bureau.tomorrow + timedelta(days=3)
    assert edit_invitation(session, invited.invitation_id, edit(later), officer)

    row = session.execute(select(Invitation.held_on, Invitation.held_at, Invitation.place)).one()
    assert tuple(row) == (later, time(13, 30), "Aula lantai 2")
    assert not edit_invitation(session, invited.invitation_id, edit(later), officer)


def test_the_day_stays_once_an_institution_knows_it_but_hour_and_place_may_change(
    invited: Invited, bureau: Bureau, officer: UserFacts, session: Session
) -> None:
    send(session, {invited.invitation_id: None}, officer)

    with pytest.raises(DateFixedError):
        edit_invitation(
            session, invited.invitation_id, edit(bureau.tomorrow + timedelta(days=3)), officer
        )
    assert edit_invitation(session, invited.invitation_id, edit(bureau.tomorrow), officer)


def test_a_list_cannot_move_to_a_day_that_is_over(
    bureau: Bureau, officer: UserFacts, session: Session
) -> None:
    case = bureau.case(officer_id=officer.id)
    with time_machine.travel(datetime(2018, 12, 1, 0, 0, tzinfo=WIB), tick=False):
        invitation_id = bureau.invite(case, officer, date(2018, 12, 5)).invitation_id
        with pytest.raises(PastDateError):
            edit_invitation(session, invitation_id, edit(date(2018, 11, 30)), officer)
        assert edit_invitation(session, invitation_id, edit(date(2018, 12, 1)), officer)


def test_a_list_cannot_move_onto_another_list_of_its_officer(
    invited: Invited, bureau: Bureau, officer: UserFacts, session: Session
) -> None:
    other = bureau.tomorrow + timedelta(days=1)
    bureau.invite(bureau.case(officer_id=officer.id), officer, other)

    with pytest.raises(DateTakenError):
        edit_invitation(session, invited.invitation_id, edit(other), officer)


def test_a_list_cannot_move_to_a_day_for_which_somebody_else_invited_its_institution(
    bureau: Bureau, officer: UserFacts, admin: UserFacts, session: Session
) -> None:
    case = bureau.case(officer_id=officer.id)
    mine = bureau.invite(case, officer)
    other = bureau.tomorrow + timedelta(days=1)
    bureau.invite(case, admin, other, again=True)

    with pytest.raises(OtherOfficerError):
        edit_invitation(session, mine.invitation_id, edit(other), officer)


def test_two_lists_that_move_to_one_day_at_once_do_not_both_get_it(
    bureau: Bureau, officer: UserFacts, in_parallel: InParallel
) -> None:
    days = [bureau.tomorrow + timedelta(days=n) for n in (1, 2)]
    lists = [
        bureau.invite(bureau.case(officer_id=officer.id), officer, day).invitation_id
        for day in days
    ]

    def move(invitation_id: int) -> bool:
        with bureau.runtime.database.writing() as session:
            return edit_invitation(session, invitation_id, edit(bureau.tomorrow), officer)

    results = in_parallel([lambda each=each: move(each) for each in lists])  # type: ignore[misc]
    assert sum(result is True for result in results) == 1
    assert sum(isinstance(result, DateTakenError) for result in results) == 1


def test_a_page_that_shows_an_older_list_changes_nothing(
    invited: Invited, bureau: Bureau, officer: UserFacts, session: Session
) -> None:
    with pytest.raises(InvitationChangedError):
        edit_invitation(session, invited.invitation_id, edit(bureau.tomorrow, version=1), officer)


def test_a_cancelled_list_cannot_be_changed(
    invited: Invited, bureau: Bureau, officer: UserFacts, admin: UserFacts, session: Session
) -> None:
    cancel(session, {invited.invitation_id: None}, admin, tell=False)

    with pytest.raises(InvitationCancelledError):
        edit_invitation(session, invited.invitation_id, edit(bureau.tomorrow), officer)
    with pytest.raises(InvitationCancelledError):
        remove_invitee(session, invited.invitation_id, invited.invitee_id, officer)


def change(
    session: Session, invited: Invited, officer: UserFacts, *, version: int | None = None
) -> None:
    edit_invitee(
        session,
        invited.invitation_id,
        invited.invitee_id,
        person="SITI AMINAH",
        number="+628123090777",
        version=version,
        user=officer,
    )


def test_person_and_number_can_be_mended_and_become_the_contact(
    invited: Invited, officer: UserFacts, session: Session
) -> None:
    change(session, invited, officer)

    row = session.execute(select(Invitee.person, Invitee.number, Invitee.institution_id)).one()
    assert tuple(row)[:2] == ("SITI AMINAH", "+628123090777")
    subject = hibah.institution_subject(row.institution_id)
    assert contacts_of(session, [subject])[subject].number == "+628123090777"


def test_a_contact_that_somebody_changed_meanwhile_is_not_overwritten(
    invited: Invited, officer: UserFacts, session: Session
) -> None:
    with pytest.raises(InvitationChangedError):
        change(session, invited, officer, version=0)


def test_what_an_institution_was_told_cannot_be_changed(
    invited: Invited, officer: UserFacts, session: Session
) -> None:
    send(session, {invited.invitation_id: None}, officer)

    with pytest.raises(AlreadyNotifiedError):
        change(session, invited, officer)
    with pytest.raises(AlreadyNotifiedError):
        remove_invitee(session, invited.invitation_id, invited.invitee_id, officer)


def test_removing_twice_does_no_harm(
    invited: Invited, bureau: Bureau, officer: UserFacts, session: Session
) -> None:
    assert remove_invitee(session, invited.invitation_id, invited.invitee_id, officer) is not None
    assert remove_invitee(session, invited.invitation_id, invited.invitee_id, officer) is None
    assert session.scalar(select(Invitation.invitee_count)) == 0
    session.commit()

    # The institution can be invited for that day again.
    assert bureau.invite(bureau.case(officer_id=officer.id), officer).invitation_id == (
        invited.invitation_id
    )


def test_an_invitee_of_another_list_does_not_exist(
    invited: Invited, bureau: Bureau, officer: UserFacts, session: Session
) -> None:
    other = bureau.invite(
        bureau.case(officer_id=officer.id), officer, bureau.tomorrow + timedelta(days=1)
    )
    mixed = Invited(other.invitation_id, invited.invitee_id, "", bureau.tomorrow, repeated=False)
    with pytest.raises(NotFoundError):
        change(session, mixed, officer)


def test_a_contact_changed_later_leaves_what_was_sent_alone(
    invited: Invited, officer: UserFacts, session: Session
) -> None:
    send(session, {invited.invitation_id: None}, officer)
    row = session.execute(select(Invitee.institution_id, Invitee.number)).one()
    hibah.set_institution_contact(
        session, row.institution_id, name="SITI AMINAH", number="+628123090777", actor_id=None
    )
    assert session.scalar(select(Invitee.number)) == row.number
