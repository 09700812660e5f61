"""What a person sees when something went wrong."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from webob import Request

from tests.core.web import pages
from tests.core.web.world import SIGNED_IN

if TYPE_CHECKING:
    from pyramid.config import Configurator
    from pyramid.request import Request as PyramidRequest
    from webtest import TestApp, TestResponse

    from core.framework.runtime import Runtime
    from tests.core.web.conftest import Browser

DIALOG = {**SIGNED_IN, "HX-Request": "true", "X-Abah-Dialog": "1"}


@pytest.fixture
def app(browser: Browser) -> TestApp:
    return browser(pages.includeme)


@pytest.mark.parametrize(
    ("kind", "status", "sentence"),
    [
        ("404", 404, "Lembaga tidak ditemukan."),
        ("403", 403, "Anda tidak berhak melakukan tindakan ini."),
        ("409", 409, "Data ini sudah diubah oleh orang lain"),
        ("422", 422, "Tidak masuk akal."),
        ("domain", 422, "Kanal sedang mati. Pilih kanal lain."),
        ("413", 413, "terlalu besar"),
        ("429", 429, "Tunggu sebentar"),
        ("500", 500, "Ada yang tidak beres pada aplikasi"),
    ],
)
def test_each_error_has_its_status_and_its_words(
    app: TestApp, kind: str, status: int, sentence: str
) -> None:
    answer = app.get(f"/gagal/{kind}", headers=SIGNED_IN, status=status)
    assert sentence in answer.html.select_one(".problem").text
    assert answer.html.select_one("nav[aria-label='Menu utama']") is not None


def test_an_unexpected_error_shows_an_id_that_is_in_the_log(
    app: TestApp, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = app.get("/gagal/500", headers=SIGNED_IN, status=500)
    shown = answer.html.select_one(".problem code").text
    assert re.fullmatch(r"[0-9a-f]{8}", shown)
    output = capsys.readouterr()
    assert shown in output.out + output.err


def test_no_page_shows_what_only_the_log_may_say(app: TestApp) -> None:
    answer = app.get("/gagal/500", headers=SIGNED_IN, status=500)
    assert "rahasia-di-dalam-jejak" not in answer.text
    assert "Traceback" not in answer.text


def test_an_error_in_a_dialog_stays_in_the_dialog(app: TestApp) -> None:
    answer = app.get("/gagal/409", headers=DIALOG, status=409)
    assert answer.html.select_one(".modal-header") is not None
    assert answer.html.select_one("html") is None
    assert answer.html.select_one(".problem button").text == "Tutup"


def test_programs_get_json(app: TestApp) -> None:
    headers = {**SIGNED_IN, "Accept": "application/json"}
    answer = app.get("/gagal/404", headers=headers, status=404)
    assert answer.json["explanation"] == "Lembaga tidak ditemukan."
    assert app.get("/gagal/500", headers=headers, status=500).json["error_id"]


def test_a_failed_transaction_still_gets_a_whole_page(app: TestApp) -> None:
    token = app.get("/pendek", headers=SIGNED_IN).forms["try"]["csrf_token"].value
    answer = app.post("/rusak", {"csrf_token": token}, headers=SIGNED_IN, status=500)
    assert answer.html.select_one("nav[aria-label='Menu utama']") is not None


def test_an_error_in_the_frame_itself_gets_a_bare_page(browser: Browser) -> None:
    def include(config: Configurator) -> None:
        pages.includeme(config)
        config.add_request_method(lambda _request: 1 / 0, "frame", reify=True)

    answer = browser(include).get("/isian", headers=SIGNED_IN, status=500)
    assert "Kode galat" in answer.text
    assert "division" not in answer.text


def test_an_unknown_person_behind_a_broken_policy_gets_a_page(browser: Browser) -> None:
    class Broken:
        def identity(self, _request: PyramidRequest) -> None:
            message = "rahasia"
            raise RuntimeError(message)

        authenticated_userid = permits = identity

    def include(config: Configurator) -> None:
        pages.includeme(config)
        config.commit()
        config.set_security_policy(Broken())

    answer = browser(include).get("/isian", status=500)
    assert "Kode galat" in answer.text
    assert "rahasia" not in answer.text


@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_a_method_that_a_page_does_not_take_is_named(app: TestApp, method: str) -> None:
    token = app.get("/pendek", headers=SIGNED_IN).forms["try"]["csrf_token"].value
    headers = {**SIGNED_IN, "X-CSRF-Token": token}
    answer = getattr(app, method)("/hanya-kirim", headers=headers, status=405)
    assert answer.headers["Allow"] == "POST"


def test_an_address_that_leads_nowhere_is_404(app: TestApp) -> None:
    answer = app.get("/entah", headers=SIGNED_IN, status=404)
    assert "Alamat ini tidak ada" in answer.text


def test_too_often_says_when_to_come_back(app: TestApp) -> None:
    assert app.get("/gagal/429", headers=SIGNED_IN, status=429).headers["Retry-After"] == "30"


def test_back_leads_to_the_page_before_when_it_was_ours(app: TestApp) -> None:
    ours = {**SIGNED_IN, "Referer": "http://localhost/daftar?sort=id"}
    others = {**SIGNED_IN, "Referer": "https://jahat.example/daftar"}
    back = app.get("/gagal/404", headers=ours, status=404).html.select_one("[data-back]")
    assert back["href"] == "/daftar?sort=id"
    back = app.get("/gagal/404", headers=others, status=404).html.select_one("[data-back]")
    assert back["href"] == "/"


def test_an_error_undoes_what_the_view_wrote(app: TestApp, web_runtime: Runtime) -> None:
    from sqlalchemy import func, select  # noqa: PLC0415

    from tests.core.web.world import person  # noqa: PLC0415

    token = app.get("/pendek", headers=SIGNED_IN).forms["try"]["csrf_token"].value
    app.post("/rusak", {"csrf_token": token}, headers=SIGNED_IN, status=500)
    with web_runtime.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(person)) == 0


@pytest.mark.parametrize(
    "address", ["/daftar?cari=%FF", "/daftar?cari=a%00b", "/bantuan/%00", "/bantuan/%FF"]
)
def test_bytes_that_are_no_text_are_refused(app: TestApp, address: str) -> None:
    # The browser of WebTest cannot read such an address back.
    answer = Request.blank(address, headers=SIGNED_IN).get_response(app.app)
    assert answer.status_int == 400
    assert "tidak dapat dibaca" in answer.text


def test_a_form_with_a_zero_byte_is_refused(app: TestApp) -> None:
    token = app.get("/pendek", headers=SIGNED_IN).forms["try"]["csrf_token"].value
    headers = {
        **SIGNED_IN,
        "X-CSRF-Token": token,
        "Content-Type": "application/x-www-form-urlencoded",
    }
    app.post("/pendek", "name=a%00b", headers=headers, status=400)


def test_a_part_that_renews_itself_never_becomes_the_page_for_signing_in(app: TestApp) -> None:
    answer = app.get("/daftar", headers={"HX-Request": "true"}, status=403)
    assert answer.headers["X-Abah-Signed-Out"] == "1"
    assert answer.body == b""


def post_failing(app: TestApp, kind: str, status: int) -> TestResponse:
    token = app.get("/pendek", headers=SIGNED_IN).forms["try"]["csrf_token"].value
    headers = {**SIGNED_IN, "Origin": "http://localhost"}
    posted = {
        "csrf_token": token,
        "text": "Yth. Bapak/Ibu\npengurus <b>",
        "id": "7",
        "versi": "1.7",
        "seen": "pending",
        "scope": "1.9 unproven",
    }
    return app.post(f"/gagal/{kind}", posted, headers=headers, status=status)


@pytest.mark.parametrize(("kind", "status"), [("409", 409), ("422", 422), ("domain", 422)])
def test_what_was_typed_can_be_copied_from_the_page_of_a_refusal(
    app: TestApp, kind: str, status: int
) -> None:
    kept = post_failing(app, kind, status).html.select(".typed li")
    assert [each.text for each in kept] == ["Yth. Bapak/Ibu\npengurus <b>"]


@pytest.mark.parametrize(("kind", "status"), [("429", 429), ("500", 500)])
def test_what_passes_can_be_sent_again(app: TestApp, kind: str, status: int) -> None:
    answer = post_failing(app, kind, status)
    form = next(each for each in answer.forms.values() if each.action == f"/gagal/{kind}")
    assert form["text"].value == "Yth. Bapak/Ibu\npengurus <b>"
    assert form["once"].value


def test_a_refusal_does_not_say_that_data_changed(app: TestApp) -> None:
    refused = app.get("/gagal/refused", headers=SIGNED_IN, status=409)
    stale = app.get("/gagal/409", headers=SIGNED_IN, status=409)
    assert refused.html.select_one("h1").text == "Tidak dapat dilakukan"
    assert stale.html.select_one("h1").text == "Data sudah berubah"


def expired(app: TestApp, **posted: str) -> TestResponse:
    headers = {**SIGNED_IN, "Origin": "http://localhost"}
    return app.post("/pendek", {"csrf_token": "lama", **posted}, headers=headers, status=400)


def test_an_expired_form_keeps_all_but_its_password(app: TestApp) -> None:
    answer = expired(app, name="Siti", email="siti@example.go.id", password="rahasia-sekali")
    form = next(each for each in answer.forms.values() if each.action == "/pendek")
    assert (form["name"].value, form["email"].value) == ("Siti", "siti@example.go.id")
    assert "password" not in form.fields
    assert "rahasia-sekali" not in answer.text
    assert "kecuali kata sandi" in answer.html.select_one(".problem").text


def test_an_expired_form_that_had_only_a_password_is_not_sent_again(app: TestApp) -> None:
    assert "Kirim lagi" not in expired(app, password="rahasia-sekali").text
