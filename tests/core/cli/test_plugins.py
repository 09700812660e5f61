"""``abah plugins``: everything that the lifecycle can do, told in words and as JSON."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.engine import URL
from webtest import TestApp

from core.api.cli import show_table
from core.app import build_wsgi
from core.audit import AuditEntry
from core.framework.lifecycle import Lifecycle
from core.framework.runtime import Runtime
from core.i18n import TranslationString
from core.jobs.runner import Jobs
from tests.core.cli.conftest import Answer
from tests.core.conftest import Workshop

pytestmark = pytest.mark.plugins()

Abah = Callable[..., Answer]

EVERYWHERE = """
import click
from core.api.hooks import hookimpl
from core.api.jobs import sweep, task
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED

@click.command("sapa")
def greet():
    click.echo("halo")

@task("peta.kirim")
def send(runtime):
    pass

@sweep("peta.cari", every=1)
def look(runtime):
    pass

@hookimpl
def register_commands():
    return [greet]

@hookimpl
def register_tasks():
    return [send]

@hookimpl
def register_sweeps():
    return [look]

@hookimpl
def include_web(config):
    config.add_route("peta.home", "/")
    config.add_view(
        lambda request: Response("ada"), route_name="peta.home", permission=NO_PERMISSION_REQUIRED
    )
