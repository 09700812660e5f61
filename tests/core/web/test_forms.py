"""Forms: what is shown, what is kept, what is said about mistakes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.core.web import pages
from tests.core.web.world import SIGNED_IN

if TYPE_CHECKING:
    from webtest import TestApp, TestResponse

    from tests.core.web.conftest import Browser

GOOD = {
    "country": "ID",
    "number": "0812 3090-095",
    "person": "NUR SASMITA",
    "date": "30/11/2150",
    "taste": "biru",
}


@pytest.fixture
def app(browser: Browser) -> TestApp:
    return browser(pages.includeme)


def fill(app: TestApp, **values: str) -> TestResponse:
    form = app.get("/isian", headers=SIGNED_IN).forms["try"]
    for name, value in {**GOOD, **values}.items():
        form[name] = value
    return form.submit(headers=SIGNED_IN, status="*")


def test_a_good_form_is_accepted_and_the_number_becomes_e164(app: TestApp) -> None:
    answer = fill(app)
    assert answer.status_int == 200
    assert answer.headers["X-Data"] == "'+628123090095'"


def test_what_was_typed_stays_and_the_status_is_422(app: TestApp) -> None:
    answer = fill(
        app, number="12", date="31/02/2150", amount="banyak", note="x" * 51, colour="biru"
    )
    assert answer.status_int == 422
    form = answer.forms["try"]
    assert form["number"].value == "12"
    assert form["date"].value == "31/02/2150"
    assert form["amount"].value == "banyak"
    assert form["person"].value == "NUR SASMITA"
    assert form["colour"].value == "biru"
    assert form["note"].value == "x" * 51


def test_the_summary_leads_to_each_field_that_is_wrong(app: TestApp) -> None:
    answer = fill(app, person=" ", date="31/02/2150")
    summary = answer.html.select_one(".error-summary")
    links = {link["href"]: link.text for link in summary.select("a")}
    assert links["#person"] == "Kontak Person harus diisi."
    assert links["#date"] == "Tanggal 31/02/2150 tidak ada. Februari 2150 berakhir pada tanggal 28."
    for target in links:
        assert answer.html.select_one(target) is not None


def test_a_wrong_field_names_its_hint_and_its_error(app: TestApp) -> None:
    html = fill(app, person="").html
    box = html.select_one("#person")
    assert box["aria-invalid"] == "true"
    assert box["aria-describedby"] == "person-hint person-error"
    assert html.select_one("#person-hint").text == "Nama lengkap."
    assert "harus diisi" in html.select_one("#person-error").text


def test_every_input_has_a_label(app: TestApp) -> None:
    html = app.get("/isian", headers=SIGNED_IN).html
    for box in html.select("main input:not([type=hidden]), main select, main textarea"):
        if box.get("data-date-native") is None:
            assert html.select_one(f'label[for="{box["id"]}"]'), box


@pytest.mark.parametrize(
    ("typed", "part"),
    [
        ("08123090095, 08123090096", "satu"),
        ("0313541123", "bukan nomor telepon genggam"),
        ("halo", "angka"),
        ("081", "belum lengkap"),
    ],
)
def test_a_number_that_cannot_receive_is_refused_with_its_reason(
    app: TestApp, typed: str, part: str
) -> None:
    answer = fill(app, number=typed)
    assert answer.status_int == 422
    assert part in answer.html.select_one("#number-error").text


def test_a_number_of_another_country_is_read_with_its_country(app: TestApp) -> None:
    answer = fill(app, country="MY", number="012-345 6789")
    assert answer.headers["X-Data"] == "'+60123456789'"


def test_indonesia_comes_first_with_its_calling_code(app: TestApp) -> None:
    options = app.get("/isian", headers=SIGNED_IN).html.select("#country option")
    assert options[0].text == "Indonesia (+62)"
    assert options[0].has_attr("selected")


def test_a_day_in_the_past_is_refused_where_it_must_be_later(app: TestApp) -> None:
    answer = fill(app, date="30/11/2018")
    assert "paling awal" in answer.html.select_one("#date-error").text


def test_a_choice_that_is_not_in_the_list_is_refused(app: TestApp) -> None:
    form = app.get("/isian", headers=SIGNED_IN).forms["try"]
    posted = {**GOOD, "colour": "ungu", "csrf_token": form["csrf_token"].value}
    answer = app.post("/isian", posted, headers=SIGNED_IN, status=422)
    assert (
        answer.html.select_one("#colour-error")
        .text.strip()
        .endswith("Pilih salah satu dari daftar.")
    )


@pytest.mark.parametrize(
    ("name", "typed", "part"),
    [
        ("count", "dua", "bilangan bulat"),
        ("count", "11", "paling besar 10"),
        ("count", "0", "paling sedikit 1"),
        ("email", "bukan-email", "alamat email"),
        ("email", "a@b", "alamat email"),
        ("amount", "1.50", "jumlah uang"),
        ("person", "x" * 21, "Paling banyak 20 karakter; isian ini 21 karakter."),
    ],
)
def test_each_rule_says_what_to_do(app: TestApp, name: str, typed: str, part: str) -> None:
    assert part in fill(app, **{name: typed}).html.select_one(f"#{name}-error").text


def test_a_password_is_never_shown_again(app: TestApp) -> None:
    answer = fill(app, secret="rahasia-sekali", person="")
    assert "rahasia-sekali" not in answer.text


def test_nothing_that_was_typed_can_become_markup(app: TestApp) -> None:
    nasty = '"><script>alert(1)</script>'
    answer = fill(app, person=nasty, note=nasty, number=nasty)
    assert "<script>alert" not in answer.text
    assert answer.forms["try"]["note"].value == nasty


def test_a_dialog_gives_its_fields_ids_of_their_own(app: TestApp) -> None:
    dialog = {**SIGNED_IN, "HX-Request": "true", "X-Abah-Dialog": "1"}
    page = app.get("/isian", headers=SIGNED_IN).html
    html = app.get("/isian", headers=dialog).html
    assert page.select_one("#person") is not None
    assert html.select_one("#person") is None
    assert html.select_one("#d-person")["name"] == "person"


def test_a_refusal_of_the_service_stands_at_its_field(app: TestApp) -> None:
    form = app.get("/pendek", headers=SIGNED_IN).forms["try"]
    form["name"] = "TERLARANG"
    answer = form.submit(headers=SIGNED_IN, status=422)
    assert "Nama ini tidak boleh dipakai." in answer.html.select_one("#name-error").text
    assert answer.forms["try"]["name"].value == "TERLARANG"


def test_the_calendar_knows_the_earliest_day(app: TestApp) -> None:
    native = app.get("/isian", headers=SIGNED_IN).html.select_one("[data-date-native]")
    assert native["min"]
    assert not native.has_attr("name")
