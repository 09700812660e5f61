"""The plugin keeps what is promised of every plugin, and its channel what the core relies on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from core.testing.channels import ChannelConformance, ChannelPeer
from core.testing.plugins import PluginConformance
from tests.plugins.sandbox.network_peer import SandboxPeer


class TestPlugin(PluginConformance):
    plugin = "sandbox"


class TestChannel(ChannelConformance):
    @pytest.fixture
    def peer(self, tmp_path: Path) -> Iterator[ChannelPeer]:
        with closing(SandboxPeer(tmp_path)) as peer:
            yield peer
