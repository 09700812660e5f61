"""Files that browsers fetch: our own; Bootstrap, its icons and htmx from their packages."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup
from pyramid.static import QueryStringCacheBuster

if TYPE_CHECKING:
    from pyramid.config import Configurator
    from pyramid.request import Request

__all__ = ["SCRIPTS", "STYLES", "asset_url", "icon", "serve_files"]

_YEAR: Final = 365 * 24 * 3600

_OWN: Final = "core.web:static/"
_BOOTSTRAP: Final = "js_lib_bootstrap5:static/js-lib-bootstrap5/"
_HTMX: Final = "js_lib_htmx:static/htmx/"
_ICONS: Final = "static/bootstrap-icons"

STYLES: Final = (
    f"{_BOOTSTRAP}css/bootstrap.min.css",
    f"{_OWN}abah.css",
    f"{_OWN}conversation.css",
)
"""Style sheets of every page, in order."""

SCRIPTS: Final = (
    f"{_BOOTSTRAP}js/bootstrap.bundle.min.js",
    f"{_HTMX}htmx.min.js",
    f"{_OWN}abah.js",
    f"{_OWN}conversation.js",
)
"""Scripts of every page, in order; ``theme.js`` comes before them, in the head."""


_KEY: Final = "abah.web.assets"
"""Addresses of one build that were asked for before."""


class _Digest(QueryStringCacheBuster):  # type: ignore[misc]
    """Puts a digest of the file into its address, so that browsers may keep it for ever."""

    def tokenize(self, request: Request, pathspec: str, kw: dict[str, Any]) -> str:
        """Return the digest of the file."""
        del request, pathspec
        return _digest(kw["pathspec"])


@cache
def _digest(pathspec: str) -> str:
    package, _colon, path = pathspec.partition(":")
    return hashlib.sha256(files(package).joinpath(path).read_bytes()).hexdigest()[:12]


def asset_url(request: Request, spec: str) -> str:
    """Return the address of a file; ``spec`` is ``package:path``, or the name of one of our own."""
    known: dict[str, str] = request.registry.setdefault(_KEY, {})
    key = f"{request.script_name} {spec}"
    if key not in known:
        known[key] = str(request.static_path(spec if ":" in spec else f"{_OWN}{spec}"))
    return known[key]


_NAME: Final = re.compile(r"[a-z0-9-]+")


@cache
def icon(name: str, label: str = "") -> Markup:
    """Return an icon of Bootstrap Icons as SVG, the size of the text around it.

    It is hidden from screen readers, unless ``label`` says what it means.
    """
    if not _NAME.fullmatch(name):
        raise KeyError(name)
    drawn = files("js_lib_bootstrap_icons").joinpath(_ICONS, f"{name}.svg").read_text("utf-8")
    shape = re.search(r"<svg[^>]*>(.*)</svg>", drawn, re.DOTALL)
    if shape is None:
        raise KeyError(name)
    head = Markup('<svg class="icon" viewBox="0 0 16 16" fill="currentColor" {}>').format(
        Markup('role="img" aria-label="{}"').format(label)
        if label
        else Markup('aria-hidden="true"')
    )
    # The drawing is a file of an installed package.
    return head + Markup(shape[1].strip().replace("\n", "")) + Markup("</svg>")  # noqa: S704


def serve_files(config: Configurator, name: str, spec: str) -> None:
    """Serve the folder ``spec`` (``package:path/``) below ``/static/name``."""
    config.add_static_view(f"static/{name}", spec, cache_max_age=_YEAR)
    config.add_cache_buster(spec, _Digest())


def includeme(config: Configurator) -> None:
    """Serve the files below ``/static``."""
    for name, spec in (("abah", _OWN), ("bootstrap", _BOOTSTRAP), ("htmx", _HTMX)):
        serve_files(config, name, spec)
