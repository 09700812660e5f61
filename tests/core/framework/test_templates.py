"""Every way in which a template of a plugin may not fit, each with a sentence of its own."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from core.framework.discovery import discover
from core.framework.graph import resolve
from core.framework.settings import Settings
from core.framework.templates import template_problems
from tests.core.conftest import Workshop

Told = Callable[..., list[str]]

EXTENDS = '{% extends "!" %}'
CARD = "{% block isi %}{% block dalam %}{% endblock %}{% endblock %}"
AFTER = 'after = ["dasar"]\n'
NEEDS = '[depends]\ndasar = ""\n'


def fill(block: str) -> str:
    return f"{EXTENDS}{{% block {block} %}}{{% endblock %}}"


@pytest.fixture
def told(workshop: Workshop) -> Told:
    """``told(plugin=(toml, {template: source}))`` writes plugins and gives what is wrong."""

    def tell(**plugins: tuple[str, dict[str, str]]) -> list[str]:
        for name, (toml, templates) in plugins.items():
            files = {f"templates/{path}": source for path, source in templates.items()}
            workshop.plugin(name, toml=toml, files=files)
        found = discover(Settings({"abah.plugins_path": str(workshop.folder)}))
        return [
            str(problem)
            for problem in template_problems(
                resolve([p.manifest for p in found.values() if p.manifest]).order
            )
        ]

    return tell


BASE = ("", {"dasar/kartu.jinja2": CARD, "dasar/makro.jinja2": "{% macro cap() %}{% endmacro %}"})


def test_what_fits_is_not_complained_of(told: Told) -> None:
    """New blocks within a block, blocks of the layer below, macros beside those that are there."""
    new = f"{EXTENDS}{{% block isi %}}{{% block baru %}}{{% endblock %}}{{% endblock %}}"
    above = "after = ['tengah']\n[depends]\ndasar = ''\n"
    macro = f"{EXTENDS}{{% macro lain() %}}{{% endmacro %}}"
    page = '{% extends "dasar/kartu.jinja2" if true else layout %}{% block title %}{% endblock %}'
    assert (
        told(
            dasar=BASE,
            tengah=(NEEDS, {"dasar/kartu.jinja2": new}),
            atas=(
                above,
                {
                    "dasar/kartu.jinja2": fill("baru"),
                    "dasar/makro.jinja2": macro,
                    "atas/x.jinja2": page,
                },
            ),
        )
        == []
    )


@pytest.mark.parametrize(
    ("toml", "name", "source", "reason"),
    [
        (NEEDS, "dasar/kartu.jinja2", CARD, "menutupi milik dasar"),
        (NEEDS, "dasar/kartu.jinja2", f"halo {EXTENDS}", "menutupi milik dasar"),
        (NEEDS, "lain/x.jinja2", "halo", "menutupi milik lain"),
        ("", "help/pesan.jinja2", "halo", "menutupi milik core"),
        ("", "dasar/kartu.jinja2", fill("isi"), "Tulis dasar di [depends]"),
        (NEEDS, "dasar/hilang.jinja2", EXTENDS, "tidak ada pada dasar"),
        ("", "atas/x.jinja2", EXTENDS, "tidak ada pada atas"),
        (NEEDS, "dasar/kartu.jinja2", fill("lama"), "blok lama"),
        (NEEDS, "dasar/kartu.jinja2", fill("asing"), "Blok yang ada: dalam, isi."),
        (AFTER, "dasar/kartu.jinja2", "{% extends '!' %}{% if %}", "salah pada baris 1"),
        (NEEDS, "dasar/makro.jinja2", f"{EXTENDS}{BASE[1]['dasar/makro.jinja2']}", "makro cap"),
        (
            NEEDS,
            "atas/x.jinja2",
            '{% extends "dasar/kartu.jinja2" %}{% block lama %}{% endblock %}',
            "templat dasar/kartu.jinja2 milik dasar",
        ),
        ("", "atas/x.jinja2", '{% extends "atas/x.jinja2" %}', ""),
    ],
)
def test_what_does_not_fit_is_told(
    told: Told, toml: str, name: str, source: str, reason: str
) -> None:
    """The block asing is of a plugin that atas knows nothing of: it may go without a word."""
    stranger = "{% extends '!' %}{% block isi %}{% block asing %}{% endblock %}{% endblock %}"
    problems = told(
        dasar=BASE,
        asing=(NEEDS, {"dasar/kartu.jinja2": stranger}),
        atas=(toml, {name: source}),
    )
    assert len(problems) == bool(reason)
    assert all(reason in problem and "plugin atas" in problem for problem in problems)


def test_a_layer_on_a_plugin_that_is_only_wished_for_waits_for_it(told: Told) -> None:
    assert told(atas=(AFTER, {"dasar/kartu.jinja2": fill("isi")})) == []
    (problem,) = told(dasar=("", {"dasar/kartu.jinja2": ""}))
    assert "Blok yang ada: -." in problem


def test_where_two_wish_to_come_after_each_other_the_lower_one_cannot_extend(told: Told) -> None:
    (problem,) = told(
        dasar=(AFTER.replace("dasar", "atas"), BASE[1]),
        atas=(AFTER, {"dasar/kartu.jinja2": fill("isi")}),
    )
    assert "Tulis dasar di [depends]" in problem
