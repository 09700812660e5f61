"""Wheels, built from what git knows and from nothing else."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def copy_of(folder: str, target: Path) -> Path:
    """Copy a folder of the repository as a clone would have it."""
    files = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT / folder, check=True, capture_output=True, text=True
    ).stdout.split("\0")
    for name in filter(None, files):
        origin = ROOT / folder / name
        if origin.is_file():
            copy = target / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(origin.read_bytes())
    return target


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Path]:
    """Give a function that builds the wheel of a project."""

    def build_wheel(source: Path) -> Path:
        target = tmp_path_factory.mktemp("dist")
        command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(target), str(source)]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return next(target.glob("*.whl"))

    return build_wheel


@pytest.fixture(scope="session")
def wheel(build: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the wheel of abah."""
    return build(copy_of(".", tmp_path_factory.mktemp("abah") / "source"))
