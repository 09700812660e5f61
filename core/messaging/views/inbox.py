"""The inbox: every conversation that a person may read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyramid.httpexceptions import HTTPNoContent
from pyramid.renderers import render_to_response
from pyramid.view import view_config

from core.messaging.reading import READ, Cursor, Tab, inbox, inbox_counts

if TYPE_CHECKING:
    from pyramid.request import Request
    from pyramid.response import Response

__all__ = ["inbox_context", "show_changes", "show_inbox"]

MAX_TEXT = 100
"""Characters of a search that are looked for."""


def inbox_context(request: Request) -> dict[str, Any]:
    """Read the list of conversations as the address asks for it."""
    tab = request.params.get("tab", "")
    tab = Tab(tab) if tab in set(Tab) else Tab.ALL
    text = request.params.get("q", "").strip()[:MAX_TEXT]
    before = Cursor.parse(request.params.get("before", ""))
    page = inbox(request.db, request.identity, tab=tab, text=text, before=before)
    state = {"tab": tab.value if tab is not Tab.ALL else "", "q": text}
    return {
        "inbox": page,
        "tab": tab,
        "tabs": Tab,
        "text": text,
        "state": {name: value for name, value in state.items() if value},
        "is_first_page": before is None,
    }


@view_config(route_name="messaging.inbox", request_method="GET", permission=READ)
def show_inbox(request: Request) -> Response:
    """Show the list, beside an empty place for a conversation; only more of it when htmx asks."""
    context = inbox_context(request)
    if request.headers.get("HX-Target") == "inbox-more":
        return render_to_response("messaging/inbox_more.jinja2", context, request=request)
    context["counts"] = inbox_counts(request.db, request.identity)
    return render_to_response("messaging/inbox.jinja2", context, request=request)


@view_config(route_name="messaging.inbox.changes", request_method="GET", permission=READ)
def show_changes(request: Request) -> Response:
    """Answer the list anew if it changed since ``seen``, else nothing at all."""
    context = inbox_context(request)
    if context["inbox"].signature == request.params.get("seen"):
        return HTTPNoContent()
    context["counts"] = inbox_counts(request.db, request.identity)
    return render_to_response("messaging/inbox_changes.jinja2", context, request=request)
