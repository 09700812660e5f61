"""What protects every page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from core.web.assets import SCRIPTS, STYLES
from tests.core.web import pages
from tests.core.web.world import SIGNED_IN

if TYPE_CHECKING:
    from webtest import TestApp

    from core.framework.runtime import Runtime
    from tests.core.web.conftest import Browser


@pytest.fixture
def app(browser: Browser) -> TestApp:
    return browser(pages.includeme)


PLACES = [
    "/",
    "/bantuan",
    "/isian",
    "/healthz",
    "/tidak-ada",
    "/gagal/500",
    "/static/abah/abah.css",
]


@pytest.mark.parametrize("place", PLACES)
def test_every_answer_carries_the_headers(app: TestApp, place: str) -> None:
    answer = app.get(place, headers=SIGNED_IN, status="*")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert "Strict-Transport-Security" not in answer.headers


def test_https_is_remembered_by_the_browser(browser: Browser) -> None:
    app = browser(pages.includeme, **{"wsgi.url_scheme": "https"})
    assert "max-age" in app.get("/healthz").headers["Strict-Transport-Security"]


@pytest.mark.parametrize("place", ["/", "/bantuan", "/bantuan/pesan", "/isian", "/tidak-ada"])
def test_no_page_has_inline_script_or_style(app: TestApp, place: str) -> None:
    html = app.get(place, headers=SIGNED_IN, status="*").html
    assert [script for script in html.select("script") if not script.get("src")] == []
    assert html.select("style, [style]") == []
    handlers = [name for tag in html.find_all() for name in tag.attrs if name.startswith("on")]
    assert handlers == []


def test_pages_are_not_kept_but_files_are(app: TestApp) -> None:
    assert app.get("/isian", headers=SIGNED_IN).headers["Cache-Control"] == "no-store"
    assert "max-age=31536000" in app.get("/static/abah/abah.css").headers["Cache-Control"]


def test_every_file_of_a_page_is_served_under_an_address_of_its_content(app: TestApp) -> None:
    html = app.get("/", headers=SIGNED_IN).html
    addresses = [tag["href"] for tag in html.select("link[href]")]
    addresses += [tag["src"] for tag in html.select("script[src]")]
    assert len(addresses) == len(STYLES) + len(SCRIPTS) + 2
    for address in addresses:
        assert "?x=" in address
        assert app.get(address).status_int == 200


def test_a_view_that_names_no_permission_is_closed(app: TestApp) -> None:
    app.get("/tanpa-izin", headers=SIGNED_IN, status=403)


def test_a_permission_that_one_does_not_have_is_refused_in_words(app: TestApp) -> None:
    answer = app.get("/kelola", headers=SIGNED_IN, status=403)
    assert "Anda tidak berhak membuka halaman ini" in answer.text
    app.get("/kelola", headers={"X-Permissions": "settings.manage"}, status=200)


def test_somebody_unknown_is_sent_to_sign_in_and_back(app: TestApp) -> None:
    answer = app.get("/daftar?sort=id", status=303)
    assert answer.location == "http://localhost/masuk?next=%2Fdaftar%3Fsort%3Did"
    assert app.get("/", status=303).location == "http://localhost/masuk"


def test_an_unsafe_request_without_token_changes_nothing(app: TestApp) -> None:
    answer = app.post("/pendek", {"name": "BUDI"}, headers=SIGNED_IN, status=400)
    assert "Halaman ini sudah kedaluwarsa" in answer.text


def test_a_token_in_the_header_counts(app: TestApp) -> None:
    page = app.get("/pendek", headers=SIGNED_IN)
    token = page.forms["try"]["csrf_token"].value
    assert token in page.html.select_one("body")["hx-headers"]
    headers = {**SIGNED_IN, "X-CSRF-Token": token}
    app.post("/pendek", {"name": "BUDI"}, headers=headers, status=303)


def test_what_was_typed_on_a_stale_page_can_be_sent_again(app: TestApp) -> None:
    headers = {**SIGNED_IN, "Origin": "http://localhost"}
    answer = app.post("/pendek", {"name": "NUR SASMITA"}, headers=headers, status=400)
    form = next(each for each in answer.forms.values() if each.action == "/pendek")
    assert form["name"].value == "NUR SASMITA"
    assert form.submit(headers=SIGNED_IN).status_int == 303


@pytest.mark.parametrize("origin", ["https://jahat.example", "null", None])
def test_words_of_another_site_are_not_offered_to_be_sent(app: TestApp, origin: str | None) -> None:
    headers = {**SIGNED_IN, **({"Origin": origin} if origin else {})}
    answer = app.post("/pendek", {"name": "jahat"}, headers=headers, status=400)
    assert "jahat" not in answer.text


@pytest.mark.parametrize("name", ["password", "Sandi_baru", "kode", "api_token"])
def test_secrets_are_never_written_back_into_a_page(app: TestApp, name: str) -> None:
    headers = {**SIGNED_IN, "Origin": "http://localhost"}
    answer = app.post("/pendek", {name: "rahasia-123"}, headers=headers, status=400)
    assert "rahasia-123" not in answer.text


def test_typed_text_survives_being_signed_out(app: TestApp) -> None:
    headers = {"Origin": "http://localhost"}
    answer = app.post("/pendek", {"name": "NUR SASMITA"}, headers=headers, status=403)
    assert "Isian Anda tidak hilang" in answer.text
    form = next(each for each in answer.forms.values() if each.action == "/pendek")
    assert form["name"].value == "NUR SASMITA"


def test_the_page_cookie_is_closed_to_scripts_and_other_sites(app: TestApp) -> None:
    cookie = app.get("/isian", headers=SIGNED_IN).headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


@pytest.mark.settings(**{"abah.cookie_secure": "true"})
def test_the_page_cookie_is_for_https_alone_in_production(app: TestApp) -> None:
    assert "secure" in app.get("/isian", headers=SIGNED_IN).headers["Set-Cookie"].lower()


def test_figures_are_for_this_machine_or_who_knows_the_token(browser: Browser) -> None:
    assert "abah_http_requests_total" in browser().get("/metrics").text
    away = browser(REMOTE_ADDR="203.0.113.9")
    away.get("/metrics", status=404)
    browser().get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"}, status=404)


@pytest.mark.settings(**{"abah.metrics_token": "kunci-angka"})
def test_figures_can_be_read_from_afar_with_the_token(browser: Browser) -> None:
    away = browser(REMOTE_ADDR="203.0.113.9")
    away.get("/metrics", headers={"Authorization": "Bearer salah"}, status=404)
    away.get("/metrics", headers={"Authorization": "Bearer kunci-angka"}, status=200)


def test_health_tells_whether_the_database_answers(browser: Browser, web_runtime: Runtime) -> None:
    app = browser()
    assert app.get("/healthz").json == {"status": "ok", "database": "ok"}
    web_runtime.database.dispose()
    path = Path(str(web_runtime.database.url.database))
    path.rename(path.with_suffix(".away"))
    path.mkdir()
    try:
        answer = app.get("/healthz", status=503)
        assert answer.json["database"] == "unreachable"
    finally:
        path.rmdir()
