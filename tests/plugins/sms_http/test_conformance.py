"""The plugin keeps what is promised of every plugin, and its channel what the core relies on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from core.testing.channels import ChannelConformance, ChannelPeer
from core.testing.plugins import PluginConformance
from tests.plugins.sms_http.gateway_server import HttpPeer


class TestPlugin(PluginConformance):
    plugin = "sms_http"


class TestChannel(ChannelConformance):
    @pytest.fixture
    def peer(self) -> Iterator[ChannelPeer]:
        with closing(HttpPeer()) as peer:
            yield peer
