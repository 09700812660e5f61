"""The tutorials for plugin authors: every block is written, applied or run, in order."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.house.conftest import ROOT

FENCE = re.compile(r"^```(\w*)(?: (\w+)=(\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OMITTED = "…"


@dataclass(frozen=True)
class Block:
    """A block of a page: its language, what it is for, and what stands in it."""

    language: str
    option: str
    value: str
    body: str


def blocks(page: str) -> Iterator[Block]:
    text = (ROOT / "docs" / "plugins" / page).read_text(encoding="utf-8")
    for found in FENCE.finditer(text):
        yield Block(*(part or "" for part in found.groups()))


class Reader:
    """Somebody who does what a page says."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.output = ""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        clean = {
            k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "ABAH", "LANG"))
        }
        self.environment = clean | {"PATH": path}

    def follow(self, block: Block) -> None:
        match block:
            case Block("sh"):
                self.run(block.body, int(block.value or 0))
            case Block("text"):
                self.compare(block.body)
            case Block("diff", "file", name):
                file = self.folder / name
                file.write_text(changed(file.read_text("utf-8"), block.body), "utf-8")
            case Block(_, "file", name):
                file = self.folder / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(block.body, "utf-8")
            case _:
                pytest.fail(f"nobody can tell what to do with this block:\n{block.body}")

    def run(self, commands: str, code: int) -> None:
        self.output = ""
        for command in commands.splitlines():
            done = subprocess.run(
                ["/bin/sh", "-c", command],
                cwd=self.folder,
                env=self.environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            self.output += done.stdout
            assert done.returncode == code, f"{command}\n{done.stdout}"

    def compare(self, expected: str) -> None:
        shown = " ".join(self.output.split())
        for line in expected.splitlines():
            for part in line.split(OMITTED):
                assert " ".join(part.split()) in shown, self.output


def changed(text: str, diff: str) -> str:
    """Apply a diff without line numbers: what it shows stands in the text exactly once."""
    lines = diff.splitlines()
    before = "".join(f"{line[1:]}\n" for line in lines if line[:1] != "+")
    after = "".join(f"{line[1:]}\n" for line in lines if line[:1] != "-")
    assert text.count(before) == 1, f"stands there {text.count(before)} times:\n{before}"
    return text.replace(before, after)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("chromium") is None, reason="gold needs Debian's chromium")
@pytest.mark.parametrize("page", ["tutorial-channel.md", "tutorial-module.md"])
def test_a_tutorial_is_true_from_beginning_to_end(page: str, tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    for block in blocks(page):
        reader.follow(block)


@pytest.mark.parametrize("page", ["tutorial-channel.md", "tutorial-module.md"])
def test_what_a_tutorial_changes_is_what_abah_writes(page: str, tmp_path: Path) -> None:
    """The quick half of the test above: files and changes, and of the commands only the writing."""
    reader = Reader(tmp_path)
    for block in blocks(page):
        if block.option == "file" and not block.value.endswith(".po"):
            reader.follow(block)
        elif block.language == "sh":
            for command in block.body.splitlines():
                if command.startswith(("mkdir", "abah plugins new")):
                    reader.run(command, 0)
