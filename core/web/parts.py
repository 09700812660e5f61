"""What rooms and plugins add to the pages of one build: menu entries, slots, chapters of the guide.

Filled while the application is configured, read while it answers. Directives of the configurator::

    config.add_menus(MenuEntry("ucp.audit", _("Audit"), "audit.list", parent="ucp"))
    config.add_slots("messaging", Slot("dashboard.waiting", "messaging/waiting.jinja2"))
    config.add_help(HelpChapter("pesan", _("Melihat dan mengirim pesan"), "help/pesan.jinja2"))
    config.set_sign_in_route("accounts.session.create")
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pyramid.exceptions import ConfigurationError

from core.web.assets import serve_files
from core.web.layers import templates_of
from core.web.menu import MenuEntry

if TYPE_CHECKING:
    from pathlib import Path

    from pyramid.config import Configurator
    from pyramid.registry import Registry

    from core.hookspecs.web import HelpChapter, Slot

__all__ = ["Parts", "parts_of"]

_KEY: Final = "abah.web.parts"


@dataclass(slots=True)
class Parts:
    """Everything that was added to one build."""

    menus: dict[str, MenuEntry] = field(default_factory=dict)
    slots: dict[str, list[tuple[str, Slot]]] = field(default_factory=dict)
    """Place → (owner, slot), in order."""
    chapters: dict[str, HelpChapter] = field(default_factory=dict)
    sign_in_route: str | None = None
    """Where somebody who is not signed in is sent; gets ``next`` in the query."""
    including: str = ""
    """Plugin whose pages are being added; empty while the core's are."""


def parts_of(registry: Registry) -> Parts:
    """Return the parts of a build."""
    found: Parts = registry.setdefault(_KEY, Parts())
    return found


def add_menus(config: Configurator, *entries: MenuEntry) -> None:
    """Add entries of the menu.

    :raises ConfigurationError: an id is there already, of the core or of another plugin.
    """
    menus = parts_of(config.registry).menus
    for entry in entries:
        if menus.setdefault(entry.id, entry) is not entry:
            message = f"menu {entry.id} is there already"
            raise ConfigurationError(message)


def add_slots(config: Configurator, owner: str, *slots: Slot) -> None:
    """Add pieces for named places; what fails is counted against ``owner``."""
    places = parts_of(config.registry).slots
    for slot in slots:
        place = places.setdefault(slot.place, [])
        place.append((owner, slot))
        place.sort(key=lambda item: item[1].order)


def add_help(config: Configurator, *chapters: HelpChapter) -> None:
    """Add chapters of the user guide."""
    parts_of(config.registry).chapters.update({chapter.key: chapter for chapter in chapters})


def set_sign_in_route(config: Configurator, name: str) -> None:
    """Name the route of the page on which one signs in."""
    parts_of(config.registry).sign_in_route = name


def add_plugin(config: Configurator, manifest: Any) -> None:
    """Add a plugin's templates, files, menus, slots, chapters and words to the pages.

    ``manifest`` is a ``core.framework.manifest.Manifest``. Routes and views come by
    ``include_web``. An error of the plugin's code passes through: the caller tries it in a scratch
    configurator first.
    """
    parts_of(config.registry).including = manifest.name
    directory: Path = manifest.directory
    templates_of(config.registry).loader.add(manifest.name, directory / "templates")
    if (directory / "locale").is_dir():
        config.add_translation_dirs(str(directory / "locale"))
    if (directory / "static").is_dir():
        serve_files(config, f"p/{manifest.name}", f"{manifest.package}:static/")
    add_menus(config, *(MenuEntry.from_manifest(menu) for menu in manifest.menus))
    hooks = config.registry["runtime"].hooks
    for name, give in hooks.implementations("register_slots"):
        if name == manifest.name:
            add_slots(config, name, *(give() or ()))
    for name, give in hooks.implementations("register_help"):
        if name == manifest.name:
            add_help(config, *(give() or ()))


def includeme(config: Configurator) -> None:
    """Make the directives known."""
    for directive in (add_menus, add_slots, add_help, set_sign_in_route, add_plugin):
        config.add_directive(directive.__name__, directive)
