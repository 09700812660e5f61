"""The list component, on both databases: paging, order, filters, counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, func, insert, select, update

from core.db import Database
from core.web.tables import Column, DateFilter, Table, TextFilter
from tests.core.web.conftest import add_papers, web_database
from tests.core.web.pages import papers_table
from tests.core.web.world import paper, person

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy.orm import Session

    from core.testing.databases import DatabaseFactory
    from core.web.tables import TablePage

SORTABLE = ["id", "title", "amount", "due", "made_at", "owner"]
ALL = set(range(1, 61))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared(
    request: pytest.FixtureRequest, database_factories: Callable[[str], DatabaseFactory]
) -> Iterator[Database]:
    """One database for the file: every test's session is rolled back."""
    with web_database(database_factories(request.param)) as url:
        database = Database(url)
        add_papers(database)
        yield database
        database.dispose()


@pytest.fixture
def session(shared: Database) -> Iterator[Session]:
    with shared.session(write=True) as opened:
        yield opened


def ids(page: TablePage) -> list[int]:
    return [row.id for row in page.rows]


def params_of(url: str | None) -> dict[str, str]:
    from urllib.parse import parse_qsl, urlsplit  # noqa: PLC0415

    assert url is not None
    return dict(parse_qsl(urlsplit(url).query))


def walk(table: Table, session: Session, **params: str) -> list[list[int]]:
    """Read every page by following the link to the next one."""
    page = table.page(session, params)
    pages = [ids(page)]
    while page.next_url:
        page = table.page(session, params_of(page.next_url))
        pages.append(ids(page))
        assert len(pages) < 100
    return pages


@pytest.mark.parametrize("sort", [*SORTABLE, *(f"-{name}" for name in SORTABLE)])
def test_every_row_is_on_exactly_one_page_in_every_order(session: Session, sort: str) -> None:
    """Ties, missing values and outer joins included."""
    pages = walk(papers_table(page_size=7), session, sort=sort)
    flat = [each for page in pages for each in page]
    assert len(flat) == 60
    assert set(flat) == ALL
    assert [len(page) for page in pages] == [7] * 8 + [4]


@pytest.mark.parametrize("sort", [*SORTABLE, *(f"-{name}" for name in SORTABLE)])
def test_going_back_shows_the_same_pages(session: Session, sort: str) -> None:
    table = papers_table(page_size=7)
    forward = walk(table, session, sort=sort)
    page = table.page(session, {"sort": sort})
    while page.next_url:
        page = table.page(session, params_of(page.next_url))
    backward = [ids(page)]
    while page.previous_url:
        page = table.page(session, params_of(page.previous_url))
        backward.insert(0, ids(page))
    assert backward == forward


@pytest.mark.parametrize("sort", ["amount", "-amount", "due", "-owner"])
def test_missing_values_come_last_in_both_directions(session: Session, sort: str) -> None:
    order = [each for page in walk(papers_table(page_size=7), session, sort=sort) for each in page]
    name = sort.removeprefix("-")
    column = {"amount": paper.c.amount, "due": paper.c.due, "owner": paper.c.person_id}[name]
    missing = set(session.scalars(select(paper.c.id).where(column.is_(None))))
    assert missing
    assert set(order[-len(missing) :]) == missing


def test_pages_are_all_the_same_when_rows_are_equal(session: Session) -> None:
    session.execute(update(paper).values(title="Sama", amount=None, due=None))
    for sort in ("title", "-title", "amount", "-due"):
        flat = [
            each for page in walk(papers_table(page_size=9), session, sort=sort) for each in page
        ]
        assert sorted(flat) == sorted(ALL)


def test_a_row_that_comes_does_not_shift_the_next_page(session: Session) -> None:
    table = papers_table(page_size=10)
    first = table.page(session, {"sort": "id"})
    session.execute(update(paper).where(paper.c.id == 60).values(id=0))
    second = table.page(session, params_of(first.next_url))
    assert ids(second) == list(range(11, 21))


def test_a_row_that_goes_does_not_hide_another(session: Session) -> None:
    table = papers_table(page_size=10)
    first = table.page(session, {"sort": "id"})
    session.execute(paper.delete().where(paper.c.id.in_([9, 10])))
    second = table.page(session, params_of(first.next_url))
    assert ids(second) == list(range(11, 21))


