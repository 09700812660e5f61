"""A handful of grants that the tests know by heart, put in through the importer's own services."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, select, update

from core.api.db import utcnow
from plugins.hibah.models import Grant
from plugins.hibah.services.importing import ImportPlan, plan_import, write_import
from plugins.hibah.workbook.columns import Column
from plugins.hibah.workbook.rows import DecreeRow, GrantRow

if TYPE_CHECKING:
    from sqlalchemy.orm import Session
    from webtest import TestApp, TestResponse

    from core.api.hooks import UserFacts
    from core.api.runtime import Runtime
    from core.testing.people import People

DECREE = DecreeRow(1, "GUBERNUR JAWA TIMUR", "188/45/KPTS/013/2018", date(2018, 1, 19))
LATER_DECREE = DecreeRow(2, "GUBERNUR JAWA TIMUR", "188/317/KPTS/013/2018", date(2018, 5, 4))

COLUMNS = {column: index for index, column in enumerate(Column)}

BLANK = GrantRow(
    row=2,
    code="",
    dpa="",
    institution="",
    address="",
    regency_id=3578,
    kind="Hibah Berbadan Hukum Indonesia",
    recommendation="REGULER",
    amount=50_000_000,
    purpose="",
    decree=None,
    officer="",
    contact="",
    telephone="",
    created=None,
)


def grant_row(code: str, institution: str, **values: Any) -> GrantRow:
    """Make a row that differs from the blank one."""
    return replace(BLANK, code=code, institution=institution, **values)


ROWS: Sequence[GrantRow] = (
    grant_row(
        "2018-HK-00005",
        "LPTQ Kecamatan Tegalwarna",
        dpa="5435140501000005",
        address="Jl. Samudera No. 17, Desa Wanasekar",
        amount=9_000_000_000,
        decree=DECREE,
        officer="DANU MAHARDIKA",
        contact="NUR SASMITA",
        telephone="+628123090095",
        created=date(2018, 1, 31),
    ),
    grant_row(
        "2018-HK-00006",
        "Masjid Al-Hidayahna Rangkasekar",
        dpa="5435140501000006",
        regency_id=3507,
        address="Dusun Krajan RT 02 RW 01",
        amount=400_000_000,
        decree=LATER_DECREE,
        officer="ANINDHITA",
        contact="SITI KERTALANGITA",
        telephone="+6281230900106",
    ),
    grant_row(
        "2018-HK-00107",
        "Yayasan Café Ma'arifana",
        dpa="5435140501000107",
        regency_id=3573,
        amount=75_000_000,
        officer="Drs. BUDI TANPA AKUN",
        contact="JOKO WANARAHARJA",
        telephone="+60123456789",
    ),
    grant_row(
        "2018-HK-00108",
        "Masjid Al-Hidayahna Rangkasekar",
        dpa="5435140501000108",
        regency_id=3507,
        address="Dusun Krajan RT 02 RW 01",
        amount=30_000_000,
        officer="ANINDHITA",
    ),
    *(
        grant_row(
            f"2017-HK-{number:05d}",
            f"LPTQ Kecamatan Arsipan {number}",
            dpa=f"5435140501700{number:03d}",
            regency_id=3501,
            amount=100_000_000,
            officer="DANU MAHARDIKA",
        )
        for number in range(1, 10)
    ),
)


def import_rows(session: Session, rows: Sequence[GrantRow]) -> ImportPlan:
    """Import rows as the command does, numbered from 2."""
    numbered = [replace(row, row=number) for number, row in enumerate(rows, start=2)]
    plan = plan_import(session, numbered, COLUMNS)
    write_import(session, plan, actor_id=None)
    return plan


@pytest.fixture
def plugin_names() -> tuple[str, ...]:
    """The grants alone: whatever they promise holds without the plugins on top of them."""
    return ("hibah",)


@pytest.fixture
def officer(people: People) -> UserFacts:
    """Danu, the officer of the grants to the LPTQ."""
    return people.facts(people.petugas("DANU MAHARDIKA", username="danu"))


@pytest.fixture
def colleague(people: People) -> UserFacts:
    """Anindhita, the officer of two other grants; in no team."""
    return people.facts(people.petugas("ANINDHITA", username="anindhita"))


@pytest.fixture
def admin(people: People) -> UserFacts:
    return people.facts(people.admin("KEPALA BIRO", username="kepala"))


@pytest.fixture
def bureau(runtime: Runtime, officer: UserFacts, colleague: UserFacts) -> dict[str, int]:
    """The known grants, those of 2017 archived; ids by code."""
    del officer, colleague
    with runtime.database.writing() as session:
        import_rows(session, ROWS)
        session.execute(
            update(Grant).where(Grant.code.startswith("2017-")).values(archived_at=utcnow())
        )
        return {row.code: row.id for row in session.execute(select(Grant.code, Grant.id))}


Statements = Callable[[], AbstractContextManager[list[str]]]


@pytest.fixture
def statements(runtime: Runtime) -> Statements:
    """Record the statements that a block sends to the database."""

    @contextmanager
    def record() -> Iterator[list[str]]:
        found: list[str] = []

        def note(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
            if not statement.startswith("BEGIN"):
                found.append(statement)

        event.listen(runtime.database.engine, "before_cursor_execute", note)
        try:
            yield found
        finally:
            event.remove(runtime.database.engine, "before_cursor_execute", note)

    return record


SignIn = Callable[["TestApp", int], None]


@pytest.fixture
def browser(app: TestApp, sign_in: SignIn, bureau: dict[str, int], officer: UserFacts) -> TestApp:
    """Danu's browser, in a bureau with grants."""
    del bureau
    sign_in(app, officer.id)
    return app


def words(response: TestResponse) -> str:
    """Return the text of the page's main part with single spaces."""
    main = response.html.find("main") or response.html
    return " ".join(main.get_text(" ").split())
