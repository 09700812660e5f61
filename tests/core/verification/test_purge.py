"""What is forgotten, and when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.accounts.models import SignInSession
from core.accounts.services import NewUser
from core.accounts.sessions import SessionRules, open_session
from core.db import Database
from core.framework.runtime import Runtime
from core.testing.people import People
from core.testing.work import Worker
from core.verification.models import Proof, Registration
from core.verification.services import purge_proofs, start_phone, start_registration

pytestmark = pytest.mark.plugins()

NOON = datetime(2024, 8, 5, 5, 0, tzinfo=UTC)


def count(session: Session, table: type) -> int:
    return session.scalar(select(func.count()).select_from(table)) or 0


def test_an_unproven_registration_is_forgotten_when_its_link_dies(session: Session) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        new = NewUser("lestari", "lestari@contoh.go.id", "LESTARI")
        start_registration(session, new, password_hash="!")
        clock.shift(timedelta(hours=47))
        assert purge_proofs(session) == 0
        clock.shift(timedelta(hours=1))
        assert purge_proofs(session) == 1
        assert (count(session, Registration), count(session, Proof)) == (0, 1)


def test_proofs_are_kept_for_a_month(session: Session, people: People) -> None:
    person = people.petugas("BARU", phone=None)
    with time_machine.travel(NOON, tick=False) as clock:
        start_phone(session, person.id, "08123090095")
        clock.shift(timedelta(days=30))
        assert purge_proofs(session) == 0
        clock.shift(timedelta(minutes=10))
        assert purge_proofs(session) == 1


def test_the_sweep_forgets_both_kinds(
    database: Database, people: People, runtime: Runtime, worker: Worker
) -> None:
    person = people.petugas()
    with time_machine.travel(NOON, tick=False) as clock:
        with database.writing() as session:
            open_session(session, person.id, rules=runtime.component(SessionRules))
            new = NewUser("lestari", "lestari@contoh.go.id", "LESTARI")
            start_registration(session, new, password_hash="!")
        clock.shift(timedelta(days=3))
        worker.run()
        with database.reading() as session:
            assert count(session, SignInSession) == 0
            assert count(session, Registration) == 0
