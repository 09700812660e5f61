"""What several pages of the grants share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from pyramid.threadlocal import get_current_request
from sqlalchemy import ColumnElement, Select

from core.api.tables import TextFilter
from core.api.web import is_dialog

if TYPE_CHECKING:
    from pyramid.request import Request

__all__ = ["SearchFilter", "institution_path", "page_behind"]

_BEHIND: Final = "HX-Current-Path"


class SearchFilter(TextFilter):
    """Narrows a list as the quick search does."""

    def __init__(self, name: str, label: str, condition: ColumnElement[bool] | None) -> None:
        """``condition`` is what the typed words stand for; None where nothing was typed."""
        super().__init__(name, label, ())
        self._condition = condition

    def apply(self, select: Select[Any], _params: Mapping[str, str]) -> Select[Any]:
        """Add the condition."""
        return select if self._condition is None else select.where(self._condition)


def page_behind(request: Request, otherwise: str) -> str:
    """Return the page below the dialog; ``otherwise`` for a form on a page of its own."""
    path = request.headers.get(_BEHIND, "")
    is_local = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if is_dialog(request) and is_local else otherwise


def institution_path(route: str, institution_id: int) -> str:
    """Return the path of an institution's page; empty where no page asks, as in a worker."""
    request = get_current_request()
    return "" if request is None else str(request.route_path(route, institution=institution_id))
