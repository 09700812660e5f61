"""What the plugin answers to the core's hooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.api.hooks import Slot, Transport, hookimpl
from plugins.sandbox import models as models  # noqa: PLC0414 - its tables must be known
from plugins.sandbox import views
from plugins.sandbox.channel import SandboxTransport
from plugins.sandbox.services.demo import ensure_account
from plugins.sandbox.tasks import forget

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pyramid.config import Configurator
    from sqlalchemy.orm import Session


@hookimpl
def register_transports() -> Sequence[type[Transport]]:
    """Give the one transport of this plugin."""
    return (SandboxTransport,)


@hookimpl
def register_sweeps() -> Sequence[Callable[..., None]]:
    """Forget what is old."""
    return (forget,)


@hookimpl
def include_web(config: Configurator) -> None:
    """Add the page of the telephone."""
    config.include(views)


@hookimpl
def register_slots() -> Sequence[Slot]:
    """Show the way to the telephone to everybody while no real message can be sent."""
    return (
        Slot("frame.ucp", "sandbox/menu.jinja2", order=80, variables=views.link_of_demo),
        Slot("verification.code", "sandbox/hint.jinja2", variables=views.hint_of_demo),
    )


@hookimpl
def load_demo(session: Session, progress: Callable[[str], None]) -> None:
    """Create the account that carries messages to the telephone."""
    if ensure_account(session):
        progress("Kanal Telepon percobaan dibuat.")
