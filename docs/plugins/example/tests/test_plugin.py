"""Everything that abah asks of a plugin."""

from __future__ import annotations

from core.testing.plugins import PluginConformance


class TestPlugin(PluginConformance):
    """Manifest, imports, installing and removing, pages, texts in both languages."""

    plugin = "kait"
