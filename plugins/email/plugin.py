"""What the plugin answers to the core's hooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.api.hooks import Transport, hookimpl
from plugins.email.channel import EmailTransport

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["register_transports"]


@hookimpl
def register_transports() -> Sequence[type[Transport]]:
    """Give the one transport of this plugin."""
    return (EmailTransport,)
