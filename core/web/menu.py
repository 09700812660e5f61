"""The menu: entries of core and plugins, as far as they lead somewhere for this person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pyramid.interfaces import IRoutesMapper

from core.errors import InvalidInputError
from core.i18n import TranslationString, _

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyramid.registry import Registry
    from pyramid.request import Request

__all__ = ["CORE_MENUS", "MenuEntry", "MenuItem", "check_menus", "menu_tree"]


_KEY: Final = "abah.web.menu"
"""Addresses of one build that were asked for before."""


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """An entry as it was declared."""

    id: str
    label: str
    route: str | None = None
    """Route without variables; None for one that only holds others."""
    parent: str | None = None
    permission: str | None = None
    order: int = 100
    icon: str | None = None

    @classmethod
    def from_manifest(cls, menu: Any) -> MenuEntry:
        """Take an entry over from a manifest; its label is translated by the catalogue."""
        return cls(
            id=menu.id,
            label=_(menu.label),
            route=menu.route,
            parent=menu.parent,
            permission=menu.permission,
            order=menu.order,
            icon=menu.icon,
        )


@dataclass(frozen=True, slots=True)
class MenuItem:
    """An entry as it is shown."""

    id: str
    label: str
    url: str | None
    active: bool
    """Whether the page belongs to it."""
    icon: str | None
    children: Sequence[MenuItem]


CORE_MENUS: Final = (
    MenuEntry("dashboard", _("Dashboard"), "dashboard", permission="abah.signed_in", order=10),
    MenuEntry("bantuan", _("Bantuan"), "help", order=20),
    MenuEntry("laporan", _("Laporan"), order=30),
    MenuEntry("ucp", TranslationString("UCP", domain="abah"), order=90),
)
"""Top-level entries in the manual's order; one without a page shows when it holds something."""


def check_menus(registry: Registry, manifest: Any) -> None:
    """Refuse a plugin with an entry that leads nowhere.

    :raises InvalidInputError: its route does not exist or needs something filled in.
    """
    for menu in manifest.menus:
        if menu.route is not None and not _is_plain(registry, menu.route):
            text = _(
                "Menu ${menu} dari plugin ${name} menunjuk rute ${route}, yang tidak ada atau "
                "memerlukan isian.",
                mapping={"menu": menu.id, "name": manifest.name, "route": menu.route},
            )
            raise InvalidInputError(field="menus.route", explanation=text)


def menu_tree(request: Request, entries: Sequence[MenuEntry]) -> dict[str, MenuItem]:
    """Return the top-level items by id, in order, without what leads nowhere."""
    children: dict[str | None, list[MenuEntry]] = {}
    for entry in sorted(entries, key=lambda each: (each.order, each.id)):
        children.setdefault(entry.parent, []).append(entry)
    items = (_item(request, entry, children) for entry in children.get(None, ()))
    return {item.id: item for item in items if item is not None}


def _item(
    request: Request, entry: MenuEntry, children: dict[str | None, list[MenuEntry]]
) -> MenuItem | None:
    if entry.permission and not request.has_permission(entry.permission):
        return None
    below = [_item(request, child, children) for child in children.get(entry.id, ())]
    shown = [item for item in below if item is not None]
    url = _url(request, entry.route)
    if url is None and not shown:
        return None
    # An error can come before the route was looked for.
    route = getattr(request, "matched_route", None)
    matched = None if route is None else route.name
    active = (entry.route is not None and entry.route == matched) or any(i.active for i in shown)
    return MenuItem(entry.id, entry.label, url, active, entry.icon, shown)


def _url(request: Request, name: str | None) -> str | None:
    """Return the address of a route that exists and needs nothing filled in, else None."""
    if name is None:
        return None
    known: dict[str, str | None] = request.registry.setdefault(_KEY, {})
    key = f"{request.script_name} {name}"
    if key not in known:
        plain = _is_plain(request.registry, name)
        known[key] = str(request.route_path(name)) if plain else None
    return known[key]


def _is_plain(registry: Registry, name: str) -> bool:
    route = registry.getUtility(IRoutesMapper).get_route(name)
    return route is not None and "{" not in route.pattern and "*" not in route.pattern
