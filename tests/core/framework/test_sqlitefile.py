"""A copy of SQLite's own file, and bringing it back."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from core.audit import record
from core.errors import AbahError
from core.framework.portable import PortableFileError
from core.framework.registry import raise_registry, registry_number
from core.framework.restore import RestoreError, backup, restore
from core.framework.runtime import Runtime

pytestmark = pytest.mark.plugins()


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_sqlite_is_copied_as_a_file_while_it_is_in_use(source: Runtime, tmp_path: Path) -> None:
    path = tmp_path / "copy.db"
    with source.database.writing() as session:
        record(session, actor_id=1, action="belum", subject="uji:9")
        session.flush()
        assert backup(source, path) is None
        session.rollback()
    with sqlite3.connect(path) as copy:
        assert copy.execute("SELECT count(*) FROM peta_thing").fetchone() == (1501,)
        assert copy.execute(
            "SELECT count(*) FROM abah_audit WHERE action = 'belum'"
        ).fetchone() == (0,)
    copy.close()
    with source.database.writing() as session:
        session.execute(text("DELETE FROM peta_thing"))
    restore(source, path, replace=True)
    with source.database.reading() as session:
        assert session.execute(text("SELECT count(*) FROM peta_thing")).scalar_one() == 1501


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_a_sqlite_file_is_looked_at_as_closely_as_a_zip(source: Runtime, tmp_path: Path) -> None:
    """Damaged, of something else, too new, with orphans, or of another key: nothing is touched."""

    def changed(*statements: str, marked: bool = True) -> Path:
        path = tmp_path / "copy.db"
        backup(source, path)
        with closing(sqlite3.connect(path)) as copy, copy:
            for statement in statements:
                copy.execute(statement)
            if not marked:
                copy.execute("PRAGMA user_version=0")
        return path

    def refused(error: type[AbahError], match: str, path: Path) -> None:
        with pytest.raises(error, match=match):
            restore(source, path, replace=True)
        with source.database.reading() as session:
            assert session.execute(text("SELECT count(*) FROM peta_thing")).scalar_one() == 1501

    gone = "DROP TABLE abah_alembic_version"
    refused(PortableFileError, "bukan basis data abah", changed("DELETE FROM peta_thing", gone))
    newer = "UPDATE peta_alembic_version SET version_num = 'peta_0009_baru'"
    refused(RestoreError, "peta_0009_baru", changed("DELETE FROM peta_thing", newer))
    refused(
        PortableFileError, "abah_role", changed("DELETE FROM peta_thing", "DELETE FROM abah_role")
    )
    # "x" is nothing that this key has encrypted.
    refused(RestoreError, r"abah\.secret", changed("DELETE FROM peta_thing", marked=False))
    other = Runtime({**source.settings, "abah.secret": "another-" * 8})
    backup(other, tmp_path / "copy.db")
    other.close()
    refused(RestoreError, r"abah\.secret", tmp_path / "copy.db")
    damaged = bytearray(changed().read_bytes())
    damaged[4096:8192] = b"\xff" * 4096
    (tmp_path / "copy.db").write_bytes(bytes(damaged))
    refused(PortableFileError, "rusak", tmp_path / "copy.db")
    with source.database.writing() as session:
        known = raise_registry(session)
    restore(source, changed(), replace=True)
    assert list(tmp_path.glob("copy.db*")) == [tmp_path / "copy.db"]
    with source.database.reading() as session:
        assert registry_number(session) > known


@pytest.mark.parametrize("database_kind", ["postgresql"])
def test_a_file_of_sqlite_is_no_copy_of_postgresql(source: Runtime, tmp_path: Path) -> None:
    with pytest.raises(RestoreError):
        backup(source, tmp_path / "copy.db")
