"""A list as a page: what is shown, exported, and chosen for an action."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import update

from core.web.tables.export import harmless
from core.web.tables.selection import MAX_CHOSEN
from tests.core.web import pages
from tests.core.web.world import SIGNED_IN, paper

if TYPE_CHECKING:
    from webtest import TestApp

    from core.framework.runtime import Runtime
    from tests.core.web.conftest import Browser

pytestmark = pytest.mark.usefixtures("papers")


@pytest.fixture
def app(browser: Browser) -> TestApp:
    return browser(pages.includeme)


def listing(app: TestApp, query: str = "") -> Any:
    return app.get(f"/daftar{query}", headers=SIGNED_IN).html


def test_a_list_shows_title_count_headings_and_rows(app: TestApp) -> None:
    html = listing(app)
    assert html.select_one("h1").text == "Coba daftar"
    assert html.select_one(".result-count").text == "60 hasil"
    assert len(html.select("tbody tr")) == 25
    heading = html.select_one("th[aria-sort=descending]")
    assert heading.text.strip() == "Dibuat"
    assert heading.select_one("svg") is not None


def test_values_are_written_by_their_type(app: TestApp) -> None:
    row = listing(app, "?sort=id").select("tbody tr")[0]
    cells = {td.get("data-label"): td.text.strip() for td in row.select("td[data-label]")}
    assert cells["Nominal"] == "Rp1.000,00"
    assert cells["Tenggat"] == "02/12/2018"
    assert cells["Dibuat"] == "30/11/2018 13:53"


def test_every_state_of_the_list_is_in_its_address(app: TestApp) -> None:
    html = listing(app, "?status=baru&sort=-title")
    following = html.select_one("a[rel=next]")
    assert following is None
    tag = html.select_one("a.filter-tag")
    assert tag["href"] == "/daftar?sort=-title"
    assert "Status: Baru" in " ".join(tag.text.split())
    hidden = html.select_one("form.filter-form input[name=sort]")
    assert hidden["value"] == "-title"


def test_the_next_page_can_be_reached_and_left_without_javascript(app: TestApp) -> None:
    first = app.get("/daftar?sort=id", headers=SIGNED_IN)
    second = app.get(first.html.select_one("a[rel=next]")["href"], headers=SIGNED_IN)
    assert second.html.select_one("tbody input[name=pilih]")["value"] == "26"
    back = app.get(second.html.select_one("a[rel=prev]")["href"], headers=SIGNED_IN)
    assert back.html.select_one("tbody input[name=pilih]")["value"] == "1"


def test_an_empty_list_says_what_to_do_next(app: TestApp, web_runtime: Runtime) -> None:
    filtered = listing(app, "?cari=tidakada")
    assert "Tidak ada hasil untuk filter ini." in filtered.select_one(".empty-state").text
    assert filtered.select_one(".empty-state a")["href"] == "/daftar"
    with web_runtime.database.writing() as session:
        session.execute(paper.delete())
    assert "Buat yang pertama" in listing(app).select_one(".empty-state").text


def test_a_day_that_cannot_be_read_is_marked_in_the_panel(app: TestApp) -> None:
    html = listing(app, "?tenggat_dari=31/02/2018")
    box = html.select_one("#daftar-tenggat_dari")
    assert box["value"] == "31/02/2018"
    assert box["aria-invalid"] == "true"
    assert html.select_one("details.filter-panel").has_attr("open")


def rows_of_csv(app: TestApp, query: str) -> list[list[str]]:
    answer = app.get(f"/daftar{query}", headers=SIGNED_IN)
    assert answer.content_type == "text/csv"
    assert "attachment" in answer.headers["Content-Disposition"]
    return list(csv.reader(io.StringIO(answer.body.decode("utf-8-sig"))))


@pytest.mark.usefixtures("both")
def test_an_export_has_every_row_of_the_filtered_list_in_its_order(app: TestApp) -> None:
    rows = rows_of_csv(app, "?format=csv&status=baru&sort=-id")
    assert rows[0] == ["Id", "Judul", "Status", "Nominal", "Tenggat", "Dibuat", "Pegawai"]
    assert [int(row[0]) for row in rows[1:]] == list(range(60, 0, -3))


@pytest.mark.usefixtures("both")
def test_a_workbook_has_real_dates_and_numbers(app: TestApp) -> None:
    answer = app.get("/daftar?format=xlsx&sort=id", headers=SIGNED_IN)
    sheet: Any = load_workbook(io.BytesIO(answer.body)).active
    rows: list[tuple[Any, ...]] = list(sheet.iter_rows(values_only=True))
    assert len(rows) == 61
    first = dict(zip(rows[0], rows[1], strict=True))
    assert first["Nominal"] == 1000
    assert first["Tenggat"].date() == date(2018, 12, 2)
    assert first["Dibuat"] == datetime(2018, 11, 30, 13, 53, 19)  # noqa: DTZ001 - a cell has no zone


def first_title(app: TestApp) -> Any:
    """Return the cell below the heading Judul."""
    answer = app.get("/daftar?format=xlsx&sort=id", headers=SIGNED_IN)
    sheet: Any = load_workbook(io.BytesIO(answer.body)).active
    return sheet["B2"]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_of_an_export_is_a_formula(app: TestApp, web_runtime: Runtime, start: str) -> None:
    text = f"{start}cmd|' /C calc'!A0"
    with web_runtime.database.writing() as session:
        session.execute(update(paper).where(paper.c.id == 1).values(title=text))
    assert rows_of_csv(app, "?format=csv&sort=id")[1][1].startswith("'")
    cell = first_title(app)
    assert cell.data_type == "s"
    assert cell.value.strip().startswith(start.strip())


def test_ordinary_text_is_exported_as_it_is() -> None:
    assert harmless("Masjid Al-Falah") == "Masjid Al-Falah"
    assert harmless("") == ""


def test_control_characters_do_not_break_a_workbook(app: TestApp, web_runtime: Runtime) -> None:
    with web_runtime.database.writing() as session:
        session.execute(update(paper).where(paper.c.id == 1).values(title="a\x01b\x0bc"))
    assert first_title(app).value == "abc"


def test_a_bulk_action_asks_first_and_says_to_how_many(app: TestApp) -> None:
    question = app.get(
        "/daftar/arsip?pilih=3&pilih=5&daftar=%2Fdaftar%3Fstatus%3Dlama", headers=SIGNED_IN
    )
    assert question.html.select_one(".confirm-question").text == "Arsipkan 2 berkas?"
    form = question.forms["confirm"]
    assert [field.value for field in form.fields["pilih"]] == ["3", "5"]
    done = form.submit(headers=SIGNED_IN)
    assert done.status_int == 303
    assert done.location.endswith("/daftar?status=lama")
    assert "2 berkas diarsipkan." in done.follow(headers=SIGNED_IN).text


@pytest.mark.usefixtures("both")
def test_everything_means_the_filtered_list_on_all_its_pages(app: TestApp) -> None:
    question = app.get(
        "/daftar/arsip?semua=1&pilih=1&daftar=%2Fdaftar%3Fstatus%3Dbaru", headers=SIGNED_IN
    )
    assert question.html.select_one(".confirm-question").text == "Arsipkan 20 berkas?"
    done = question.forms["confirm"].submit(headers=SIGNED_IN)
    assert "20 berkas diarsipkan." in done.follow(headers=SIGNED_IN).text


def test_rows_that_are_not_in_the_list_cannot_be_chosen(app: TestApp) -> None:
    question = app.get(
        "/daftar/arsip?pilih=3&pilih=999&pilih=x&pilih=-1&pilih=9999999999999999999999",
        headers=SIGNED_IN,
    )
    assert question.html.select_one(".confirm-question").text == "Arsipkan 1 berkas?"


def test_an_action_on_nothing_says_what_to_do(app: TestApp) -> None:
    answer = app.get("/daftar/arsip", headers=SIGNED_IN, status=422)
    assert "Belum ada baris yang dipilih" in answer.text


def test_an_action_on_too_many_rows_is_refused(app: TestApp) -> None:
    chosen = "&".join(f"pilih={n}" for n in range(MAX_CHOSEN + 1))
    answer = app.get(f"/daftar/arsip?{chosen}", headers=SIGNED_IN, status=422)
    assert "Terlalu banyak baris" in answer.text


@pytest.mark.parametrize(
    "elsewhere", ["https://jahat.example/", "//jahat.example/", "/\\jahat.example", "javascript:x"]
)
def test_the_way_back_never_leaves_the_site(app: TestApp, elsewhere: str) -> None:
    question = app.get("/daftar/arsip", {"pilih": "3", "daftar": elsewhere}, headers=SIGNED_IN)
    done = question.forms["confirm"].submit(headers=SIGNED_IN)
    assert "jahat" not in done.location
    assert done.location.endswith("/daftar/arsip")


def test_the_bulk_form_carries_the_choice_without_javascript(app: TestApp) -> None:
    form = app.get("/daftar?status=lama", headers=SIGNED_IN).forms["daftar-bulk"]
    assert form["daftar"].value == "/daftar?status=lama"
    assert form.method.upper() == "GET"
    buttons = listing(app).select("button[formaction]")
    assert [button["formaction"] for button in buttons] == ["/daftar/arsip"]
