"""Screens: layout, menu, slots, forms, tables, errors, static files, and what protects them.

``config.include("core.web")`` needs ``config.registry["runtime"]``; the security policy is the
accounts room's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyramid.config import Configurator

__all__ = ["includeme"]


def includeme(config: Configurator) -> None:
    """Set the web up."""
    for module in (
        "storage",
        "security",
        "dialog",
        "once",
        "rendering",
        "parts",
        "frame",
        "assets",
        "errors",
        "metrics",
        "views",
        "guide",
    ):
        config.include(f"core.web.{module}")
