"""A copy brings everything back, on either kind of database; nothing is lost by surprise."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from core.audit import AuditEntry, entries, record
from core.db import Database
from core.framework import portable, sqlitefile
from core.framework import restore as restoring
from core.framework.lifecycle import setup_core
from core.framework.lock import LockedError, lifecycle_lock, lock_holder
from core.framework.models import LifecycleLock, LoadedData, StoredSetting
from core.framework.portable import PortableFileError, dump_tables, read_contents
from core.framework.registry import raise_registry, registry_number
from core.framework.restore import NotEmptyError, RestoreError, backup, is_empty, restore
from core.framework.runtime import Runtime
from core.testing.fixtures import test_settings as settings_for
from tests.core.conftest import Workshop
from tests.core.framework.conftest import AT

pytestmark = pytest.mark.plugins()

Deployment = Callable[..., Runtime]
KINDS = ("sqlite", "postgresql")


@pytest.fixture(params=KINDS)
def target(request: pytest.FixtureRequest, database_factories: Any, workshop: Workshop) -> Any:
    """An empty database of either kind, with the same plugins at hand."""
    factory = database_factories(request.param)
    url = factory.empty()
    runtime = Runtime(settings_for(url, abah__plugins_path=str(workshop.folder)))
    yield runtime
    runtime.close()
    factory.drop(url)


def test_a_copy_comes_back_whole_on_either_kind_of_database(
    source: Runtime, target: Runtime, tmp_path: Path
) -> None:
    path = tmp_path / "copy.zip"
    contents = backup(source, path)
    assert contents is not None
    assert contents.rows["peta_thing"] == 1501
    assert is_empty(target.database)
    told: dict[str, int] = {}
    restore(
        target, path, progress=lambda table, rows: told.update({table: told.get(table, 0) + rows})
    )
    assert told["peta_thing"] == 1501
    with target.database.reading() as session:
        note = session.execute(text("SELECT note FROM peta_thing WHERE id = 1501")).scalar_one()
        assert note == "Ruang 1501 «ñ» \n 日本"
        (entry,) = entries(session, "uji:1")
        assert entry.details == {"a": [1, None, "ä"]}
        stored = session.get_one(StoredSetting, ("peta", "rahasia"))
        assert stored.changed_at == AT
        assert stored.is_secret is True
        unoffered = select(LoadedData.id).where(
            LoadedData.offered.is_(None), LoadedData.kind == "k"
        )
        assert len(session.scalars(unoffered).all()) == 1, "NULL stays NULL in a JSON column"
    assert rows_of(source.database) == rows_of(target.database)


def rows_of(database: Database) -> list[Any]:
    with database.reading() as session:
        found = session.execute(
            select(AuditEntry.id, AuditEntry.at, AuditEntry.action).order_by(AuditEntry.id)
        )
        return [tuple(row) for row in found]


def test_new_rows_go_on_after_the_highest_id(
    source: Runtime, target: Runtime, tmp_path: Path
) -> None:
    backup(source, tmp_path / "copy.zip")
    restore(target, tmp_path / "copy.zip")
    with target.database.writing() as session:
        highest = session.scalars(select(AuditEntry.id).order_by(AuditEntry.id.desc())).first()
        record(session, actor_id=1, action="baru", subject="uji:2")
        session.flush()
        assert entries(session, "uji:2")[0].id == (highest or 0) + 1


def test_what_was_restored_is_protected_as_before(
    source: Runtime, target: Runtime, tmp_path: Path
) -> None:
    backup(source, tmp_path / "copy.zip")
    restore(target, tmp_path / "copy.zip")
    with pytest.raises(Exception, match="append-only"), target.database.writing() as session:
        session.execute(text("DELETE FROM abah_audit"))


def test_a_database_with_data_is_only_replaced_when_told_so(
    source: Runtime, tmp_path: Path
) -> None:
    path = tmp_path / "copy.zip"
    backup(source, path)
    with source.database.writing() as session:
        record(session, actor_id=1, action="sesudah", subject="uji:2")
    with pytest.raises(NotEmptyError):
        restore(source, path)
    restore(source, path, replace=True)
    with source.database.reading() as session:
        assert entries(session, "uji:2") == []
        assert len(entries(session, "uji:1")) == 1


def test_the_lock_of_a_running_operation_is_not_brought_back(
    source: Runtime, target: Runtime, tmp_path: Path
) -> None:
    with source.database.writing() as session:
        session.add(LifecycleLock(id=1, token="x", host="h", pid=1, holder="", purpose="install"))
    backup(source, tmp_path / "copy.zip")
    restore(target, tmp_path / "copy.zip")
    with target.database.reading() as session:
        assert session.get(LifecycleLock, 1) is None


def test_nothing_is_replaced_under_a_running_operation_and_none_begins_meanwhile(
    source: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds = ("zip", "db") if source.database.dialect == "sqlite" else ("zip",)
    heard: list[str] = []
    find = restoring.targets

    def listen(*arguments: Any) -> Any:
        holder = lock_holder(source.database)
        heard.append(holder.purpose if holder else "")
        return find(*arguments)

    monkeypatch.setattr(restoring, "targets", listen)
    for kind in kinds:
        path = tmp_path / f"copy.{kind}"
        backup(source, path)
        with source.database.writing() as session:
            record(session, actor_id=1, action=kind, subject="uji:2")
        with lifecycle_lock(source.database, "install peta"), pytest.raises(LockedError):
            restore(source, path, replace=True)
        assert heard == []
        with source.database.reading() as session:
            assert [entry.action for entry in entries(session, "uji:2")] == [kind]
        restore(source, path, replace=True)
        with source.database.reading() as session:
            assert entries(session, "uji:2") == []
        assert (heard, lock_holder(source.database)) == (["restore"], None)
        heard.clear()


def rewritten(path: Path, members: Mapping[str, bytes | None] = {}, **changes: Any) -> Path:
    """Copy a zip with other contents, and with other members or without them (None)."""
    other = path.with_name("other.zip")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(other, "w") as new:
        for name in old.namelist():
            data = members.get(name, old.read(name))
            if name == "contents.json":
                data = json.dumps(json.loads(old.read(name)) | changes).encode()
            if data is not None:
                new.writestr(name, data)
    return other


def test_a_copy_of_an_unknown_revision_or_plugin_is_refused_before_anything_is_touched(
    source: Runtime, tmp_path: Path
) -> None:
    path = tmp_path / "copy.zip"
    backup(source, path)
    revisions = dict(read_contents(path).revisions)
    newer = rewritten(path, revisions=revisions | {"peta_alembic_version": "peta_0009_baru"})
    with pytest.raises(RestoreError, match="peta_0009_baru"):
        restore(source, newer, replace=True)
    foreign = rewritten(path, revisions=revisions | {"asing_alembic_version": "asing_0001"})
    with pytest.raises(RestoreError, match="asing"):
        restore(source, foreign, replace=True)
    with source.database.reading() as session:
        assert len(entries(session, "uji:1")) == 1


def test_a_copy_made_with_another_secret_key_is_refused(source: Runtime, tmp_path: Path) -> None:
    path = tmp_path / "copy.zip"
    backup(source, path)
    with pytest.raises(RestoreError, match=r"abah\.secret"):
        restore(source, rewritten(path, key_check="lain"), replace=True)


def without_roles(path: Path, rows: dict[str, int]) -> Path:
    """Take the roles out of a copy, so that permissions point to roles that are not there."""
    with zipfile.ZipFile(path) as archive:
        head = archive.read("abah_role.jsonl").splitlines(keepends=True)[0]
    return rewritten(path, {"abah_role.jsonl": head}, rows=rows | {"abah_role": 0})


DAMAGES: dict[str, Callable[[Path, dict[str, int]], Path]] = {
    "rows are missing": lambda path, rows: rewritten(path, rows=rows | {"peta_thing": 9999}),
    "a table is missing": lambda path, _rows: rewritten(path, {"peta_thing.jsonl": None}),
    "a line is cut": lambda path, _rows: rewritten(
        path, {"peta_thing.jsonl": b'["id","note","at"]\n[1,"x",null]\n[2,"y'}
    ),
    "keys point nowhere": without_roles,
}


def test_whatever_breaks_a_restore_the_old_data_are_still_there(
    source: Runtime, tmp_path: Path
) -> None:
    path = tmp_path / "copy.zip"
    backup(source, path)
    with source.database.writing() as session:
        record(session, actor_id=1, action="sesudah", subject="uji:2")
    rows = dict(read_contents(path).rows)
    for damage, make in DAMAGES.items():
        with pytest.raises(PortableFileError):
            restore(source, make(path, rows), replace=True)
        with source.database.reading() as session:
            assert len(entries(session, "uji:2")) == 1, damage


KILLED = """
import json, os, signal, sys
from pathlib import Path
from core.app import open_runtime
from core.framework.restore import restore


