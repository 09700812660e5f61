"""Named places of a page, filled by others and fenced."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from core.hookspecs.web import Slot
from tests.core.web import pages
from tests.core.web.world import SIGNED_IN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyramid.config import Configurator
    from pyramid.request import Request

    from core.framework.runtime import Runtime
    from tests.core.web.conftest import Browser


def say(word: str) -> Any:
    return lambda _request, _given: {"word": word}


def fail(_request: Request, _given: Mapping[str, Any]) -> Mapping[str, Any]:
    message = "rusak"
    raise RuntimeError(message)


def put(*slots: Slot) -> pages.Include:
    return lambda config: config.add_slots("lain", *slots)


def piece(word: str, order: int = 100, **more: Any) -> Slot:
    return Slot("dashboard.tiles", "try/piece.jinja2", order, variables=say(word), **more)


def test_pieces_are_shown_in_order(browser: Browser) -> None:
    app = browser(put(piece("dua", 20), piece("satu", 10)), put(piece("tiga", 30)))
    html = app.get("/", headers=SIGNED_IN).html
    assert [each.text for each in html.select(".piece")] == ["satu", "dua", "tiga"]


def test_a_piece_that_fails_is_left_out_and_counted(browser: Browser, web_runtime: Runtime) -> None:
    broken = Slot("dashboard.tiles", "try/piece.jinja2", 5, variables=fail)
    app = browser(put(broken, piece("baik")))
    html = app.get("/", headers=SIGNED_IN).html
    assert [each.text for each in html.select(".piece")] == ["baik"]
    assert web_runtime.hooks.stats("lain", "slot dashboard.tiles").failures == 1


@pytest.mark.parametrize("template", ["try/piece.jinja2", "tidak/ada.jinja2", "try/broken.jinja2"])
def test_a_broken_template_takes_nothing_along(browser: Browser, template: str) -> None:
    app = browser(put(Slot("dashboard.tiles", template), piece("baik", 200)))
    html = app.get("/", headers=SIGNED_IN).html
    assert [each.text for each in html.select(".piece")] == ["baik"]


def test_a_piece_that_keeps_failing_is_left_alone_for_a_while(
    browser: Browser, web_runtime: Runtime
) -> None:
    app = browser(put(Slot("dashboard.tiles", "try/piece.jinja2", variables=fail)))
    for _time in range(8):
        app.get("/", headers=SIGNED_IN)
    assert web_runtime.hooks.stats("lain", "slot dashboard.tiles").failures == 5


def test_a_piece_without_permission_or_content_is_left_out(browser: Browser) -> None:
    hidden = piece("rahasia", permission="settings.manage")
    nothing = Slot("dashboard.tiles", "try/piece.jinja2", variables=lambda _request, _given: None)
    html = browser(put(hidden, nothing)).get("/", headers=SIGNED_IN).html
    assert html.select(".piece") == []
    assert html.select_one(".dash-tiles") is None


def test_a_piece_cannot_inject_markup_by_its_values(browser: Browser) -> None:
    html = browser(put(piece("<script>x</script>"))).get("/", headers=SIGNED_IN).html
    assert html.select_one(".piece").text == "<script>x</script>"


@pytest.mark.usefixtures("both")
def test_a_failing_query_in_a_piece_does_not_spoil_the_page(browser: Browser) -> None:
    from sqlalchemy import text  # noqa: PLC0415

    def query(request: Request, _given: Mapping[str, Any]) -> Mapping[str, Any]:
        request.db.execute(text("SELECT * FROM tidak_ada"))
        return {}

    def after(request: Request, _given: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"word": str(request.db.execute(text("SELECT 7")).scalar())}

    def include(config: Configurator) -> None:
        config.add_slots(
            "lain",
            Slot("dashboard.tiles", "try/piece.jinja2", 1, variables=query),
            Slot("dashboard.tiles", "try/piece.jinja2", 2, variables=after),
        )

    html = browser(include).get("/", headers=SIGNED_IN).html
    assert [each.text for each in html.select(".piece")] == ["7"]
