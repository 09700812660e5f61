"""What a plugin imports is what its manifest declares, and only through the other's ``api``."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = sorted(path.parent for path in ROOT.glob("plugins/*/plugin.toml"))


def imported(source: Path) -> Iterator[tuple[str, int]]:
    """Give the dotted names that a file imports, wherever in it they are imported."""
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{source}:{node.lineno}: imports are absolute here"
            for alias in node.names:
                yield f"{node.module}.{alias.name}", node.lineno


def complaints(plugin: Path) -> list[str]:
    """Name what a plugin imports and may not."""
    manifest = tomllib.loads((plugin / "plugin.toml").read_text(encoding="utf-8"))
    depends = manifest.get("depends", {})
    found = []
    for source in sorted(plugin.rglob("*.py")):
        for name, line in imported(source):
            room, _dot, rest = name.partition(".")
            where = f"{source.relative_to(plugin)}:{line}: {name}"
            other, _dot, inside = rest.partition(".")
            if room == "core" and other != "api":
                found.append(f"{where} is no part of core.api")
            elif room == "plugins" and other not in {plugin.name, ""}:
                if other not in depends:
                    found.append(f"{where} is not among [depends]")
                if inside.partition(".")[0] != "api":
                    found.append(f"{where} is not the other plugin's api")
    return found


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda path: path.name)
def test_a_plugin_imports_what_it_declares(plugin: Path) -> None:
    assert complaints(plugin) == []


def test_an_undeclared_import_would_be_found(tmp_path: Path) -> None:
    plugin = tmp_path / "peta"
    plugin.mkdir()
    (plugin / "plugin.toml").write_text('name = "peta"\n[depends]\nhibah = ""\n')
    (plugin / "plugin.py").write_text(
        "from core.api.db import Base\n"
        "from core.db import utcnow\n"
        "from plugins.hibah import api\n"
        "from plugins.hibah.models import Grant\n"
        "def late():\n    import plugins.nphd.api\n"
    )
    assert [line.partition(": ")[0] for line in complaints(plugin)] == [
        "plugin.py:2",
        "plugin.py:4",
        "plugin.py:6",
    ]
