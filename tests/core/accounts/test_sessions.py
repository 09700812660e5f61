"""Being signed in: tokens, facts in one query, and every end that a session has."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import event, func, select, update
from sqlalchemy.orm import Session

from core.accounts.models import SignInSession, User
from core.accounts.sessions import (
    SessionRules,
    end_session,
    end_sessions,
    facts_of,
    find_session,
    open_session,
    purge_sessions,
    touch_session,
)
from core.framework.runtime import Runtime
from core.testing.people import People

pytestmark = pytest.mark.plugins()

NOON = datetime(2024, 8, 5, 5, 0, tzinfo=UTC)


@pytest.fixture
def rules(runtime: Runtime) -> SessionRules:
    return runtime.component(SessionRules)


def test_a_token_finds_its_person_in_one_query(
    session: Session, people: People, rules: SessionRules
) -> None:
    person = people.make("petugas", "DANU MAHARDIKA", team="Tim 1", nip="197911202003121004")
    token = open_session(session, person.id, rules=rules)
    statements: list[str] = []
    engine = session.get_bind()
    event.listen(engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    found = find_session(session, token, rules=rules)
    assert len(statements) == 1
    assert found is not None
    facts = found.facts
    assert (facts.id, facts.name, facts.nip) == (person.id, "DANU MAHARDIKA", "197911202003121004")
    assert facts.roles == {"petugas"}
    assert facts.may("messages.read")
    assert len(facts.team_ids) == 1
    assert facts.phone == person.phone


def test_the_table_holds_no_token(session: Session, people: People, rules: SessionRules) -> None:
    token = open_session(session, people.petugas().id, rules=rules)
    row = session.scalars(select(SignInSession)).one()
    assert token not in (row.token_hash, row.user_agent, row.remote_addr)
    assert find_session(session, row.token_hash, rules=rules) is None


def test_tokens_are_never_the_same(session: Session, people: People, rules: SessionRules) -> None:
    person = people.petugas()
    tokens = {open_session(session, person.id, rules=rules) for _ in range(20)}
    assert len(tokens) == 20
    assert all(len(token) >= 43 for token in tokens)


def test_an_idle_session_ends(session: Session, people: People, rules: SessionRules) -> None:
    person = people.petugas()
    with time_machine.travel(NOON, tick=False) as clock:
        token = open_session(session, person.id, rules=rules)
        clock.shift(rules.idle - timedelta(seconds=1))
        assert find_session(session, token, rules=rules)
        clock.shift(timedelta(seconds=1))
        assert find_session(session, token, rules=rules) is None


def test_a_busy_session_ends_too(session: Session, people: People, rules: SessionRules) -> None:
    person = people.petugas()
    with time_machine.travel(NOON, tick=False) as clock:
        token = open_session(session, person.id, rules=rules)
        for _ in range(int(rules.absolute / timedelta(hours=7)) - 1):
            clock.shift(timedelta(hours=7))
            found = find_session(session, token, rules=rules)
            assert found
            touch_session(session, found.session_id)
        clock.shift(timedelta(hours=7))
        assert find_session(session, token, rules=rules) is None


def test_signing_out_ends_this_browser_only(
    session: Session, people: People, rules: SessionRules
) -> None:
    person = people.petugas()
    here, there = (open_session(session, person.id, rules=rules) for _ in range(2))
    end_session(session, here)
    assert find_session(session, here, rules=rules) is None
    assert find_session(session, there, rules=rules)
    assert end_sessions(session, person.id) == 1
    assert find_session(session, there, rules=rules) is None


@pytest.mark.parametrize("status", ["pending", "disabled"])
def test_only_active_people_are_anybody(
    session: Session, people: People, rules: SessionRules, status: str
) -> None:
    person = people.petugas()
    token = open_session(session, person.id, rules=rules)
    session.execute(update(User).where(User.id == person.id).values(status=status))
    assert find_session(session, token, rules=rules) is None
    assert facts_of(session, person.id) is None


def test_a_person_without_role_or_team_has_empty_sets(session: Session, people: People) -> None:
    facts = facts_of(session, people.make(None, "TANPA PERAN").id)
    assert facts is not None
    assert not facts.roles | facts.permissions
    assert not facts.team_ids


def test_ended_sessions_are_swept_away(
    session: Session, people: People, rules: SessionRules
) -> None:
    person = people.petugas()
    with time_machine.travel(NOON, tick=False) as clock:
        open_session(session, person.id, rules=rules)
        clock.shift(rules.idle)
        open_session(session, person.id, rules=rules)
        assert purge_sessions(session, rules=rules) == 1
    assert session.scalar(select(func.count()).select_from(SignInSession)) == 1


@pytest.mark.settings(abah__session__idle_minutes="30", abah__session__hours="2")
def test_settings_shorten_a_session(rules: SessionRules) -> None:
    assert (rules.idle, rules.absolute) == (timedelta(minutes=30), timedelta(hours=2))
