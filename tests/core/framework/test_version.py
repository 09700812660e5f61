"""The version that manifests are compared with is the distribution's."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from core.framework.discovery import discover
from core.framework.graph import resolve
from core.framework.settings import Settings
from core.framework.version import CORE_VERSION

ROOT = Path(__file__).parents[3]


def test_the_core_has_the_version_of_the_distribution() -> None:
    assert version("abah") == CORE_VERSION
    assert f'version="{CORE_VERSION}"' in (ROOT / "setup.py").read_text(encoding="utf-8")


def test_every_bundled_plugin_can_run_with_this_core() -> None:
    found = discover(Settings({}))
    assert {name: plugin.error for name, plugin in found.items() if not plugin.usable} == {}
    assert resolve([p.manifest for p in found.values() if p.manifest]).problems == {}
