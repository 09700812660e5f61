"""Slots: named places of a page that other rooms and plugins fill.

``{{ slot("grant.card.actions", grant=grant) }}`` prints every piece that was registered for the
place, in order. Each piece is fenced: one that raises is left out, counted against its owner, and
the page goes on.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from markupsafe import Markup
from pyramid.csrf import get_csrf_token
from pyramid.threadlocal import get_current_request

from core.web.layers import templates_of
from core.web.parts import parts_of

if TYPE_CHECKING:
    from pyramid.request import Request

    from core.hookspecs.web import Slot

__all__ = ["filled", "slot"]


def slot(place: str, **variables: Any) -> Markup:
    """Print the pieces of ``place``; ``variables`` are handed to each of them."""
    request = get_current_request()
    pieces = () if request is None else parts_of(request.registry).slots.get(place, ())
    if not pieces:
        return Markup()
    # Put together once for all pieces: Jinja does it for each, and more slowly than most print.
    shared = {**templates_of(request.registry).globals, **_system(request), **variables}
    texts = [
        _fenced(request, owner, piece, variables, shared)
        for owner, piece in pieces
        if piece.permission is None or request.has_permission(piece.permission)
    ]
    return Markup("".join(texts))  # noqa: S704 - a template escapes what it prints


def filled(place: str) -> bool:
    """Tell whether anything was registered for ``place``."""
    request = get_current_request()
    return request is not None and bool(parts_of(request.registry).slots.get(place))


def _system(request: Request) -> dict[str, Any]:
    """Give what Pyramid gives to every template."""
    return {
        "request": request,
        "context": getattr(request, "context", None),
        "get_csrf_token": partial(get_csrf_token, request),
    }


def _fenced(
    request: Request,
    owner: str,
    piece: Slot,
    variables: dict[str, Any],
    shared: dict[str, Any],
) -> str:
    text = ""
    # A savepoint where it may ask the database: PostgreSQL refuses everything after a failed query,
    # SQLite does not.
    needs_savepoint = piece.variables is not None and request.runtime.database.dialect != "sqlite"
    session = request.db if needs_savepoint else None
    with request.runtime.hooks.fence(owner, f"slot {piece.place}", session) as allowed:
        if allowed:
            given: Any = variables
            if piece.variables is not None:
                given = piece.variables(request, variables)
            if given is not None:
                # Not by Pyramid's renderer, which takes longer than most pieces.
                template = templates_of(request.registry).get_template(piece.template)
                context = template.environment.context_class(
                    template.environment, {**shared, **given}, template.name, template.blocks
                )
                text = "".join(template.root_render_func(context))
    return text
