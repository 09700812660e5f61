"""The doctor names what is wrong and says what to do."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.framework.doctor import Severity, examine
from core.framework.journal import Operation
from core.framework.lifecycle import Lifecycle
from core.framework.lock import lifecycle_lock
from core.framework.overview import overview
from core.framework.removal import uninstall
from core.framework.resuming import interrupted, resume
from core.framework.runtime import Runtime
from core.i18n import plain
from core.testing.fixtures import test_settings as settings_for
from tests.core.conftest import Workshop

pytestmark = pytest.mark.plugins()

Deployment = Callable[..., Runtime]


def told(runtime: Runtime, plugin: str) -> list[tuple[Severity, str]]:
    return [(f.severity, plain(f.text)) for f in examine(runtime) if f.plugin == plugin]


def test_a_sound_deployment_has_no_findings(deployment: Deployment, workshop: Workshop) -> None:
    workshop.plugin("peta", files=workshop.migration("peta", "peta_thing"))
    Lifecycle(deployment()).install("peta")
    assert told(deployment(), "peta") == []
    assert [
        finding for finding in examine(deployment()) if finding.severity is Severity.ERROR
    ] == []


def test_an_empty_database_is_told_to_be_set_up(
    database_factories: Any, database_kind: str
) -> None:
    url = database_factories(database_kind).empty()
    runtime = Runtime(settings_for(url))
    ((severity, text),) = told(runtime, "core")
    assert severity is Severity.ERROR
    assert "abah setup" in text
    runtime.close()


def test_an_interrupted_operation_is_named_with_the_way_on(
    deployment: Deployment, workshop: Workshop
) -> None:
    workshop.plugin("peta")
    runtime = deployment()
    operation = Operation(runtime.database, "peta", "install", "tester")
    with pytest.raises(KeyboardInterrupt), operation.whole(), operation.step("migrate"):
        raise KeyboardInterrupt
    (finding,) = told(runtime, "peta")
    assert finding[0] is Severity.ERROR
    assert "migrate" in finding[1]
    assert "abah plugins resume" in finding[1]
    with lifecycle_lock(runtime.database, "install peta"):
        notes = told(runtime, "core")
        assert (Severity.NOTE, notes[0][1]) == notes[0]
        assert told(runtime, "peta") == [], (
            "while somebody is at work nothing is called interrupted"
        )


def test_an_install_that_broke_off_is_not_sent_to_db_upgrade(
    deployment: Deployment, workshop: Workshop
) -> None:
    """Neither the one that was killed nor the one that failed: only an install carries it on."""
    for name in ("mati", "gagal"):
        workshop.plugin(name, files=workshop.migration(name, f"{name}_thing"))
    runtime = deployment()

    def stop(error: type[BaseException]) -> Callable[[str, str], None]:
        def heard(_plugin: str, step: str) -> None:
            if step == "migrate":
                raise error

        return heard

    with pytest.raises(KeyboardInterrupt):
        Lifecycle(runtime, progress=stop(KeyboardInterrupt)).install("mati")
    with pytest.raises(ZeroDivisionError):
        Lifecycle(runtime, progress=stop(ZeroDivisionError)).install("gagal")
    for name, way_on in (("mati", "resume"), ("gagal", "install gagal")):
        ((severity, text),) = told(deployment(), name)
        assert severity is Severity.ERROR
        assert f"abah plugins {way_on}" in text
        assert "db upgrade" not in text


def test_an_interrupted_purge_is_carried_on_as_a_purge(
    deployment: Deployment, workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether its process was killed or it failed."""
    workshop.plugin("peta", files=workshop.migration("peta", "peta_thing"))
    runtime = deployment()
    Lifecycle(runtime).install("peta")
    for error in (KeyboardInterrupt, ZeroDivisionError):

        def stop(*_arguments: object, error: type[BaseException] = error) -> None:
            raise error

        with monkeypatch.context() as patched:
            patched.setattr("core.framework.removal.drop_owner", stop)
            with pytest.raises(error):
                uninstall(runtime, "peta", export_to=tmp_path / f"{error.__name__}.zip", purge=True)
        ((severity, text),) = told(deployment(), "peta")
        assert severity is Severity.ERROR
        assert text.endswith("abah plugins resume")
        assert "drop" in text
    (operation,) = interrupted(runtime)
    resume(runtime, operation)
    assert told(deployment(), "peta") == []


