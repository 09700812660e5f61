"""``abah settings``: stored settings, validated, secrets never shown."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest

from core.audit import entries
from core.db import Database
from tests.core.cli.conftest import Answer
from tests.core.conftest import Workshop

pytestmark = pytest.mark.plugins()

Abah = Callable[..., Answer]

CODE = """
from core.api.hooks import SettingField, SettingsSection, hookimpl
from core.api.text import _


@hookimpl
def register_settings():
    return SettingsSection(
        title=_("Peta"),
        fields=(
            SettingField("hour", _("Jam"), kind="int", default=9),
            SettingField("token", _("Token"), kind="secret"),
        ),
    )
"""


@pytest.fixture
def peta(abah: Abah, workshop: Workshop) -> Abah:
    workshop.plugin("peta", code=CODE)
    assert abah("plugins", "install", "peta").code == 0
    return abah


def values(abah: Abah) -> dict[str, Any]:
    return {row["key"]: row["value"] for row in abah("settings", "list", "peta", "--json").json}


def test_a_value_is_set_and_taken_back(peta: Abah, database_url: Any) -> None:
    assert values(peta) == {"hour": 9, "token": ""}
    assert peta("settings", "set", "peta", "hour", "10").out.strip() == "Pengaturan disimpan."
    assert peta("settings", "set", "peta", "hour", "10").out.strip() == "Tidak ada yang berubah."
    assert values(peta)["hour"] == 10
    peta("settings", "unset", "peta", "hour")
    assert values(peta)["hour"] == 9
    database = Database(database_url)
    with database.reading() as session:
        assert [entry.details for entry in entries(session, "settings:peta")] == [
            {"keys": ["hour"]}
        ] * 2
    database.dispose()


def test_a_secret_can_be_typed_and_is_never_shown(
    peta: Abah, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("sangat rahasia\n"))
    monkeypatch.setattr("click.termui.hidden_prompt_func", lambda _text: "sangat rahasia")
    assert peta("settings", "set", "peta", "token").code == 0
    assert values(peta)["token"] == "•••"
    assert "rahasia" not in peta("settings", "list").out


@pytest.mark.parametrize(
    "words",
    [
        ("set", "peta", "hour", "sembilan"),
        ("set", "peta", "jam", "9"),
        ("set", "lain", "hour", "9"),
        ("unset", "peta", "jam"),
        ("list", "lain"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_reason(peta: Abah, words: tuple[str, ...]) -> None:
    answer = peta("settings", *words)
    assert answer.code == 1
    assert len(answer.err.strip().splitlines()) == 1
