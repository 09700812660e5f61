"""Settings are validated, secrets encrypted, and reading them costs a page no query."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import event, select, text, update

from core.errors import InvalidInputError, NotFoundError
from core.framework import stored
from core.framework.models import StoredSetting
from core.framework.runtime import Runtime
from core.framework.stored import forget_settings, register_core_settings, save_settings
from core.hookspecs.markers import hookimpl
from core.hookspecs.system import SettingField, SettingsSection
from core.i18n import TranslationString, _

pytestmark = pytest.mark.plugins()


def _no_clock(text: str) -> TranslationString | None:
    return None if text == "09.00" else _("Tulis jam.")


SECTION = SettingsSection(
    title=_("Uji"),
    fields=(
        SettingField("place", _("Tempat"), required=True, default="Ruang 1"),
        SettingField("hour", _("Jam"), kind="int", default=9),
        SettingField("loud", _("Keras"), kind="bool", default=False),
        SettingField(
            "mode", _("Cara"), kind="choice", default="a", choices=(("a", "A"), ("b", "B"))
        ),
        SettingField("address", _("Alamat"), kind="url"),
        SettingField("token", _("Token"), kind="secret"),
        SettingField("clock", _("Pukul"), check=_no_clock),
    ),
)


@pytest.fixture
def declared(runtime: Runtime) -> Runtime:
    @hookimpl
    def register_settings() -> SettingsSection:
        return SECTION

    runtime.hooks.register("uji", SimpleNamespace(register_settings=register_settings))
    return runtime


def save(runtime: Runtime, **values: Any) -> list[str]:
    with runtime.database.writing() as session:
        return save_settings(session, "uji", values)


def test_what_nobody_stored_has_its_declared_default(declared: Runtime) -> None:
    assert declared.plugin_settings("uji") == {
        "place": "Ruang 1",
        "hour": 9,
        "loud": False,
        "mode": "a",
        "address": "",
        "token": "",
        "clock": "",
    }
    assert declared.plugin_settings("tak_ada") == {}


def test_stored_values_have_their_type_and_are_seen_at_once(declared: Runtime) -> None:
    declared.plugin_settings("uji")
    assert save(declared, hour="10", loud="ya", mode="b", place=" Aula ") == [
        "hour",
        "loud",
        "mode",
        "place",
    ]
    settings = declared.plugin_settings("uji")
    assert (settings["hour"], settings["loud"], settings["mode"]) == (10, True, "b")
    assert settings["place"] == "Aula"
    assert save(declared, hour=10) == [], "the same value is no change"


def test_a_value_that_was_rolled_back_is_never_seen(declared: Runtime) -> None:
    with declared.database.session() as session:
        save_settings(session, "uji", {"hour": 23})
        session.rollback()
    assert declared.plugin_settings("uji")["hour"] == 9


def test_none_goes_back_to_the_default(declared: Runtime) -> None:
    save(declared, hour=10)
    save(declared, hour=None)
    assert declared.plugin_settings("uji")["hour"] == 9


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("place", "  "),
        ("hour", "sembilan"),
        ("loud", "mungkin"),
        ("mode", "c"),
        ("address", "ftp://example.org"),
        ("address", "example.org"),
        ("clock", "99.99"),
        ("tak_ada", "x"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_at_its_field(
    declared: Runtime, key: str, value: str
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        save(declared, **{key: value})
    assert caught.value.field == key


def test_settings_of_an_owner_that_declares_none_are_refused(declared: Runtime) -> None:
    with pytest.raises(NotFoundError), declared.database.writing() as session:
        save_settings(session, "lain", {"x": 1})


def test_a_secret_is_encrypted_at_rest_and_survives_an_empty_form_field(declared: Runtime) -> None:
    save(declared, token="sangat rahasia")
    with declared.database.reading() as session:
        raw = session.execute(
            text("SELECT value FROM abah_setting WHERE key = 'token'")
        ).scalar_one()
    assert "rahasia" not in raw
    assert save(declared, token="") == []
    assert declared.plugin_settings("uji")["token"] == "sangat rahasia"


def test_a_stored_value_that_no_longer_fits_counts_as_not_stored(declared: Runtime) -> None:
    save(declared, hour=10)
    with declared.database.writing() as session:
        session.execute(update(StoredSetting).values(value='"sepuluh"'))
    declared.component(stored.PluginSettings).forget()
    assert declared.plugin_settings("uji")["hour"] == 9


def test_reading_again_within_a_second_asks_no_query(declared: Runtime) -> None:
    declared.plugin_settings("uji")
    statements: list[str] = []
    event.listen(
        declared.database.engine, "before_cursor_execute", lambda *a: statements.append(str(a[2]))
    )
    declared.plugin_settings("uji")
    assert statements == []


def test_a_plugin_whose_declaration_raises_takes_nobody_along(declared: Runtime) -> None:
    @hookimpl
    def register_settings() -> SettingsSection:
        raise ZeroDivisionError

    declared.hooks.register("rusak", SimpleNamespace(register_settings=register_settings))
    assert declared.plugin_settings("uji")["hour"] == 9
    assert declared.plugin_settings("rusak") == {}


@pytest.fixture
def core_setting() -> Iterator[None]:
    register_core_settings(SettingField("uji_batas", _("Batas"), kind="int", default=5))
    yield
    del stored._core_fields["uji_batas"]


@pytest.mark.usefixtures("core_setting")
def test_rooms_of_the_core_have_settings_too(declared: Runtime) -> None:
    assert declared.plugin_settings("core")["uji_batas"] == 5


def test_a_purge_deletes_the_owners_settings_only(declared: Runtime) -> None:
    save(declared, hour=10, token="x")
    with declared.database.writing() as session:
        session.add(StoredSetting(owner="lain", key="a", value="1"))
    with declared.database.writing() as session:
        assert forget_settings(session, "uji") == 2
    with declared.database.reading() as session:
        assert session.scalars(select(StoredSetting.owner)).all() == ["lain"]
