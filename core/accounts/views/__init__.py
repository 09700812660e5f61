"""Pages of people: signing in and out, one's own profile, and the Admin's list of people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.accounts.views.profile import add_profile_tab, profile_tabs
from core.accounts.views.users import waiting
from core.hookspecs.web import Slot
from core.i18n import _
from core.web.locale import LocaleChosen
from core.web.menu import MenuEntry
from core.web.security import SIGNED_IN

if TYPE_CHECKING:
    from pyramid.config import Configurator

__all__ = ["includeme"]


def includeme(config: Configurator) -> None:
    """Add the security policy, routes, menu entries, slots and tabs of this room."""
    config.include("core.accounts.security")
    config.add_directive("add_profile_tab", add_profile_tab)
    config.add_request_method(profile_tabs)
    config.add_route("accounts.session.create", "/masuk")
    config.add_route("accounts.session.delete", "/keluar")
    config.add_route("accounts.profile.edit", "/profilku")
    config.add_route("accounts.profile.password", "/profilku/sandi")
    config.add_route("accounts.user.list", "/pemakai")
    config.add_route("accounts.user.detail", r"/pemakai/{id:\d{1,18}}")
    config.add_route("accounts.user.grant", r"/pemakai/{id:\d{1,18}}/akses")
    config.add_route("accounts.user.disable", r"/pemakai/{id:\d{1,18}}/nonaktifkan")
    config.set_sign_in_route("accounts.session.create")
    config.add_profile_tab(_("Profil"), "accounts.profile.edit", order=10)
    config.add_profile_tab(_("Sandi"), "accounts.profile.password", order=90)
    config.add_menus(
        MenuEntry(
            "ucp.profile",
            _("Profilku"),
            "accounts.profile.edit",
            parent="ucp",
            permission=SIGNED_IN,
            order=20,
            icon="person",
        ),
        MenuEntry(
            "ucp.users",
            _("Pemakai"),
            "accounts.user.list",
            parent="ucp",
            permission="accounts.manage",
            order=60,
            icon="people",
        ),
    )
    config.add_slots(
        "core",
        Slot("frame.ucp", "accounts/sign_out.jinja2", order=900),
        Slot(
            "dashboard.waiting",
            "accounts/waiting.jinja2",
            order=90,
            permission="accounts.manage",
            variables=waiting,
        ),
    )
    config.add_subscriber("core.accounts.views.profile.remember_locale", LocaleChosen)
    config.scan("core.accounts.views")
