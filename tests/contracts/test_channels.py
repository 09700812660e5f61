"""Every bundled channel keeps the promises that the core relies on, against its real other side."""

from __future__ import annotations

import configparser
from contextlib import closing
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING

import pytest

import plugins
from core.testing.channels import ChannelConformance, ChannelPeer
from tests.plugins.email.mail_server import MailPeer
from tests.plugins.sandbox.network_peer import SandboxPeer
from tests.plugins.sms_gammu.dummy_phone import DummyPeer
from tests.plugins.sms_http.gateway_server import HttpPeer

if TYPE_CHECKING:
    from collections.abc import Iterator


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


def test_every_bundled_channel_is_held_to_the_suite() -> None:
    """A plugin that brings a channel without a suite here does not pass."""
    brought = set()
    for module in iter_modules(plugins.__path__):
        found = import_module(f"plugins.{module.name}.plugin")
        for transport in getattr(found, "register_transports", tuple)():
            assert transport.name == module.name
            brought.add(transport)
    held = {peer.transport for peer in (HttpPeer, MailPeer, SandboxPeer, DummyPeer)}
    assert brought == held


def test_channels_that_reach_nobody_are_kept_out_of_production() -> None:
    """The shipped configuration of a server neither installs the sandbox nor lets it be chosen."""
    file = configparser.RawConfigParser()
    file.read(Path(__file__).parents[2] / "production.ini")
    app = file["app:main"]
    assert app["abah.production"] == "true"
    assert "sandbox" not in app["abah.plugins_install"].split()
    assert not SandboxPeer.transport.capabilities.production
