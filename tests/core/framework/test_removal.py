"""Uninstall keeps data and says so, refuses while others need it; a purge leaves nothing."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from errno import EIO, ENOSPC
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect, text

from core.db import Database
from core.framework import removal
from core.framework.lifecycle import DependentsError, Lifecycle, NotInstalledError
from core.framework.lock import lifecycle_lock
from core.framework.models import LoadedData, PluginRow, PluginState, StoredSetting
from core.framework.portable import dump_tables, read_contents
from core.framework.registry import plugin_rows, registry_number
from core.framework.removal import (
    ExportExistsError,
    ExportFolderError,
    ExportOutdatedError,
    PurgeRefusedError,
    preview_removal,
    uninstall,
)
from core.framework.resuming import interrupted, resume
from core.framework.runtime import Runtime
from tests.core.conftest import Workshop

pytestmark = pytest.mark.plugins()

Deployment = Callable[..., Runtime]


def tables(runtime: Runtime) -> set[str]:
    return set(inspect(runtime.database.engine).get_table_names())


def fill(runtime: Runtime, table: str, notes: list[str]) -> None:
    with runtime.database.writing() as session:
        for number, note in enumerate(notes, start=1):
            session.execute(
                text(f"INSERT INTO {table} (id, note, at) VALUES (:id, :note, :at)"),  # noqa: S608
                {"id": number, "note": note, "at": "2018-11-30 05:53:19"},
            )
        session.add(StoredSetting(owner="peta", key="warna", value='"merah"'))


@pytest.fixture
def installed(deployment: Deployment, workshop: Workshop) -> Runtime:
    workshop.plugin(
        "peta",
        toml='[removal]\nwarning = "Koordinat hilang."\n',
        files=workshop.migration("peta", "peta_thing"),
    )
    workshop.plugin("peta_luas", files=workshop.migration("peta_luas", "peta_luas_thing"))
    runtime = deployment()
    Lifecycle(runtime).install("peta", "peta_luas")
    fill(runtime, "peta_thing", ["satu", "dua"])
    return runtime


def test_the_preview_counts_what_is_there_and_changes_nothing(installed: Runtime) -> None:
    preview = preview_removal(installed, "peta")
    assert preview.rows == {"peta_alembic_version": 1, "peta_thing": 2}
    assert preview.settings == 1
    assert preview.warning == "Koordinat hilang."
    assert preview.may_purge
    assert preview.dependents == ()
    assert "peta_thing" in tables(installed)


def test_an_uninstall_keeps_the_data_and_a_later_install_finds_it(installed: Runtime) -> None:
    assert uninstall(installed, "peta") is None
    assert "peta_thing" in tables(installed)
    with installed.database.reading() as session:
        assert session.get(PluginRow, "peta") is None
        assert session.get(StoredSetting, ("peta", "warna")) is not None
    Lifecycle(installed).install("peta")
    with installed.database.reading() as session:
        assert session.execute(text("SELECT count(*) FROM peta_thing")).scalar_one() == 2


def test_an_export_without_purge_is_read_back_after_all_is_lost(
    installed: Runtime, tmp_path: Path
) -> None:
    export = tmp_path / "baru" / "peta.zip"
    contents = uninstall(installed, "peta", export_to=export)
    assert contents is not None
    assert contents.rows == {"peta_thing": 2}
    assert "peta_thing" in tables(installed)
    uninstall(installed, "peta", export_to=tmp_path / "kedua.zip", purge=True)
    assert "peta_thing" not in tables(installed)
    Lifecycle(installed).install("peta", export=export)
    with installed.database.reading() as session:
        assert session.execute(text("SELECT note FROM peta_thing")).scalars().all() == [
            "satu",
            "dua",
        ]


def test_what_holds_nothing_needs_no_export(installed: Runtime) -> None:
    assert not preview_removal(installed, "peta").empty
    assert preview_removal(installed, "peta_luas").empty


def test_a_purge_exports_first_and_leaves_nothing_behind(
    installed: Runtime, tmp_path: Path
) -> None:
    target = tmp_path / "peta.zip"
    contents = uninstall(installed, "peta", export_to=target, purge=True)
    assert contents is not None
    assert contents.rows == {"peta_thing": 2}
    assert read_contents(target) == contents
    with zipfile.ZipFile(target) as archive:
        lines = archive.read("peta_thing.jsonl").decode().splitlines()
        assert json.loads(archive.read("settings.json"))[0]["key"] == "warna"
    assert json.loads(lines[0]) == ["id", "note", "at"]
    assert json.loads(lines[1])[:2] == [1, "satu"]
    assert {name for name in tables(installed) if name.startswith("peta")} == {
        "peta_luas_alembic_version",
        "peta_luas_thing",
    }
    with installed.database.reading() as session:
        for model in (PluginRow, StoredSetting, LoadedData):
            rows = session.query(model).all()
            assert "peta" not in {getattr(row, "owner", getattr(row, "name", None)) for row in rows}
    with pytest.raises(NotInstalledError):
        preview_removal(installed, "peta")


def test_the_export_is_for_its_owner_only(installed: Runtime, tmp_path: Path) -> None:
    target = tmp_path / "peta.zip"
    uninstall(installed, "peta", export_to=target, purge=True)
    assert target.stat().st_mode & 0o077 == 0
    assert list(tmp_path.glob(".*partial")) == []


def test_a_place_where_nothing_can_be_written_is_refused_before_anything_changes(
    installed: Runtime, tmp_path: Path
) -> None:
    blocked = tmp_path / "berkas"
    blocked.write_text("bukan folder")
    with pytest.raises(ExportFolderError):
        uninstall(installed, "peta", export_to=blocked / "peta.zip")
    with pytest.raises(ExportFolderError):
        uninstall(installed, "peta", export_to=blocked / "lebih" / "peta.zip", purge=True)
    with installed.database.reading() as session:
        assert plugin_rows(session)["peta"].state == PluginState.INSTALLED


def test_an_export_that_fails_stops_the_purge_before_anything_is_dropped(
    installed: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: object, **_named: object) -> None:
        raise OSError(ENOSPC, "disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(removal, "dump_tables", full)
        with pytest.raises(OSError, match="full"):
            uninstall(installed, "peta", export_to=tmp_path / "peta.zip", purge=True)
    assert "peta_thing" in tables(installed)
    uninstall(installed, "peta", export_to=tmp_path / "peta.zip", purge=True)
    assert "peta_thing" not in tables(installed)


def test_it_is_refused_while_others_need_the_plugin(
    deployment: Deployment, workshop: Workshop
) -> None:
    workshop.plugin("dasar")
    workshop.plugin("tengah", toml='[depends]\ndasar = ""\n')
    workshop.plugin("atas", toml='[depends]\ntengah = ""\n')
    runtime = deployment()
    lifecycle = Lifecycle(runtime)
    lifecycle.install("atas")
    lifecycle.disable("atas")
    with pytest.raises(DependentsError, match="tengah, atas") as caught:
        uninstall(runtime, "dasar")
    assert caught.value.dependents == ("tengah", "atas")


def test_a_manifest_can_forbid_the_purge_but_not_the_uninstall(
    deployment: Deployment, workshop: Workshop, tmp_path: Path
) -> None:
    workshop.plugin(
        "arsip", toml="[removal]\npurge = false\n", files=workshop.migration("arsip", "arsip_thing")
    )
    runtime = deployment()
    Lifecycle(runtime).install("arsip")
    with pytest.raises(PurgeRefusedError):
        uninstall(runtime, "arsip", export_to=tmp_path / "x.zip", purge=True)
    uninstall(runtime, "arsip")
    assert "arsip_thing" in tables(runtime)


def test_a_plugin_whose_code_is_gone_can_still_be_purged(
    installed: Runtime, workshop: Workshop, tmp_path: Path
) -> None:
    shutil.rmtree(workshop.folder / "peta")
    contents = uninstall(installed, "peta", export_to=tmp_path / "peta.zip", purge=True)
    assert contents is not None
    assert contents.rows == {"peta_thing": 2}
    assert "peta_thing" not in tables(installed)
    assert "peta_luas_thing" in tables(installed)


def test_processes_let_go_before_tables_vanish(
    installed: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with installed.database.reading() as session:
        before = registry_number(session)
    dumped: list[int] = []

    def dump(*given: Any, **named: Any) -> Any:
        with installed.database.reading() as session:
            dumped.append(registry_number(session))
        return dump_tables(*given, **named)

    monkeypatch.setattr(removal, "dump_tables", dump)
    uninstall(installed, "peta", export_to=tmp_path / "peta.zip", purge=True)
    assert dumped == [before + 1]


def test_rows_that_came_after_the_export_are_not_dropped(
    installed: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "peta.zip"

    def late(*given: Any, **named: Any) -> Any:
        made = dump_tables(*given, **named)
        with installed.database.writing() as session:
            row = "INSERT INTO peta_thing (id, note, at) VALUES (9, 'telat', '2018-11-30 05:53:19')"
            session.execute(text(row))
        return made

    with monkeypatch.context() as patch:
        patch.setattr(removal, "dump_tables", late)
        with pytest.raises(ExportOutdatedError):
            uninstall(installed, "peta", export_to=target, purge=True)
    assert "peta_thing" in tables(installed)
    (operation,) = interrupted(installed)
    resume(installed, operation)
    assert "peta_thing" not in tables(installed)
    assert read_contents(target).rows == {"peta_thing": 3}
    with zipfile.ZipFile(target) as archive:
        assert json.loads(archive.read("settings.json"))[0]["key"] == "warna"


def test_an_export_that_was_moved_away_is_not_written_again_from_what_is_left(
    installed: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "peta.zip"

    def broken(*_given: object) -> None:
        raise OSError(EIO, "disk")

    with monkeypatch.context() as patch:
        patch.setattr(removal, "drop_owner", broken)
        with pytest.raises(OSError, match="disk"):
            uninstall(installed, "peta", export_to=target, purge=True)
    target.rename(tmp_path / "aman.zip")
    (operation,) = interrupted(installed)
    resume(installed, operation)
    assert not target.exists()
    assert "peta_thing" not in tables(installed)


def test_a_file_that_appears_meanwhile_is_not_taken_for_the_export(
    installed: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "peta.zip"
    monkeypatch.setattr(removal, "_retire", lambda *_given: target.write_text("lain"))
    with pytest.raises(ExportExistsError):
        uninstall(installed, "peta", export_to=target, purge=True)
    assert "peta_thing" in tables(installed)
    assert target.read_text() == "lain"


def test_who_came_to_need_it_before_it_was_alone_is_noticed(
    installed: Runtime,
    deployment: Deployment,
    workshop: Workshop,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    workshop.plugin("atas", toml='[depends]\npeta = ""\n')
    other = deployment()
    lock = lifecycle_lock

    def waits(database: Database, purpose: str) -> AbstractContextManager[None]:
        Lifecycle(other).install("atas")
        return lock(database, purpose)

    monkeypatch.setattr(removal, "lifecycle_lock", waits)
    with pytest.raises(DependentsError):
        uninstall(installed, "peta", export_to=tmp_path / "peta.zip", purge=True)
    assert "peta_thing" in tables(installed)
