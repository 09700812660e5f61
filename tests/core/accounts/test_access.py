"""Letting people in and out."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.accounts.models import UserStatus
from core.accounts.permissions import UnknownRoleError
from core.accounts.services import (
    LastAdminError,
    count_waiting,
    create_team,
    disable_user,
    get_user,
    grant_access,
    roles_and_teams,
    teams,
    user_subject,
)
from core.accounts.sessions import SessionRules, facts_of, find_session, open_session
from core.audit import entries
from core.db import Database
from core.errors import ConflictError, InvalidInputError, NotFoundError
from core.framework.runtime import Runtime
from core.messaging.models import Message
from core.testing.people import People

pytestmark = pytest.mark.plugins()


def test_granting_lets_in_with_exactly_these_roles_and_teams(
    session: Session, people: People
) -> None:
    admin, person = people.admin(), people.make(None, "BARU", status="pending")
    one, two = (create_team(session, name, actor_id=admin.id) for name in ("Tim 1", "Tim 2"))
    assert count_waiting(session) == 1
    grant_access(
        session, person.id, roles=["petugas", "pimpinan"], team_ids=[one, two], actor_id=admin.id
    )
    facts = facts_of(session, person.id)
    assert facts is not None
    assert facts.roles == {"petugas", "pimpinan"}
    assert facts.team_ids == {one, two}
    grant_access(session, person.id, roles=["petugas"], team_ids=[two], actor_id=admin.id)
    assert roles_and_teams(session, person.id) == (frozenset({"petugas"}), frozenset({two}))
    assert count_waiting(session) == 0
    assert [entry.action for entry in entries(session, user_subject(person.id))] == [
        "user.grant",
        "user.grant",
    ]


def mails(session: Session) -> list[tuple[str, str]]:
    query = select(Message.address, Message.purpose).where(Message.kind == "email")
    return [(row.address, row.purpose) for row in session.execute(query)]


def test_the_person_is_told_once(session: Session, people: People) -> None:
    admin, person = people.admin(), people.make(None, "BARU", status="pending")
    grant_access(session, person.id, roles=["petugas"], actor_id=admin.id)
    grant_access(session, person.id, roles=["pimpinan"], actor_id=admin.id)
    assert mails(session) == [(person.email, "accounts.granted")]


def test_who_is_refused_is_told_too(session: Session, people: People) -> None:
    admin, person = people.admin(), people.make(None, "BARU", status="pending")
    disable_user(session, person.id, actor_id=admin.id)
    assert mails(session) == [(person.email, "accounts.refused")]
    assert entries(session, user_subject(person.id))[0].action == "user.refuse"


def test_shutting_out_ends_every_session(
    session: Session, people: People, runtime: Runtime
) -> None:
    admin, person = people.admin(), people.petugas()
    rules = runtime.component(SessionRules)
    token = open_session(session, person.id, rules=rules)
    disable_user(session, person.id, actor_id=admin.id)
    assert find_session(session, token, rules=rules) is None
    grant_access(session, person.id, roles=["petugas"], actor_id=admin.id)
    assert find_session(session, token, rules=rules) is None


def test_an_admin_cannot_shut_himself_out(session: Session, people: People) -> None:
    admin, _other = people.admin(), people.admin()
    with pytest.raises(ConflictError, match="Anda sendiri"):
        disable_user(session, admin.id, actor_id=admin.id)


def test_the_last_admin_stays(session: Session, people: People) -> None:
    admin, petugas = people.admin(), people.petugas()
    with pytest.raises(LastAdminError):
        disable_user(session, admin.id, actor_id=None)
    with pytest.raises(LastAdminError):
        grant_access(session, admin.id, roles=["petugas"], actor_id=admin.id)
    grant_access(session, petugas.id, roles=["admin"], actor_id=admin.id)
    grant_access(session, admin.id, roles=["petugas"], actor_id=admin.id)


def _take_role(session: Session, victim: int, actor: int) -> None:
    grant_access(session, victim, roles=["petugas"], actor_id=actor)


def _disable(session: Session, victim: int, actor: int) -> None:
    disable_user(session, victim, actor_id=actor)


@pytest.mark.parametrize("shut_out", [_disable, _take_role])
def test_two_admins_cannot_shut_each_other_out(
    database: Database, people: People, shut_out: Callable[[Session, int, int], None]
) -> None:
    first, second = people.admin(), people.admin()
    errors: list[Exception] = []
    start = threading.Barrier(2)

    def act(victim: int, actor: int) -> None:
        try:
            start.wait(timeout=30)
            with database.writing() as session:
                shut_out(session, victim, actor)
        except Exception as error:  # noqa: BLE001 - whatever stops one of them is the result
            errors.append(error)

    for _round in range(5):
        pairs = [(first.id, second.id), (second.id, first.id)]
        threads = [threading.Thread(target=act, args=pair) for pair in pairs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=30)
        assert [type(error) for error in errors] == [LastAdminError]
        errors.clear()
        with database.writing() as session:
            for admin in (first, second):
                grant_access(session, admin.id, roles=["admin"], actor_id=None)


def test_a_stale_page_changes_nothing(session: Session, people: People) -> None:
    admin, person = people.admin(), people.make(None, "BARU", status="pending")
    grant_access(session, person.id, roles=["petugas"], actor_id=admin.id)
    with pytest.raises(ConflictError):
        disable_user(session, person.id, actor_id=admin.id, expected=UserStatus.PENDING)
    with pytest.raises(ConflictError):
        grant_access(
            session,
            person.id,
            roles=["admin"],
            actor_id=admin.id,
            expected=UserStatus.PENDING,
        )
    assert get_user(session, person.id).status == UserStatus.ACTIVE


def test_what_does_not_exist_is_refused(session: Session, people: People) -> None:
    person = people.petugas()
    with pytest.raises(InvalidInputError) as caught:
        grant_access(session, person.id, roles=[], actor_id=None)
    assert caught.value.field == "roles"
    with pytest.raises(UnknownRoleError):
        grant_access(session, person.id, roles=["raja"], actor_id=None)
    with pytest.raises(NotFoundError):
        grant_access(session, person.id, roles=["petugas"], team_ids=[999], actor_id=None)
    with pytest.raises(NotFoundError):
        grant_access(session, 999_999, roles=["petugas"], actor_id=None)


def test_a_team_is_made_once(session: Session) -> None:
    first = create_team(session, " Tim  Hibah 1 ", actor_id=None)
    assert create_team(session, "tim hibah 1", actor_id=None) == first
    assert teams(session) == [(first, "Tim Hibah 1")]
    with pytest.raises(InvalidInputError):
        create_team(session, " ", actor_id=None)
