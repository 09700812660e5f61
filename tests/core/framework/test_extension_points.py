"""Every extension point is there, gone while its plugin is disabled, and back when it is enabled.

The plugin is the one of ``docs/plugins/extension-points.md``: what stands there is what runs here.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import select, text, update
from webtest import TestApp

from core.accounts.services import grant_access, roles_and_teams
from core.api.webhooks import webhook_url
from core.cli.root import _ask_plugins
from core.cli.setup import load_demo
from core.cli.state import CliState
from core.db import Database, utcnow
from core.db.migrate import drift
from core.framework.discovery import discover
from core.framework.lifecycle import Lifecycle, owner_of
from core.framework.models import ScheduledStart
from core.framework.removal import uninstall
from core.framework.runtime import Runtime
from core.framework.schedules import start_due
from core.framework.stored import save_settings
from core.jobs.runner import Jobs
from core.live import Live
from core.locale_build import update_plugin
from core.messaging.models import MessageText
from core.testing.checks.imports import import_problems
from core.testing.people import People, Person, sign_in_as
from core.testing.work import Worker
from core.web.assets import _digest
from tests.core.conftest import Workshop
from tests.plugins.hibah.conftest import ROWS, import_rows

pytestmark = pytest.mark.plugins("hibah")

Deployment = Callable[..., Runtime]

PAGE = Path(__file__).parents[3] / "docs" / "plugins" / "extension-points.md"
BLOCK = re.compile(r"^```\w+ file=(\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
KEY = "kunci-pengirim"
POINTS = {
    "page",
    "menu",
    "menu in English",
    "settings",
    "tile",
    "tab",
    "action",
    "chapter",
    "verb",
    "webhook",
    "task",
    "queue",
    "schedule",
    "sweep",
    "style",
}


def write_plugin(workshop: Workshop) -> Path:
    """Write the files that the page shows; blocks of one file follow each other."""
    files: dict[str, str] = {"__init__.py": ""}
    for name, body in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        files[name] = files.get(name, "") + "\n" + body
    home = workshop.folder / "peta"
    for name, body in files.items():
        workshop.write(home / name, body)
    update_plugin(home)
    return home


class Site:
    """A served application with the plugin, and an Admin's browser on it."""

    def __init__(self, runtime: Runtime) -> None:
        self.live = Live(runtime)
        self.browser = TestApp(self.live, extra_environ={"REMOTE_ADDR": "127.0.0.1"})
        self.webhook = webhook_url(runtime, "peta.report").removeprefix("http://localhost")
        self.admin = People(runtime).admin()
        self.style = ""
        sign_in_as(runtime, self.browser, self.admin.id)

    @property
    def runtime(self) -> Runtime:
        """The runtime that is in force."""
        return self.live.follower.runtime

    def switch(self, operation: str) -> None:
        """Enable or disable the plugin, and let the process follow."""
        getattr(Lifecycle(self.runtime), operation)("peta")
        assert self.live.follower.look()

    def call(self, body: bytes, *, key: str = KEY, **more: Any) -> Any:
        """Call the webhook as the other system does."""
        signed = hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
        headers = {"X-Peta-Signature": f"sha256={signed}", "Content-Type": "application/json"}
        return self.browser.post(self.webhook, body, headers=headers, **more)

    def points(self) -> set[str]:
        """Name the extension points that can be seen."""
        get = self.browser.get
        dashboard = get("/").text
        listed = get("/p/peta/", status="*")
        if listed.status_int == 200:
            self.style = listed.html.select_one('link[href*="peta.css"]')["href"]
        jobs = self.runtime.component(Jobs)
        state = CliState()
        state._runtime = self.runtime
        self.browser.set_cookie("abah_locale", "en")
        with self.runtime.database.writing() as session:
            session.execute(text("UPDATE abah_user SET locale = 'en'"))
        in_english = get("/").text
        with self.runtime.database.writing() as session:
            session.execute(text("UPDATE abah_user SET locale = 'id'"))
        return {
            point
            for point, seen in {
                "page": listed.status_int == 200,
                "menu": "Daftar tempat" in dashboard,
                "menu in English": "List of places" in in_english,
                "settings": get("/setelan/peta", status="*").status_int == 200,
                "tile": "tempat di peta" in dashboard,
                "tab": "Tempatku" in get("/profilku"),
                "action": "Lihat di peta" in get("/hibah/cari?q=LPTQ"),
                "chapter": get("/bantuan/peta", status="*").status_int == 200,
                "verb": "peta" in _ask_plugins(state),
                "webhook": self.call(b'{"place": "TUGU MUDA"}', status="*").status_int == 200,
                "task": "peta.names.tidy" in jobs.tasks(),
                "queue": "peta.names" in jobs.declare_actors(),
                "schedule": any(plugin.schedules for plugin in self.runtime.plugins),
                "sweep": "peta.untidy" in {sweep.name for _owner, sweep in jobs.sweeps()},
                "style": get(self.style, status="*").status_int == 200,
            }.items()
            if seen
        }


