"""The session of a request: one for reading, one for writing, one for error pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert, select, text

from core.errors import AbahError
from tests.core.web.world import SIGNED_IN, person

if TYPE_CHECKING:
    from pyramid.config import Configurator
    from pyramid.request import Request

    from core.framework.runtime import Runtime
    from tests.core.web.conftest import Browser

pytestmark = pytest.mark.usefixtures("both")


def write(request: Request) -> dict[str, Any]:
    request.db.execute(insert(person).values(name="ditulis"))
    if request.GET.get("gagal"):
        raise AbahError
    return {}


def include(config: Configurator) -> None:
    config.add_route("write", "/tulis")
    config.add_view(
        write, route_name="write", renderer="json", permission="abah.signed_in", require_csrf=False
    )
    config.add_route("raw", "/mentah")
    config.add_view(
        raw, route_name="raw", renderer="json", permission="abah.signed_in", require_csrf=False
    )


def raw(request: Request) -> dict[str, Any]:
    """Bulk statements are work too."""
    request.db.execute(text("INSERT INTO try_person (name) VALUES ('mentah')"))
    return {}


def names(runtime: Runtime) -> list[str]:
    with runtime.database.reading() as session:
        return list(session.scalars(select(person.c.name)))


def test_a_post_is_committed_with_its_answer(browser: Browser, web_runtime: Runtime) -> None:
    browser(include).post("/tulis", headers=SIGNED_IN)
    assert names(web_runtime) == ["ditulis"]


def test_plain_statements_are_committed_too(browser: Browser, web_runtime: Runtime) -> None:
    browser(include).post("/mentah", headers=SIGNED_IN)
    assert names(web_runtime) == ["mentah"]


def test_an_error_rolls_back(browser: Browser, web_runtime: Runtime) -> None:
    browser(include).post("/tulis?gagal=1", headers=SIGNED_IN, status=422)
    assert names(web_runtime) == []


def test_requests_leave_no_connection_behind(browser: Browser, web_runtime: Runtime) -> None:
    app = browser(include)
    for _time in range(30):
        app.get("/", headers=SIGNED_IN)
        app.post("/tulis", headers=SIGNED_IN)
        app.post("/tulis?gagal=1", headers=SIGNED_IN, status=422)
    assert web_runtime.database.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
