from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
import time_machine
from sqlalchemy import func, select, update

from plugins.hibah import api as hibah
from plugins.nphd.models import Invitee
from tests.plugins.nphd.browser import DIALOG, SignIn, fill, form_with, main_text

if TYPE_CHECKING:
    from webtest import TestApp
    from webtest.response import TestResponse

    from core.api.hooks import UserFacts
    from core.testing.people import People
    from tests.plugins.nphd.conftest import Bureau, Case


WIB = ZoneInfo("Asia/Jakarta")


@pytest.fixture
def case(bureau: Bureau, officer: UserFacts) -> Case:
    return bureau.case(officer_id=officer.id)


@pytest.fixture
def page(app: TestApp, sign_in: SignIn, officer: UserFacts, case: Case) -> TestResponse:
    """The dialog as the officer sees it."""
    sign_in(app, officer.id)
    return app.get(f"/hibah/undangan/undang/{case.grant_id}")


def typed(page: TestResponse, bureau: Bureau, **values: str) -> TestResponse:
    form = form_with(page, "number")
    day = bureau.tomorrow.strftime("%d/%m/%Y")
    fill(form, **{"number": "08123090095", "person": "NUR SASMITA", "day": day, **values})
    return form.submit(expect_errors=True)


def count(bureau: Bureau) -> int:
    with bureau.runtime.database.reading() as session:
        return session.scalar(select(func.count()).select_from(Invitee)) or 0


def test_the_dialog_has_the_manuals_fields_in_the_manuals_order(page: TestResponse) -> None:
    found = [label.get_text().strip().rstrip("*") for label in page.html.main.find_all("label")]
    assert found == ["Negara", "Nomor Telepon", "Kontak Person", "Tanggal NPHD"]
    assert page.html.main.h1.get_text() == "Undangan NPHD: MASJID AL IKHLAS 1"
    assert [button.get_text() for button in page.html.select(".form-buttons > *")] == [
        "Ya",
        "Tidak",
    ]
    assert "menjadi kontak MASJID AL IKHLAS 1" in main_text(page)


def test_inviting_leads_to_the_list_and_says_what_comes_next(
    page: TestResponse, bureau: Bureau
) -> None:
    answer = typed(page, bureau)
    assert answer.status_int == 303
    text = main_text(answer.follow())
    assert "masuk daftar undangan NPHD" in text
    assert "Proses" in text
    assert count(bureau) == 1


def test_the_dialog_is_filled_with_the_contact_and_the_day_used_last(
    app: TestApp, page: TestResponse, bureau: Bureau, officer: UserFacts, case: Case
) -> None:
    typed(page, bureau)
    again = app.get(f"/hibah/undangan/undang/{case.grant_id}")
    form = form_with(again, "number")
    assert form["number"].value == "0812-3090-095"
    assert form["person"].value == "NUR SASMITA"
    assert form["day"].value == bureau.tomorrow.strftime("%d/%m/%Y")


def test_in_a_dialog_the_page_behind_stays(
    app: TestApp, page: TestResponse, bureau: Bureau, case: Case
) -> None:
    here = f"/hibah/undangan/undang/{case.grant_id}"
    headers = {**DIALOG, "HX-Current-Path": "/hibah/cari?q=masjid"}
    dialog = app.get(here, headers=headers)
    assert dialog.html.find("html") is None
    form = form_with(dialog, "number")
    values = dict(form.submit_fields()) | {
        "number": "08123090095",
        "person": "NUR",
        "day": bureau.tomorrow.strftime("%d/%m/%Y"),
    }
    answer = app.post(here, values, headers=headers)
    assert answer.headers["HX-Redirect"].endswith("/hibah/cari?q=masjid")


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"number": ""}, "Nomor Telepon harus diisi"),
        ({"number": "031 5678901"}, "bukan nomor telepon genggam"),
        ({"number": "08123090095 / 08123090096"}, "lebih dari satu nomor"),
        ({"number": "0812"}, "belum lengkap"),
        ({"person": "  "}, "Kontak Person harus diisi"),
        ({"person": "x" * 121}, "Paling banyak 120 karakter"),
        ({"day": ""}, "Tanggal NPHD harus diisi"),
        ({"day": "31/11/2030"}, "Tanggal 31/11/2030 tidak ada"),
        ({"day": "besok"}, "Tulis tanggal sebagai hari/bulan/tahun"),
        ({"day": "01/12/2018"}, "Tanggal itu sudah lewat"),
    ],
)
def test_bad_input_is_explained_at_its_field_and_stays_typed(
    page: TestResponse, bureau: Bureau, values: dict[str, str], sentence: str
) -> None:
    answer = typed(page, bureau, **values)
    assert answer.status_int == 422
    assert sentence in main_text(answer)
    name, value = next(iter(values.items()))
    assert form_with(answer, "number")[name].value == value.strip()
    assert count(bureau) == 0


