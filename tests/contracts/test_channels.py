"""What holds for the bundled channels together; each is held to its suite by its own tests."""

from __future__ import annotations

import configparser
from pathlib import Path

from plugins.sandbox.channel import SandboxTransport


def test_channels_that_reach_nobody_are_kept_out_of_production() -> None:
    """The shipped configuration of a server neither installs the sandbox nor lets it be chosen."""
    file = configparser.RawConfigParser()
    file.read(Path(__file__).parents[2] / "production.ini")
    app = file["app:main"]
    assert app["abah.production"] == "true"
    assert "sandbox" not in app["abah.plugins_install"].split()
    assert not SandboxTransport.capabilities.production
