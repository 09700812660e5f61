"""The command speaks in sentences, helps when all is broken, takes verbs from plugins."""

from __future__ import annotations

import gettext
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.api import cli
from core.api.cli import in_words, use_language
from core.errors import AbahError
from core.framework.version import CORE_VERSION
from core.i18n import _
from tests.core.cli.conftest import Answer
from tests.core.conftest import Workshop

pytestmark = pytest.mark.plugins()

Abah = Callable[..., Answer]

VERB = """
import click

from core.api.cli import pass_runtime, say
from core.api.errors import AbahError
from core.api.hooks import hookimpl
from core.api.text import _


@click.command("sapa", help=_("Menyapa dunia."))
@click.option("--gagal", is_flag=True)
@click.option("--meledak", is_flag=True)
@pass_runtime
def sapa(runtime, gagal, meledak):
    if gagal:
        raise AbahError(_("Tidak dapat menyapa ${who}.", mapping={"who": "dunia"}))
    if meledak:
        raise ZeroDivisionError("+6281230900950")
    say(_("Halo dari ${number} plugin.", mapping={"number": len(runtime.plugins)}))


@hookimpl
def register_commands():
    return [sapa]
"""


@pytest.fixture
def greeting(abah: Abah, workshop: Workshop) -> Abah:
    workshop.plugin("salam", code=VERB)
    assert abah("plugins", "install", "salam").code == 0
    return abah


def test_help_lists_own_verbs_and_those_of_enabled_plugins(greeting: Abah) -> None:
    answer = greeting("--help")
    assert answer.code == 0
    for verb in ("db", "docs", "plugins", "serve", "setup", "worker", "user", "sapa"):
        assert f"\n  {verb} " in answer.out
    assert "Menyapa dunia." in answer.out


def test_a_plugins_verb_gets_the_runtime(greeting: Abah) -> None:
    answer = greeting("sapa")
    assert (answer.code, answer.out.strip()) == (0, "Halo dari 1 plugin.")
    greeting("plugins", "disable", "salam")
    assert greeting("sapa").code == 2


def test_an_error_of_abah_is_one_sentence_and_exit_code_1(greeting: Abah) -> None:
    answer = greeting("sapa", "--gagal")
    assert (answer.code, answer.out, answer.err.strip()) == (1, "", "Tidak dapat menyapa dunia.")


def test_an_error_that_nobody_foresaw_shows_where_it_came_from_without_personal_data(
    greeting: Abah,
) -> None:
    answer = greeting("sapa", "--meledak")
    assert answer.code == 70
    assert "ZeroDivisionError" in answer.err
    assert "Traceback" in answer.err
    assert "81230900950" not in answer.err


@pytest.mark.parametrize(
    "content",
    [None, "", "[app:main]\nuse = egg:tidak_ada\n", "bukan ini", "[app:main]\nuse = egg:abah\n"],
)
def test_help_works_with_a_broken_configuration_and_says_what_is_missing(
    abah: Abah, tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "rusak.ini"
    if content is not None:
        path.write_text(content)
    answer = abah("--help", config=path)
    assert answer.code == 0
    assert "plugins" in answer.out
    assert "tidak dapat ditampilkan" in " ".join(answer.out.split())
    used = abah("plugins", "list", config=path)
    assert used.code == 1
    assert used.out == ""
    assert len(used.err.strip().splitlines()) == 1


def test_help_works_with_a_database_that_is_away(
    abah: Abah, make_ini: Callable[..., Path], tmp_path: Path
) -> None:
    from sqlalchemy.engine import make_url  # noqa: PLC0415

    away = make_ini(make_url(f"postgresql://x:geheim@/x?host={tmp_path}"), "away.ini")
    assert abah("--help", config=away).code == 0
    answer = abah("plugins", "list", config=away)
    assert answer.code == 1
    assert "Basis data tidak dapat dipakai" in answer.err
    assert "geheim" not in answer.err


def test_an_unknown_verb_is_wrong_usage(abah: Abah) -> None:
    answer = abah("tidak_ada")
    assert answer.code == 2
    assert "tidak_ada" in answer.err


def test_a_name_that_is_taken_stays_with_its_first_owner(abah: Abah, workshop: Workshop) -> None:
    workshop.plugin("salam", code=VERB)
    workshop.plugin("zalim", code=VERB.replace('"sapa"', '"plugins"'))
    workshop.plugin("zebra", code=VERB.replace("Halo", "Lain"))
    assert abah("plugins", "install", "salam", "zalim", "zebra").code == 0
    answer = abah("sapa")
    assert answer.out.startswith("Halo")
    assert "salam" in answer.err
    assert "zalim" in answer.err


def test_the_configuration_comes_from_the_environment_too(
    abah: Abah, ini: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert abah("plugins", "list", config=None).code == 1
    monkeypatch.setenv("ABAH_CONFIG", str(ini))
    assert abah("plugins", "list", config=None).code == 0


def test_the_version_is_told(abah: Abah) -> None:
    assert abah("--version").out.strip() == f"abah {CORE_VERSION}"


class Catalogue(gettext.NullTranslations):
    def gettext(self, message: str) -> str:
        return {
            "Ditemukan ${n} berkas di ${place}.": "Found ${n} files in ${place}.",
            "folder ${name}": "folder ${name} (en)",
        }.get(message, message)


@pytest.fixture
def english(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setitem(cli._catalogues, ("en", cli._folders[0]), Catalogue())
    use_language("en")
    yield
    use_language("id")


@pytest.mark.usefixtures("english")
def test_a_sentence_is_translated_with_what_stands_in_it() -> None:
    place = _("folder ${name}", mapping={"name": "x"})
    text = _("Ditemukan ${n} berkas di ${place}.", mapping={"n": 2, "place": place})
    assert in_words(text) == "Found 2 files in folder x (en)."
    assert in_words("apa adanya") == "apa adanya"


def test_an_error_reads_whole_in_a_log() -> None:
    inner = _("folder ${name}", mapping={"name": "x"})
    assert str(AbahError(_("Di ${place}.", mapping={"place": inner}))) == "Di folder x."
