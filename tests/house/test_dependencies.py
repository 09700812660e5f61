"""What a plugin imports and includes is what its manifest and ``setup.py`` declare."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = re.compile(r"""\{%-?\s*(?:extends|include|import|from)\s+["']([^"']+)""")
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
    """Name what a plugin imports or includes and may not."""
    manifest = tomllib.loads((plugin / "plugin.toml").read_text(encoding="utf-8"))
    depends = set(manifest.get("depends", {}))
    found = [
        f"{source.relative_to(plugin)}:{line}: {name} {wrong}"
        for source in sorted(plugin.rglob("*.py"))
        for name, line in imported(source)
        for wrong in wrong_import(name, plugin.name, depends)
    ]
    return found + [
        f"{template.relative_to(plugin)}: {name} is another plugin's"
        for template in sorted(plugin.rglob("*.jinja2"))
        for name in TEMPLATE.findall(template.read_text(encoding="utf-8"))
        if not name.startswith(f"{plugin.name}/") and not (ROOT / "templates" / name).is_file()
    ]


def wrong_import(name: str, plugin: str, depends: set[str]) -> Iterator[str]:
    """Say what is wrong with importing ``name``."""
    room, _dot, rest = name.partition(".")
    other, _dot, inside = rest.partition(".")
    if room == "core":
        if other != "api":
            yield "is no part of core.api"
    elif room != "plugins":
        if room not in sys.stdlib_module_names and not distributions(room) & required():
            yield "is of a library that setup.py does not require"
    elif other != plugin:
        if other not in depends:
            yield "is not among [depends]"
        if inside.partition(".")[0] != "api":
            yield "is not the other plugin's api"


def distributions(module: str) -> set[str]:
    """Name the distributions that a module may come from."""
    return {name.lower() for name in _distributions().get(module, ())}


@cache
def _distributions() -> dict[str, list[str]]:
    return dict(packages_distributions())


@cache
def required() -> set[str]:
    """Name what abah requires, without the tools of its developers."""
    found = map(Requirement, requires("abah") or ())
    return {each.name.lower() for each in found if each.marker is None}


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
        "import pytest\n"
        "from pyramid.view import view_config\n"
        "import plugins\n"
    )
    (plugin / "peta.jinja2").write_text(
        '{% extends "peta/a.jinja2" %}{% from "partials/forms.jinja2" import field %}\n'
        '{%- include "hibah/card.jinja2" %}\n'
    )
    assert sorted(line.partition(": ")[0] for line in complaints(plugin)) == [
        "peta.jinja2",
        "plugin.py:2",
        "plugin.py:4",
        "plugin.py:6",
        "plugin.py:7",
        "plugin.py:9",
        "plugin.py:9",
    ]
