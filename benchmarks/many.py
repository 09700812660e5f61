"""Sixty plugins of one shape, written for the length of a measurement."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["COUNT", "MARK", "ROUTES", "names", "write"]

COUNT: Final = 60
ROUTES: Final = 20

MANIFEST: Final = """\
name = "{name}"
version = "1.0"
summary = "Plugin yang diukur"

[[permissions]]
name = "{name}.lihat"
title = "Melihat {name}"
roles = ["admin"]
"""

MENU: Final = """\

[[menus]]
id = "{name}"
label = "{name}"
route = "{name}.page0"
parent = "bantuan"
permission = "{name}.lihat"
"""

CODE: Final = """\
from pyramid.response import Response

from core.api.hooks import Slot, hookimpl

ROUTES = {routes}


def page(request):
    return Response("ada")


@hookimpl
def include_web(config):
    for number in range(ROUTES):
        name = f"{name}.page{{number}}"
        config.add_route(name, f"/{{number}}/{{{{id}}}}" if number else "/")
        config.add_view(page, route_name=name, permission="{name}.lihat")


def words(request, given):
    return {{"word": "ada"}}


@hookimpl
def register_slots():
    return [Slot("{place}", "{name}/piece.jinja2", variables=words)]


@hookimpl
def messages_changed(session, changes):
    pass
"""

MARK: Final = b'class="piece"'
"""Stands in every piece that one of them puts on a page."""

PIECE: Final = '<p class="piece"><a href="{{ url("dashboard") }}">{{ word }}</a></p>\n'


def names() -> list[str]:
    """Name them in load order."""
    return [f"ukur{number:02d}" for number in range(1, COUNT + 1)]


def write(folder: Path, places: Sequence[str]) -> None:
    """Write them into a folder of ``abah.plugins_path``; they fill the slots ``places`` in turn."""
    for number, name in enumerate(names()):
        home = folder / name
        (home / "templates" / name).mkdir(parents=True)
        code = CODE.format(name=name, routes=ROUTES, place=places[number % len(places)])
        (home / "__init__.py").touch()
        (home / "plugin.py").write_text(textwrap.dedent(code), encoding="utf-8")
        # As among the bundled plugins, a third has an entry of the menu.
        manifest = MANIFEST if number % 3 else MANIFEST + MENU
        (home / "plugin.toml").write_text(manifest.format(name=name), encoding="utf-8")
        (home / "templates" / name / "piece.jinja2").write_text(PIECE, encoding="utf-8")
