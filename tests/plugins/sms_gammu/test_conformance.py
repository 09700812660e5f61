"""The plugin keeps what is promised of every plugin."""

from __future__ import annotations

from core.testing.plugins import PluginConformance


class TestPlugin(PluginConformance):
    plugin = "sms_gammu"