"""


@pytest.fixture
def plugins(workshop: Workshop) -> Workshop:
    workshop.plugin("dasar", files=workshop.migration("dasar", "dasar_thing"))
    workshop.plugin("atas", toml='[depends]\ndasar = ">=1"\n')
    workshop.plugin("rusak", toml="salah = 1\n")
    return workshop


@pytest.mark.usefixtures("plugins")
def test_the_list_shows_every_plugin_with_its_state_and_problem(abah: Abah) -> None:
    rows = {row["name"]: row for row in abah("plugins", "list", "--json").json}
    assert rows["dasar"]["state"] == "available"
    assert rows["rusak"]["state"] == "incompatible"
    assert "salah" in rows["rusak"]["problem"]
    text = abah("plugins", "list")
    assert text.code == 0
    assert "tersedia" in text.out


@pytest.mark.usefixtures("plugins")
def test_install_shows_what_comes_along_and_asks(
    abah: Abah, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())  # nobody answers
    refused = abah("plugins", "install", "atas")
    assert refused.code == 1
    assert "dasar" in refused.out
    assert "--yes" in refused.err
    assert {
        row["state"] for row in abah("plugins", "list", "--json").json if row["name"] == "atas"
    } == {"available"}
    done = abah("plugins", "install", "--yes", "atas")
    assert done.code == 0
    assert "Plugin dasar 1.0 terpasang." in done.out
    again = abah("plugins", "install", "atas")
    assert (again.code, again.out.strip()) == (
        0,
        "Sudah terpasang; tidak ada yang perlu dilakukan.",
    )


@pytest.mark.usefixtures("plugins")
def test_a_preview_tells_everything_and_changes_nothing(abah: Abah, workshop: Workshop) -> None:
    found = abah("plugins", "preview", "atas", "--json").json
    assert [one["name"] for one in found] == ["dasar", "atas"]
    assert found[0]["because"] == "atas"
    assert found[0]["migrations"] == [{"id": "dasar_0001_base", "title": ""}]
    assert {row["state"] for row in abah("plugins", "list", "--json").json} == {
        "available",
        "incompatible",
    }
    abah("plugins", "install", "--yes", "atas")
    assert abah("plugins", "preview", "atas", "--json").json == []
    workshop.plugin(
        "atas",
        version="1.1",
        toml="""
        data = ["data/texts.toml"]
        [depends]
        dasar = ">=1"
        [[permissions]]
        name = "atas.lihat"
        title = "Melihat"
        roles = ["petugas"]
        """,
        files={"data/texts.toml": "[[rahasia]]\nid = 1\n"},
    )
    refused = abah("plugins", "upgrade", "atas", "--yes")
    assert refused.code == 1
    assert "rahasia" in refused.err, "a wrong data file is told before anything is changed"
    workshop.write(workshop.folder / "atas" / "data" / "texts.toml", "")
    (change,) = abah("plugins", "preview", "atas", "--json").json
    assert change["operation"] == "upgrade"
    (again,) = abah("plugins", "preview", "--upgrade", "dasar", "--json").json
    assert (again["operation"], again["migrations"]) == ("upgrade", [])
    refused = abah("plugins", "preview", "--upgrade", "rusak", "--json")
    assert (refused.code, refused.json["refused"]["with"]) == (1, {"name": "rusak"})
    assert change["permissions"] == {"atas.lihat": ["petugas"]}


@pytest.mark.usefixtures("plugins")
def test_upgrade_brings_what_is_behind_its_code(abah: Abah, workshop: Workshop) -> None:
    abah("plugins", "install", "--yes", "atas")
    assert "sesuai" in abah("plugins", "upgrade").out
    workshop.plugin("dasar", version="1.1", files=workshop.migration("dasar", "dasar_thing"))
    done = abah("plugins", "upgrade", "--yes")
    assert done.code == 0
    assert "Plugin dasar diperbarui." in done.out
    assert "atas" not in done.out
    rows = {row["name"]: row for row in abah("plugins", "list", "--json").json}
    assert rows["dasar"]["installed_version"] == "1.1"
    assert abah("plugins", "upgrade", "rusak").code == 1


@pytest.mark.usefixtures("plugins")
def test_resume_carries_on_what_was_broken_off(
    abah: Abah, deployment: Callable[..., Runtime]
) -> None:
    assert "Tidak ada" in abah("plugins", "resume").out

    def die(plugin: str, _step: str) -> None:
        if plugin == "atas":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Lifecycle(deployment(), progress=die).install("atas")
    done = abah("plugins", "resume", "--yes")
    assert done.code == 0
    assert "Plugin atas: selesai." in done.out
    assert "dasar" not in done.out
    rows = {row["name"]: row["state"] for row in abah("plugins", "list", "--json").json}
    assert (rows["dasar"], rows["atas"]) == ("installed", "installed")


@pytest.mark.usefixtures("plugins")
def test_show_tells_details_and_history(abah: Abah) -> None:
    abah("plugins", "install", "dasar")
    shown = abah("plugins", "show", "dasar", "--json").json
    assert shown["state"] == "installed"
    assert shown["history"][0]["outcome"] == "done"
    assert shown["history"][0]["actor"].startswith("cli")
    told = abah("plugins", "show", "dasar")
    assert "Riwayat" not in told.err
    assert [word for word in ("pasang", "mencatat", "selesai") if word not in told.out] == []
    assert [word for word in ("install", "mark", "done") if f" {word} " in told.out] == []
    assert abah("plugins", "show", "tidak_ada").code == 1


@pytest.mark.usefixtures("plugins")
def test_disable_and_enable_refuse_with_the_names_that_matter(abah: Abah) -> None:
    abah("plugins", "install", "-y", "atas")
    refused = abah("plugins", "disable", "dasar")
    assert refused.code == 1
    assert "atas" in refused.err
    assert abah("plugins", "disable", "atas").code == 0
    assert abah("plugins", "enable", "atas").code == 0
    assert abah("plugins", "enable", "rusak").code == 1


@pytest.mark.usefixtures("plugins")
def test_a_missing_dependency_names_the_chain(abah: Abah, workshop: Workshop) -> None:
    workshop.plugin("puncak", toml='[depends]\ntengah = ""\n')
    workshop.plugin("tengah", toml='[depends]\nhilang = ""\n')
    answer = abah("plugins", "install", "puncak")
    assert answer.code == 1
    assert "puncak → tengah → hilang" in answer.err


@pytest.mark.usefixtures("plugins")
def test_uninstall_shows_what_stays_and_keeps_it(abah: Abah) -> None:
    abah("plugins", "install", "dasar")
    answer = abah("plugins", "uninstall", "dasar", "-y")
    assert answer.code == 0
    assert "Yang tetap tersimpan:" in answer.out
    assert "dasar_thing" in answer.out
    assert "diekspor" not in answer.out


@pytest.mark.usefixtures("plugins")
def test_uninstall_exports_what_there_is_to_the_folder_of_exports(
    abah: Abah, runtime: Runtime, tmp_path: Path, ini: Path
) -> None:
    with ini.open("a", encoding="utf-8") as file:
        file.write(f"abah.exports = {tmp_path / 'ekspor'}\n")
    abah("plugins", "install", "dasar")
    with runtime.database.writing() as session:
        row = "INSERT INTO dasar_thing (id, note, at) VALUES (1, 'satu', '2018-11-30 05:53:19')"
        session.execute(text(row))
    answer = abah("plugins", "uninstall", "dasar", "-y")
    (export,) = (tmp_path / "ekspor").iterdir()
    assert f"diekspor ke {export} (1 baris)" in " ".join(answer.out.split())


@pytest.mark.usefixtures("plugins")
def test_a_purge_writes_the_export_and_says_where(abah: Abah, tmp_path: Path) -> None:
    abah("plugins", "install", "dasar")
    target = tmp_path / "ekspor.zip"
    answer = abah("plugins", "uninstall", "dasar", "--purge", "--export", str(target), "-y")
    assert answer.code == 0
    assert str(target) in answer.out
    with zipfile.ZipFile(target) as archive:
        assert "dasar_thing.jsonl" in archive.namelist()
    assert abah("plugins", "uninstall", "dasar", "-y").code == 1


@pytest.mark.usefixtures("plugins")
def test_uninstall_is_refused_while_others_need_it(abah: Abah) -> None:
    abah("plugins", "install", "-y", "atas")
    answer = abah("plugins", "uninstall", "dasar", "-y")
    assert answer.code == 1
    assert "atas" in answer.err


def test_the_doctor_fails_only_when_something_is_wrong(abah: Abah, workshop: Workshop) -> None:
    home = workshop.plugin("peta")
    abah("plugins", "install", "peta")
    sound = abah("plugins", "doctor")
    assert (sound.code, sound.out.strip()) == (0, "Semua baik.")
    (home / "plugin.toml").unlink()
    answer = abah("plugins", "doctor", "--json")
    assert answer.code == 1
    assert answer.json[0]["plugin"] == "peta"
    assert answer.json[0]["severity"] == "error"
    rows = {row["name"]: row for row in abah("plugins", "list", "--json").json}
    assert rows["peta"]["state"] == "missing"


def test_show_and_doctor_name_what_failed_in_any_process(
    abah: Abah, workshop: Workshop, deployment: Callable[..., Runtime]
) -> None:
    workshop.plugin("peta")
    abah("plugins", "install", "peta")
    assert abah("plugins", "show", "peta", "--json").json["health"] == []
    worker = deployment()
    stats = worker.hooks.stats("peta", "messages_changed")
    worker.hooks.count(stats, 1.5)
    error_id = worker.hooks.count(stats, 0.5, ValueError("rusak"))
    worker.close()
    (figures,) = abah("plugins", "show", "peta", "--json").json["health"]
    assert (figures["place"], figures["calls"], figures["seconds"]) == ("messages_changed", 2, 2.0)
    row = abah("plugins", "show", "peta").out
    for word in ("messages_changed", "1000.000", error_id, "rusak"):
        assert word in row
    told = abah("plugins", "doctor")
    assert (told.code, error_id in told.out) == (0, True)


@pytest.mark.parametrize("how", ["safe mode", "allow-list"])
def test_what_may_not_run_runs_neither_in_web_nor_worker_nor_command_line(
    abah: Abah,
    make_ini: Callable[..., Path],
    database_url: URL,
    deployment: Callable[..., Runtime],
    workshop: Workshop,
    monkeypatch: pytest.MonkeyPatch,
    how: str,
) -> None:
    workshop.plugin("peta", code=EVERYWHERE)
    abah("plugins", "install", "peta")
    more: dict[str, str] = {}

    def seen() -> set[str]:
        runtime = deployment(**more)
        jobs = runtime.component(Jobs)
        answers = {
            "web": TestApp(build_wsgi(runtime)).get("/p/peta/", expect_errors=True).status_int,
            "task": 200 if "peta.kirim" in jobs.tasks() else 404,
            "sweep": 200 if "peta.cari" in {one.name for _owner, one in jobs.sweeps()} else 404,
            "command": 200 if abah("sapa", config=make_ini(database_url, **more)).out else 404,
        }
        return {where for where, status in answers.items() if status == 200}

    assert seen() == {"web", "task", "sweep", "command"}
    if how == "safe mode":
        monkeypatch.setenv("ABAH_SAFE_MODE", "1")
    else:
        more["abah__plugins_allow"] = "lain"
    assert seen() == set()


def test_a_plugin_that_fails_to_load_is_told_in_one_line_beside_clean_json(
    abah: Abah, ini: Path, workshop: Workshop
) -> None:
    home = workshop.plugin("peta")
    abah("plugins", "install", "peta")
    workshop.write(home / "plugin.py", "raise ValueError('dua\\nbaris')")

    def called(*options: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "core.cli", "-c", str(ini), *options]
        return subprocess.run(
            [*command, "plugins", "list", "--json"], capture_output=True, text=True, check=True
        )

    answer = called()
    (row,) = [row for row in json.loads(answer.stdout) if row["name"] == "peta"]
    assert row["state"] == "failed"
    assert "ValueError" in row["problem"]
    (line,) = answer.stderr.splitlines()
    assert "plugin=peta" in line
    assert "dua baris" in line
    assert "Traceback" in called("-v").stderr


def test_conflicts_are_listed_and_settled(
    abah: Abah, workshop: Workshop, deployment: Callable[..., Runtime]
) -> None:
    def ship(body: str, version: str) -> None:
        entry = f'[[message_text]]\nkey = "salam.a"\ntitle = "Salam"\nbody = "{body}"\n'
        files = {"data/texts.toml": entry}
        workshop.plugin("salam", version=version, toml='data = ["data/texts.toml"]', files=files)

    ship("lama", "1.0")
    abah("plugins", "install", "--yes", "salam")
    with deployment().database.writing() as session:
        session.execute(text("UPDATE abah_message_text SET body = 'suntingan'"))
    ship("baru", "1.1")
    abah("plugins", "upgrade", "--yes")
    assert abah("plugins", "conflicts", "lain", "--json").json == []
    (row,) = abah("plugins", "conflicts", "salam", "--json").json
    assert (row["id"], row["field"]) == ("message_text:salam.a:id", "body")
    assert (row["mine"], row["new"], row["old"]) == ("suntingan", "baru", "lama")
    assert abah("plugins", "settle", row["id"], "--new").code == 0
    assert abah("plugins", "settle", row["id"], "--mine").code == 1, "it is settled"
    assert "Tidak ada yang menunggu keputusan." in abah("plugins", "conflicts").out
    with deployment().database.reading() as session:
        details = session.scalars(select(AuditEntry.details)).one()
        assert details is not None
        assert details["actor"].startswith("cli")
        shown = session.execute(text("SELECT body FROM abah_message_text WHERE body = 'baru'"))
        assert len(shown.all()) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [((), "--all"), (("tiada",), "tiada"), (("dasar", "atas", "--tests", "."), "--tests")],
)
@pytest.mark.usefixtures("plugins")
def test_check_says_what_it_cannot_check(
    abah: Abah, arguments: tuple[str, ...], words: str
) -> None:
    refused = abah("plugins", "check", *arguments)
    assert refused.code == 1
    assert words in refused.err


def test_a_table_prints_brackets_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    show_table([{"name": "atlas [depends]"}], {"name": TranslationString("Nama")})
    assert "atlas [depends]" in capsys.readouterr().out


@pytest.mark.usefixtures("plugins")
def test_an_export_is_read_back_after_its_preview(abah: Abah, tmp_path: Path) -> None:
    abah("plugins", "install", "--yes", "dasar", "atas")
    export = str(tmp_path / "dasar.zip")
    refused = abah("plugins", "uninstall", "--yes", "--purge", "--export", export, "dasar")
    assert (refused.code, "atas" in refused.err) == (1, True)
    abah("plugins", "uninstall", "--yes", "atas")
    abah("plugins", "uninstall", "--yes", "--purge", "--export", export, "dasar")
    (found,) = abah("plugins", "preview", "dasar", "--from", export, "--json").json
    assert found["rows"] == {"dasar_thing": 0}
    assert abah("plugins", "install", "dasar", "atas", "--from", export).code == 2
    wrong = abah("plugins", "install", "atas", "--from", export)
    assert (wrong.code, "plugin dasar" in wrong.err) == (1, True)
    done = abah("plugins", "install", "dasar", "--from", export, "--yes")
    assert "dasar_thing (0)" in done.out
    assert "Plugin dasar 1.0 terpasang." in done.out
    again = abah("plugins", "install", "dasar", "--from", export, "--yes")
    assert (again.code, "--purge" in again.err) == (1, True)


NEXT = """\
from alembic import op

