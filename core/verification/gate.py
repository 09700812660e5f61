"""Whoever has no confirmed number is asked for it first, wherever a signed-in page was wanted."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED

from core.web.storage import SAFE_METHODS
from core.web.tables.selection import is_local

if TYPE_CHECKING:
    from pyramid.config import Configurator
    from pyramid.request import Request

__all__ = ["OPTION", "after_verification", "includeme"]

OPTION: Final = "verified"
"""View option: ``verified=False`` opens a page to people without a confirmed number."""

OPEN_PERMISSIONS: Final = frozenset({"channels.manage", "plugins.manage", "settings.manage"})
"""Pages of an Admin that stay open: before a channel is set up, no code can be sent to anybody."""

_NEXT: Final = "abah_next"

View = Callable[[Any, "Request"], "Response"]


def _guard(view: View, info: Any) -> View:
    """Wrap a view that needs a signed-in person."""
    permission = info.options.get("permission")
    is_open = (
        info.exception_only
        or info.options.get(OPTION) is False
        or permission == NO_PERMISSION_REQUIRED
        or permission in OPEN_PERMISSIONS
    )
    if is_open:
        return view

    def guarded(context: Any, request: Request) -> Response:
        identity = request.identity
        if identity is None or identity.phone is not None:
            return view(context, request)
        asked = HTTPSeeOther(location=request.route_path("verification.phone.start"))
        if "HX-Request" in request.headers:
            # A part of a page: the whole page has to go there.
            return Response(headerlist=[("HX-Redirect", asked.location)])
        if request.method in SAFE_METHODS:
            # Where the person wanted to go comes afterwards.
            request.session[_NEXT] = request.path_qs
        return asked

    return guarded


# How Pyramid learns of a view's own option.
_guard.options = (OPTION,)  # type: ignore[attr-defined]


def after_verification(request: Request) -> str:
    """Return the page that was wanted before the number was asked for, else the dashboard."""
    there = str(request.session.pop(_NEXT, ""))
    return there if is_local(there) else str(request.route_path("dashboard"))


def includeme(config: Configurator) -> None:
    """Put the gate behind permission and token, and before the one-time key of forms."""
    config.add_view_deriver(_guard, name="verified_number", under="csrf_view", over="once")
