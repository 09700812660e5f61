"""The quick search: a fixed table of queries with the same hits on both databases."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update

from core.api.settings import save_settings
from plugins.hibah.models import Grant, Institution
from plugins.hibah.services.institutions import set_institution_contact
from plugins.hibah.services.search import SearchPage, SearchQuery, search

from .conftest import ROWS, Statements, grant_row, import_rows

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.api.hooks import UserFacts
    from core.api.runtime import Runtime
    from core.testing.people import People

LPTQ_2017 = [f"2017-HK-{number:05d}" for number in range(9, 0, -1)]
MOSQUE = ["2018-HK-00108", "2018-HK-00006"]

QUERIES: list[tuple[str, list[str], list[str]]] = [
    # what was typed, hits of Data Aktif, hits of Data Arsip (newest first)
    ("2018-HK-00005", ["2018-HK-00005"], []),
    ("hk00005", ["2018-HK-00005"], ["2017-HK-00005"]),
    ("00107", ["2018-HK-00107"], []),
    ("5435140501000005", ["2018-HK-00005"], []),
    ("0501000108", ["2018-HK-00108"], []),
    ("LPTQ", ["2018-HK-00005"], LPTQ_2017),
    ("lptq tegal", ["2018-HK-00005"], []),
    ("AL HIDAYAHNA", MOSQUE, []),
    ("alhidayahna", MOSQUE, []),
    ("al-hidayahna rangka", MOSQUE, []),
    ("cafe maarifana", ["2018-HK-00107"], []),
    ("danu mahardika", ["2018-HK-00005"], LPTQ_2017),
    ("budi tanpa", ["2018-HK-00107"], []),
    ("nursasmita", ["2018-HK-00005"], []),
    ("188/45", ["2018-HK-00005"], []),
    ("188/317/KPTS/013/2018", ["2018-HK-00006"], []),
    ("08123090095", ["2018-HK-00005"], []),
    ("+62 812-3090-095", ["2018-HK-00005"], []),
    ("0123 0900 106", [], []),
    ("3090 0106", MOSQUE, []),
    ("+60 12-345 6789", ["2018-HK-00107"], []),
    ("Rp9.000.000.000,00", ["2018-HK-00005"], []),
    ("19 Januari 2018", ["2018-HK-00005"], []),
    ("kabupaten malang", MOSQUE, []),
    ("lptq malang", [], []),
    ("%", [], []),
    ("tidak-ada-di-mana-pun", [], []),
]


@pytest.mark.usefixtures("bureau")
def test_fixed_queries_find_the_same_everywhere(session: Session, admin: UserFacts) -> None:
    # One test for the table, and not one for each query: a database is made for every test.
    expected = {text: (sorted(active), sorted(archived)) for text, active, archived in QUERIES}
    found = {text: _both_sets(session, admin, text) for text in expected}

    assert found == expected


@pytest.mark.usefixtures("bureau")
def test_every_row_of_the_table_is_found_by_every_part_of_its_code(
    session: Session, admin: UserFacts
) -> None:
    code = ROWS[0].code
    parts = {
        code[begin:end] for begin in range(len(code)) for end in range(begin + 1, len(code) + 1)
    }
    for part in parts - {"-"}:
        assert code in _codes(search(session, admin, SearchQuery(part, size=50))), part


@pytest.mark.usefixtures("bureau")
def test_a_whole_code_comes_first(session: Session, admin: UserFacts) -> None:
    import_rows(session, [grant_row("2018-HK-000051", "Musholla Setia Waluyana")])

    assert _codes(search(session, admin, SearchQuery("2018-hk-00005"))) == [
        "2018-HK-00005",
        "2018-HK-000051",
    ]


@pytest.mark.usefixtures("bureau")
def test_pages_hold_ten_and_a_page_behind_the_last_is_the_last(
    session: Session, admin: UserFacts
) -> None:
    import_rows(
        session,
        [grant_row(f"2018-XX-{n:05d}", f"Musholla Bina Lestarina {n}") for n in range(1, 24)],
    )

    first = search(session, admin, SearchQuery("lestarina"))
    last = search(session, admin, SearchQuery("lestarina", number=99))

    assert (first.first, first.last, first.total, first.pages) == (1, 10, 23, 3)
    assert (last.query.number, last.first, last.last) == (3, 21, 23)
    assert len({*_codes(first), *_codes(last)}) == 13


@pytest.mark.usefixtures("bureau")
def test_officers_find_their_own_grants_only(
    session: Session, officer: UserFacts, colleague: UserFacts
) -> None:
    assert _codes(search(session, officer, SearchQuery("2018"))) == ["2018-HK-00005"]
    assert sorted(_codes(search(session, colleague, SearchQuery("2018")))) == sorted(MOSQUE)
    assert search(session, colleague, SearchQuery("lptq")).archived_total == 0


def test_a_team_sees_what_its_members_and_the_team_itself_have(
    runtime: Runtime, people: People, admin: UserFacts
) -> None:
    danu = people.petugas("DANU MAHARDIKA", team="Tim 1")
    mate = people.facts(people.petugas("RATNA SASTRAWENING", team="Tim 1"))
    stranger = people.facts(people.petugas("ANINDHITA", team="Tim 2"))
    with runtime.database.writing() as session:
        import_rows(session, ROWS)
        session.execute(
            update(Grant)
            .where(Grant.code == "2018-HK-00107")
            .values(team_id=next(iter(mate.team_ids)))
        )

    with runtime.database.reading() as session:
        seen = search(session, mate, SearchQuery("2018", size=50))
        assert sorted(_codes(seen)) == ["2018-HK-00005", "2018-HK-00107"]
        assert sorted(_codes(search(session, stranger, SearchQuery("2018")))) == sorted(MOSQUE)
        assert search(session, people.facts(danu), SearchQuery("2018")).active_total == 2
        assert search(session, admin, SearchQuery("2018")).active_total == 4


@pytest.mark.usefixtures("bureau")
def test_a_setting_lets_officers_see_everything(
    runtime: Runtime, session: Session, colleague: UserFacts
) -> None:
    save_settings(session, "hibah", {"petugas_sees_all": True})
    session.commit()

    with runtime.database.reading() as fresh:
        assert search(fresh, colleague, SearchQuery("lptq")).archived_total == 9


@pytest.mark.usefixtures("bureau")
def test_somebody_without_the_permission_finds_nothing(session: Session, admin: UserFacts) -> None:
    nobody = replace(admin, permissions=frozenset())

    assert search(session, nobody, SearchQuery("2018")).active_total == 0


@pytest.mark.usefixtures("bureau")
def test_a_new_contact_is_found_and_the_old_one_is_not(session: Session, admin: UserFacts) -> None:
    institution_id = session.scalar(select(Institution.id).where(Institution.name.like("Masjid%")))
    assert institution_id is not None

    set_institution_contact(
        session, institution_id, name="LAILA BANYUPERTALA", number="0812 3090 0777", actor_id=None
    )

    assert sorted(_codes(search(session, admin, SearchQuery("banyupertala")))) == sorted(MOSQUE)
    assert sorted(_codes(search(session, admin, SearchQuery("081230900777")))) == sorted(MOSQUE)
    assert _codes(search(session, admin, SearchQuery("kertalangita"))) == []
    assert _codes(search(session, admin, SearchQuery("081230900106"))) == []


@pytest.mark.usefixtures("bureau")
def test_the_number_of_statements_does_not_depend_on_the_hits(
    session: Session, admin: UserFacts, statements: Statements
) -> None:
    with statements() as one:
        assert len(search(session, admin, SearchQuery("2018-HK-00005")).cards) == 1
    with statements() as many:
        assert len(search(session, admin, SearchQuery("lptq", archived=True)).cards) == 9

    assert len(one) == len(many) <= 4


def test_a_text_without_letters_or_digits_asks_for_nothing(
    session: Session, admin: UserFacts
) -> None:
    for text in ("", "   ", "-", "!!! ???", "\x00", "\ud800"):
        found = search(session, admin, SearchQuery(text))

        assert not found.asked
        assert found.total == 0


@pytest.mark.usefixtures("bureau")
def test_odd_texts_do_no_harm(session: Session, admin: UserFacts) -> None:
    for text in ("x" * 5000, "a b c d e f g h i j k l", "' OR 1=1 --", "😀", "_", "\\"):
        assert search(session, admin, SearchQuery(text)).total in range(5)


def _both_sets(session: Session, user: UserFacts, text: str) -> tuple[list[str], list[str]]:
    active = search(session, user, SearchQuery(text))
    archived = search(session, user, SearchQuery(text, archived=True))
    assert (active.active_total, active.archived_total) == (len(active.cards), len(archived.cards))
    return sorted(_codes(active)), sorted(_codes(archived))


def _codes(page: SearchPage) -> list[str]:
    return [card.facts.code for card in page.cards]
