"""Setelan: every kind of setting on a form, secrets that never come back, one change for all."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select, text
from webtest import TestApp

from core.app import open_runtime
from core.audit import entries
from core.framework.models import StoredSetting
from core.framework.runtime import Runtime
from core.framework.stored import CACHE_SECONDS, save_settings
from core.hookspecs.system import SettingField, SettingsSection
from core.i18n import TranslationString, _
from core.testing.people import People
from tests.core.framework.listening import answer

pytestmark = pytest.mark.plugins()

SECRET = "rahasia-kantor-7"


def _no_clock(value: str) -> TranslationString | None:
    return None if ":" in value else _("Tulis jam seperti 09:00.")


SECTION = SettingsSection(
    title=_("Uji coba"),
    fields=(
        SettingField("data", _("Tempat"), required=True, default="Ruang 1", hint=_("Gedung A")),
        SettingField("isi", _("Isi"), kind="textarea"),
        SettingField("batas", _("Batas"), kind="int", default=9),
        SettingField("keras", _("Keras"), kind="bool", default=True),
        SettingField(
            "cara", _("Cara"), kind="choice", default="a", choices=(("a", "Satu"), ("b", "Dua"))
        ),
        SettingField("alamat", _("Alamat"), kind="url"),
        SettingField("jam", _("Jam"), check=_no_clock),
        SettingField("pin", _("PIN"), kind="secret", required=True),
    ),
)


@pytest.fixture
def page(
    runtime: Runtime, app: TestApp, people: People, sign_in: Callable[[TestApp, int], None]
) -> Callable[[], Any]:
    """Give the form of the section, opened anew by an Admin."""
    answer(runtime, register_settings=lambda: SECTION)
    sign_in(app, people.admin().id)
    return lambda: form_of(app.get("/setelan/uji"))


def form_of(page: Any) -> Any:
    return next(form for form in page.forms.values() if "version" in form.fields)


def stored(runtime: Runtime) -> set[str]:
    with runtime.database.reading() as session:
        return set(session.scalars(select(StoredSetting.key).where(StoredSetting.owner == "uji")))


def test_only_an_admin_changes_settings(
    runtime: Runtime, app: TestApp, people: People, sign_in: Callable[[TestApp, int], None]
) -> None:
    answer(runtime, register_settings=lambda: SECTION)
    sign_in(app, people.pimpinan().id)
    assert "Setelan" not in app.get("/profilku")
    for path in ("/setelan", "/setelan/uji"):
        app.get(path, status=403)
    sign_in(app, people.admin().id)
    listed = app.get("/profilku").click("Setelan", index=0)
    assert "Uji coba" in listed.click("Uji coba")
    app.get("/setelan/lain", status=404)


def test_what_was_changed_is_stored_and_nothing_else(
    runtime: Runtime, app: TestApp, page: Callable[[], Any]
) -> None:
    form = page()
    assert (form["set_data"].value, form["set_keras"].checked) == ("Ruang 1", True)
    form["secret_pin"] = SECRET
    form["set_batas"] = "12"
    form["set_keras"] = False
    form["set_cara"] = "b"
    form["set_isi"] = "satu\r\ndua"
    answered = form.submit().follow()
    assert "sudah disimpan" in answered
    assert stored(runtime) == {"pin", "batas", "keras", "cara", "isi"}
    assert runtime.plugin_settings("uji") == {
        "data": "Ruang 1",
        "isi": "satu\ndua",
        "batas": 12,
        "keras": False,
        "cara": "b",
        "alamat": "",
        "jam": "",
        "pin": SECRET,
    }
    form = page()
    form["set_batas"] = ""
    form.submit()
    assert runtime.plugin_settings("uji")["batas"] == 9, "an empty number is the default again"
    assert "Tidak ada yang berubah" in page().submit().follow()


def test_a_secret_is_seen_nowhere_but_by_its_plugin(
    runtime: Runtime, app: TestApp, page: Callable[[], Any], caplog: pytest.LogCaptureFixture
) -> None:
    form = page()
    form["secret_pin"] = SECRET
    form["set_batas"] = "banyak"
    refused = form.submit(status=422)
    assert SECRET not in refused, "what was typed is not sent back either"
    form = form_of(refused)
    form["secret_pin"] = SECRET
    form["set_batas"] = "3"
    answered = form.submit().follow()
    assert SECRET not in answered
    assert "Tersimpan; kosongkan untuk membiarkan." in answered
    page().submit()
    assert runtime.plugin_settings("uji")["pin"] == SECRET, "an empty field leaves it"
    with runtime.database.reading() as session:
        kept = session.execute(text("SELECT value FROM abah_setting")).scalars().all()
        (entry,) = entries(session, "settings:uji")
        assert entry.details == {"keys": ["batas", "pin"]}
        assert entry.actor_id is not None
    assert SECRET not in str(kept)
    assert SECRET not in caplog.text
    form = page()
    form["version"] = "lama"
    form["secret_pin"] = SECRET
    conflict = form.submit(headers={"Origin": "http://localhost:80"}, status=409)
    assert SECRET not in conflict


def test_a_secret_that_is_wanted_can_be_replaced_but_not_removed(
    runtime: Runtime, page: Callable[[], Any]
) -> None:
    assert "harus diisi" in page().submit(status=422)
    with runtime.database.writing() as session:
        save_settings(session, "uji", {"pin": SECRET})
    form = page()
    form["remove_secret_pin"] = True
    assert "harus diisi" in form.submit(status=422)
    form["secret_pin"] = "baru"
    assert "jangan keduanya" in form.submit(status=422)
    form["remove_secret_pin"] = False
    form.submit(status=303)
    assert runtime.plugin_settings("uji")["pin"] == "baru"


def test_a_secret_of_another_key_is_replaced_without_being_read(
    settings: dict[str, Any], page: Callable[[], Any], runtime: Runtime
) -> None:
    other = open_runtime(settings | {"abah.secret": "another-key-0123456789abcdefghijkl"})
    answer(other, register_settings=lambda: SECTION)
    with other.database.writing() as session:
        save_settings(session, "uji", {"pin": SECRET})
    other.close()
    form = page()
    form["secret_pin"] = "baru"
    form.submit(status=303)
    assert runtime.plugin_settings("uji")["pin"] == "baru"


def test_a_secret_can_be_taken_away(
    runtime: Runtime, app: TestApp, people: People, sign_in: Callable[[TestApp, int], None]
) -> None:
    field = SettingField("kunci", _("Kunci"), kind="secret", hint=_("Dari gateway."))
    answer(runtime, register_settings=lambda: SettingsSection(_("Uji coba"), (field,)))
    with runtime.database.writing() as session:
        save_settings(session, "uji", {"kunci": SECRET})
    sign_in(app, people.admin().id)
    form = form_of(app.get("/setelan/uji"))
    form["remove_secret_kunci"] = True
    assert "Tersimpan" not in form.submit().follow()
    assert stored(runtime) == set()


def test_mistakes_are_told_at_their_fields(page: Callable[[], Any], runtime: Runtime) -> None:
    mistakes = {
        "set_data": (" ", "harus diisi"),
        "set_batas": ("banyak", "bilangan bulat"),
        "set_alamat": ("contoh.test", "http://"),
        "set_jam": ("sembilan", "Tulis jam seperti 09:00."),
    }
    form = page()
    form["secret_pin"] = SECRET
    for name, (typed, _said) in mistakes.items():
        form[name] = typed
    refused = form.submit(status=422)
    for name, (typed, said) in mistakes.items():
        assert said in refused.html.select_one(f"#{name}-error").text
        assert form_of(refused)[name].value == typed.strip()
    assert stored(runtime) == set()


def test_another_process_sees_the_change_within_two_seconds(
    settings: dict[str, Any], page: Callable[[], Any]
) -> None:
    other = open_runtime(settings)
    try:
        answer(other, register_settings=lambda: SECTION)
        assert other.plugin_settings("uji")["batas"] == 9
        form = page()
        form["secret_pin"] = SECRET
        form["set_batas"] = "10"
        form.submit(status=303)
        time.sleep(CACHE_SECONDS + 0.1)
        assert other.plugin_settings("uji")["batas"] == 10
    finally:
        other.close()
