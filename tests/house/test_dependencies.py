"""What the bundled plugins import and include is what their manifests declare."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from core.framework.discovery import discover
from core.framework.manifest import Manifest
from core.framework.settings import Settings
from core.testing.checks.imports import import_problems

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = re.compile(r"""\{%-?\s*(?:extends|include|import|from)\s+["']([^"']+)""")
FOUND = discover(Settings({}))
BUNDLED = {
    name: plugin.manifest
    for name, plugin in FOUND.items()
    if plugin.manifest is not None and plugin.manifest.directory.parent == ROOT / "plugins"
}


def foreign_templates(manifest: Manifest) -> list[str]:
    """Name the templates of plugins that are not in ``[depends]``, each with who uses it."""
    allowed = {manifest.name, *manifest.depends}
    return [
        f"{path.relative_to(manifest.directory)}: {name}"
        for path in sorted(manifest.directory.rglob("*.jinja2"))
        for name in TEMPLATE.findall(path.read_text(encoding="utf-8"))
        if name.partition("/")[0] not in allowed and not (ROOT / "templates" / name).is_file()
    ]


@pytest.mark.parametrize("name", sorted(BUNDLED))
def test_a_plugin_uses_what_it_declares(name: str) -> None:
    assert import_problems(BUNDLED[name], FOUND) == []
    assert foreign_templates(BUNDLED[name]) == []


def test_every_bundled_plugin_is_looked_at() -> None:
    assert set(BUNDLED) == {path.parent.name for path in ROOT.glob("plugins/*/plugin.toml")}


def test_a_template_of_an_undeclared_plugin_would_be_found(tmp_path: Path) -> None:
    (tmp_path / "peta.jinja2").write_text(
        '{% extends "peta/a.jinja2" %}{% from "partials/forms.jinja2" import field %}\n'
        '{%- include "hibah/card.jinja2" %}\n'
    )
    peta = Manifest("peta", "1", "", tmp_path, "plugins.peta", "plugins.peta.plugin")
    assert foreign_templates(peta) == ["peta.jinja2: hibah/card.jinja2"]
