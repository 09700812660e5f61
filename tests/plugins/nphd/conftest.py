"""A bureau in small: officers, institutions with grants, and a channel that reaches nobody."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event

from core.api.errors import AbahError
from core.api.messaging import add_account
from plugins.hibah import api as hibah
from plugins.nphd.days import today_in_jakarta
from plugins.nphd.services.inviting import Invited, Order, invite
from plugins.sandbox.behaviours import Behaviour
from plugins.sandbox.services.handset import add_rule
from tests.plugins.nphd.browser import SignIn, Visit

if TYPE_CHECKING:
    from webtest import TestApp

    from core.api.hooks import UserFacts
    from core.api.runtime import Runtime
    from core.testing.people import People


@dataclass(frozen=True)
class Case:
    """A grant, its institution, and the number that the tests use for it."""

    grant_id: int
    institution_id: int
    code: str
    name: str
    number: str


class Bureau:
    """Makes cases and invites, each in a transaction of its own."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self._numbers = itertools.count(1)

    def case(
        self,
        *,
        officer_id: int | None = None,
        state: str = "SK PENETAPAN",
        institution_id: int | None = None,
        **more: object,
    ) -> Case:
        """Make a grant, with an institution of its own unless one is given."""
        n = next(self._numbers)
        name = f"MASJID AL IKHLAS {n}"
        with self.runtime.database.writing() as session:
            if institution_id is None:
                institution = hibah.Institution(name=name, identity=f"masjid{n}")
                session.add(institution)
                session.flush()
                institution_id = institution.id
            grant = hibah.Grant(
                code=f"2018-HK-{n:05d}",
                institution_id=institution_id,
                amount=400_000_000,
                state=state,
                officer_id=officer_id,
                **more,
            )
            session.add(grant)
            session.flush()
            return Case(grant.id, institution_id, grant.code, name, f"+628123090{n:04d}")

    def invite(
        self, case: Case, user: UserFacts, day: date | None = None, *, again: bool = False
    ) -> Invited:
        """Invite the institution of a case for a day (tomorrow unless one is given)."""
        order = Order(
            grant_id=case.grant_id,
            number=case.number,
            person="NUR SASMITA",
            day=day or self.tomorrow,
            request_key=f"key-{next(self._numbers)}",
            again=again,
        )
        with self.runtime.database.writing() as session:
            return invite(session, order, user)

    def list_of(self, size: int, user: UserFacts, day: date | None = None) -> int:
        """Invite ``size`` new institutions for a day and return the list's id."""
        cases = [self.case(officer_id=user.id) for _ in range(size)]
        return {self.invite(case, user, day).invitation_id for case in cases}.pop()

    def network(self, behaviour: Behaviour, *, count: int | None = None) -> None:
        """Tell the sandbox's network what to do with the next messages (all, without a count)."""
        with self.runtime.database.writing() as session:
            add_rule(session, address="", behaviour=behaviour, seconds=0, remaining=count)

    @property
    def tomorrow(self) -> date:
        """The day after today, in Asia/Jakarta."""
        return today_in_jakarta() + timedelta(days=1)


@pytest.fixture
def plugin_names(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """What the invitations need, and a channel that reaches nobody."""
    mark = request.node.get_closest_marker("plugins")
    return tuple(sorted(mark.args)) if mark else ("hibah", "nphd", "sandbox")


@pytest.fixture
def bureau(runtime: Runtime) -> Bureau:
    return Bureau(runtime)


@pytest.fixture
def channel(runtime: Runtime) -> int:
    """Id of a sandbox account, which carries every text of the test."""
    with runtime.database.writing() as session:
        return add_account(session, name="Sandbox", transport="sandbox", settings={})


@pytest.fixture
def officer(people: People) -> UserFacts:
    """An officer, as ``request.identity`` would be."""
    return people.facts(people.petugas("ANINDHITA"))


@pytest.fixture
def admin(people: People) -> UserFacts:
    return people.facts(people.admin("KEPALA BIRO"))


@pytest.fixture
def colleague(people: People) -> UserFacts:
    """An officer in no team."""
    return people.facts(people.petugas("DANU MAHARDIKA"))


InParallel = Callable[[Sequence[Callable[[], Any]]], list[Any]]


@pytest.fixture
def in_parallel() -> InParallel:
    """Run calls in threads that start together; answer what each returned or raised."""

    def run(calls: Sequence[Callable[[], Any]]) -> list[Any]:
        gate = threading.Barrier(len(calls))

        def one(call: Callable[[], Any]) -> Any:
            gate.wait()
            try:
                return call()
            except AbahError as error:
                return error

        with ThreadPoolExecutor(len(calls)) as pool:
            return list(pool.map(one, calls))

    return run


Statements = Callable[[], AbstractContextManager[list[str]]]


@pytest.fixture
def statements(runtime: Runtime) -> Statements:
    """Record the statements that a block sends to the database."""

    @contextmanager
    def record() -> Iterator[list[str]]:
        found: list[str] = []

        def note(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
            found.append(statement)

        event.listen(runtime.database.engine, "before_cursor_execute", note)
        try:
            yield found
        finally:
            event.remove(runtime.database.engine, "before_cursor_execute", note)

    return record


@pytest.fixture
def visit(app: TestApp, sign_in: SignIn, bureau: Bureau, officer: UserFacts) -> Visit:
    """The officer, signed in, in front of a browser."""
    found = Visit(app, sign_in, bureau)
    found.enter(officer)
    return found