def test_today_is_allowed_up_to_midnight_in_jakarta(
    app: TestApp, sign_in: SignIn, officer: UserFacts, case: Case, bureau: Bureau
) -> None:
    with time_machine.travel(datetime(2018, 11, 30, 23, 59, tzinfo=WIB)):
        sign_in(app, officer.id)
        page = app.get(f"/hibah/undangan/undang/{case.grant_id}")
        assert typed(page, bureau, day="29/11/2018").status_int == 422
        assert typed(page, bureau, day="30/11/2018").status_int == 303


def test_the_institution_is_in_the_list_of_that_date_already(
    app: TestApp, page: TestResponse, bureau: Bureau, case: Case
) -> None:
    typed(page, bureau)
    answer = typed(app.get(f"/hibah/undangan/undang/{case.grant_id}"), bureau)
    assert answer.status_int == 422
    assert "sudah ada dalam daftar undangan Anda" in main_text(answer)


def test_another_officer_invited_for_the_same_date(
    page: TestResponse, bureau: Bureau, admin: UserFacts, case: Case
) -> None:
    bureau.invite(case, admin)
    answer = typed(page, bureau)
    assert answer.status_int == 422
    assert "sudah diundang oleh KEPALA BIRO" in main_text(answer)


def test_an_invitation_for_another_day_is_pointed_out_and_can_be_meant(
    page: TestResponse, bureau: Bureau, officer: UserFacts, case: Case
) -> None:
    assert page.html.find(id="again") is None
    bureau.invite(case, officer, bureau.tomorrow + timedelta(days=4))
    answer = typed(page, bureau)
    assert answer.status_int == 422
    assert "Centang pilihan ini" in main_text(answer)
    form = form_with(answer, "again")
    form["again"] = True
    assert form.submit().status_int == 303
    assert count(bureau) == 2


def test_a_dialog_submitted_twice_invites_once(page: TestResponse, bureau: Bureau) -> None:
    first = typed(page, bureau)
    second = typed(page, bureau)
    assert (first.status_int, second.status_int) == (303, 303)
    assert first.location == second.location
    assert count(bureau) == 1


def test_a_grant_that_moved_on_since_the_dialog_was_opened_is_a_conflict(
    page: TestResponse, bureau: Bureau, case: Case
) -> None:
    with bureau.runtime.database.writing() as session:
        session.execute(
            update(hibah.Grant).where(hibah.Grant.id == case.grant_id).values(state="NPHD")
        )
    answer = typed(page, bureau)
    assert answer.status_int == 409
    assert "statusnya sekarang NPHD" in main_text(answer)
    assert count(bureau) == 0


def test_a_form_without_its_token_invites_nobody(
    app: TestApp, page: TestResponse, bureau: Bureau, case: Case
) -> None:
    assert page.status_int == 200
    values = {"number": "08123090095", "person": "NUR", "day": "30/11/2030"}
    answer = app.post(f"/hibah/undangan/undang/{case.grant_id}", values, expect_errors=True)
    assert answer.status_int == 400
    assert count(bureau) == 0


def test_who_may_not_invite_is_told_and_who_may_not_see_finds_nothing(
    app: TestApp, sign_in: SignIn, people: People, colleague: UserFacts, case: Case
) -> None:
    here = f"/hibah/undangan/undang/{case.grant_id}"
    sign_in(app, people.pimpinan().id)
    assert app.get(here, expect_errors=True).status_int == 403
    sign_in(app, colleague.id)
    assert app.get(here, expect_errors=True).status_int == 404
    assert app.get("/hibah/undangan/undang/999", expect_errors=True).status_int == 404


def test_the_card_offers_the_invitation_only_where_it_is_time_to_invite(
    app: TestApp, sign_in: SignIn, bureau: Bureau, officer: UserFacts, case: Case
) -> None:
    signed = bureau.case(officer_id=officer.id, state="NPHD")
    held_back = bureau.case(officer_id=officer.id, pending=True)
    sign_in(app, officer.id)
    for each, offered in ((case, True), (signed, False), (held_back, False)):
        card = app.get(f"/hibah/{each.grant_id}")
        link = card.html.find("a", href=f"/hibah/undangan/undang/{each.grant_id}")
        assert (link is not None) is offered
