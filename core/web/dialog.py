"""Dialogs: every page can be one.

A link with ``data-dialog`` opens its page in the dialog of the page it is on; the request then
carries ``X-Abah-Dialog: 1`` and the page is rendered in ``layouts/dialog.jinja2``. Forms in it are
posted the same way: an answer of 4xx or 5xx stays in the dialog, a redirect closes it and takes
the whole page along. Without JavaScript the same views work as full pages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pyramid.events import NewResponse
from pyramid.httpexceptions import HTTPSeeOther

if TYPE_CHECKING:
    from pyramid.config import Configurator
    from pyramid.request import Request
    from pyramid.response import Response

__all__ = ["DIALOG_HEADER", "close_dialog", "is_dialog", "stay_in_dialog"]

DIALOG_HEADER: Final = "X-Abah-Dialog"
_STAY: Final = "X-Abah-Stay"
_OK: Final = 200


def is_dialog(request: Request) -> bool:
    """Tell whether the page is asked for by an open dialog."""
    return request.headers.get(DIALOG_HEADER) == "1" and "HX-Request" in request.headers


def close_dialog(_request: Request, location: str) -> Response:
    """Answer a form that succeeded: an open dialog closes and the browser goes to ``location``.

    The same as ``HTTPSeeOther(location)``, which is turned into what the dialog understands on its
    way out. Flash messages that were left in the session are shown there.
    """
    return HTTPSeeOther(location=location)


def stay_in_dialog(_request: Request, location: str) -> Response:
    """Answer with the next step of a dialog: it shows ``location``, and the page behind stays."""
    response = HTTPSeeOther(location=location)
    response.headers[_STAY] = "1"
    return response


def _translate_redirect(event: NewResponse) -> None:
    """Turn a redirect that a dialog got into the header that htmx follows with the whole page."""
    request, response = event.request, event.response
    if not is_dialog(request) or not response.location or response.status_int // 100 != 3:  # noqa: PLR2004
        return
    if response.headers.pop(_STAY, None):
        # The browser follows by itself and keeps the dialog's header.
        return
    response.headers["HX-Redirect"] = response.location
    del response.location
    response.status_int = _OK
    response.content_type = "text/html"
    response.body = b""
    # Or Pyramid would write its own page about the redirect whose address was just taken out.
    response.empty_body = True


def includeme(config: Configurator) -> None:
    """Add ``request.is_dialog`` and follow redirects."""
    config.add_request_method(is_dialog, "is_dialog", reify=True)
    config.add_subscriber(_translate_redirect, NewResponse)