def test_going_back_to_the_beginning_shows_a_full_first_page(session: Session) -> None:
    table = papers_table(page_size=10)
    second = table.page(session, params_of(table.page(session, {"sort": "id"}).next_url))
    session.execute(paper.delete().where(paper.c.id <= 5))
    back = table.page(session, params_of(second.previous_url))
    assert ids(back) == list(range(6, 16))
    assert back.previous_url is None
    assert back.next_url is not None


def test_a_page_behind_the_last_row_shows_the_first(session: Session) -> None:
    table = papers_table(page_size=10)
    first = table.page(session, {"sort": "id"})
    session.execute(paper.delete().where(paper.c.id > 10))
    assert ids(table.page(session, params_of(first.next_url))) == list(range(1, 11))


@pytest.mark.parametrize(
    "position",
    ["x", "!!!!", "W10", "WzEsMl0", "bnVsbA", "eyJhIjoxfQ", "a" * 5000, "WyJhIixudWxsXQ", "é"],
)
@pytest.mark.parametrize("name", ["after", "before"])
@pytest.mark.parametrize("sort", ["id", "due", "-made_at", "amount"])
def test_a_damaged_position_shows_the_first_page(
    session: Session, name: str, position: str, sort: str
) -> None:
    page = papers_table(page_size=10).page(session, {"sort": sort, name: position})
    assert len(page.rows) == 10


