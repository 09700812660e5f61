"""Aplikasi: what plugins there are, and operations on them in a process of their own."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.engine import URL
from webtest import TestApp

from core.framework.lifecycle import Lifecycle
from core.framework.models import JournalEntry
from core.framework.registry import plugin_rows
from core.framework.runtime import Runtime
from core.testing.fixtures import test_settings as settings_for
from core.testing.people import People
from tests.core.conftest import Workshop

pytestmark = pytest.mark.plugins()

NEEDS = '[depends]\ndasar = ""\n'


@pytest.fixture
def settings(database_url: URL, workshop: Workshop, tmp_path: Path) -> dict[str, Any]:
    """Settings as PasteDeploy gives them: with the file that they were read from."""
    for name, needs in (("dasar", ""), ("peta", NEEDS)):
        files = workshop.migration(name, f"{name}_thing")
        workshop.plugin(name, toml=needs, files=files)
    settings = settings_for(database_url, abah__plugins_path=str(workshop.folder))
    lines = [f"{key} = {value.replace('%', '%%')}\n" for key, value in settings.items()]
    ini = tmp_path / "situs.ini"
    ini.write_text("[app:main]\nuse = egg:abah\n" + "".join(lines), encoding="utf-8")
    return settings | {"__file__": str(ini)}


@pytest.fixture
def admin(app: TestApp, people: People, sign_in: Callable[[TestApp, int], None]) -> TestApp:
    sign_in(app, people.admin().id)
    return app


def states(runtime: Runtime) -> dict[str, str]:
    with runtime.database.reading() as session:
        return {name: row.state for name, row in plugin_rows(session).items()}


def finish(page: Any) -> str:
    """Follow the progress of an operation to its end and return what it says."""
    page = page.follow()
    until = time.monotonic() + 60
    while page.html.select_one("#steps[hx-get]") is not None:
        assert time.monotonic() < until, page.text
        time.sleep(0.2)
        page = page.goto(page.html.select_one("#steps")["hx-get"])
    return " ".join(page.html.text.split())


def do(admin: TestApp, name: str, operation: str) -> str:
    return finish(admin.get(f"/aplikasi/{name}/{operation}").forms["confirm"].submit())


def test_a_plugin_comes_is_switched_and_goes_without_a_terminal(
    admin: TestApp, runtime: Runtime
) -> None:
    page = admin.get("/aplikasi")
    assert "tersedia" in page.html.select_one("section[aria-labelledby=app-peta]").text
    question = admin.get("/aplikasi/peta/install")
    assert [item.text for item in question.html.select(".confirm-items li")] == [
        "pasang: dasar 1.0 (dibutuhkan peta)",
        "dasar: migrasi: dasar_0001_base",
        "pasang: peta 1.0",
        "peta: migrasi: peta_0001_base",
    ]
    assert states(runtime) == {}
    assert "Selesai." in finish(question.forms["confirm"].submit())
    assert states(runtime) == {"dasar": "installed", "peta": "installed"}
    refused = admin.get("/aplikasi/dasar/disable", status=422)
    assert "peta" in refused.html.text
    for operation, state in (("disable", "disabled"), ("enable", "installed")):
        assert "Selesai." in do(admin, "peta", operation)
        assert states(runtime)["peta"] == state
    question = admin.get("/aplikasi/peta/uninstall")
    assert "peta_thing: 0 baris" in question.html.text
    assert "Selesai." in finish(question.forms["confirm"].submit())
    assert states(runtime) == {"dasar": "installed"}
    history = admin.get("/aplikasi/peta").html.text
    assert "lepas" in history
    with runtime.database.reading() as session:
        actors = set(session.scalars(select(JournalEntry.actor)))
    assert {actor.partition(":")[0] for actor in actors} == {"user"}


def test_what_cannot_be_done_is_told_and_changes_nothing(
    admin: TestApp, runtime: Runtime, workshop: Workshop
) -> None:
    question = admin.get("/aplikasi/peta/install")
    Lifecycle(runtime).install("peta")
    question.forms["confirm"].submit(status=409)
    admin.get("/aplikasi/peta/install", status=409)
    admin.get("/aplikasi/entah", status=404)
    admin.get("/aplikasi/peta/upgrade", status=409)
    workshop.plugin("rusak", code="1 / 0")
    refused = admin.get("/aplikasi/rusak/install", status=422)
    assert "ZeroDivisionError" in refused.html.text
    home = workshop.plugin("rapuh")
    question = admin.get("/aplikasi/rapuh/install")
    workshop.write(home / "plugin.py", "1 / 0")
    said = finish(question.forms["confirm"].submit())
    assert "Gagal." in said
    assert "ZeroDivisionError" in said
    assert "rapuh" not in states(runtime)
    assert "gagal" in admin.get("/aplikasi/rapuh").html.text, "its history tells"


def test_what_was_broken_off_is_carried_on_from_the_page(admin: TestApp, runtime: Runtime) -> None:
    def die(_plugin: str, step: str) -> None:
        if step == "data":
            raise KeyboardInterrupt

    admin.get("/aplikasi/-/lanjutkan", status=409)
    with pytest.raises(KeyboardInterrupt):
        Lifecycle(runtime, progress=die).install("peta")
    page = admin.get("/aplikasi").click("Lanjutkan")
    assert "pasang: dasar" in page.html.text
    assert "Selesai." in finish(page.forms["confirm"].submit())
    assert states(runtime) == {"dasar": "installed", "peta": "installed"}


def test_it_is_the_admins_page(
    app: TestApp, people: People, sign_in: Callable[[TestApp, int], None]
) -> None:
    sign_in(app, people.petugas().id)
    assert "Aplikasi" not in app.get("/").html.select_one("nav").text
    for address in ("/aplikasi", "/aplikasi/peta", "/aplikasi/peta/install"):
        app.get(address, status=403)


def test_without_a_configuration_file_the_page_only_shows(
    deployment: Callable[..., Runtime], people: People, sign_in: Callable[[TestApp, int], None]
) -> None:
    from core.app import build_wsgi  # noqa: PLC0415

    app = TestApp(build_wsgi(deployment()), extra_environ={"REMOTE_ADDR": "127.0.0.1"})
    sign_in(app, people.admin().id)
    page = app.get("/aplikasi")
    assert "abah plugins" in page.html.text
    assert not page.html.select(".app-buttons a")
    app.get("/aplikasi/peta/install", status=409)
