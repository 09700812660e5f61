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
    if request is None:
        return Markup()
    pieces = (
        _fenced(request, owner, piece, variables)
        for owner, piece in parts_of(request.registry).slots.get(place, ())
        if piece.permission is None or request.has_permission(piece.permission)
    )
    return Markup().join(pieces)


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


def _fenced(request: Request, owner: str, piece: Slot, variables: dict[str, Any]) -> Markup:
    output = Markup()
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
                text = template.render({**_system(request), **variables, **given})
                output = Markup(text)  # noqa: S704 - a template escapes what it prints
    return output
