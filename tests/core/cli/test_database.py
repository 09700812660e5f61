"""``abah db``: migrations for everybody, a check that finds drift, copies that come back."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect, text

from core.db import Database
from tests.core.cli.conftest import Answer
from tests.core.conftest import Workshop

pytestmark = pytest.mark.plugins()

Abah = Callable[..., Answer]

MODELS = """
from sqlalchemy.orm import Mapped, mapped_column

from core.api.db import Base, BigId


class Thing(Base):
    __tablename__ = "{name}_thing"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    note: Mapped[str]
"""


@pytest.fixture
def other(
    request: pytest.FixtureRequest,
    database_factories: Any,
    database_kind: str,
    make_ini: Callable[..., Path],
) -> Any:
    """A configuration of a second, empty database of the same kind."""
    factory = database_factories(database_kind)
    url = factory.empty()
    yield make_ini(url, "lain.ini")
    factory.drop(url)


def test_a_copy_travels_from_one_database_to_another(
    abah: Abah, workshop: Workshop, other: Path, tmp_path: Path
) -> None:
    workshop.plugin("peta", files=workshop.migration("peta", "peta_thing"))
    abah("plugins", "install", "peta")
    path = tmp_path / "salinan.zip"
    made = abah("db", "backup", str(path))
    assert made.code == 0
    assert str(path) in made.out
    restored = abah("db", "restore", str(path), config=other)
    assert (restored.code, restored.err) == (0, "")
    rows = abah("plugins", "list", "--json", config=other).json
    assert {row["name"]: row["state"] for row in rows}["peta"] == "installed"
    refused = abah("db", "restore", str(path), config=other)
    assert refused.code == 1
    assert "--replace" in refused.err


def test_replacing_asks_first(abah: Abah, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "salinan.zip"
    abah("db", "backup", str(path))
    written = path.read_bytes()
    monkeypatch.setattr("sys.stdin", io.StringIO("tidak\n"))
    assert abah("db", "backup", str(path)).code == 1
    assert path.read_bytes() == written
    assert abah("db", "backup", str(path), "--yes").code == 0
    monkeypatch.setattr("sys.stdin", io.StringIO("tidak\n"))
    assert abah("db", "restore", str(path), "--replace").code == 1
    monkeypatch.setattr("sys.stdin", io.StringIO("ya\n"))
    assert abah("db", "restore", str(path), "--replace").code == 0
    assert abah("db", "restore", str(path), "--replace", "-y").code == 0


def test_a_copy_without_a_name_lands_in_the_working_folder(
    abah: Abah, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert abah("db", "backup").code == 0
    assert len(list(tmp_path.glob("abah-*.zip"))) == 1


def test_upgrade_brings_the_core_and_every_installed_plugin_up_to_date(
    abah: Abah, workshop: Workshop, database_url: Any
) -> None:
    workshop.plugin("peta")
    abah("plugins", "install", "peta")
    workshop.plugin("peta", version="1.1", files=workshop.migration("peta", "peta_thing"))
    answer = abah("db", "upgrade")
    assert answer.code == 0
    assert "core, peta" in answer.out
    database = Database(database_url)
    assert "peta_thing" in inspect(database.engine).get_table_names()
    database.dispose()


def test_a_revision_is_written_from_the_models_with_a_readable_id(
    abah: Abah, workshop: Workshop, database_kind: str
) -> None:
    # A name of its own per kind, because mapped classes stay in the process; ids have 32 letters.
    name = f"gbr{database_kind}"
    home = workshop.plugin(name, files={"models.py": MODELS.format(name=name)})
    before = abah("db", "check", "--json")
    assert before.code == 0, "nothing is installed, so nothing can differ"
    answer = abah("db", "revision", name, "-m", "base tables")
    assert answer.code == 0
    path = home / "migrations" / f"{name}_0001_base_tables.py"
    body = path.read_text()
    assert f'revision = "{name}_0001_base_tables"' in body
    assert f"{name}_thing" in body
    assert "abah_" not in body, "no other owner's table is touched"
    assert abah("plugins", "install", name).code == 0
    assert abah("db", "check").code == 0
    assert abah("db", "revision", "tidak_ada", "-m", "x").code == 1


def test_the_check_finds_what_models_and_database_say_differently(
    abah: Abah, workshop: Workshop, database_url: Any, database_kind: str
) -> None:
    name = f"lukis{database_kind}"
    workshop.plugin(name, files={"models.py": MODELS.format(name=name)})
    made = abah("db", "revision", name, "-m", "base")
    assert made.code == 0, made.err
    abah("plugins", "install", name)
    database = Database(database_url)
    with database.writing() as session:
        session.execute(text(f"ALTER TABLE {name}_thing ADD COLUMN lebih TEXT"))
    database.dispose()
    answer = abah("db", "check", "--json")
    assert answer.code == 1
    assert answer.json == [
        {
            "database": database_kind,
            "owner": name,
            "problem": f"remove_column {name}_thing lebih",
        }
    ]


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_the_check_on_fresh_databases_covers_both_kinds(abah: Abah, workshop: Workshop) -> None:
    workshop.plugin(
        "sulam",
        files={
            "models.py": MODELS.format(name="sulam"),
            **workshop.migration("sulam", "sulam_lain"),
        },
    )
    answer = abah("db", "check", "--fresh", "--json")
    assert answer.err == ""
    assert answer.code == 1
    found = {(row["database"], row["problem"]) for row in answer.json if row["owner"] == "sulam"}
    assert {
        ("sqlite", "add_table sulam_thing"),
        ("postgresql", "add_table sulam_thing"),
        ("sqlite", "remove_table sulam_lain"),
        ("postgresql", "remove_table sulam_lain"),
    } <= found
