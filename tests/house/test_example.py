"""Plugins outside this repository: built, installed from wheels, found, and held to the suites."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from core.cli.scaffold import write_plugin
from core.locale_build import read_catalogue, update_plugin
from tests.house.conftest import ROOT, copy_of

EXAMPLE = "docs/plugins/example"

Build = Callable[[Path], Path]


def outside() -> dict[str, str]:
    """Give an environment that knows nothing of this test run."""
    return {
        key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "ABAH"))
    }


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Give a folder that everybody may look into, as the user of a database server has to."""
    with TemporaryDirectory(prefix="abah-house-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


class Environment:
    """A virtual environment in which wheels are installed, and a folder to work in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bin = folder / "venv" / "bin"
        subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
        ini = (ROOT / "development.ini").read_text()
        (folder / "development.ini").write_text(ini)

    def run(self, program: str, *words: str | Path) -> str:
        done = subprocess.run(
            [self.bin / program, *words],
            cwd=self.folder,
            env=outside(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def plugins(self) -> Mapping[str, Any]:
        return {
            row["name"]: row for row in json.loads(self.run("abah", "plugins", "list", "--json"))
        }


@pytest.mark.slow
def test_plugins_of_other_distributions_pass_in_an_empty_environment(
    wheel: Path, build: Build, open_folder: Path
) -> None:
    kait, desa = copy_of(EXAMPLE, open_folder / "kait"), open_folder / "desa"
    write_plugin("desa", "module", desa, distribution=True)
    wheels = [build(kait), build(desa)]
    assert "abah_kait/locale/en/LC_MESSAGES/abah.mo" in zipfile.ZipFile(wheels[0]).namelist()
    environment = Environment(open_folder / "site")
    environment.run("pip", "install", "--quiet", f"{wheel}[test]", *wheels)

    assert environment.plugins()["kait"]["state"] == "available"
    environment.run("abah", "plugins", "install", "kait", "desa")
    states = {name: row["state"] for name, row in environment.plugins().items()}
    assert (states["kait"], states["desa"]) == ("installed", "installed")
    shown = environment.run("abah", "--lang", "en", "plugins", "show", "kait")
    assert "Messages through Kait bots" in " ".join(shown.split())
    assert " passed" in environment.run("python", "-m", "pytest", "-q", kait / "tests")
    for name, project in (("kait", kait), ("desa", desa)):
        environment.run("abah", "plugins", "check", name, "--tests", project / "tests")


def test_the_example_keeps_its_promises(tmp_path: Path) -> None:
    """As the slow test, without building anything: its entry point lies beside its package."""
    project = copy_of(EXAMPLE, tmp_path / "kait")
    metadata = project / "src" / "abah_kait-1.0.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: abah-kait\nVersion: 1.0.0\n")
    (metadata / "entry_points.txt").write_text("[abah.plugins]\nkait = abah_kait.plugin\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "tests/test_channel.py"],
        cwd=project,
        env=outside() | {"PYTHONPATH": str(project / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_every_text_of_the_example_has_its_english(tmp_path: Path) -> None:
    package = copy_of(EXAMPLE, tmp_path / "kait") / "src" / "abah_kait"
    catalogue = package / "locale/en/LC_MESSAGES/abah.po"
    before = {message.id for message in read_catalogue(catalogue)}
    assert update_plugin(package) == {catalogue: 0}
    assert {message.id for message in read_catalogue(catalogue)} == before
