"""Every bundled channel keeps the promises that the core relies on, against its real other side."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from core.testing.channels import ChannelConformance, ChannelPeer
from tests.plugins.email.mail_server import MailPeer
from tests.plugins.sandbox.network_peer import SandboxPeer
from tests.plugins.sms_gammu.dummy_phone import DummyPeer
from tests.plugins.sms_http.gateway_server import HttpPeer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class TestHttp(ChannelConformance):
    @pytest.fixture
    def peer(self) -> Iterator[ChannelPeer]:
        with closing(HttpPeer()) as peer:
            yield peer


class TestEmail(ChannelConformance):
    @pytest.fixture
    def peer(self) -> Iterator[ChannelPeer]:
        with closing(MailPeer()) as peer:
            yield peer


class TestSandbox(ChannelConformance):
    @pytest.fixture
    def peer(self, tmp_path: Path) -> Iterator[ChannelPeer]:
        with closing(SandboxPeer(tmp_path)) as peer:
            yield peer


class TestGammu(ChannelConformance):
    @pytest.fixture
    def peer(self, tmp_path: Path) -> Iterator[ChannelPeer]:
        with closing(DummyPeer(tmp_path)) as peer:
            yield peer
