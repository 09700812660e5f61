"""Aplikasi: what plugins there are, and operations on them in a process of their own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.engine import URL
from webtest import TestApp

from core.audit import AuditEntry
from core.framework.datafiles import load_files
from core.framework.health import HealthRecorder
from core.framework.journal import RUN_VARIABLE, Operation, announce
from core.framework.lifecycle import Lifecycle
from core.framework.loading import LoadedPlugins
from core.framework.lock import lifecycle_lock
from core.framework.models import JournalEntry, PluginRow
from core.framework.operating import start
from core.framework.registry import plugin_rows, registry_number
from core.framework.resuming import interrupted
from core.framework.runs import begin_run, end_run_of_gone, progress
from core.framework.runtime import Runtime
from core.i18n import _
from core.messaging.models import MessageText
from core.testing.fixtures import test_settings as settings_for
from core.testing.people import People
from tests.core.conftest import REVISION, Workshop

pytestmark = pytest.mark.plugins()

SECONDS = 90
PETA = """
[depends]
dasar = ""

[[permissions]]
name = "peta.lihat"
title = "Melihat peta"
roles = ["petugas"]
"""
DIES = "\n    import os\n    os.kill(os.getpid(), 9)\n"
WAITS = """
    import pathlib, time
    from core.api.hooks import hookimpl

    @hookimpl
    def include_web(config):
        pathlib.Path({going!r}).touch()
        while pathlib.Path({going!r}).exists():
            time.sleep(0.05)
