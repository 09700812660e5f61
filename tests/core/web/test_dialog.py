"""The same pages as dialogs, and without JavaScript."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.core.web import pages
from tests.core.web.world import SIGNED_IN

if TYPE_CHECKING:
    from webtest import TestApp

    from tests.core.web.conftest import Browser

DIALOG = {**SIGNED_IN, "HX-Request": "true", "X-Abah-Dialog": "1"}


@pytest.fixture
def app(browser: Browser) -> TestApp:
    return browser(pages.includeme)


def test_a_page_asked_for_by_a_dialog_has_no_frame(app: TestApp) -> None:
    html = app.get("/pendek", headers=DIALOG).html
    assert html.select_one("html, header.topbar, footer") is None
    assert html.select_one("#dialog-title").text == "Coba isian"
    assert html.select_one("h1") is None


def test_another_site_cannot_ask_for_a_dialog_by_an_address(app: TestApp) -> None:
    """The header alone, without htmx, is an ordinary page."""
    assert app.get("/pendek", headers={**SIGNED_IN, "X-Abah-Dialog": "1"}).html.select_one("html")


def test_errors_keep_the_dialog_open(app: TestApp) -> None:
    form = app.get("/pendek", headers=SIGNED_IN).forms["try"]
    answer = form.submit(headers=DIALOG, status=422)
    assert answer.html.select_one(".modal-body .error-summary") is not None
    assert "HX-Redirect" not in answer.headers


def test_success_closes_the_dialog_and_moves_the_page(app: TestApp) -> None:
    form = app.get("/pendek", headers=SIGNED_IN).forms["try"]
    form["name"] = "NUR SASMITA"
    answer = form.submit(headers=DIALOG)
    assert answer.status_int == 200
    assert answer.headers["HX-Redirect"] == "/daftar"
    assert answer.body == b""
    assert "Location" not in answer.headers
    assert "NUR SASMITA sudah disimpan." in app.get("/daftar", headers=SIGNED_IN).text


def test_success_without_javascript_is_an_ordinary_redirect(app: TestApp) -> None:
    form = app.get("/pendek", headers=SIGNED_IN).forms["try"]
    form["name"] = "NUR SASMITA"
    answer = form.submit(headers=SIGNED_IN)
    assert answer.status_int == 303
    assert "NUR SASMITA sudah disimpan." in answer.follow(headers=SIGNED_IN).text


def test_a_dialog_of_several_steps_stays_open(app: TestApp) -> None:
    answer = app.get("/langkah", headers=DIALOG)
    assert answer.status_int == 303
    assert answer.location == "http://localhost/isian"
    assert "X-Abah-Stay" not in answer.headers


def test_who_was_signed_out_meanwhile_signs_in_and_comes_back_to_the_page_behind(
    app: TestApp,
) -> None:
    headers = {"HX-Request": "true", "X-Abah-Dialog": "1", "HX-Current-Path": "/daftar?sort=id"}
    answer = app.get("/pendek", headers=headers)
    assert answer.headers["HX-Redirect"].endswith("/masuk?next=%2Fdaftar%3Fsort%3Did")


def test_a_confirmation_names_what_will_happen_and_offers_both_ways(
    app: TestApp, papers: int
) -> None:
    assert papers
    html = app.get("/daftar/arsip?pilih=3&daftar=/daftar", headers=DIALOG).html
    assert html.select_one(".confirm-question").text == "Arsipkan 1 berkas?"
    assert html.select_one("button[type=submit]").text.strip() == "Ya"
    assert html.select_one("a[data-dialog-close]").text.strip() == "Tidak"
