"""What the plugin answers to the core's hooks."""

from __future__ import annotations

from collections.abc import Sequence

from abah_kait.channel import KaitTransport
from core.api.hooks import Transport, hookimpl

__all__ = ["register_transports"]


@hookimpl
def register_transports() -> Sequence[type[Transport]]:
    """Give the one transport of this plugin."""
    return (KaitTransport,)