"""


def revision(name: str, first: str = "") -> dict[str, str]:
    """Give the first revision of a plugin; ``first`` is done before its table is made."""
    text = REVISION.format(name=name, table=f"{name}_thing")
    return {
        f"migrations/{name}_0001_base.py": text.replace("upgrade():\n", f"upgrade():\n{first}", 1)
    }


@pytest.fixture
def settings(database_url: URL, workshop: Workshop, tmp_path: Path) -> dict[str, Any]:
    """Settings as PasteDeploy gives them: with the file that they were read from."""
    for name, needs in (("dasar", ""), ("peta", PETA)):
        workshop.plugin(name, toml=needs, files=revision(name))
    settings = settings_for(
        database_url,
        abah__plugins_path=str(workshop.folder),
        abah__exports=str(tmp_path / "ekspor"),
    )
    lines = [f"{key} = {value.replace('%', '%%')}\n" for key, value in settings.items()]
    ini = tmp_path / "situs.ini"
    ini.write_text("[app:main]\nuse = egg:abah\n" + "".join(lines), encoding="utf-8")
    return settings | {"__file__": str(ini)}


@pytest.fixture
def admin(
    app: TestApp, people: People, sign_in: Callable[[TestApp, int], None]
) -> Iterator[TestApp]:
    sign_in(app, people.admin().id)
    yield app
    for thread in threading.enumerate():
        if thread.name.startswith("operation-"):
            thread.join(SECONDS)


def states(runtime: Runtime) -> dict[str, str]:
    with runtime.database.reading() as session:
        return {name: row.state for name, row in plugin_rows(session).items()}


def words(page: Any) -> str:
    return " ".join(page.html.select_one("main").text.split())


def finish(page: Any) -> Any:
    """Follow the progress of an operation, as htmx does, and return its page at the end."""
    address = page.request.path
    until = time.monotonic() + SECONDS
    while (part := page.html.select_one("#steps[hx-get]")) is not None:
        assert time.monotonic() < until, page.text
        time.sleep(0.3)
        answer = page.goto(part["hx-get"])
        page = page if answer.status_int == 204 else answer
    return page.goto(address)


def do(admin: TestApp, name: str, operation: str) -> Any:
    return finish(admin.get(f"/aplikasi/{name}/{operation}").forms["confirm"].submit().follow())


def items(page: Any) -> list[str]:
    return [item.text for item in page.html.select(".confirm-items li")]


def test_a_plugin_comes_is_switched_upgraded_and_goes_without_a_terminal(
    admin: TestApp, runtime: Runtime, workshop: Workshop, tmp_path: Path
) -> None:
    question = admin.get("/aplikasi/peta/install")
    assert items(question) == [
        "pasang: dasar 1.0 (dibutuhkan peta)",
        "dasar: migrasi: dasar_0001_base",
        "pasang: peta 1.0",
        "peta: migrasi: peta_0001_base",
        "peta: izin: peta.lihat (petugas)",
    ]
    assert states(runtime) == {}
    done = words(finish(question.forms["confirm"].submit().follow()))
    assert "Selesai." in done
    assert "menyiapkan tabel (selesai)" in done
    assert states(runtime) == {"dasar": "installed", "peta": "installed"}
    assert "perlu dimulai ulang" in words(admin.get("/aplikasi")), "this process is older"
    assert "peta" in words(admin.get("/aplikasi/dasar/disable", status=422))
    assert "Selesai." in words(do(admin, "peta", "disable"))
    assert states(runtime)["peta"] == "disabled"

    admin.get("/aplikasi/peta/upgrade", status=409)
    more = (
        'revision = "peta_0002_more"\ndown_revision = "peta_0001_base"\n'
        "branch_labels = None\ndepends_on = None\n"
        "def upgrade():\n    pass\ndef downgrade():\n    pass\n"
    )
    workshop.write(workshop.folder / "peta" / "migrations" / "peta_0002_more.py", more)
    assert "tabelnya perlu diperbarui" in words(admin.get("/aplikasi")), "of the same version"
    question = admin.get("/aplikasi/peta/upgrade")
    assert items(question)[:2] == ["perbarui: peta 1.0", "peta: migrasi: peta_0002_more"]
    assert "Selesai." in words(finish(question.forms["confirm"].submit().follow()))
    assert states(runtime)["peta"] == "disabled", "as it was"

    question = admin.get("/aplikasi/peta/uninstall")
    assert "tidak punya data" in words(question)
    with runtime.database.writing() as session:
        session.execute(text("INSERT INTO peta_thing (id, note) VALUES (1, 'satu')"))
    question = admin.get("/aplikasi/peta/uninstall")
    assert "Yang tetap tersimpan" in words(question)
    assert items(question)[0] == "peta_thing: 1 baris"
    told = words(finish(question.forms["confirm"].submit().follow()))
    (export,) = (tmp_path / "ekspor").iterdir()
    assert "Selesai." in told
    assert str(export) in told
    assert states(runtime) == {"dasar": "installed"}
    assert "lepas" in words(admin.get("/aplikasi/peta"))
    with runtime.database.reading() as session:
        entries = session.scalars(select(JournalEntry)).all()
    assert {entry.actor.partition(":")[0] for entry in entries} == {"user"}
    assert len({entry.run for entry in entries}) == 4


def test_what_an_upgrade_breaks_elsewhere_is_told_before_in_the_readers_language(
    admin: TestApp, runtime: Runtime, workshop: Workshop
) -> None:
    page = "{{% block {name} %}}{{% endblock %}}"
    layer = '{% extends "!" %}{% block isi %}x{% endblock %}'
    file = "templates/dasar/kartu.jinja2"
    workshop.plugin("dasar", files={file: page.format(name="isi")})
    workshop.plugin("lapis", toml='[depends]\ndasar = ""\n', files={file: layer})
    Lifecycle(runtime).install("lapis")
    workshop.plugin("dasar", version="2.0", files={file: page.format(name="baru")})
    question = admin.get("/aplikasi/dasar/upgrade")
    (warning,) = question.html.select("#confirm .alert-warning")
    assert "dari plugin lapis" in warning.text
    assert "blok isi" in warning.text
    switch = next(form for form in question.forms.values() if form.action == "/bahasa")
    switch.submit("locale", value="en")
    (warning,) = admin.get("/aplikasi/dasar/upgrade").html.select("#confirm .alert-warning")
    assert "of plugin lapis" in warning.text


def test_two_starts_at_once_show_each_its_own_and_the_refused_one_ends(
    admin: TestApp, runtime: Runtime, workshop: Workshop, tmp_path: Path
) -> None:
    going = tmp_path / "going"
    workshop.plugin("lambat", code=WAITS.format(going=str(going)))
    question = admin.get("/aplikasi/lambat/install")
    page = question.forms["confirm"].submit().follow()
    until = time.monotonic() + SECONDS
    while not going.exists():
        assert time.monotonic() < until
        time.sleep(0.05)
    # The page itself refuses as long as the lock is held; here both were asked for before.
    admin.get("/aplikasi/dasar/install", status=422)
    with runtime.database.writing() as session:
        run = start(session, runtime, "install", "dasar", plugin="dasar", actor="user:uji")
    other = finish(admin.get(f"/aplikasi/-/kemajuan/{run}"))
    assert "Gagal. Operasi lain sedang berjalan: install lambat" in words(other)
    assert not other.html.select(".app-steps li")
    switch = next(form for form in other.forms.values() if form.action == "/bahasa")
    switch.submit("locale", value="en")
    refused = words(admin.get(f"/aplikasi/-/kemajuan/{run}"))
    assert "Failed. Another operation is under way: install lambat" in refused
    switch.submit("locale", value="id")

    now = admin.get(page.request.path)
    assert "Sedang berjalan." in words(now)
    assert "memeriksa (berjalan)" in words(now)
    assert "dasar" not in words(now)
    part = now.html.select_one("#steps")
    admin.get(part["hx-get"], status=204)
    assert part.select_one("[role=status]") is None, "what is told stands outside"
    assert now.html.select_one("#steps-told").text == "lambat: memeriksa"
    going.unlink()
    assert "Selesai." in words(finish(now))
    assert states(runtime) == {"lambat": "installed"}
    assert "Operasi lain sedang berjalan" in words(admin.get("/aplikasi/dasar")), "in its history"


def test_what_cannot_be_done_is_told_and_changes_nothing(
    admin: TestApp, runtime: Runtime, workshop: Workshop
) -> None:
    question = admin.get("/aplikasi/peta/install")
    Lifecycle(runtime).install("peta")
    question.forms["confirm"].submit(status=409)
    admin.get("/aplikasi/peta/install", status=409)
    admin.get("/aplikasi/entah", status=404)
    admin.get(f"/aplikasi/-/kemajuan/{'0' * 32}", status=404)
    home = workshop.plugin("rapuh", code="1 / 0")
    refused = words(admin.get("/aplikasi/rapuh/install", status=422))
    assert "Plugin rapuh tidak dapat dimuat: ZeroDivisionError" in refused
    workshop.write(home / "plugin.py", "")
    question = admin.get("/aplikasi/rapuh/install")
    workshop.write(home / "plugin.py", "1 / 0")
    told = words(finish(question.forms["confirm"].submit().follow()))
    assert "Gagal. Plugin rapuh tidak dapat dimuat: ZeroDivisionError" in told
    assert "PluginLoadError" not in told
    assert "rapuh" not in states(runtime)
    assert "tidak dapat dimuat" in words(admin.get("/aplikasi/rapuh")), "its history tells"


def test_a_killed_process_is_seen_and_what_was_named_is_carried_on(
    admin: TestApp, runtime: Runtime, workshop: Workshop
) -> None:
    assert "Tidak ada operasi" in words(admin.get("/aplikasi/-/lanjutkan", status=409))
    files = revision("dasar", DIES)
    workshop.plugin("dasar", files=files)
    page = do(admin, "peta", "install")
    assert "Terputus" in words(page)
    assert "menyiapkan tabel (terputus)" in words(page)
    assert [one.plugin for one in interrupted(runtime)] == ["dasar", "peta"], "nothing hides it"
    workshop.plugin("dasar", files=revision("dasar"))
    question = page.click("Lanjutkan")
    assert items(question) == [
        "pasang: dasar (terputus saat menyiapkan tabel)",
        "pasang: peta (terputus saat memulai)",
    ]
    export = workshop.folder / "lama.zip"
    purge = Operation(runtime.database, "lama", "uninstall", "")
    announce(runtime.database, [(purge, {"purge": True, "export": str(export)})])
    assert "lama (memulai) penghapusan data; hanya dengan" in words(admin.get("/aplikasi"))
    with_purge = admin.get("/aplikasi/-/lanjutkan")
    assert items(with_purge) == items(question)
    assert "Penghapusan data plugin lama tidak ikut." in words(with_purge)
    assert "Selesai." in words(finish(question.forms["confirm"].submit().follow()))
    assert states(runtime) == {"dasar": "installed", "peta": "installed"}
    with_purge.forms["confirm"].submit(status=409)
    assert "abah plugins resume" in words(admin.get("/aplikasi/-/lanjutkan", status=409))
    assert [one.plugin for one in interrupted(runtime)] == ["lama"]


def test_a_process_that_could_not_name_itself_is_not_waited_for_when_it_is_gone(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    with runtime.database.writing() as session:
        run = begin_run(session, "peta", "install", "user:uji")
    monkeypatch.setenv(RUN_VARIABLE, run)
    announce(runtime.database, [(Operation(runtime.database, "peta", "install", ""), {})])
    states = [progress(runtime.database, run)]
    for _twice in range(2):
        end_run_of_gone(runtime.database, run, _("Gagal."))
        states.append(progress(runtime.database, run))
    assert [one and one.state for one in states] == ["going", "broken off", "broken off"]


def test_what_goes_on_is_told_from_what_was_broken_off(admin: TestApp, runtime: Runtime) -> None:
    def told() -> list[str]:
        cards = admin.get("/aplikasi").html.select(".app-card")
        found = [f"{card.h2.text.strip()} {card.select_one('.tag').text}" for card in cards]
        return [one for one in found if "tersedia" not in one]

    def begin(name: str, operation: str) -> None:
        with runtime.database.writing() as session:
            state = "upgrading" if operation == "upgrade" else "removing"
            session.add(PluginRow(name=name, version="1.0", state=state))
        announce(runtime.database, [(Operation(runtime.database, name, operation, ""), {})])

    begin("dasar", "upgrade")
    with lifecycle_lock(runtime.database, "uninstall peta"):
        begin("peta", "uninstall")
        assert told() == ["dasar pembaruan terputus", "peta sedang dilepas"]
    assert told() == ["dasar pembaruan terputus", "peta pelepasan terputus"]


def test_the_list_tells_why_something_does_not_run_and_can_be_searched(
    admin: TestApp, runtime: Runtime, workshop: Workshop
) -> None:
    Lifecycle(runtime).install("dasar")
    Lifecycle(runtime).disable("dasar")
    (workshop.folder / "dasar" / "plugin.toml").unlink()
    workshop.plugin("masa_depan", toml='core = ">=99"\ncategory = "Kanal"\n')
    workshop.write(workshop.folder / "rusak" / "plugin.toml", "name = ")
    hooks = runtime.hooks
    error_id = hooks.count(hooks.stats("dasar", "slot peta"), 0.1, RuntimeError("peta robek"))
    runtime.component(HealthRecorder).flush()
    found = words(admin.get("/aplikasi"))
    assert "perlu dimulai ulang" in found, "an install was not seen by this process"
    assert "1 kegagalan dalam 24 jam terakhir" in found
    told = words(admin.get("/aplikasi/dasar"))
    assert "RuntimeError: peta robek" in told
    assert error_id in told
    assert "kodenya tidak ditemukan" in found
    assert ">=99" in found
    assert "rusak" in found
    with runtime.database.reading() as session:
        LoadedPlugins.of(runtime).number = registry_number(session)
    page = admin.get("/aplikasi?keadaan=incompatible&kategori=Kanal&cari=MASA")
    assert [card.h2.text.strip() for card in page.html.select(".app-card")] == ["masa_depan"]
    assert "1 hasil" in words(page)
    assert "perlu dimulai ulang" not in words(page), "of a process that is as new as that"
    assert "Tidak ada plugin yang cocok" in words(admin.get("/aplikasi?cari=tidakada"))
    assert not admin.get("/aplikasi/dasar").html.select(".app-buttons a[href$=enable]")


def test_an_admin_settles_what_both_changed(
    admin: TestApp, runtime: Runtime, workshop: Workshop
) -> None:
    def ship(**bodies: str) -> None:
        path = workshop.folder / "peta" / "data" / "texts.toml"
        entries = [
            f'[[message_text]]\nkey = "peta.{key}"\ntitle = "Judul"\nbody = "{body}"\n'
            for key, body in bodies.items()
        ]
        workshop.write(path, "".join(entries))
        with runtime.database.writing() as session:
            load_files(session, "peta", [path])

    def edit(text: str) -> None:
        with runtime.database.writing() as session:
            for row in session.scalars(select(MessageText).where(MessageText.key != "x")):
                row.body = text if row.key.startswith("peta.") else row.body

    def bodies() -> dict[str, str]:
        with runtime.database.reading() as session:
            rows = session.scalars(select(MessageText)).all()
        return {row.key: row.body for row in rows if row.key.startswith("peta.")}

    def forms(page: Any) -> dict[str, Any]:
        found = {f["conflict"].value: f for f in page.forms.values() if "conflict" in f.fields}
        return {name.removeprefix("message_text:peta."): form for name, form in found.items()}

    ship(a="lama", b="lama")
    edit("suntingan")
    ship(a="lama", b="lama")
    assert not forms(admin.get("/aplikasi/peta")), "nothing new was brought"
    ship(a="baru", b="baru")
    page = admin.get("/aplikasi/peta")
    for body in ("suntingan", "baru", "lama"):
        assert body in words(page)
    aged = forms(page)
    edit("suntingan kedua")
    aged["a:id"].submit("choice", value="new", status=409)
    found = forms(admin.get("/aplikasi/peta"))
    found["a:id"].submit("choice", value="new", status=303)
    found["b:id"].submit("choice", value="mine", status=303)
    assert bodies() == {"peta.a": "baru", "peta.b": "suntingan kedua"}
    ship(a="baru", b="baru")
    assert not forms(admin.get("/aplikasi/peta")), "it is not asked again"
    with runtime.database.reading() as session:
        acts = session.scalars(select(AuditEntry).where(AuditEntry.action.like("plugins.data.%")))
        told = [(act.action, act.subject, act.details["before"]["body"]) for act in acts]
    assert told == [
        ("plugins.data.take", "abah.data:message_text:peta.a:id", "suntingan kedua"),
        ("plugins.data.keep", "abah.data:message_text:peta.b:id", "suntingan kedua"),
    ]


def test_it_is_the_admins_page(
    app: TestApp, people: People, sign_in: Callable[[TestApp, int], None]
) -> None:
    sign_in(app, people.petugas().id)
    assert "Aplikasi" not in app.get("/").html.select_one("nav").text
    run = f"/aplikasi/-/kemajuan/{'0' * 32}"
    for address in ("", "/peta", "/peta/install", "/-/lanjutkan"):
        app.get(f"/aplikasi{address}", status=403)
    for address in (run, f"{run}/langkah"):
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
