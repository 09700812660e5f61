"""The page of the quick search."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from pyramid.view import view_config

from plugins.hibah.services.search import SearchQuery, search
from plugins.hibah.services.visibility import READ
from plugins.hibah.views.actions import shown_actions

if TYPE_CHECKING:
    from pyramid.request import Request

__all__ = ["results", "search_box"]

ARCHIVE: Final = "arsip"
MAX_TEXT: Final = 200
MAX_PAGE: Final = 100_000


@view_config(route_name="hibah.search", renderer="hibah/search.jinja2", permission=READ)
def results(request: Request) -> dict[str, Any]:
    """Show the grants that match, of Data Aktif or of Data Arsip."""
    text = request.GET.get("q", "")[:MAX_TEXT].strip()
    archived = request.GET.get("data") == ARCHIVE
    query = SearchQuery(text, archived, _number(request.GET.get("hal", "")))
    page = search(request.db, request.identity, query)
    before, after = page.query.number - 1, page.query.number + 1
    return {
        "page": page,
        "actions": shown_actions(request, [card.facts for card in page.cards]),
        "archive": ARCHIVE,
        "other_url": _address(request, text, archived=not archived),
        "previous_url": _address(request, text, archived=archived, number=before)
        if before
        else None,
        "next_url": _address(request, text, archived=archived, number=after)
        if after <= page.pages
        else None,
    }


def search_box(request: Request, _given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Fill the search box in the frame and on the dashboard with what was searched for."""
    on_results = request.matched_route is not None and request.matched_route.name == "hibah.search"
    return {"text": request.GET.get("q", "")[:MAX_TEXT] if on_results else ""}


def _address(request: Request, text: str, *, archived: bool, number: int = 1) -> str:
    query = {"q": text}
    if archived:
        query["data"] = ARCHIVE
    if number > 1:
        query["hal"] = str(number)
    return str(request.route_path("hibah.search", _query=query))


def _number(text: str) -> int:
    return min(int(text), MAX_PAGE) if text.isascii() and text.isdecimal() else 1