def progress(table, rows):
    if table == "peta_thing":
        os.kill(os.getpid(), signal.SIGKILL)


restore(open_runtime(json.loads(sys.argv[1]), plugins=()), Path(sys.argv[2]), replace=True,
        progress=progress)
"""


def test_a_restore_that_is_killed_leaves_the_old_data(source: Runtime, tmp_path: Path) -> None:
    path = tmp_path / "copy.zip"
    backup(source, path)
    with source.database.writing() as session:
        record(session, actor_id=1, action="sesudah", subject="uji:2")
    source.database.dispose()
    settings = json.dumps(dict(source.settings))
    ended = subprocess.run([sys.executable, "-c", KILLED, settings, str(path)], check=False)
    assert ended.returncode == -signal.SIGKILL
    with source.database.reading() as session:
        assert len(entries(session, "uji:2")) == 1
        assert session.execute(text("SELECT count(*) FROM peta_thing")).scalar_one() == 1501


def test_running_processes_learn_of_a_restore_from_before_their_start(
    source: Runtime, tmp_path: Path
) -> None:
    """The copy's own number, raised by one, may be the one that they have."""
    path = tmp_path / "copy.zip"
    backup(source, path)
    with source.database.writing() as session:
        known = raise_registry(session)
    restore(source, path, replace=True)
    with source.database.reading() as session:
        assert registry_number(session) > known


