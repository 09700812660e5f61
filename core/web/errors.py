"""Pages for what went wrong: what happened, why, what to do; never a stack trace.

An unexpected error gets an id that stands on the page and in the log. Programs that ask for JSON
get JSON, and an open dialog gets a dialog.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import structlog
from pyramid.exceptions import BadCSRFOrigin, BadCSRFToken, PredicateMismatch
from pyramid.httpexceptions import HTTPException, HTTPForbidden, HTTPNotFound, HTTPSeeOther
from pyramid.renderers import render, render_to_response
from pyramid.response import Response

from core.errors import (
    AbahError,
    ConfigurationError,
    ConflictError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    RefusedError,
    new_error_id,
)
from core.i18n import TranslationString, _
from core.web.locale import identity_or_none, translate
from core.web.once import FIELD
from core.web.parts import parts_of
from core.web.storage import SAFE_METHODS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyramid.config import Configurator
    from pyramid.request import Request

__all__ = ["Problem"]

log = structlog.get_logger(__name__)

_STATUS: Final[Mapping[type[AbahError], int]] = {
    NotFoundError: 404,
    ForbiddenError: 403,
    ConflictError: 409,
    InvalidInputError: 422,
    ConfigurationError: 500,
}


@dataclass(frozen=True, slots=True)
class Problem:
    """What an error page says."""

    status: int
    title: str
    explanation: str
    error_id: str = ""
    retry: bool = False
    """Whether the same address may work in a moment."""
    again: Sequence[tuple[str, str]] | None = None
    """What was typed, for a button that sends it again; None where that would not help."""
    retype: bool = False
    """Whether a password or a code was typed too, which is never written back."""
    typed: Sequence[str] = ()
    """What was typed, to be copied, where the form has to be opened again."""


_TITLES: Final[Mapping[int, TranslationString]] = {
    400: _("Permintaan tidak dapat dibaca"),
    403: _("Tidak berhak"),
    404: _("Halaman tidak ditemukan"),
    405: _("Cara ini tidak dapat dipakai"),
    409: _("Data sudah berubah"),
    413: _("Berkas terlalu besar"),
    422: _("Tidak dapat dilakukan"),
    429: _("Terlalu sering"),
    500: _("Terjadi kesalahan"),
    503: _("Sedang tidak tersedia"),
}

_EXPLANATIONS: Final[Mapping[int, TranslationString]] = {
    400: _("Permintaan ini tidak lengkap atau rusak. Kembali ke halaman sebelumnya dan coba lagi."),
    403: _(
        "Anda tidak berhak membuka halaman ini. Bila Anda memerlukannya, mintalah akses kepada "
        "Admin."
    ),
    404: _(
        "Alamat ini tidak ada, atau datanya sudah dihapus. Periksa alamatnya, atau cari dari "
        "Dashboard."
    ),
    405: _("Halaman ini tidak dapat dibuka langsung. Buka kembali dari menu atau dari tombolnya."),
    409: ConflictError.explanation,
    413: _("Berkas atau isian yang dikirim terlalu besar. Perkecil, lalu kirim lagi."),
    422: _("Isian ini tidak dapat diproses. Kembali dan periksa isiannya."),
    429: _("Terlalu banyak permintaan dalam waktu singkat. Tunggu sebentar, lalu coba lagi."),
    500: _(
        "Ada yang tidak beres pada aplikasi, bukan pada isian Anda. Tidak ada perubahan yang "
        "disimpan. "
        "Coba lagi; bila terulang, sampaikan kode di bawah ini kepada Admin."
    ),
    503: _("Aplikasi sedang tidak dapat melayani. Tunggu beberapa saat, lalu coba lagi."),
}

_STALE: Final = _(
    "Halaman ini sudah kedaluwarsa, mungkin karena Anda masuk kembali atau halaman terlalu lama "
    "terbuka. "
    "Belum ada yang disimpan."
)
_SIGNED_OUT: Final = _("Anda sudah keluar, sehingga isian tadi belum disimpan.")

SIGNED_OUT_HEADER: Final = "X-Abah-Signed-Out"

_UNSAID: Final = re.compile(r"password|sandi|kode|code|secret|token", re.IGNORECASE)
"""Fields that are never written back into a page."""

_UNTYPED: Final = re.compile(
    r"versi|version|seen|known|scope|tell|pilih|daftar|next|first|last|tab|.*key.*|csrf.*",
    re.IGNORECASE,
)
"""Fields that pages fill in themselves, and choices: nobody typed them."""

_PASSING: Final = frozenset({429, 503})
"""Statuses that pass by themselves: sending again helps."""

_SHORTEST_KEPT: Final = 3

_MOST_TYPED: Final = 100_000
"""Characters that are carried through an error page."""


def domain_error(error: AbahError, request: Request) -> Response:
    """Answer an error that abah raised on purpose, in its own words."""
    status = next((_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS), 422)
    if status >= 500:  # noqa: PLR2004 - HTTP
        return _failure(error, request, error.explanation)
    if isinstance(error, ForbiddenError) and identity_or_none(request) is None:
        return forbidden(HTTPForbidden(), request)
    typed = [value for name, value in _typed(request) or () if _worth_keeping(name, value)]
    # Nothing changed behind the person's back where the record itself refuses.
    title = _TITLES[422 if isinstance(error, RefusedError) else status]
    return _answer(request, Problem(status, title, error.explanation, typed=typed))


def stale_form(_error: Exception, request: Request) -> Response:
    """Answer a form without a valid token."""
    problem = Problem(400, _("Halaman sudah kedaluwarsa"), _STALE)
    return _answer(request, _sent_again(request, problem))


def forbidden(_error: HTTPForbidden, request: Request) -> Response:
    """Send people who are not signed in to the page where they do so; tell the others."""
    if identity_or_none(request) is not None or _wants_json(request):
        return _answer(request, Problem(403, _TITLES[403], _EXPLANATIONS[403]))
    route = parts_of(request.registry).sign_in_route
    if "HX-Request" in request.headers and not request.is_dialog:
        # A part of a page that renews itself must not become the page for signing in.
        return Response(status=403, headerlist=[(SIGNED_OUT_HEADER, "1")])
    if request.method not in SAFE_METHODS or route is None:
        problem = Problem(403, _("Anda sudah keluar"), _SIGNED_OUT)
        return _answer(request, _sent_again(request, problem))
    # A dialog's address is not where one wants to be after signing in; the page behind it is.
    there = request.headers.get("HX-Current-Path", "") if request.is_dialog else request.path_qs
    query = {"next": there} if there.strip("/") else {}
    return HTTPSeeOther(location=request.route_path(route, _query=query))


def not_found(error: HTTPNotFound, request: Request) -> Response:
    """Answer an address that leads nowhere, or a method that its view does not take."""
    if isinstance(error, PredicateMismatch):
        allowed = _methods(request)
        if allowed and request.method not in allowed:
            response = _answer(request, Problem(405, _TITLES[405], _EXPLANATIONS[405]))
            response.allow = sorted(allowed)
            return response
    return _answer(request, Problem(404, _TITLES[404], _EXPLANATIONS[404]))


def unreadable(_error: UnicodeDecodeError, request: Request) -> Response:
    """Answer an address or a form whose bytes are no text."""
    # The page is drawn by code that reads the address too, and must not stumble over it again:
    # whose plugin it is would be counted as failing.
    request.environ["QUERY_STRING"] = ""
    return _answer(request, Problem(400, _TITLES[400], _EXPLANATIONS[400]))


def http_error(error: HTTPException, request: Request) -> Response:
    """Answer an HTTP error that a view raised; redirects and successes pass through."""
    status: int = error.status_int
    if status < 400:  # noqa: PLR2004 - HTTP
        return error
    known = status if status in _TITLES else (500 if status >= 500 else 400)  # noqa: PLR2004
    explanation = (
        error.detail if isinstance(error.detail, TranslationString) else _EXPLANATIONS[known]
    )
    if status >= 500:  # noqa: PLR2004
        log.error("server error raised", status=status, route=_place(request))
    problem = Problem(status, _TITLES[known], explanation, retry=status in _PASSING)
    if status in _PASSING:
        problem = _sent_again(request, problem)
    response = _answer(request, problem)
    if "Retry-After" in error.headers:
        response.headers["Retry-After"] = error.headers["Retry-After"]
    return response


def _place(request: Request) -> str:
    """Name where it happened, but not the address: links in mails let people in."""
    route = getattr(request, "matched_route", None)
    return str(route.pattern) if route is not None else "-"


def unexpected(error: Exception, request: Request) -> Response:
    """Answer what nobody foresaw."""
    return _failure(error, request, _EXPLANATIONS[500])


def _failure(error: Exception, request: Request, explanation: TranslationString) -> Response:
    """Log under an id and show the id; even where the frame itself cannot be built."""
    error_id = new_error_id()
    log.error(
        "request failed",
        error_id=error_id,
        route=_place(request),
        method=request.method,
        exc_info=error,
    )
    problem = Problem(500, _TITLES[500], explanation, error_id, retry=True)
    try:
        return _answer(request, _sent_again(request, problem))
    except Exception:
        log.exception("error page failed too", error_id=error_id)
        body = render("errors/bare.jinja2", {"problem": problem}, request=None)
        return Response(body, status=500, content_type="text/html", charset="utf-8")


def _answer(request: Request, problem: Problem) -> Response:
    if not hasattr(request, "context"):
        # Bytes that are no address fail before there is one; permissions are asked with it.
        request.context = None
    if _wants_json(request):
        facts = {
            "status": problem.status,
            "title": translate(problem.title),
            "explanation": translate(problem.explanation),
            "error_id": problem.error_id,
        }
        response = Response(json_body=facts, content_type="application/json", charset="utf-8")
    else:
        request.response.status_int = problem.status
        values = {"problem": problem, "back": _referrer(request)}
        response = render_to_response("errors/error.jinja2", values, request=request)
    response.status_int = problem.status
    return response


def _typed(request: Request) -> Sequence[tuple[str, str]] | None:
    """Return what a form of our own sent, so that it can be sent again with a fresh token.

    Only where the browser says that the form was on this site: nobody else may have words put into
    a page that asks to send them.
    """
    if request.method != "POST" or request.headers.get("Origin") != request.host_url:
        return None
    sent = [(n, value) for n, value in request.POST.items() if n not in {"csrf_token", FIELD}]
    if not all(isinstance(value, str) for _name, value in sent):
        return None
    harmless = [(name, value) for name, value in sent if not _UNSAID.search(name)]
    nothing_left = bool(sent) and not any(value for _name, value in harmless)
    if nothing_left or sum(len(value) for _name, value in harmless) > _MOST_TYPED:
        return None
    return harmless


def _sent_again(request: Request, problem: Problem) -> Problem:
    """Add what was typed, so that it can be sent again."""
    again = _typed(request)
    secret = any(name != "csrf_token" and _UNSAID.search(name) for name in request.POST)
    return replace(problem, again=again, retype=again is not None and secret)


def _worth_keeping(name: str, value: str) -> bool:
    """Tell whether somebody typed this and takes a while to type it again."""
    if _UNTYPED.fullmatch(name):
        return False
    return len(value.strip()) >= _SHORTEST_KEPT and not value.isdecimal()


def _referrer(request: Request) -> str:
    """Return the page that led here, where it is one of ours, else the dashboard."""
    there = urlsplit(request.referer or "")
    here = urlsplit(request.host_url)
    if there[:2] != here[:2] or not there.path:
        return str(request.route_path("dashboard"))
    return f"{there.path}?{there.query}" if there.query else there.path


def _wants_json(request: Request) -> bool:
    best = request.accept.acceptable_offers(["text/html", "application/json"])
    return bool(best) and best[0][0] == "application/json"


def _methods(request: Request) -> set[str]:
    """Return the methods that the views of the matched route take."""
    route = getattr(request, "matched_route", None)
    if route is None:
        return set()
    found: set[str] = set()
    for entry in request.registry.introspector.get_category("views") or ():
        facts: Any = entry["introspectable"]
        if facts["route_name"] == route.name and facts["request_methods"]:
            methods = facts["request_methods"]
            found.update((methods,) if isinstance(methods, str) else methods)
    return found | ({"HEAD"} if "GET" in found else set())


def includeme(config: Configurator) -> None:
    """Add the views."""
    config.add_exception_view(domain_error, context=AbahError)
    config.add_exception_view(stale_form, context=BadCSRFToken)
    config.add_exception_view(stale_form, context=BadCSRFOrigin)
    config.add_exception_view(http_error, context=HTTPException)
    config.add_exception_view(unreadable, context=UnicodeDecodeError)
    config.add_exception_view(unexpected, context=Exception)
    config.add_forbidden_view(forbidden)
    config.add_notfound_view(not_found, append_slash=False)
