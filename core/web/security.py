"""What holds for every request: closed by default, form tokens, headers for the browser."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from pyramid.events import NewRequest
from pyramid.httpexceptions import HTTPBadRequest
from pyramid.session import SignedCookieSessionFactory
from pyramid.tweens import INGRESS

from core.i18n import DOMAIN, TranslationString

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pyramid.config import Configurator
    from pyramid.registry import Registry
    from pyramid.request import Request
    from pyramid.response import Response

__all__ = ["CONTENT_POLICY", "HEADERS", "NOBODY", "SIGNED_IN"]

NOBODY: Final = "abah.nobody"
"""Permission of views that named none: nobody has it."""

SIGNED_IN: Final = "abah.signed_in"
"""Permission of everybody who is signed in and was let in."""

_SOURCES: Final[Mapping[str, str]] = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    # Bootstrap draws its check marks and arrows with data: addresses in its style sheet.
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
    "object-src": "'none'",
}

CONTENT_POLICY: Final = "; ".join(f"{what} {where}" for what, where in _SOURCES.items())
"""Nothing from elsewhere, nothing inline, no frame around us."""

HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}

_HSTS: Final = "max-age=31536000"
_TEXT_MARK: Final = "~"


class _FlashSerializer:
    """JSON that keeps sentences translatable: a flash is read in the language of its page."""

    def dumps(self, value: Any) -> bytes:
        """Write a session."""
        return json.dumps(_pack(value), separators=(",", ":"), ensure_ascii=False).encode()

    def loads(self, data: bytes) -> Any:
        """Read a session.

        :raises ValueError: the data are damaged.
        """
        return json.loads(data, object_hook=_unpack)


def _pack(value: Any) -> Any:
    if isinstance(value, TranslationString):
        mapping = {name: _pack(each) for name, each in (value.mapping or {}).items()}
        return {_TEXT_MARK: [str(value), mapping]}
    if isinstance(value, dict):
        return {name: _pack(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_pack(each) for each in value]
    return value if value is None or isinstance(value, int | float | bool) else str(value)


def _unpack(found: dict[str, Any]) -> Any:
    if _TEXT_MARK not in found:
        return found
    msgid, mapping = found[_TEXT_MARK]
    return TranslationString(msgid, domain=DOMAIN, mapping=mapping)


def headers_tween(
    handler: Callable[[Request], Response], _registry: Registry
) -> Callable[[Request], Response]:
    """Put the headers on every answer, also on errors and files."""

    def tween(request: Request) -> Response:
        response = handler(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if request.scheme == "https":
            response.headers.setdefault("Strict-Transport-Security", _HSTS)
        if "Cache-Control" not in response.headers:
            # Pages show people's data: no shared computer may keep them.
            response.headers["Cache-Control"] = "no-store"
        return response

    return tween


def _refuse_zero_bytes(event: NewRequest) -> None:
    """Refuse text with a zero byte: PostgreSQL takes none, and no person types one."""
    request = event.request
    typed = request.content_type == "application/x-www-form-urlencoded" and b"%00" in request.body
    if typed or "%00" in request.query_string or "\0" in request.environ.get("PATH_INFO", ""):
        raise HTTPBadRequest


def includeme(config: Configurator) -> None:
    """Close everything that is not opened on purpose."""
    runtime = config.registry["runtime"]
    config.set_default_permission(NOBODY)
    config.set_default_csrf_options(require_csrf=True)
    config.set_session_factory(
        SignedCookieSessionFactory(
            runtime.secrets.key("web.session").hex(),
            cookie_name="abah_page",
            httponly=True,
            samesite="Lax",
            secure=runtime.settings.flag("abah.cookie_secure", default=True),
            # The cookie carries a page's token and its flash messages; who is signed in is kept
            # elsewhere.
            timeout=None,
            reissue_time=None,
            serializer=_FlashSerializer(),
        )
    )
    config.add_subscriber(_refuse_zero_bytes, NewRequest)
    config.add_tween("core.web.security.headers_tween", under=INGRESS)
