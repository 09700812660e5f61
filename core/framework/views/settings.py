"""Setelan: what an Admin changes while the system runs, one form for the core and each plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pyramid.httpexceptions import HTTPNotFound
from pyramid.view import view_config

from core.errors import ConflictError
from core.framework.settings_form import SettingsForm
from core.framework.stored import PluginSettings, save_settings, settings_state
from core.i18n import _
from core.web.dialog import close_dialog
from core.web.menu import MenuEntry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyramid.config import Configurator
    from pyramid.request import Request

    from core.framework.runtime import Runtime
    from core.hookspecs.system import SettingsSection

__all__ = ["MANAGE", "includeme"]

MANAGE: Final = "settings.manage"


@view_config(route_name="settings.list", renderer="settings/list.jinja2", permission=MANAGE)
def list_settings(request: Request) -> dict[str, Any]:
    """List who has settings."""
    runtime: Runtime = request.runtime
    summaries = {manifest.name: manifest.summary for manifest in runtime.plugins}
    return {
        "owners": [
            (owner, section.title, summaries.get(owner, ""))
            for owner, section in _sections(request).items()
            if section.fields
        ]
    }


@view_config(route_name="settings.edit", renderer="settings/form.jinja2", permission=MANAGE)
def edit_settings(request: Request) -> Any:
    """Show the settings of one owner and store what was changed."""
    owner = request.matchdict["owner"]
    section = _sections(request).get(owner)
    if section is None or not section.fields:
        raise HTTPNotFound
    state = settings_state(request.db, owner, section)
    form = SettingsForm.of(section, state)(request)
    if form.submitted and form.validate():
        if form.version.data != state.version:
            raise ConflictError
        changed = save_settings(request.db, owner, form.changes(), actor_id=request.identity.id)
        request.session.flash(
            _("Setelan ${title} sudah disimpan.", mapping={"title": section.title})
            if changed
            else _("Tidak ada yang berubah."),
            "success" if changed else "info",
        )
        return close_dialog(request, request.route_path("settings.edit", owner=owner))
    return {"form": form, "section": section, "owner": owner}


def _sections(request: Request) -> Mapping[str, SettingsSection]:
    runtime: Runtime = request.runtime
    return runtime.component(PluginSettings).sections()


def includeme(config: Configurator) -> None:
    """Add routes and the menu entry."""
    config.add_route("settings.list", "/setelan")
    config.add_route("settings.edit", r"/setelan/{owner:[a-z0-9_]{1,40}}")
    config.add_menus(
        MenuEntry(
            "ucp.settings",
            _("Setelan"),
            "settings.list",
            parent="ucp",
            permission=MANAGE,
            order=65,
            icon="sliders",
        )
    )