@pytest.mark.parametrize("content", [b"", b"bukan zip", b"PK\x03\x04rusak"])
def test_a_file_that_is_no_copy_is_refused(source: Runtime, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "copy.zip"
    path.write_bytes(content)
    with pytest.raises(PortableFileError):
        restore(source, path, replace=True)


def test_a_cut_off_copy_is_refused(source: Runtime, tmp_path: Path) -> None:
    path = tmp_path / "copy.zip"
    backup(source, path)
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(PortableFileError):
        restore(source, path, replace=True)


def test_a_copy_shows_one_moment_while_others_write(source: Runtime, tmp_path: Path) -> None:
    """What is committed after the copy began is not half in it."""
    path = tmp_path / "copy.zip"

    class Writer(dict[str, Any]):
        """Writes at the moment when the tables have been listed but not all read."""

        def items(self) -> Any:
            with source.database.writing() as session:
                session.execute(text("DELETE FROM peta_thing"))
            return super().items()

    contents = dump_tables(source.database, path, extra=Writer())
    assert contents.rows["peta_thing"] == 1501


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_nobody_else_can_read_a_copy_while_it_is_written(
    source: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "copies"
    modes: list[int] = []

    def looked_at(function: Callable[..., Any]) -> Callable[..., Any]:
        def look(*arguments: Any) -> Any:
            modes.extend(item.stat().st_mode & 0o777 for item in folder.iterdir())
            return function(*arguments)

        return look

    monkeypatch.setattr(portable, "_write_table", looked_at(portable._write_table))
    monkeypatch.setattr(sqlitefile, "_fingerprint", looked_at(sqlitefile._fingerprint))
    before = os.umask(0)
    try:
        for name in ("copy.zip", "copy.db"):
            found = len(modes)
            backup(source, folder / name)
            assert len(modes) > found
    finally:
        os.umask(before)
    assert set(modes) == {0o600}
    assert {item.name for item in folder.iterdir()} == {"copy.zip", "copy.db"}


def test_a_database_that_was_only_migrated_counts_as_empty_until_it_has_rows(
    target: Runtime,
) -> None:
    assert is_empty(target.database)
    setup_core(target)
    with target.database.writing() as session:
        record(session, actor_id=1, action="x", subject="uji:1")
    assert not is_empty(target.database)