@pytest.fixture
def site(deployment: Deployment, workshop: Workshop) -> Iterator[Site]:
    write_plugin(workshop)
    _digest.cache_clear()
    first = deployment()
    Lifecycle(first).install("peta")
    runtime = deployment()
    with runtime.database.writing() as session:
        import_rows(session, ROWS[:1])
        save_settings(session, "peta", {"key": KEY})
    made = Site(runtime)
    yield made
    made.live.close()


def places(database: Database) -> list[str]:
    with database.reading() as session:
        return list(session.scalars(text("SELECT name FROM peta_place ORDER BY name")))


def roles_of(runtime: Runtime, person: Person) -> frozenset[str]:
    with runtime.database.reading() as session:
        return roles_and_teams(session, person.id)[0]


def test_every_point_is_there_gone_and_back_and_a_purge_takes_the_rest(
    site: Site, tmp_path: Path
) -> None:
    load_demo(site.runtime)
    surveyor = People(site.runtime).petugas()
    with site.runtime.database.writing() as session:
        roles = ["petugas", "peta.surveyor"]
        grant_access(session, surveyor.id, roles=roles, actor_id=None, tell=False)
    assert site.points() == POINTS
    site.switch("disable")
    assert site.points() == set()
    assert roles_of(site.runtime, surveyor) == {"petugas", "peta.surveyor"}
    site.switch("enable")
    assert site.points() == POINTS
    export = tmp_path / "peta.zip"
    uninstall(site.runtime, "peta", export_to=export, purge=True)
    assert roles_of(site.runtime, surveyor) == {"petugas"}
    with zipfile.ZipFile(export) as archive:
        assert all(KEY not in archive.read(name).decode() for name in archive.namelist())


