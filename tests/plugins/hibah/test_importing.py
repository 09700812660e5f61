"""Importing: all or nothing, twice is once, and what an officer mended stays."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select, update

from core.api.audit import entries
from core.api.contacts import contacts_of
from core.api.db import utcnow
from core.api.messaging import Thread
from plugins.hibah.models import Decree, Grant, Institution, SearchDocument, SearchFragment
from plugins.hibah.services.importing import plan_import, write_import
from plugins.hibah.services.institutions import set_institution_contact
from plugins.hibah.services.search import SearchQuery, search
from plugins.hibah.subjects import grant_subject, institution_subject
from plugins.hibah.workbook.columns import Column
from plugins.hibah.workbook.generate import generated_rows
from plugins.hibah.workbook.reader import Sheet
from plugins.hibah.workbook.rows import GrantRow, check_rows
from plugins.hibah.workflow import State

from .conftest import COLUMNS, DECREE, LATER_DECREE, ROWS, Statements, grant_row, import_rows

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.api.hooks import UserFacts
    from core.testing.people import People

FIRST = ROWS[0]


def _grant(session: Session, code: str = FIRST.code) -> Grant:
    session.expire_all()
    return session.scalars(select(Grant).where(Grant.code == code)).one()


@pytest.mark.usefixtures("officer")
def test_a_row_becomes_grant_institution_decree_contact_thread_and_index(session: Session) -> None:
    import_rows(session, [FIRST])

    grant = _grant(session)
    institution = session.get_one(Institution, grant.institution_id)
    decree = session.get_one(Decree, grant.decree_id)
    contact = contacts_of(session, [institution_subject(institution.id)])
    thread = session.get_one(Thread, institution.thread_id)
    assert (grant.dpa, grant.amount, grant.state) == (FIRST.dpa, 9_000_000_000, State.DECREED)
    assert grant.officer_id is not None
    assert grant.created_at.isoformat() == "2018-01-30T17:00:00+00:00"
    assert (institution.name, institution.regency_id) == (FIRST.institution, 3578)
    assert (decree.stage, decree.number, decree.dated) == (1, DECREE.number, date(2018, 1, 19))
    assert [(c.name, c.number) for c in contact.values()] == [("NUR SASMITA", "+628123090095")]
    assert (thread.subject, thread.title) == (institution_subject(institution.id), institution.name)
    assert session.scalar(select(func.count()).select_from(SearchDocument)) == 3
    assert len(entries(session, grant_subject(grant.id))) == 1


@pytest.mark.usefixtures("officer", "colleague")
def test_importing_twice_changes_nothing(session: Session) -> None:
    import_rows(session, ROWS)
    before = _everything(session)

    plan = import_rows(session, ROWS)

    assert (len(plan.new), len(plan.changed), len(plan.unchanged)) == (0, 0, len(ROWS))
    assert _everything(session) == before


@pytest.mark.usefixtures("officer", "colleague")
def test_a_second_import_updates_and_tells_what_changed(session: Session, admin: UserFacts) -> None:
    import_rows(session, ROWS)

    plan = import_rows(
        session,
        [
            replace(FIRST, amount=8_500_000_000, decree=LATER_DECREE, officer="ANINDHITA"),
            *ROWS[1:],
        ],
    )

    changes = {change.title: (change.before, change.after) for change in plan.changes}
    assert changes == {
        "Nominal": ("9000000000", "8500000000"),
        "SK Tahap": ("1", "2"),
        "SK Nomor": (DECREE.number, LATER_DECREE.number),
        "SK Tanggal": ("19/01/2018", "04/05/2018"),
        "Petugas": ("DANU MAHARDIKA", "ANINDHITA"),
    }
    grant = _grant(session)
    assert (grant.amount, grant.version) == (8_500_000_000, 2)
    assert len(entries(session, grant_subject(grant.id))) == 2
    assert search(session, admin, SearchQuery("188/317")).active_total == 2
    assert search(session, admin, SearchQuery("9.000.000.000")).active_total == 0


def test_an_empty_cell_empties_nothing(session: Session) -> None:
    import_rows(session, [FIRST])

    plan = import_rows(
        session,
        [
            replace(
                FIRST,
                dpa="",
                address="",
                purpose="",
                decree=None,
                officer="",
                telephone="",
                kind="",
            )
        ],
    )

    assert len(plan.unchanged) == 1
    assert _grant(session).dpa == FIRST.dpa


def test_a_decree_turns_a_request_into_a_decreed_grant(session: Session) -> None:
    import_rows(session, [replace(FIRST, decree=None)])
    assert _grant(session).state == State.REQUESTED

    import_rows(session, [FIRST])

    assert _grant(session).state == State.DECREED


@pytest.mark.usefixtures("officer")
def test_a_number_mended_by_an_officer_survives_the_same_workbook(session: Session) -> None:
    import_rows(session, [FIRST])
    grant = _grant(session)
    subject = institution_subject(grant.institution_id)
    set_institution_contact(
        session, grant.institution_id, name="NUR SASMITA", number="081230900777", actor_id=None
    )

    import_rows(session, [FIRST])
    assert contacts_of(session, [subject])[subject].number == "+6281230900777"

    import_rows(session, [replace(FIRST, telephone="+6281230900888")])
    assert contacts_of(session, [subject])[subject].number == "+6281230900888"


def test_locked_and_archived_grants_refuse_changes_and_take_what_is_the_same(
    session: Session,
) -> None:
    import_rows(session, ROWS)
    session.execute(update(Grant).where(Grant.code == ROWS[0].code).values(locked=True))
    session.execute(update(Grant).where(Grant.code == ROWS[1].code).values(archived_at=utcnow()))

    same = plan_import(session, ROWS, COLUMNS)
    other = plan_import(session, [replace(row, amount=1) for row in ROWS[:3]], COLUMNS)

    assert [problem for problem in same.problems if problem.fatal] == []
    assert [problem.value for problem in other.problems if problem.fatal] == [
        ROWS[0].code,
        ROWS[1].code,
    ]
    assert [grant.row.code for grant in other.changed] == [ROWS[2].code]


def test_an_unknown_officer_is_kept_as_text_with_a_warning(session: Session) -> None:
    plan = import_rows(session, [FIRST])

    assert [(problem.column, problem.fatal) for problem in plan.problems] == [
        (Column.OFFICER, False)
    ]
    grant = _grant(session)
    assert (grant.officer_id, grant.officer_text) == (None, "DANU MAHARDIKA")


def test_an_officer_is_found_by_nip_and_a_shared_name_is_not_guessed(
    session: Session, people: People
) -> None:
    first = people.petugas("DANU MAHARDIKA", username="d1", nip="197911202003121004")
    people.petugas("DANU MAHARDIKA", username="d2", nip="198911202003121004")

    plan = import_rows(
        session,
        [
            replace(FIRST, officer="197911202003121004 - DANU MAHARDIKA"),
            replace(ROWS[1], officer="Danu  Mahardika"),
        ],
    )

    assert _grant(session).officer_id == first.id
    assert _grant(session, ROWS[1].code).officer_id is None
    assert len(plan.problems) == 1


def test_a_new_spelling_keeps_the_institution_and_a_new_name_renames_it(session: Session) -> None:
    pair = [ROWS[1], ROWS[3]]
    import_rows(session, pair)
    institution_id = _grant(session, ROWS[1].code).institution_id

    import_rows(
        session, [replace(row, institution="MASJID AL HIDAYAHNA RANGKASEKAR") for row in pair]
    )
    assert _names(session) == {institution_id: "MASJID AL HIDAYAHNA RANGKASEKAR"}

    import_rows(session, [replace(row, institution="Masjid Sabilul Huda'ina") for row in pair])
    assert _names(session) == {institution_id: "Masjid Sabilul Huda'ina"}


def test_a_name_that_only_one_of_two_grants_gets_makes_another_institution(
    session: Session,
) -> None:
    pair = [ROWS[1], ROWS[3]]
    import_rows(session, pair)

    import_rows(session, [pair[0], replace(pair[1], institution="Musholla Setia Waluyana")])

    assert sorted(_names(session).values()) == [
        "Masjid Al-Hidayahna Rangkasekar",
        "Musholla Setia Waluyana",
    ]


def test_two_institutions_of_one_name_at_two_addresses_never_share_a_conversation(
    session: Session,
) -> None:
    import_rows(
        session,
        [
            grant_row("2018-HK-00001", "Masjid Baitul Mukhlisina", address="Dusun Lor"),
            grant_row("2018-HK-00002", "Masjid Baitul Mukhlisina", address="Dusun Kidul"),
        ],
    )

    assert len(set(session.scalars(select(Institution.thread_id)))) == 2


def test_the_number_of_reading_statements_depends_on_chunks_only(
    session: Session, statements: Statements
) -> None:
    # Both meet institutions that are known already, and their contacts.
    import_rows(session, _generated("O", 30))
    few = _generated("A", 60)
    many = _generated("B", 400)
    with statements() as for_few:
        plan = plan_import(session, few, COLUMNS)
        write_import(session, plan, actor_id=None)
    with statements() as for_many:
        plan = plan_import(session, many, COLUMNS)
        write_import(session, plan, actor_id=None)

    # The audit trail of SQLite is the one that inserts row by row.
    assert _reading(for_many) == _reading(for_few)


def _generated(prefix: str, rows: int) -> list[GrantRow]:
    columns = {column: index for index, column in enumerate(Column)}
    values = [[values[column] for column in Column] for values in generated_rows(rows, rows)]
    found, _problems = check_rows(Sheet(columns, list(enumerate(values, start=2))))
    return [replace(row, code=f"{prefix}-{row.code}") for row in found]


def _reading(statements: list[str]) -> int:
    return sum(1 for each in statements if each.lstrip().startswith(("SELECT", "WITH")))


def _names(session: Session) -> dict[int, str]:
    session.expire_all()
    with_grants = select(Grant.institution_id)
    rows = session.execute(
        select(Institution.id, Institution.name).where(Institution.id.in_(with_grants))
    )
    return {row.id: row.name for row in rows}


def _everything(session: Session) -> list[object]:
    tables = (Grant, Institution, Decree, SearchDocument, SearchFragment)
    return [
        sorted(tuple(map(str, row)) for row in session.execute(select(table.__table__)))
        for table in tables
    ]
