from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
import time_machine

from core.api.errors import NotFoundError
from core.api.settings import save_settings
from core.framework.models import StoredSetting
from plugins.nphd.models import Notified
from plugins.nphd.services.cancelling import cancel
from plugins.nphd.services.defaults import default_hour, default_place
from plugins.nphd.services.reading import invitation_facts, summaries, waiting
from plugins.nphd.services.sending import send

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.api.hooks import UserFacts
    from core.testing.people import People
    from tests.plugins.nphd.conftest import Bureau

WIB = ZoneInfo("Asia/Jakarta")


@pytest.mark.parametrize(
    ("invitees", "notified", "state"),
    [
        (0, 0, Notified.NONE),
        (3, 0, Notified.NONE),
        (3, 1, Notified.SOME),
        (3, 3, Notified.ALL),
    ],
)
def test_the_notification_state_is_none_some_or_all(
    invitees: int, notified: int, state: Notified
) -> None:
    assert Notified.of(invitees, notified) is state


def test_a_list_goes_from_none_to_all_and_back_to_some(
    bureau: Bureau, officer: UserFacts, session: Session
) -> None:
    invitation_id = bureau.list_of(2, officer)
    assert invitation_facts(session, officer, invitation_id).state is Notified.NONE
    send(session, {invitation_id: None}, officer)
    assert invitation_facts(session, officer, invitation_id).state is Notified.ALL
    session.commit()
    bureau.list_of(1, officer)
    facts = invitation_facts(session, officer, invitation_id)
    assert (facts.state, facts.pending) == (Notified.SOME, 1)


def test_lists_of_others_do_not_exist_unless_one_shares_a_team(
    bureau: Bureau, people: People, session: Session
) -> None:
    owner = people.facts(people.petugas("PEMILIK", team="Tim 1"))
    mate = people.facts(people.petugas("MATE", team="Tim 1"))
    stranger = people.facts(people.petugas("LAIN", team="Tim 2"))
    invitation_id = bureau.list_of(1, owner)

    assert invitation_facts(session, mate, invitation_id).officer == "PEMILIK"
    with pytest.raises(NotFoundError):
        invitation_facts(session, stranger, invitation_id)
    assert summaries(session, stranger, [invitation_id]) == []


def test_what_waits_are_own_coming_lists_that_are_not_sent(
    bureau: Bureau, officer: UserFacts, admin: UserFacts, session: Session
) -> None:
    with time_machine.travel(datetime(2018, 11, 29, 9, tzinfo=WIB)):
        bureau.list_of(1, officer, date(2018, 12, 1))
    days = [bureau.tomorrow + timedelta(days=n) for n in range(4)]
    later, nearer, sent, cancelled = (bureau.list_of(1, officer, days[n]) for n in (1, 0, 2, 3))
    bureau.list_of(1, admin, days[0])
    send(session, {sent: None}, officer)
    cancel(session, {cancelled: None}, admin, tell=False)

    found = waiting(session, officer)
    assert found.count == 2
    assert [each.id for each in found.lists] == [nearer, later]


def test_place_and_hour_of_new_lists_can_be_set(session: Session) -> None:
    save_settings(session, "nphd", {"place": "Aula lantai 2", "hour": "13:30"})
    session.commit()
    assert default_place(session) == "Aula lantai 2"
    assert default_hour(session).isoformat() == "13:30:00"


def test_an_hour_that_nobody_can_read_does_not_stop_anybody(session: Session) -> None:
    # Stored by an earlier version, which did not look at it.
    session.add(StoredSetting(owner="nphd", key="hour", value='"pagi"'))
    session.commit()
    assert default_hour(session).isoformat() == "09:00:00"
