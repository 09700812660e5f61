"""What an uninstall exported comes back whole when the plugin is installed again, or not at all."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    JSON,
    Boolean,
    Date,
    DateTime,
    LargeBinary,
    Numeric,
    bindparam,
    inspect,
    select,
    text,
)

from core.db import UTCDateTime
from core.errors import AbahError
from core.framework import importing
from core.framework.filling import MissingTargetError
from core.framework.importing import DataExistError, ExportRefusedError, load_export, read_export
from core.framework.journal import history
from core.framework.lifecycle import Lifecycle
from core.framework.models import PluginRow, StoredSetting
from core.framework.portable import PortableFileError, RestoreError
from core.framework.preview import preview_install
from core.framework.removal import uninstall
from core.framework.restore import backup
from core.framework.resuming import interrupted, resume
from core.framework.runtime import Runtime
from core.messaging.models import MessageText
from core.testing.fixtures import test_settings as settings_for
from core.testing.people import People
from tests.core.conftest import Workshop

pytestmark = pytest.mark.plugins()

Deployment = Callable[..., Runtime]

BASE = """
    import sqlalchemy as sa
    from alembic import op

    revision = "peta_0001_base"
    down_revision = None


    def upgrade():
        op.create_table(
            "peta_kind",
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("name", sa.Text, nullable=False),
        )
        op.execute("INSERT INTO peta_kind (id, name) VALUES (1, 'bawaan')")
        op.create_table(
            "peta_thing",
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("after_id", sa.Integer, sa.ForeignKey("peta_thing.id")),
            sa.Column("kind_id", sa.Integer, sa.ForeignKey("peta_kind.id"), nullable=False),
            sa.Column("user_id", sa.BigInteger, sa.ForeignKey("abah_user.id")),
            sa.Column("note", sa.Text, nullable=False, unique=True),
            sa.Column("day", sa.Date),
            sa.Column("at", sa.DateTime(timezone=True)),
            sa.Column("local", sa.DateTime),
            sa.Column("price", sa.Numeric(12, 2)),
            sa.Column("raw", sa.LargeBinary),
            sa.Column("facts", sa.JSON),
            sa.Column("good", sa.Boolean),
        )


    def downgrade():
        op.drop_table("peta_thing")
        op.drop_table("peta_kind")
"""
LENGTH = """
    import sqlalchemy as sa
    from alembic import op

    revision = "peta_0002_length"
    down_revision = "peta_0001_base"


    def upgrade():
        op.add_column("peta_thing", sa.Column("length", sa.Integer))
        op.execute("UPDATE peta_thing SET length = length(note)")


    def downgrade():
        op.drop_column("peta_thing", "length")