revision = "dasar_0002_next"
down_revision = "dasar_0001_base"


def upgrade():
    op.execute("{statement}")
"""


@pytest.mark.usefixtures("plugins")
def test_a_rehearsal_is_told_in_words_and_as_json(abah: Abah, workshop: Workshop) -> None:
    abah("plugins", "install", "dasar")
    assert "sesuai" in abah("plugins", "upgrade", "--rehearse").out
    assert abah("plugins", "upgrade", "--json").code == 2
    path = "migrations/dasar_0002_next.py"
    adds = "INSERT INTO dasar_thing (id, note) VALUES (7, 'x')"
    workshop.plugin("dasar", version="1.1", files={path: NEXT.format(statement=adds)})
    told = abah("plugins", "upgrade", "--rehearse", "dasar")
    assert told.code == 0
    for words in ("1.0 → 1.1", "dasar_0002_next (", "dasar_thing"):
        assert words in told.out
    found = abah("plugins", "upgrade", "--rehearse", "--json").json
    assert found["parts"][0]["migrations"][0]["id"] == "dasar_0002_next"
    assert found["rows"] == [{"table": "dasar_thing", "before": 0, "after": 1}]
    workshop.plugin("dasar", version="1.1", files={path: NEXT.format(statement="SALAH")})
    broken = abah("plugins", "upgrade", "--rehearse")
    assert (broken.code, "dasar akan gagal pada langkah dasar_0002_next" in broken.out) == (1, True)
    assert abah("plugins", "show", "dasar", "--json").json["installed_version"] == "1.0"
