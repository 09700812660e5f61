"""Each check of the conformance suite finds what it is there for, and nothing in a good plugin."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from core.errors import AbahError
from core.framework.discovery import discover
from core.framework.manifest import Manifest
from core.framework.settings import Settings
from core.jobs import registry
from core.testing.checks.channels import channel_problems
from core.testing.checks.documents import document_problems
from core.testing.checks.fences import fence_problems
from core.testing.checks.imports import import_problems
from core.testing.checks.leaving import disable_problems, purge_problems
from core.testing.checks.lifecycle import lifecycle_problems
from core.testing.checks.manifest import manifest_problems
from core.testing.checks.own import test_problems as problems_of_tests
from core.testing.checks.pages import permission_problems, route_problems
from core.testing.checks.screens import screen_problems
from core.testing.checks.templates import template_problems
from core.testing.checks.texts import text_problems
from core.testing.databases import DatabaseFactory
from core.testing.fixtures import test_settings as settings_for
from core.testing.screens import Screens
from core.testing.specimen import Specimen, deployed
from tests.core.conftest import Workshop
from tests.core.testing import atlas

# Each test writes the same plugin anew, and its tables with it.
pytestmark = pytest.mark.filterwarnings("ignore:This declarative base already contains a class")

Factories = Callable[[str], DatabaseFactory]
Check = Callable[[Specimen], list[str]]

TAKE_IT_IN = {lifecycle_problems, purge_problems}
"""Checks that install the plugin themselves."""


class Bench:
    """Runs checks on the plugin of the workshop."""

    def __init__(self, workshop: Workshop, factories: Factories) -> None:
        self.workshop = workshop
        self._factories = factories
        self._path = str(workshop.folder)

    @property
    def found(self) -> Mapping[str, Any]:
        return discover(Settings({"abah.plugins_path": self._path}))

    @property
    def manifest(self) -> Manifest:
        found: Manifest = self.found[atlas.NAME].manifest
        return found

    def run(self, *checks: Check, kind: str = "sqlite") -> list[str]:
        """Run checks on a database of their own."""
        with deployed(
            self.manifest,
            self._factories(kind),
            lambda url: settings_for(url, abah__plugins_path=self._path),
            install=checks[0] not in TAKE_IT_IN,
        ) as specimen:
            return [problem for check in checks for problem in check(specimen)]


@pytest.fixture
def bench(
    workshop: Workshop, database_factories: Factories, monkeypatch: pytest.MonkeyPatch
) -> Bench:
    # What a bad plugin leaves in the registry of the core's work ends with the test.
    monkeypatch.setattr(registry, "_core_tasks", dict(registry.core_tasks()))
    return Bench(workshop, database_factories)


def replaced(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_good_plugin_passes(bench: Bench, kind: str) -> None:
    atlas.write(bench.workshop)
    assert bench.run(lifecycle_problems, kind=kind) == []
    assert bench.run(purge_problems, kind=kind) == []
    if kind == "postgresql":
        return
    checks: list[Check] = [route_problems, permission_problems, template_problems, text_problems]
    checks += [fence_problems, document_problems, lambda one: channel_problems(one, None)]
    assert bench.run(*checks, disable_problems) == []
    assert manifest_problems(atlas.NAME, bench.found[atlas.NAME]) == []
    assert import_problems(bench.manifest, bench.found) == []
    assert problems_of_tests(bench.manifest.directory / "tests") == []


CODE_FAULTS: list[tuple[Check, str, str, str]] = [
    (route_problems, "atlas.page.show", "peta.page.show", "must be called atlas."),
    (permission_problems, ', permission="atlas.page.read"', "", "names no permission"),
    (permission_problems, 'permission="atlas.page.read"', 'permission="atlas.no"', "no manifest"),
    (permission_problems, 'has_permission("atlas.page.read")', 'has_permission("x.y")', "x.y"),
    (text_problems, '_("Skala")', '_("Besarnya")', "'Besarnya' has no translation"),
    (fence_problems, '"atlas.draw"', '"peta.draw"', "is refused"),
    (disable_problems, '"atlas.draw"', '"core.draw"', "as if it were the core's"),
    (fence_problems, "return {", "raise LookupError; return {", "/p/atlas/ answers 500"),
    (document_problems, '"""Give the work."""', "", "register_tasks has no docstring"),
    (document_problems, '"scale"', '"range"', "setting `range`"),
]


@pytest.mark.parametrize(
    ("check", "old", "new", "words"),
    CODE_FAULTS,
    ids=lambda value: value.__name__ if callable(value) else None,
)
def test_a_fault_in_the_code_is_found(
    bench: Bench, check: Check, old: str, new: str, words: str
) -> None:
    toml = atlas.TOML
    if old == "atlas.page.show":
        toml = replaced(toml, 'route = "atlas.page.show"', 'route = "peta.page.show"')
    if old == '"atlas.draw"':
        # A schedule without its task would be refused before.
        toml = toml.partition("[[schedules]]")[0]
    atlas.write(bench.workshop, toml=toml, code=replaced(atlas.PLUGIN, old, new))
    assert words in "; ".join(bench.run(check))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"atlas/tile.jinja2"', '"atlas/none.jinja2"', "atlas/none.jinja2, which does not exist"),
        ("return [draw]", "return []", "atlas.draw, which register_tasks does not give"),
        ('"atlas.draw"', '"peta.draw"', "atlas.draw, which register_tasks does not give"),
    ],
)
def test_a_fault_in_the_code_is_refused_before_the_suite(
    bench: Bench, old: str, new: str, words: str
) -> None:
    atlas.write(bench.workshop, code=replaced(atlas.PLUGIN, old, new))
    with pytest.raises(AbahError, match=words):
        bench.run(route_problems)


FILE_FAULTS: list[tuple[Check, str, str, str, str]] = [
    (
        lifecycle_problems,
        "migrations/atlas_0001_base.py",
        'op.drop_table("atlas_sheet")',
        "pass",
        "downgrade to base leaves atlas_sheet",
    ),
    (
        lifecycle_problems,
        "migrations/atlas_0002_scale.py",
        "def upgrade():",
        'def upgrade():\n    op.execute("DELETE FROM atlas_sheet")',
        "loses rows of atlas_sheet",
    ),
    (
        lifecycle_problems,
        "migrations/atlas_0002_scale.py",
        "def upgrade():",
        'def upgrade():\n    op.create_index("atlas_x", "abah_audit", ["action"])',
        "table of somebody else: abah_audit (indexes)",
    ),
    (lifecycle_problems, "models.py", "int | None", "str | None", "models and history"),
    (
        template_problems,
        "templates/atlas/page.jinja2",
        "{% endblock content %}",
        '{% include "atlas/none.jinja2" %}{% endblock content %}',
        "uses the template atlas/none.jinja2",
    ),
    (
        text_problems,
        "locale/en/LC_MESSAGES/abah.po",
        'msgstr "Scale"',
        'msgstr "Scale ${n}"',
        "has other placeholders",
    ),
    (document_problems, "README.md", "`atlas.page.read`", "It", "permission `atlas.page.read`"),
]


@pytest.mark.parametrize(
    ("check", "file", "old", "new", "words"),
    FILE_FAULTS,
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_fault_in_a_file_is_found(
    bench: Bench, check: Check, file: str, old: str, new: str, words: str
) -> None:
    atlas.write(bench.workshop, files={file: replaced(atlas.FILES[file], old, new)})
    assert words in "; ".join(bench.run(check))


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("templates/atlas/page.jinja2", "{% endblocks %}", "salah pada baris 1"),
        ("templates/peta/page.jinja2", "x", "menutupi milik peta"),
    ],
)
def test_a_template_that_does_not_fit_is_refused_before_the_suite(
    bench: Bench, file: str, text: str, words: str
) -> None:
    atlas.write(bench.workshop, files={file: text})
    with pytest.raises(AbahError, match=words):
        bench.run(template_problems)


def test_a_table_of_a_wrong_name_is_refused_before_the_suite(bench: Bench) -> None:
    code = 'def upgrade():\n    op.create_table("peta_x", sa.Column("id", sa.Integer()))'
    file = "migrations/atlas_0002_scale.py"
    text = replaced(atlas.FILES[file], "def upgrade():", code)
    atlas.write(bench.workshop, files={file: text})
    with pytest.raises(AbahError, match="peta_x, yang bukan miliknya"):
        bench.run(lifecycle_problems)


def test_a_page_that_is_open_by_mistake_is_found(bench: Bench) -> None:
    """Both views of a route answer, and one of them asks for nothing."""
    code = replaced(atlas.PLUGIN, 'permission="atlas.page.read"', 'permission="abah.nobody"')
    atlas.write(bench.workshop, code=code)
    assert "names no permission" in "; ".join(bench.run(permission_problems))


def test_what_a_purge_leaves_is_found(bench: Bench) -> None:
    kind = """
