"""Aplikasi and Setelan: the plugins and their settings, as an Admin sees and changes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from core.framework.views.applications import MANAGE
from core.i18n import _
from core.web.menu import MenuEntry

if TYPE_CHECKING:
    from pyramid.config import Configurator

__all__ = ["includeme"]

PLUGIN: Final = r"/aplikasi/{plugin:[a-z0-9_]{1,40}}"
RUN: Final = r"/aplikasi/-/kemajuan/{run:[0-9a-f]{32}}"


def includeme(config: Configurator) -> None:
    """Add routes and the menu entries."""
    config.add_route("applications.list", "/aplikasi")
    config.add_route("applications.resume", "/aplikasi/-/lanjutkan")
    config.add_route("applications.progress", RUN)
    config.add_route("applications.steps", f"{RUN}/langkah")
    config.add_route("applications.detail", PLUGIN)
    config.add_route("applications.settle", f"{PLUGIN}/putuskan")
    config.add_route(
        "applications.operate",
        f"{PLUGIN}/{{operation:install|upgrade|enable|disable|uninstall}}",
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
    config.include("core.framework.views.settings")
    config.scan("core.framework.views")
