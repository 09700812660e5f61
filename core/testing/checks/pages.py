"""Routes, views and permissions of a plugin, as the built application has them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from core.accounts.permissions import CORE_PERMISSIONS
from core.testing.checks.imports import sources
from core.web.security import NOBODY

if TYPE_CHECKING:
    from core.testing.specimen import Page, Specimen

__all__ = ["permission_problems", "registered", "route_problems"]

STATIC: Final = "__"
"""What Pyramid puts before the name of a route to files."""

IN_TEMPLATE: Final = re.compile(r"""has_permission\(\s*["']([^"']+)["']""")


def route_problems(specimen: Specimen) -> list[str]:
    """Tell which routes do not lie in the plugin's own room: its name, and its prefix."""
    prefix = specimen.manifest.url_prefix.strip("/")
    # Its files lie where those of everybody do.
    rooms = (f"{prefix}/", f"static/p/{specimen.name}/")
    problems = []
    for name, pattern in specimen.routes.items():
        if not name.startswith((f"{specimen.name}.", STATIC)):
            problems.append(f"route {name} must be called {specimen.name}.…")
        if not f"{pattern.strip('/')}/".startswith(rooms):
            problems.append(f"route {name} lies at /{pattern.strip('/')}, outside /{prefix}")
    return problems


def permission_problems(specimen: Specimen) -> list[str]:
    """Tell which views are open by mistake, and which permissions nobody declares."""
    closed = [
        f"the view of {page.route} names no permission: give one, or NO_PERMISSION_REQUIRED"
        for page in specimen.pages
        if page.permission in {None, NOBODY}
    ]
    known = {one.name for one in CORE_PERMISSIONS}
    known |= {one.name for each in specimen.runtime.plugins for one in each.permissions}
    unknown = [
        f"{place} asks for {name}, which no manifest declares"
        for place, name in _asked(specimen)
        if name not in known
    ]
    return [*closed, *sorted(set(unknown)), *_open_to_strangers(specimen)]


def _asked(specimen: Specimen) -> Iterator[tuple[str, str]]:
    for page in specimen.pages:
        if not page.public and page.permission not in {None, NOBODY}:
            yield f"the view of {page.route}", str(page.permission)
    for menu in specimen.manifest.menus:
        if menu.permission:
            yield f"menu {menu.id}", menu.permission
    for hook, answer in registered(specimen):
        asked = getattr(answer, "permission", None)
        if isinstance(asked, str):
            yield hook, asked
    for path in sources(specimen.manifest.directory):
        yield from ((path.name, name) for name in _literals(path.read_text(encoding="utf-8")))
    for path in specimen.manifest.directory.rglob("templates/**/*.jinja2"):
        found = IN_TEMPLATE.findall(path.read_text(encoding="utf-8"))
        yield from ((path.name, name) for name in found)


def _literals(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(
                func=ast.Attribute(attr="has_permission"), args=[ast.Constant(value=str(name)), *_]
            ):
                yield name


def registered(specimen: Specimen) -> Iterator[tuple[str, object]]:
    """Give whatever the plugin registers by hooks that take nothing, each with the hook's name."""
    module = specimen.module
    for hook in sorted(dir(module)):
        if hook.startswith("register_") and hook in specimen.hooks:
            answer = getattr(module, hook)()
            if isinstance(answer, (list, tuple)):
                yield from ((hook, one) for one in answer)
            elif answer is not None:
                yield hook, answer


def _open_to_strangers(specimen: Specimen) -> Iterator[str]:
    """Ask for each closed page as somebody unknown."""
    stranger = specimen.site.browser()
    opened = {page.path for page in specimen.pages if page.public}
    for page in specimen.pages:
        if page.shown and page.path not in opened and not _refused(stranger, page):
            yield f"{page.path} answers somebody who is not signed in"


def _refused(stranger: object, page: Page) -> bool:
    answer = stranger.get(page.path, status="*")  # type: ignore[attr-defined]
    # Sent to the page on which one signs in, or refused.
    return answer.status_int in {302, 303, 401, 403, 404}
