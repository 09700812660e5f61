"""Pages of the grants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugins.hibah.views.actions import remember_actions

if TYPE_CHECKING:
    from pyramid.config import Configurator

__all__ = ["includeme"]

_GRANT = r"{grant:\d{1,18}}"
_INSTITUTION = r"{institution:\d{1,18}}"


def includeme(config: Configurator) -> None:
    """Add routes and views below the plugin's own prefix."""
    config.add_route("hibah.search", "/cari")
    config.add_route("hibah.institution.list", "/lembaga")
    config.add_route("hibah.institution.detail", f"/lembaga/{_INSTITUTION}")
    config.add_route("hibah.institution.contact", f"/lembaga/{_INSTITUTION}/kontak")
    config.add_route("hibah.grant.list", "/")
    config.add_route("hibah.grant.detail", f"/{_GRANT}")
    config.add_route("hibah.grant.print", f"/{_GRANT}/cetak")
    config.add_route("hibah.grant.note", f"/{_GRANT}/catatan")
    config.add_route("hibah.grant.log", f"/{_GRANT}/log")
    remember_actions(config)
    config.scan("plugins.hibah.views")
