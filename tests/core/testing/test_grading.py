"""``abah plugins check``: what was tried and passed makes the grade, and nothing else."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from core.framework.discovery import discover
from core.framework.settings import Settings
from core.testing import grading
from core.testing.fixtures import test_settings as settings_for
from core.testing.grading import Check, grade_of
from core.testing.places import PLUGINS_PATH, adopt_folders, found_plugins, own_tests
from tests.core.conftest import Workshop
from tests.core.testing import atlas

ROOT = Path(__file__).parents[3]

TESTS = """
import pytest

from core.testing.plugins import PluginConformance


class TestAtlas(PluginConformance):
    plugin = "atlas"


def test_good():
    assert True


def test_bad():
    assert 1 == 2, "one is two"


def test_missing():
    pytest.skip("no modem")
"""


@pytest.mark.slow
def test_a_plugin_of_a_folder_is_graded(workshop: Workshop, tmp_path: Path) -> None:
    if shutil.which("chromium") is None:
        pytest.skip("needs Debian's chromium")
    atlas.write(workshop)
    settings = settings_for(
        URL.create("sqlite", database="none.db"), abah__plugins_path=str(workshop.folder)
    )
    ini = tmp_path / "uji.ini"
    lines = [f"{key} = {value}" for key, value in settings.items()]
    ini.write_text("\n".join(["[app:main]", "use = egg:abah", *lines, ""]), encoding="utf-8")
    command = [sys.executable, "-m", "core.cli", "-c", str(ini), "plugins", "check", "atlas"]
    done = subprocess.run(
        [*command, "--json"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    (report,) = json.loads(done.stdout)
    assert [one for one in report["checks"] if one["outcome"] != "passed"] == []
    assert (report["grade"], done.returncode) == ("gold", 0)
    made = {one["name"]: one for one in report["checks"]}
    assert made["tests"]["reason"] == "1 passed"
    assert {"lifecycle (postgresql)", "lifecycle (sqlite)", "screens"} <= set(made)


@pytest.mark.parametrize(
    ("outcomes", "reached"),
    [
        ({"bronze": "passed", "silver": "passed", "gold": "passed"}, "gold"),
        ({"bronze": "passed", "silver": "passed", "gold": "not checked"}, "silver"),
        ({"bronze": "passed", "silver": "failed", "gold": "passed"}, "bronze"),
        ({"bronze": "not checked", "silver": "passed", "gold": "passed"}, ""),
        ({"bronze": "passed", "gold": "passed"}, "bronze"),
        ({}, ""),
    ],
)
def test_a_grade_needs_all_below_it_and_nothing_unchecked(
    outcomes: dict[str, str], reached: str
) -> None:
    checks = [Check("one", grade, "passed") for grade in outcomes]
    checks += [Check("two", grade, outcome) for grade, outcome in outcomes.items()]
    assert grade_of(checks) == reached


def test_own_tests_count_without_the_suite_and_fail_with_their_reason(
    workshop: Workshop, tmp_path: Path
) -> None:
    atlas.write(workshop, files={"tests/test_drawing.py": TESTS})
    found = discover(Settings({"abah.plugins_path": str(workshop.folder)}))
    manifest = found[atlas.NAME].manifest
    assert manifest is not None
    (check,) = grading._own_tests(manifest, tmp_path)
    assert (check.name, check.grade, check.outcome) == ("tests", "bronze", "failed")
    assert check.reason == "1 failed, the first: bad: one is two"


def test_tests_inside_a_plugin_find_it_without_configuration(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    atlas.write(workshop)
    monkeypatch.setenv(PLUGINS_PATH, "")
    adopt_folders([f"{workshop.folder}/atlas/tests/test_drawing.py::test_x", "tests"])
    assert os.environ[PLUGINS_PATH] == str(workshop.folder)
    manifest = found_plugins()[atlas.NAME].manifest
    assert manifest is not None
    assert own_tests(manifest) == manifest.directory / "tests"


def test_tests_of_a_project_are_those_of_the_plugin(tmp_path: Path) -> None:
    """Beside a ``pyproject.toml``: one plugin's own folder where there are several."""
    bundled = found_plugins()["hibah"].manifest
    assert bundled is not None
    assert own_tests(bundled) == ROOT / "tests" / "plugins" / "hibah"
