"""Aplikasi: the plugins as an Admin sees them, and what may be done with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.framework.views.applications import MANAGE
from core.i18n import _
from core.web.menu import MenuEntry

if TYPE_CHECKING:
    from pyramid.config import Configurator

__all__ = ["includeme"]


def includeme(config: Configurator) -> None:
    """Add routes and the menu entry."""
    config.add_route("applications.list", "/aplikasi")
    config.add_route("applications.resume", "/aplikasi/-/lanjutkan")
    config.add_route("applications.progress", r"/aplikasi/-/kemajuan/{since:\d{1,18}}")
    config.add_route("applications.steps", r"/aplikasi/-/kemajuan/{since:\d{1,18}}/langkah")
    config.add_route("applications.detail", r"/aplikasi/{plugin:[a-z0-9_]{1,40}}")
    config.add_route(
        "applications.operate",
        r"/aplikasi/{plugin:[a-z0-9_]{1,40}}/{operation:install|upgrade|enable|disable|uninstall}",
    )
    config.add_menus(
        MenuEntry(
            "ucp.applications",
            _("Aplikasi"),
            "applications.list",
            parent="ucp",
            permission=MANAGE,
            order=40,
            icon="puzzle",
        )
    )
    config.scan("core.framework.views")
