"""What surrounds every page: menus, footer, theme, messages that were left for it."""

from __future__ import annotations

import json
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup, escape

from core.i18n import TranslationString, _
from core.web.menu import MenuItem, menu_tree
from core.web.parts import parts_of
from core.web.storage import SAFE_METHODS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyramid.config import Configurator
    from pyramid.request import Request

__all__ = ["HTMX_CONFIG", "THEMES", "THEME_COOKIE", "Frame"]

THEMES: Final[dict[str, TranslationString]] = {
    "auto": _("Ikuti perangkat"),
    "light": _("Terang"),
    "dark": _("Gelap"),
}
"""Choices of the switch, in order."""

THEME_COOKIE: Final = "abah_theme"

HTMX_CONFIG: Final = escape(
    json.dumps(
        {
            # The content policy forbids both: a style element of its own and evaluated text.
            "includeIndicatorStyles": False,
            "allowEval": False,
            "allowScriptTags": False,
            "selfRequestsOnly": True,
            # Pages with people's data must not stay in the browser's storage: Back asks the server.
            "historyCacheSize": 0,
            "refreshOnHistoryMiss": True,
            "attributesToSettle": ["class"],
            "scrollBehavior": "auto",
            "responseHandling": [
                {"code": "204", "swap": False},
                {"code": "[23]..", "swap": True},
                {"code": "[45]..", "swap": True, "error": True},
            ],
        }
    )
)
"""Settings of htmx, read by it from a meta element."""

FOOTER: Final[tuple[tuple[str, TranslationString], ...]] = (
    ("berita", _("Berita")),
    ("halaman", _("Halaman")),
    ("unduhan", _("Unduhan")),
    ("situs", _("Situs")),
)
"""Columns of the footer; setting ``abah.footer.<name>`` has one link a line: ``Text | address``."""

KINDS: Final = ("success", "info", "warning", "danger")


class Frame:
    """The frame of one page; computed where a layout asks for it."""

    def __init__(self, request: Request) -> None:
        """Frame the page of ``request``."""
        self._request = request

    @cached_property
    def menus(self) -> dict[str, MenuItem]:
        """Top-level items of the menu by id, in order."""
        return menu_tree(self._request, list(parts_of(self._request.registry).menus.values()))

    @property
    def theme(self) -> str:
        """``light`` or ``dark`` where it was chosen, else ``auto``: as the system has it."""
        chosen = self._request.cookies.get(THEME_COOKIE, "auto")
        return chosen if chosen in THEMES else "auto"

    @property
    def themes(self) -> dict[str, TranslationString]:
        """Choices of the switch."""
        return THEMES

    @property
    def htmx_config(self) -> Markup:
        """Settings of htmx as JSON."""
        return HTMX_CONFIG

    @cached_property
    def messages(self) -> list[tuple[str, str]]:
        """Flash messages, each shown once: (kind, sentence)."""
        session = self._request.session
        return [
            (kind if kind in KINDS else "info", sentence)
            for kind in (*KINDS, "")
            # Taking from an empty queue would sign and send the cookie again with every page.
            if session.peek_flash(kind)
            for sentence in session.pop_flash(kind)
        ]

    @cached_property
    def footer(self) -> list[tuple[str, Sequence[tuple[str, str]]]]:
        """Columns that have links: (heading, [(text, address)])."""
        settings = self._request.registry.settings
        columns = (
            (heading, _links(settings.get(f"abah.footer.{name}"))) for name, heading in FOOTER
        )
        return [(heading, links) for heading, links in columns if links]

    @property
    def sign_in_url(self) -> str | None:
        """Page on which one signs in."""
        route = parts_of(self._request.registry).sign_in_route
        return None if route is None else str(self._request.route_path(route))

    @cached_property
    def here(self) -> str:
        """Path and query of the page, for the way back; what was posted cannot be asked for."""
        request = self._request
        try:
            if request.method in SAFE_METHODS:
                return str(request.path_qs)
        except UnicodeDecodeError:
            # The page tells that this address is no text.
            pass
        return str(request.route_path("dashboard"))


def _links(setting: Any) -> list[tuple[str, str]]:
    """Read ``Text | address`` lines; addresses other than web addresses and paths are left out."""
    found = []
    for line in str(setting or "").splitlines():
        text, _bar, address = (part.strip() for part in line.partition("|"))
        if text and address.startswith(("https://", "http://", "/")):
            found.append((text, address))
    return found


def includeme(config: Configurator) -> None:
    """Add ``request.frame``."""
    config.add_request_method(Frame, "frame", reify=True)
