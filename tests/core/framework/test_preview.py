"""What an install would change is told whole, and nothing of it happens."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import inspect, select

from core.db.migrate import MigrationError
from core.framework import datafiles
from core.framework.datafiles import DataFileError
from core.framework.lifecycle import Lifecycle
from core.framework.models import LoadedData
from core.framework.preview import InstallPreview, preview_install
from core.framework.runtime import Runtime
from core.messaging.models import MessageText
from tests.core.conftest import Workshop

pytestmark = pytest.mark.plugins()

Deployment = Callable[..., Runtime]

TEXT = """
[[message_text]]
key = "peta.sapa"
title = "Sapaan"
body = "{body}"
"""
KIND = """
from sqlalchemy import text

from core.api.settings import DataKind, register_data_kind


class Colour(DataKind):
    def parse(self, table):
        return table.text("key", required=True), {}

    def current(self, session, external_ids):
        rows = session.execute(text("SELECT note FROM peta_thing"))
        return {row.note: {} for row in rows}

    def write(self, session, owner, entries):
        for key in entries:
            session.execute(text("INSERT INTO peta_thing (note) VALUES (:note)"), {"note": key})

    def remove(self, session, external_ids):
        session.execute(text("DELETE FROM peta_thing"))


register_data_kind("warna", Colour())
"""


def preview(runtime: Runtime, name: str) -> InstallPreview:
    lifecycle = Lifecycle(runtime)
    planned = lifecycle.plan(name) or lifecycle.plan_upgrade(name)
    return preview_install(runtime, planned)[-1]


def test_data_are_compared_and_nothing_is_kept(deployment: Deployment, workshop: Workshop) -> None:
    toml = 'data = ["data/a.toml"]\n'
    home = workshop.plugin("peta", toml=toml, files={"data/a.toml": TEXT.format(body="Halo")})
    runtime = deployment()
    found = preview(runtime, "peta")
    assert found.data is not None
    assert found.data.created == ["message_text:peta.sapa:id"]
    with runtime.database.reading() as session:
        assert session.scalar(select(MessageText.id).where(MessageText.key == "peta.sapa")) is None
        assert session.scalar(select(LoadedData.id).where(LoadedData.owner == "peta")) is None
    Lifecycle(runtime).install("peta")
    workshop.write(home / "data" / "a.toml", TEXT.format(body="Selamat pagi"))
    found = preview(runtime, "peta")
    assert found.data is not None
    assert found.data.updated == ["message_text:peta.sapa:id"]
    with runtime.database.reading() as session:
        text = session.scalars(select(MessageText).where(MessageText.key == "peta.sapa")).one()
        assert text.body == "Halo"


def test_a_plugin_may_bring_its_own_kind_of_data_with_its_own_table(
    deployment: Deployment, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datafiles, "_kinds", dict(datafiles._kinds))
    workshop.plugin(
        "peta",
        toml='data = ["data/a.toml"]\n',
        code=KIND,
        files={
            **workshop.migration("peta", "peta_thing"),
            "data/a.toml": '[[warna]]\nkey = "merah"\n',
        },
    )
    runtime = deployment()
    found = preview(runtime, "peta")
    assert (found.loads, found.data) == (["warna:merah"], None), "its table comes first"
    assert [number for number, _title in found.migrations] == ["peta_0001_base"]
    assert not inspect(runtime.database.engine).has_table("peta_thing")
    Lifecycle(runtime).install("peta")
    found = preview(runtime, "peta")
    assert found.data is not None
    assert found.data.unchanged == ["warna:merah"]


def test_what_would_fail_is_told_beforehand(deployment: Deployment, workshop: Workshop) -> None:
    files = workshop.migration("peta", "peta_thing")
    home = workshop.plugin("peta", toml='data = ["a.toml"]\n', files={**files, "a.toml": ""})
    runtime = deployment()
    Lifecycle(runtime).install("peta")
    workshop.write(home / "a.toml", "[[entah]]\n")
    with pytest.raises(DataFileError, match="entah"):
        preview(runtime, "peta")
    (path,) = files
    newer = (home / path).rename(home / "migrations" / "peta_0002_other.py")
    workshop.write(newer, newer.read_text().replace("peta_0001_base", "peta_0002_other"))
    with pytest.raises(MigrationError, match="peta_0001_base"):
        preview(runtime, "peta")