"""
TEXT = """
[[message_text]]
key = "peta.{key}"
title = "Sapaan"
body = "{body}"
"""
COLUMNS: Mapping[str, Any] = {
    "day": Date(),
    "at": UTCDateTime(),
    "local": DateTime(),
    "price": Numeric(12, 2),
    "raw": LargeBinary(),
    "facts": JSON(none_as_null=True),
    "good": Boolean(),
}
VALUES: Mapping[str, Any] = {
    "day": date(2018, 11, 30),
    "at": datetime(2018, 11, 30, 5, 53, 19, 123456, tzinfo=UTC),
    "local": datetime(2018, 11, 30, 12, 53, 19),  # noqa: DTZ001 - a column without zone
    "price": Decimal("1234567890.12"),
    "raw": bytes(range(256)),
    "facts": {"a": [1, None, "ä"], "$at": {"b": 0.5}},
    "good": True,
}
ROWS = 1200


def plugin(workshop: Workshop, *, version: str = "1.0", body: str = "Halo") -> None:
    files = {"migrations/peta_0001_base.py": BASE}
    if version != "1.0":
        files["migrations/peta_0002_length.py"] = LENGTH
    entries = [TEXT.format(key=key, body=body) for key in ("sapa", "pamit")]
    files["data/a.toml"] = "".join(entries)
    workshop.plugin("peta", version=version, toml='data = ["data/a.toml"]\n', files=files)


def fill(runtime: Runtime, **values: Any) -> None:
    """Give it a kind of its own and things in a chain that begins at the last of them."""
    statement = text(
        "INSERT INTO peta_thing (id, after_id, kind_id, user_id, note, day, at, local, price, raw,"
        " facts, good) VALUES (:id, :after_id, 7, :user_id, :note, :day, :at, :local, :price, :raw,"
        " :facts, :good)"
    )

    statement = statement.bindparams(
        *(bindparam(name, type_=kind) for name, kind in COLUMNS.items())
    )
    empty = dict.fromkeys([*COLUMNS, "user_id"])
    rows: list[dict[str, Any]] = [
        {**empty, "id": number, "after_id": number + 1, "note": f"catatan {number}"}
        for number in range(ROWS, 0, -1)
    ]
    rows[0]["after_id"] = None
    rows[-1] |= {**VALUES, **values}
    with runtime.database.writing() as session:
        session.execute(text("INSERT INTO peta_kind (id, name) VALUES (7, 'sendiri')"))
        session.execute(text("UPDATE peta_kind SET name = 'diubah' WHERE id = 1"))
        session.execute(statement, rows)
        session.add(StoredSetting(owner="peta", key="warna", value='"merah"'))
        sapa = session.scalars(select(MessageText).where(MessageText.key == "peta.sapa")).one()
        sapa.body = "Salam dari Admin"


@pytest.fixture
def export(deployment: Deployment, workshop: Workshop, tmp_path: Path) -> Path:
    """What a purge of version 1.0 wrote."""
    plugin(workshop)
    runtime = deployment()
    Lifecycle(runtime).install("peta")
    fill(runtime)
    path = tmp_path / "peta.zip"
    uninstall(runtime, "peta", export_to=path, purge=True)
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def target(request: pytest.FixtureRequest, database_factories: Any, workshop: Workshop) -> Any:
    """A deployment of either kind in which the plugin was never installed."""
    factory = database_factories(request.param)
    url = factory.copy(())
    runtime = Runtime(settings_for(url, abah__plugins_path=str(workshop.folder)))
    yield runtime
    runtime.close()
    factory.drop(url)


def rewritten(path: Path, change: Callable[[str, bytes], bytes | None]) -> Path:
    """Give a copy of a zip whose members went through ``change``; None leaves one out."""
    made = path.with_name("ubah.zip")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            content = change(name, old.read(name))
            if content is not None:
                new.writestr(name, content)
    return made


def with_table(path: Path, table: str) -> Path:
    """Give a copy of an export that brings rows of one more table."""
    facts = json.loads(zipfile.ZipFile(path).read("contents.json"))
    changed = contents(path, rows=facts["rows"] | {table: 0})
    with zipfile.ZipFile(changed, "a") as archive:
        archive.writestr(f"{table}.jsonl", '["id"]\n')
    return changed


def contents(path: Path, **changes: Any) -> Path:
    return rewritten(
        path,
        lambda name, old: (
            json.dumps(json.loads(old) | changes).encode() if name == "contents.json" else old
        ),
    )


def load(runtime: Runtime, path: Path) -> None:
    """Do what the step of an install does, without the rest of it."""
    (planned,) = Lifecycle(runtime).plan("peta")
    found = read_export(runtime, path, planned.manifest)
    load_export(
        runtime,
        found,
        planned.manifest,
        finish=lambda _session: None,
        progress=lambda _table, _rows: None,
    )


def test_an_old_export_comes_back_whole_and_passes_through_the_migrations_since(
    export: Path, target: Runtime, workshop: Workshop
) -> None:
    plugin(workshop, version="1.1", body="Selamat pagi")
    told: list[int] = []
    lifecycle = Lifecycle(target, rows=lambda _table, rows: told.append(rows))
    planned = lifecycle.plan("peta")
    found = lifecycle.read_export(planned, "peta", export=export)
    (preview,) = preview_install(target, planned, found)
    assert preview.as_dict()["rows"] == {"peta_kind": 2, "peta_thing": ROWS}
    assert not inspect(target.database.engine).has_table("peta_thing")
    lifecycle.install("peta", export=export)
    assert sum(told) == ROWS + 2
    assert max(told) <= 1000, "never all of it at once"
    with target.database.writing() as session:
        typed = text("SELECT * FROM peta_thing WHERE id = 1").columns(**COLUMNS)
        row = session.execute(typed).one()._asdict()
        assert {name: row[name] for name in VALUES} == VALUES
        query = text("SELECT count(*), count(facts), max(after_id) FROM peta_thing")
        assert session.execute(query).one() == (ROWS, 1, ROWS), "NULL stays NULL"
        query = text(
            "SELECT count(*) FROM peta_thing JOIN peta_kind ON kind_id = peta_kind.id "
            "WHERE name = 'sendiri' AND peta_thing.length = length(note)"
        )
        assert session.scalar(query) == ROWS
        assert session.scalar(text("SELECT name FROM peta_kind WHERE id = 1")) == "diubah"
        added = text("INSERT INTO peta_thing (kind_id, note) VALUES (1, 'baru') RETURNING id")
        assert session.scalar(added) == ROWS + 1
        assert session.get_one(StoredSetting, ("peta", "warna")).value == '"merah"'
        texts = select(MessageText.key, MessageText.body).where(MessageText.key.like("peta.%"))
        assert {row.key: row.body for row in session.execute(texts)} == {
            "peta.sapa": "Salam dari Admin",
            "peta.pamit": "Selamat pagi",
        }
        assert session.get_one(PluginRow, "peta").version == "1.1"
    with pytest.raises(Exception, match=r"(?i)foreign key"), target.database.writing() as session:
        session.execute(text("UPDATE peta_thing SET after_id = 99999 WHERE id = 1"))


def test_rows_of_the_core_that_are_missing_are_named_and_nothing_is_loaded(
    deployment: Deployment, workshop: Workshop, tmp_path: Path
) -> None:
    plugin(workshop)
    runtime = deployment()
    Lifecycle(runtime).install("peta")
    user = People(runtime).petugas().id
    fill(runtime, user_id=user)
    for path in (tmp_path / "peta.zip", tmp_path / "lagi.zip"):
        uninstall(runtime, "peta", export_to=path, purge=True)
        if path.name == "peta.zip":
            Lifecycle(runtime).install("peta", export=path)
            with runtime.database.reading() as session:
                assert session.scalar(text("SELECT user_id FROM peta_thing WHERE id = 1")) == user
    with runtime.database.writing() as session:
        session.execute(text("DELETE FROM abah_user_role"))
        session.execute(text("DELETE FROM abah_user"))
    with pytest.raises(MissingTargetError, match=f"abah_user.*id: {user}"):
        Lifecycle(runtime).install("peta", export=path)
    assert not inspect(runtime.database.engine).has_table("peta_thing")
    with runtime.database.reading() as session:
        assert "abah_user" in session.get_one(PluginRow, "peta").error


def test_a_file_that_does_not_fit_is_refused_with_its_reason(
    export: Path, deployment: Deployment, workshop: Workshop, tmp_path: Path
) -> None:
    workshop.plugin("peta_luas")
    runtime = deployment()

    def spoil(*, member: str, old: bytes, new: bytes) -> Path:
        return rewritten(export, lambda name, was: was.replace(old, new) if name == member else was)

    whole = tmp_path / "semua.zip"
    backup(runtime, whole)
    torn = tmp_path / "sobek.zip"
    torn.write_bytes(export.read_bytes()[:-200])
    things = "peta_thing.jsonl"
    for path, match in (
        (tmp_path / "hilang.zip", "hilang.zip"),
        (torn, "sobek.zip"),
        (whole, r"abah db restore semua\.zip"),
        (contents(export, plugin="lain"), r"plugin lain.*--from ubah\.zip"),
    ):
        with pytest.raises((PortableFileError, ExportRefusedError), match=match):
            load(runtime, path)
    for table in ("abah_user_role", "peta_luas_thing"):
        with pytest.raises(ExportRefusedError, match=f"{table}, yang bukan milik plugin peta"):
            load(runtime, with_table(export, table))
    for member, old, new in (
        ("settings.json", b'"key"', b'"kunci"'),
        ("loaded.json", b'"kind"', b'"jenis"'),
        ("data.json", b"{", b"[{"),
    ):
        path = rewritten(
            export,
            lambda name, was, member=member, old=old, new=new: (  # type: ignore[misc]
                was.replace(old, new, 1) + (b"]" if new == b"[{" else b"")
                if name == member
                else was
            ),
        )
        with pytest.raises(PortableFileError, match=member):
            load(runtime, path)
    newer = {"revisions": {"peta_alembic_version": "peta_0009_x"}}
    for changes, match in (
        ({"version": "1.1"}, r"versi 1\.1.*1\.0"),
        (newer, "peta_0009_x"),
        ({"key_check": "lain"}, r"abah\.secret"),
    ):
        with pytest.raises(RestoreError, match=match):
            load(runtime, contents(export, **changes))
    for old, new, match in (
        (b'"catatan 9"', b'"catatan 9', f"{things} baris 10 "),
        (b'"catatan 9"', b"null", f"{things} baris 10 "),
        (b'"catatan 9"', b'"catatan 8"', f"{things} baris 10 "),
        (b"\n[9,10,7,", b'\n[9,"x",7,', things),
        (b'"catatan 9"', b'"lain"', f"{things} bukan lagi"),
        (b"\n[9,10,7,", b"\n[9,10,8,", "peta_thing"),
    ):
        path = spoil(member=things, old=old, new=new)
        with pytest.raises(PortableFileError, match=match):
            load(runtime, path)
        assert not inspect(runtime.database.engine).has_table("peta_thing"), match
    path = spoil(member=things, old=b"\n[9,10,7,", new=b"\n[9,10,8,")
    unsummed = contents(path.rename(tmp_path / "a.zip"), checksums={})
    with pytest.raises(PortableFileError, match="peta_thing menunjuk ke data yang tidak ada"):
        load(runtime, unsummed)
    Lifecycle(runtime).install("peta", export=export)
    with pytest.raises(AbahError, match=r"sudah terpasang.*--purge"):
        Lifecycle(runtime).install("peta", export=export)
    uninstall(runtime, "peta")
    with pytest.raises(DataExistError, match="uninstall peta --purge"):
        Lifecycle(runtime).install("peta", export=export)


def test_what_broke_off_after_the_rows_does_not_load_them_again(
    export: Path, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = deployment()

    def stop(_plugin: str, step: str) -> None:
        if step == "migrate":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Lifecycle(runtime, progress=stop).install("peta", export=export)
    (operation,) = interrupted(runtime)
    assert "load" in operation.done
    with monkeypatch.context() as patched:
        patched.setattr(importing, "fill_tables", None)
        with pytest.raises(KeyboardInterrupt):
            resume(runtime, operation, progress=stop)
        (operation,) = interrupted(runtime)
        resume(runtime, operation)
    with runtime.database.reading() as session:
        assert session.scalar(text("SELECT count(*) FROM peta_thing")) == ROWS
        steps = [entry.step for entry in history(session, "peta") if entry.operation == "install"]
        assert steps.count("load") == 2, "begun once and done once"
