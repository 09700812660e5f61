"""Addresses at which other systems call a plugin that is no channel.

A channel needs none of this: what comes for it arrives in ``Transport.webhook``. Any other plugin
adds an address while its pages are included::

    from core.api.webhooks import Signature, add_webhook, webhook_url

    @hookimpl
    def include_web(config):
        add_webhook(config, "peta.lapor", receive, signature=Signature("X-Signature", secret))

    def receive(request):
        note_place(request.db, request.json_body)

    def secret(runtime):
        return runtime.plugin_settings("peta")["webhook_secret"]

``webhook_url(runtime, "peta.lapor")`` is what an administrator gives to the other system.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED

from core.accounts.limits import Limit, RateLimits, TooManyTriesError, address_key
from core.errors import NotFoundError
from core.framework.runtime import Runtime
from core.web.parts import parts_of

if TYPE_CHECKING:
    from pyramid.config import Configurator
    from pyramid.request import Request

__all__ = ["Signature", "add_webhook", "webhook_url"]

_PURPOSE: Final = "api.webhook"

MOST_BYTES: Final = 1_000_000
PER_MINUTE: Final = 600

_WORD: Final = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")


@dataclass(frozen=True, slots=True)
class Signature:
    """HMAC-SHA256 (RFC 2104) of the body in a header, hexadecimal or base64."""

    header: str
    """As ``X-Hub-Signature-256``."""
    secret: Callable[[Runtime], str]
    """Gives the key, as a rule from a setting of kind ``secret``. While it is empty every call is
    refused."""
    prefix: str = ""
    """What stands before the signature in the header, as ``sha256=``."""

    def fits(self, request: Request) -> bool:
        """Tell in constant time whether the body was signed with the secret."""
        secret = self.secret(request.runtime)
        given = request.headers.get(self.header, "")
        if not secret or not given.startswith(self.prefix):
            return False
        digest = hmac.new(secret.encode(), request.body, hashlib.sha256).digest()
        sent = given.removeprefix(self.prefix).strip().encode()
        # Both are compared, whichever fits.
        in_hex = hmac.compare_digest(digest.hex().encode(), sent.lower())
        in_base64 = hmac.compare_digest(base64.b64encode(digest), sent)
        return in_hex or in_base64


@dataclass(frozen=True, slots=True)
class _Webhook:
    """One address, as it answers."""

    name: str
    receive: Callable[[Request], Response | None]
    signature: Signature | None
    most_bytes: int
    limit: Limit

    def answer(self, request: Request) -> Response:
        """Answer a call."""
        return self._refuse(request) or self._refuse_unsigned(request) or self._receive(request)

    def _refuse(self, request: Request) -> Response | None:
        try:
            caller = address_key(request.remote_addr)
            request.runtime.component(RateLimits).spend((self.limit, caller))
        except TooManyTriesError as error:
            return _plain(429, "too many calls", {"Retry-After": str(error.retry_after)})
        if not request.runtime.secrets.verify(_PURPOSE, self.name, request.matchdict["token"]):
            return _plain(404, "not found")
        if (request.content_length or 0) > self.most_bytes:
            return _plain(413, "too large")
        return None

    def _refuse_unsigned(self, request: Request) -> Response | None:
        if self.signature is None:
            return None
        # A place of its own: a call that is refused must not count as one that went well.
        with self._fence(request, f"signature {self.name}") as allowed:
            if not allowed:
                return _unavailable()
            return None if self.signature.fits(request) else _plain(403, "wrong signature")
        return _failed()

    def _receive(self, request: Request) -> Response:
        with self._fence(request, f"webhook {self.name}") as allowed:
            if not allowed:
                return _unavailable()
            answer = self.receive(request)
            # Here, or the caller would hear "ok" of what could not be written.
            request.db.flush()
            return answer or _plain(200, "ok")
        return _failed()

    def _fence(self, request: Request, place: str) -> AbstractContextManager[bool]:
        owner, _dot, _word = self.name.partition(".")
        runtime: Runtime = request.runtime
        return runtime.hooks.fence(owner, place, request.db)


def add_webhook(  # noqa: PLR0913 - what is asked of a caller, by name
    config: Configurator,
    name: str,
    receive: Callable[[Request], Response | None],
    *,
    signature: Signature | None = None,
    most_bytes: int = MOST_BYTES,
    per_minute: int = PER_MINUTE,
) -> None:
    """Let other systems POST to ``receive``; ``name`` is the plugin's with a word, ``peta.lapor``.

    The address holds a part that nobody can guess; ``signature`` asks for more. No form token is
    wanted. Refused before ``receive`` is called: more than ``per_minute`` calls a minute from one
    address (429), another address (404), more than ``most_bytes`` (413), a wrong signature (403).

    ``receive`` works in the request's transaction, which is committed before the caller hears the
    answer: a response of its own, or ``ok``. Where it or the secret of ``signature`` raises, what
    was written is undone, the caller hears 500, and the failure is counted against the plugin;
    after repeated failure 503 until the breaker closes. The same call may come twice: callers
    repeat what they hear no answer to.

    :raises ValueError: ``name`` is not the name of the plugin whose pages are being included, a
        dot and a word of lower-case letters, digits, ``_`` and dots.
    """
    owner, _dot, word = name.partition(".")
    if owner != parts_of(config.registry).including or not _WORD.fullmatch(word):
        message = f"{name!r} is no name for a webhook: a plugin's is its own name, a dot and a word"
        raise ValueError(message)
    limit = Limit(f"webhook {name}", per_minute, 60)
    config.add_route(name, f"/hook/{word}/{{token}}")
    config.add_view(
        _Webhook(name, receive, signature, most_bytes, limit).answer,
        route_name=name,
        request_method="POST",
        permission=NO_PERMISSION_REQUIRED,
        require_csrf=False,
        once=False,
    )


def webhook_url(runtime: Runtime, name: str) -> str:
    """Return the whole secret address of a webhook of an enabled plugin.

    :raises NotFoundError: no such plugin is enabled.
    """
    owner, _dot, word = name.partition(".")
    for manifest in runtime.plugins:
        if manifest.name == owner:
            base = runtime.settings.text("abah.base_url", "http://localhost:6543").rstrip("/")
            return f"{base}{manifest.url_prefix}/hook/{word}/{runtime.secrets.sign(_PURPOSE, name)}"
    raise NotFoundError


def _plain(status: int, text: str, headers: dict[str, str] | None = None) -> Response:
    response = Response(text=text, status=status, content_type="text/plain", charset="utf-8")
    response.headers.update(headers or {})
    return response


def _failed() -> Response:
    return _plain(500, "failed, try again later")


def _unavailable() -> Response:
    return _plain(503, "not available", {"Retry-After": "60"})
