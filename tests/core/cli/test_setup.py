"""``abah setup``: from nothing to a running deployment, again and again with the same outcome."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from core.audit import entries
from core.db import Database
from core.framework.models import LoadedData
from core.framework.steps import on_demo
from tests.core.cli.conftest import Answer
from tests.core.conftest import Workshop

pytestmark = pytest.mark.plugins()

Abah = Callable[..., Answer]

DEMO = """
from core.api.audit import entries, record
from core.api.hooks import hookimpl


@hookimpl
def load_demo(session, progress):
    if not entries(session, "{name}:1"):
        record(session, actor_id=None, action="demo", subject="{name}:1")
        progress("{name} terisi")
    {then}
"""


@pytest.fixture
def empty(database_factories: Any, database_kind: str, make_ini: Callable[..., Path]) -> Any:
    """A configuration of an empty database that wants the plugins ``satu`` and ``dua``."""
    factory = database_factories(database_kind)
    url = factory.empty()
    yield make_ini(url, "kosong.ini", abah__plugins_install="satu dua"), url
    factory.drop(url)


def demo_of(name: str, then: str = "") -> str:
    return DEMO.format(name=name, then=then)


def test_it_is_safe_to_repeat_and_respects_what_was_disabled(
    abah: Abah, workshop: Workshop, empty: Any
) -> None:
    config, _url = empty
    workshop.plugin("satu", toml='[depends]\ntiga = ""\n')
    workshop.plugin("dua", code=demo_of("dua"))
    workshop.plugin("tiga")
    first = abah("setup", config=config)
    assert first.code == 0
    assert "Basis data siap." in first.out
    states = {
        row["name"]: row["state"] for row in abah("plugins", "list", "--json", config=config).json
    }
    assert [states[name] for name in ("satu", "dua", "tiga")] == ["installed"] * 3
    abah("plugins", "disable", "dua", config=config)
    again = abah("setup", config=config)
    assert (again.code, again.out.strip()) == (0, "Basis data siap.")
    states = {
        row["name"]: row["state"] for row in abah("plugins", "list", "--json", config=config).json
    }
    assert states["dua"] == "disabled"


def test_a_newer_plugin_is_upgraded(abah: Abah, workshop: Workshop, empty: Any) -> None:
    config, _url = empty
    workshop.plugin("satu")
    workshop.plugin("dua")
    abah("setup", config=config)
    workshop.plugin("dua", version="2.0")
    assert abah("setup", config=config).code == 0
    shown = abah("plugins", "show", "dua", "--json", config=config).json
    assert shown["installed_version"] == "2.0"


def test_tables_that_are_behind_the_code_are_migrated(
    abah: Abah, workshop: Workshop, empty: Any
) -> None:
    config, _url = empty
    workshop.plugin("satu")
    workshop.plugin("dua")
    abah("setup", config=config)
    workshop.plugin("dua", files=workshop.migration("dua", "dua_thing"))
    assert "dua" in abah("plugins", "doctor", config=config).out
    assert abah("setup", config=config).code == 0
    assert abah("plugins", "doctor", config=config).code == 0


def test_hook_load_demo_fills_in_each_plugin_once_and_accounts_are_shown(
    abah: Abah, workshop: Workshop, empty: Any
) -> None:
    config, url = empty
    workshop.plugin("satu", code=demo_of("satu"))
    workshop.plugin("dua", code=demo_of("dua"))
    answer = abah("setup", "--demo", config=config)
    assert answer.code == 0
    assert "satu terisi" in answer.out
    assert "Akun demo:" in answer.out
    assert "admin" in answer.out
    again = abah("setup", "--demo", config=config)
    assert "satu terisi" not in again.out
    assert "admin" in again.out
    database = Database(url)
    with database.reading() as session:
        assert len(entries(session, "satu:1")) == 1
    database.dispose()


def test_demo_files_of_a_manifest_are_loaded_with_the_demo_only(
    abah: Abah, workshop: Workshop, empty: Any
) -> None:
    config, url = empty
    text = '[[message_text]]\nkey = "satu.demo"\nkind = "sms"\ntitle = "Demo"\nbody = "Halo"\n'
    workshop.plugin("satu", toml='demo = ["data/demo.toml"]\n', files={"data/demo.toml": text})
    workshop.plugin("dua")
    database = Database(url)
    for words, loaded in ((["setup"], 0), (["setup", "--demo"], 1), (["setup", "--demo"], 1)):
        answer = abah(*words, config=config)
        assert answer.code == 0, answer.err
        with database.reading() as session:
            rows = session.scalars(select(LoadedData.id).where(LoadedData.owner == "satu")).all()
        assert len(rows) == loaded
    database.dispose()


def test_demo_data_that_fails_is_named_and_the_others_stay(
    abah: Abah, workshop: Workshop, empty: Any
) -> None:
    config, url = empty
    workshop.plugin("satu", code=demo_of("satu", then="1 / 0"))
    workshop.plugin("dua", code=demo_of("dua"))
    answer = abah("setup", "--demo", config=config)
    assert answer.code == 1
    assert "satu" in answer.err
    database = Database(url)
    with database.reading() as session:
        assert entries(session, "satu:1") == []
        assert len(entries(session, "dua:1")) == 1
    database.dispose()


def test_a_plugin_that_is_not_there_is_named(abah: Abah, empty: Any) -> None:
    config, _url = empty
    answer = abah("setup", config=config)
    assert answer.code == 1
    assert "satu" in answer.err


def test_registering_the_same_demo_twice_loads_it_once() -> None:
    from core.framework import steps  # noqa: PLC0415 - its registry is what is looked at

    def load(_session: Any, _progress: Any) -> tuple[()]:
        return ()

    before = dict(steps._demos)
    on_demo(load)
    on_demo(load)
    assert len(steps._demos) == len(before) + 1
    steps._demos.clear()
    steps._demos.update(before)
