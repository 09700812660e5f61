"""What templates can use, and how sentences are put together."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from markupsafe import Markup
from pyramid import testing

from core.i18n import _
from core.web.assets import icon
from core.web.layers import LayeredEnvironment, templates_of
from core.web.locale import translate
from core.web.rendering import FILTERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jinja2 import Environment

    from core.framework.runtime import Runtime


@pytest.fixture
def environment(web_runtime: Runtime) -> Iterator[LayeredEnvironment]:
    config = testing.setUp(settings=dict(web_runtime.settings))
    config.registry["runtime"] = web_runtime
    config.include("core.web.rendering")
    yield templates_of(config.registry)
    testing.tearDown()


def shown(environment: Environment, source: str, **values: object) -> str:
    return environment.from_string(source).render(**values)


def test_a_sentence_is_filled_in_and_escaped(environment: Environment) -> None:
    text = '{{ _("Kirim ke ${n} lembaga: ${name}", mapping={"n": 12, "name": "<b>A</b>"}) }}'
    assert shown(environment, text) == "Kirim ke 12 lembaga: &lt;b&gt;A&lt;/b&gt;"


def test_markup_that_is_filled_in_stays_markup_and_the_rest_is_escaped() -> None:
    link = Markup('<a href="/x">klik & di sini</a>')
    filled = translate("Kode tidak terkirim & hilang, ${link}.", {"link": link})
    assert filled == 'Kode tidak terkirim &amp; hilang, <a href="/x">klik & di sini</a>.'


def test_sentences_within_sentences_are_translated_first(environment: Environment) -> None:
    inner = _("${n} lembaga", mapping={"n": 3})
    outer = _("Kirim ke ${whom}?", mapping={"whom": inner})
    assert shown(environment, "{{ text }}", text=outer) == "Kirim ke 3 lembaga?"


def test_a_value_that_looks_like_a_placeholder_is_not_filled_in() -> None:
    assert translate("Halo ${name}", {"name": "${n}", "n": "x"}) == "Halo ${n}"


def test_printed_sentences_need_no_function(environment: Environment) -> None:
    assert shown(environment, "{{ text }}", text=_("Simpan")) == "Simpan"


def test_trans_blocks_work(environment: Environment) -> None:
    text = "{% trans n=3 %}{{ n }} lembaga{% endtrans %} {% trans %}100% aman{% endtrans %}"
    assert shown(environment, text) == "3 lembaga 100% aman"


def test_a_name_that_does_not_exist_is_an_error(environment: Environment) -> None:
    with pytest.raises(Exception, match="entah"):
        shown(environment, "{{ entah }}")


def test_every_filter_takes_a_missing_value(environment: Environment) -> None:
    for name in FILTERS:
        assert shown(environment, f"{{{{ none | {name} }}}}", none=None) == ""


def test_an_icon_is_hidden_from_screen_readers_unless_it_means_something() -> None:
    assert 'aria-hidden="true"' in icon("pencil")
    assert 'role="img" aria-label="Sunting &amp; lihat"' in icon("pencil", "Sunting & lihat")


@pytest.mark.parametrize("name", ["tidak-ada", "../../../etc/passwd", "", "Pencil"])
def test_an_icon_that_does_not_exist_is_an_error(name: str) -> None:
    with pytest.raises((KeyError, FileNotFoundError)):
        icon(name)


def test_while_one_develops_a_layer_is_read_again_when_it_changes(
    environment: LayeredEnvironment, tmp_path: Path
) -> None:
    page = tmp_path / "partials" / "tile.jinja2"
    page.parent.mkdir()
    page.write_text("lama")
    environment.loader.add("peta", tmp_path)
    assert environment.get_template("partials/tile.jinja2").render() == "lama"
    page.write_text("baru")
    os.utime(page, ns=(0, 0))
    assert environment.get_template("partials/tile.jinja2").render() == "lama"
    environment.auto_reload = True
    assert environment.get_template("partials/tile.jinja2").render() == "baru"


def test_moments_are_for_people_and_machines(environment: Environment) -> None:
    from datetime import UTC, datetime  # noqa: PLC0415

    template = environment.get_template("partials/time.jinja2")
    written = str(template.module.moment(datetime(2018, 11, 30, 5, 53, 19, tzinfo=UTC)))  # type: ignore[attr-defined]
    assert 'datetime="2018-11-30T12:53:19+07:00"' in written
    assert "30 November 2018 12:53 WIB, <em" in written
    assert "lalu</em>" in written