from sqlalchemy import text

from core.api.settings import DataKind, register_data_kind


class Trace(DataKind):
    def parse(self, table):
        return table.text("key", required=True), {}

    def current(self, session, external_ids):
        return {}

    def write(self, session, owner, entries):
        session.execute(text("UPDATE abah_role SET title = 'Lain'"))

    def remove(self, session, external_ids):
        pass


register_data_kind("atlas_trace", Trace())
"""
    data = atlas.TEXTS + '\n[[atlas_trace]]\nkey = "a"\n'
    atlas.write(bench.workshop, code=atlas.PLUGIN + kind, files={"data/texts.toml": data})
    assert "a purge leaves something in abah_role" in bench.run(purge_problems)


def test_undeclared_imports_are_found_wherever_they_stand(bench: Bench) -> None:
    code = """
import pytest

def late():
    from core.db import Base
    from . import models
    from .. import hibah
    return import_module("plugins.nphd.services")
"""
    files = {"other.py": code, "tests/test_x.py": "import core.testing.people\nimport core.app\n"}
    atlas.write(bench.workshop, files=files)
    found = import_problems(bench.manifest, bench.found, bench.manifest.directory / "tests")
    assert [line.partition(" imports ")[0] for line in found] == [
        "other.py:2",
        "other.py:5",
        "other.py:7",
        "other.py:8",
        "tests/test_x.py:2",
    ]
    assert "[depends]" in found[2]


def test_a_manifest_must_say_more_than_its_name(bench: Bench) -> None:
    bench.workshop.plugin(atlas.NAME, toml='[depends]\nhibah = ""\n')
    words = "; ".join(manifest_problems(atlas.NAME, bench.found[atlas.NAME]))
    assert all(part in words for part in ("category", "core", "depends.hibah"))
    assert manifest_problems("tiada", None) == ["no plugin named tiada was found"]


def test_a_plugin_without_tests_is_found(bench: Bench, tmp_path: Path) -> None:
    suite = "class TestAtlas(PluginConformance):\n    plugin = 'atlas'\n"
    (tmp_path / "test_conformance.py").write_text(suite)
    assert "besides the conformance suite" in problems_of_tests(tmp_path)[0]
    assert "no tests were found" in problems_of_tests(None)[0]


def test_a_channel_without_its_suite_is_found(bench: Bench) -> None:
    code = """
