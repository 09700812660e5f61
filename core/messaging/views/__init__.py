"""The screens of messages: inbox, conversation, what is done from them, and the texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.hookspecs.web import Slot
from core.i18n import _
from core.messaging.reading import READ
from core.messaging.views.texts import MANAGE
from core.messaging.views.ticks import GLOBALS
from core.messaging.views.waiting import envelope, waiting
from core.web.menu import MenuEntry

if TYPE_CHECKING:
    from pyramid.config import Configurator

__all__ = ["includeme"]


def includeme(config: Configurator) -> None:
    """Add routes, menu entry and slots of this room."""
    config.add_route("messaging.inbox", "/pesan")
    config.add_route("messaging.inbox.changes", "/pesan/perubahan")
    config.add_route("messaging.subject", "/pesan/tentang/{subject}")
    config.add_route("messaging.thread", r"/pesan/{thread:\d{1,18}}")
    config.add_route("messaging.thread.changes", r"/pesan/{thread:\d{1,18}}/perubahan")
    config.add_route("messaging.thread.read", r"/pesan/{thread:\d{1,18}}/dibaca")
    config.add_route("messaging.mend", r"/pesan/{thread:\d{1,18}}/perbaiki/{message:\d{1,18}}")
    config.add_route("messaging.settle", r"/pesan/{thread:\d{1,18}}/belum-pasti/{message:\d{1,18}}")
    config.add_route("messaging.move", r"/pesan/{thread:\d{1,18}}/pindahkan/{message:\d{1,18}}")
    config.add_route("messaging.text.list", "/teks")
    config.add_route("messaging.text.edit", r"/teks/{id:\d{1,18}}")
    config.add_route("messaging.text.restore", r"/teks/{id:\d{1,18}}/kembalikan")
    config.add_menus(
        MenuEntry(
            "ucp.messages",
            _("Pesan"),
            "messaging.inbox",
            parent="ucp",
            permission=READ,
            order=10,
            icon="envelope",
        ),
        MenuEntry(
            "ucp.texts",
            _("Teks"),
            "messaging.text.list",
            parent="ucp",
            permission=MANAGE,
            order=70,
            icon="file-text",
        ),
    )
    config.add_slots(
        "messaging",
        Slot("frame.bar", "messaging/bar.jinja2", 50, READ, envelope),
        Slot("dashboard.waiting", "messaging/waiting.jinja2", 50, READ, waiting),
    )
    config.add_template_globals(GLOBALS)
    config.include("core.messaging.webhooks")
    config.scan("core.messaging.views")