def test_a_vanished_plugin_and_one_behind_its_code_are_named(
    deployment: Deployment, workshop: Workshop
) -> None:
    workshop.plugin("hilang")
    workshop.plugin("lama")
    workshop.plugin("tertinggal")
    Lifecycle(deployment()).install("hilang", "lama", "tertinggal")
    shutil.rmtree(workshop.folder / "hilang")
    workshop.plugin("lama", version="2.0")
    workshop.plugin("tertinggal", files=workshop.migration("tertinggal", "tertinggal_thing"))
    runtime = deployment()
    assert told(runtime, "hilang")[0][0] is Severity.ERROR
    assert "uninstall hilang" in told(runtime, "hilang")[0][1]
    assert told(runtime, "lama") == [
        (
            Severity.WARNING,
            "Plugin lama versi 2.0 belum menggantikan versi 1.0. Jalankan: abah db upgrade",
        )
    ]
    assert "tertinggal_0001_base" in told(runtime, "tertinggal")[0][1]


def test_what_this_process_left_out_is_named_once_and_shown_in_the_overview(
    deployment: Deployment, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = workshop.plugin("peta")
    workshop.plugin("atas", toml='[depends]\npeta = ""\n')
    workshop.plugin("luar")
    workshop.plugin("asing")
    Lifecycle(deployment()).install("atas", "luar")
    workshop.write(home / "plugin.py", "1 / 0")
    sys.modules.pop("plugins.peta.plugin")
    runtime = deployment(abah__plugins_allow="peta atas")
    shown = {status.name: status for status in overview(runtime)}
    said = {"peta": "ZeroDivisionError", "atas": "peta", "luar": "abah.plugins_allow"}
    for name, word in said.items():
        assert str(shown[name].state) in {"failed", "incompatible"}
        assert word in plain(shown[name].problem)
        ((severity, text),) = told(runtime, name)
        assert severity is Severity.ERROR
        assert word in text
    assert shown["asing"].state == "available"
    assert "abah.plugins_allow" in plain(shown["asing"].problem)
    assert told(runtime, "asing") == [], "left out on purpose"
    monkeypatch.setenv("ABAH_SAFE_MODE", "1")
    runtime = deployment()
    shown = {status.name: status for status in overview(runtime)}
    assert "ABAH_SAFE_MODE" in plain(shown["peta"].problem)
    assert shown["asing"].problem == ""
    assert "ABAH_SAFE_MODE" in told(runtime, "core")[0][1]


def test_a_broken_plugin_that_nobody_installed_is_only_a_note(
    deployment: Deployment, workshop: Workshop
) -> None:
    workshop.plugin("rusak", toml="salah = 1\n")
    assert [severity for severity, _text in told(deployment(), "rusak")] == [Severity.NOTE]


def test_the_overview_tells_every_state(deployment: Deployment, workshop: Workshop) -> None:
    workshop.plugin("tersedia")
    workshop.plugin("aktif")
    workshop.plugin("mati")
    workshop.plugin("butuh", toml='[depends]\ntak_ada = ""\n')
    workshop.plugin("hilang")
    lifecycle = Lifecycle(deployment())
    lifecycle.install("aktif", "mati", "hilang")
    lifecycle.disable("mati")
    shutil.rmtree(workshop.folder / "hilang")
    states = {status.name: str(status.state) for status in overview(deployment())}
    assert {name: states[name] for name in ("tersedia", "aktif", "mati", "butuh", "hilang")} == {
        "tersedia": "available",
        "aktif": "installed",
        "mati": "disabled",
        "butuh": "incompatible",
        "hilang": "missing",
    }