from core.api.hooks import Capabilities, Transport, hookimpl
from core.api.text import _


class Pigeon(Transport):
    name = "pigeon"
    title = _("Atlas")
    capabilities = Capabilities(kinds=frozenset({"sms"}))
    settings_form = ()

    def send(self, messages):
        return []


@hookimpl
def register_transports():
    return [Pigeon]
"""
    atlas.write(bench.workshop, code=code, toml='category = "Peta"\ncore = ">=0.1,<1"\n')
    found = bench.run(lambda specimen: channel_problems(specimen, None))
    assert [words in line for words, line in zip(("pigeon", "Suite"), found, strict=True)] == [
        True,
        False,
    ]


def test_axe_and_the_width_of_the_window_are_asked(bench: Bench, screens: Screens) -> None:
    if shutil.which("chromium") is None:
        pytest.skip("needs Debian's chromium")
    page = replaced(
        atlas.PAGE, "<p>", '<img src="/x.png"><canvas width="2000" height="9"></canvas><p>'
    )
    atlas.write(bench.workshop, files={"templates/atlas/page.jinja2": page})
    found = "; ".join(bench.run(lambda specimen: screen_problems(specimen, screens)))
    assert "/p/atlas/ (360, dark): image-alt" in found
    assert "/p/atlas/ (1440, light) is wider than the screen" in found