@settings(
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(after=st.text(max_size=60), sort=st.text(max_size=12), per=st.text(max_size=5))
def test_nothing_in_the_address_breaks_a_list(
    session: Session, after: str, sort: str, per: str
) -> None:
    params = {"after": after, "sort": sort, "per": per, "tenggat_dari": after, "status": sort}
    page = papers_table().page(session, params)
    assert page.total == 60


def test_a_position_of_another_order_shows_a_page_and_no_error(session: Session) -> None:
    table = papers_table(page_size=10)
    for name in SORTABLE:
        position = params_of(table.page(session, {"sort": name}).next_url)["after"]
        for other in SORTABLE:
            assert table.page(session, {"sort": other, "after": position}).rows


def test_headings_sort_and_turn_round(session: Session) -> None:
    table = papers_table()
    page = table.page(session, {}, path="/daftar")
    columns = {column.name: column for column in page.columns}
    assert (page.sort, page.descending) == ("made_at", True)
    assert page.aria_sort(columns["made_at"]) == "descending"
    assert page.aria_sort(columns["title"]) == "none"
    assert page.sort_url(columns["title"]) == "/daftar?sort=title"
    assert page.sort_url(columns["made_at"]) == "/daftar?sort=made_at"
    turned = table.page(session, {"sort": "title"}, path="/daftar")
    assert turned.sort_url(columns["title"]) == "/daftar?sort=-title"


def test_words_are_found_in_any_case_in_every_column(session: Session) -> None:
    found = papers_table().page(session, {"cari": "BERKAS orang 2"})
    expected = session.scalar(
        select(func.count())
        .select_from(paper.join(person))
        .where(person.c.name.contains("2") | (paper.c.title.contains("2")))
    )
    assert 0 < found.total <= (expected or 0)


def test_signs_of_the_pattern_language_are_ordinary_characters(session: Session) -> None:
    session.execute(update(paper).where(paper.c.id == 1).values(title="50% _rabat_ \\ Lembaga"))
    for typed in ("50%", "_rabat_", "\\"):
        assert ids(papers_table().page(session, {"cari": typed})) == [1]


def test_a_range_of_days_counts_in_jakarta_with_both_ends(session: Session) -> None:
    """MADE is 12:53 WIB; eleven hours later is 23:53 the same day, twelve hours later the next."""
    from datetime import timedelta  # noqa: PLC0415

    from tests.core.web.world import MADE  # noqa: PLC0415

    session.execute(update(paper).values(made_at=MADE + timedelta(days=40)))
    for key, hours in ((1, 11), (2, 12), (3, -13), (4, -12)):
        moment = MADE + timedelta(hours=hours)
        session.execute(update(paper).where(paper.c.id == key).values(made_at=moment))
    found = papers_table().page(
        session, {"dibuat_dari": "30/11/2018", "dibuat_sampai": "30/11/2018", "sort": "id"}
    )
    assert ids(found) == [1, 4]


def test_a_day_column_is_filtered_by_day(session: Session) -> None:
    found = papers_table().page(
        session, {"tenggat_dari": "05/12/2018", "tenggat_sampai": "05/12/2018"}
    )
    assert found.rows
    assert {row.due.isoformat() for row in found.rows} == {"2018-12-05"}


def test_active_filters_are_tags_that_can_be_removed(session: Session) -> None:
    page = papers_table().page(
        session, {"status": "baru", "cari": "berkas", "tenggat_dari": "01/12/2018"}, path="/daftar"
    )
    tags = {tag.label: tag for tag in page.tags}
    assert tags["Status"].value == "Baru"
    assert tags["Tenggat"].value == "mulai 01/12/2018"
    assert page.without(tags["Status"]) == "/daftar?cari=berkas&tenggat_dari=01%2F12%2F2018"
    assert page.clear_url == "/daftar"


def test_a_day_that_does_not_exist_is_named_and_ignored(session: Session) -> None:
    page = papers_table().page(session, {"tenggat_dari": "31/02/2018"})
    assert page.total == 60
    assert page.tags == []
    assert "tidak ada" in page.problems["tenggat_dari"]


def test_a_value_outside_the_choices_is_ignored(session: Session) -> None:
    page = papers_table().page(session, {"status": "'; DROP TABLE try_paper --"})
    assert page.total == 60
    assert page.tags == []


def test_paging_keeps_filters_and_order(session: Session) -> None:
    pages = walk(papers_table(page_size=5), session, status="baru", sort="-title")
    flat = [each for page in pages for each in page]
    assert set(flat) == {n for n in ALL if n % 3 == 0}


def test_the_count_stops_at_its_limit_and_says_so(session: Session) -> None:
    page = papers_table(count_limit=59).page(session, {})
    assert page.count_text == "lebih dari 59 hasil"
    assert papers_table(count_limit=60).page(session, {}).count_text == "60 hasil"
    session.execute(paper.delete().where(paper.c.id > 1))
    assert papers_table().page(session, {}).count_text == "1 hasil"


def test_aggregates_can_be_listed_sorted_and_paged(session: Session) -> None:
    statement = (
        select(person.c.id, person.c.name, func.count(paper.c.id).label("total"))
        .join_from(person, paper, isouter=True)
        .group_by(person.c.id, person.c.name)
    )
    session.execute(insert(person).values(id=9, name="Tanpa berkas"))
    table = Table(
        statement,
        columns=[Column("name", "Nama", sort=True), Column("total", "Jumlah", sort=True)],
        default_sort="-total",
        page_size=2,
    )
    pages = walk(table, session)
    assert [len(page) for page in pages] == [2, 2]
    assert pages[-1][-1] == 9


def test_a_page_costs_two_queries_however_many_rows_it_has(
    session: Session, shared: Database
) -> None:
    statements: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.startswith("SELECT"):
            statements.append(statement)

    event.listen(shared.engine, "before_cursor_execute", note)
    table = papers_table(page_size=50)
    page = table.page(session, {})
    for row in page.rows:
        for column in page.columns:
            page.text(row, column)
    event.remove(shared.engine, "before_cursor_execute", note)
    assert len(statements) == 2


def test_bulk_actions_without_permission_are_left_out(session: Session) -> None:
    table = papers_table()
    nobody = table.page(session, {}, may=lambda _permission: False)
    anybody = table.page(session, {}, may=lambda _permission: True)
    assert [action.name for action in nobody.bulk] == ["archive"]
    assert [action.name for action in anybody.bulk] == ["archive", "burn"]


def test_rows_per_page_can_be_chosen_from_three_sizes(session: Session) -> None:
    table = papers_table(page_size=25)
    assert len(table.page(session, {"per": "50"}).rows) == 50
    assert len(table.page(session, {"per": "1000"}).rows) == 25


def test_filters_alone_narrow_any_select(session: Session) -> None:
    statement = TextFilter("q", "Cari", [paper.c.title]).apply(
        select(paper.c.id), {"q": "berkas 3"}
    )
    narrowed = DateFilter("d", "Hari", paper.c.due).apply(statement, {"d_sampai": "02/12/2018"})
    assert 0 < len(session.scalars(narrowed).all()) < len(session.scalars(statement).all())