def test_every_point_works(site: Site) -> None:
    runtime, browser = site.runtime, site.browser
    owner = next(manifest for manifest in runtime.plugins if manifest.name == "peta")
    assert drift(runtime.database, owner_of(owner), frozenset({"peta", "hibah"})) == []
    assert import_problems(owner, discover(runtime.settings)) == []
    _an_officer_with_the_plugins_role_reads(site)
    # A tab with its own form, seen by the page.
    form = next(
        form for form in browser.get("/p/peta/tempatku").forms.values() if "name" in form.fields
    )
    form["name"] = "Alun-alun"
    assert "sudah ditambahkan" in form.submit().follow()
    # A verb, a webhook, demo data.
    state = CliState()
    state._runtime = runtime
    verb = _ask_plugins(state)["peta"]
    assert CliRunner().invoke(verb, ["add", "Kota Lama"], obj=runtime).exit_code == 0
    site.call(b'{"place": "Simpang Lima"}')
    load_demo(runtime)
    with runtime.database.reading() as session:
        keys = set(session.scalars(select(MessageText.key).where(MessageText.key.like("peta.%"))))
    assert keys == {"peta.ready", "peta.demo"}
    # What was waiting for the worker; then what the sweep and the clock find.
    Worker(runtime).run(sweeps=False)
    assert places(runtime.database) == ["ALUN-ALUN", "KOTA LAMA", "SIMPANG LIMA", "TUGU MUDA"]
    for start in (_by_the_sweep, _by_the_clock):
        with runtime.database.writing() as session:
            session.execute(
                text("UPDATE peta_place SET name = 'Tugu Muda' WHERE name LIKE 'TUGU%'")
            )
        start(runtime)
        assert "TUGU MUDA" in places(runtime.database)
    # A setting, and a file that browsers keep.
    assert "/setelan/peta" in browser.get("/aplikasi/peta")
    with runtime.database.writing() as session:
        save_settings(session, "peta", {"center": "Salatiga"})
    page = browser.get("/p/peta/")
    assert "Pusat peta: Salatiga" in page
    style = browser.get(page.html.select_one('link[href*="peta.css"]')["href"])
    core = browser.get(page.html.select_one('link[href*="abah.css"]')["href"])
    for header in ("Cache-Control", "Content-Security-Policy", "X-Content-Type-Options"):
        assert style.headers[header] == core.headers[header]
    assert "columns: 2" in style


def _an_officer_with_the_plugins_role_reads(site: Site) -> None:
    runtime = site.runtime
    surveyor = People(runtime).make(None, "JURU UKUR", phone=None)
    form = next(
        form
        for form in site.browser.get(f"/pemakai/{surveyor.id}/akses").forms.values()
        if "roles" in form.fields
    )
    assert "Juru ukur" in form.text
    form["roles"] = ["peta.surveyor"]
    form.submit(status=303)
    assert "peta.place.read" in People(runtime).facts(surveyor).permissions
    assert "Juru ukur" in site.browser.get(f"/pemakai/{surveyor.id}")
    assert (
        "Juru ukur"
        in site.browser.get("/pemakai?peran=peta.surveyor").html.select_one("tbody").text
    )


def _by_the_sweep(runtime: Runtime) -> None:
    Worker(runtime).run()


def _by_the_clock(runtime: Runtime) -> None:
    start_due(runtime)
    with runtime.database.writing() as session:
        mine = update(ScheduledStart).where(ScheduledStart.owner == "peta")
        session.execute(mine.values(start_at=utcnow()))
    start_due(runtime)
    Worker(runtime).run(sweeps=False)


def test_a_webhook_lets_in_what_is_signed_and_nothing_else(site: Site) -> None:
    body = b'{"place": "Tugu"}'
    site.call(body, key="lain", status=403)
    site.browser.post(site.webhook, body, status=403)
    site.browser.post(f"{site.webhook[:-1]}-", body, status=404)
    site.browser.get(site.webhook, status=405)
    site.call(b'{"place": "' + b"x" * 1_000_000 + b'"}', status=413)
    assert site.call(b"{}", status=500).text == "failed, try again later"
    assert places(site.runtime.database) == []
    assert (site.call(body).text, site.call(body).text) == ("ok", "ok")
    assert places(site.runtime.database) == ["Tugu"]
    with site.runtime.database.writing() as session:
        save_settings(session, "peta", {"key": None})
    site.call(body, key="", status=403)
    codes = [site.call(body, status="*").status_int for _each in range(60)]
    assert (codes[0], codes[-1]) == (403, 429)


def test_the_words_of_the_plugin_are_found(workshop: Workshop) -> None:
    catalogue = write_plugin(workshop) / "locale" / "en" / "LC_MESSAGES" / "abah.po"
    words = catalogue.read_text(encoding="utf-8")
    for said in ("Daftar tempat", "Juru ukur", "tempat di peta", "Kunci webhook"):
        assert f'msgid "{said}"' in words
