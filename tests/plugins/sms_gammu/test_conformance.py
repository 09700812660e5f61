"""The plugin keeps what is promised of every plugin, and its channel what the core relies on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from core.testing.channels import ChannelConformance, ChannelPeer
from core.testing.plugins import PluginConformance
from tests.plugins.sms_gammu.dummy_phone import DummyPeer


class TestPlugin(PluginConformance):
    plugin = "sms_gammu"


class TestChannel(ChannelConformance):
    @pytest.fixture
    def peer(self, tmp_path: Path) -> Iterator[ChannelPeer]:
        with closing(DummyPeer(tmp_path)) as peer:
            yield peer
