"""Who asks: the security policy, its cookie, and what a request offers to views."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import structlog
from pyramid.csrf import new_csrf_token
from pyramid.request import RequestLocalCache
from pyramid.response import Response
from pyramid.security import Allowed, Denied
from sqlalchemy.exc import SQLAlchemyError

from core import audit
from core.accounts.sessions import (
    TOUCH_AFTER,
    SessionRules,
    SignedIn,
    end_session,
    find_session,
    open_session,
    touch_session,
)
from core.db import utcnow
from core.web.storage import SAFE_METHODS

if TYPE_CHECKING:
    from pyramid.config import Configurator
    from pyramid.request import Request

    from core.hookspecs.facts import UserFacts

__all__ = ["SESSION_COOKIE", "SecurityPolicy", "sign_in", "sign_out"]

SESSION_COOKIE: Final = "abah_session"
"""Holds a random token and nothing else."""

_MAX_TOKEN: Final = 100
_SESSION: Final = "abah.db"

log = structlog.get_logger(__name__)


class SecurityPolicy:
    """Pyramid's security policy: ``request.identity`` is UserFacts or None, in one query."""

    def __init__(self) -> None:
        """Keep nothing but what is asked for again within one request."""
        self._cache = RequestLocalCache(self._load)

    def identity(self, request: Request) -> UserFacts | None:
        """Return who is signed in; read once per request."""
        found: UserFacts | None = self._cache.get_or_create(request)
        return found

    def authenticated_userid(self, request: Request) -> int | None:
        """Return the id of who is signed in."""
        identity = self.identity(request)
        return None if identity is None else identity.id

    def permits(self, request: Request, _context: Any, permission: str) -> Allowed | Denied:
        """Tell whether one of the person's roles grants ``permission``."""
        identity = self.identity(request)
        if identity is None:
            return Denied("nobody is signed in")
        if not identity.may(permission):
            return Denied("no role of %s grants %s", identity.username, permission)
        return Allowed("granted by role")

    def remember(self, request: Request, userid: int, **_more: Any) -> list[tuple[str, str]]:
        """Open a session for ``userid`` in the request's transaction and return its cookie."""
        rules = _rules(request)
        token = open_session(
            request.db,
            userid,
            rules=rules,
            remote_addr=request.remote_addr or "",
            agent=request.user_agent or "",
        )
        return self._cookie(request, token, int(rules.absolute.total_seconds()))

    def forget(self, request: Request, **_more: Any) -> list[tuple[str, str]]:
        """End the browser's session and return the cookie that replaces its own."""
        token = _token(request)
        if token is not None:
            end_session(request.db, token)
        return self._cookie(request, None, 0)

    def _load(self, request: Request) -> UserFacts | None:
        token = _token(request)
        if token is None:
            return None
        if request.method in SAFE_METHODS or _SESSION in request.environ:
            found = find_session(request.db, token, rules=_rules(request))
        else:
            # Apart from the request's own session, whose first query lets no other writer in: what
            # is slow in a view (hashing a password) comes before its first query.
            with request.runtime.database.reading() as session:
                found = find_session(session, token, rules=_rules(request))
        if found is None:
            return None
        if utcnow() - found.seen_at > TOUCH_AFTER:
            self._touch(request, found)
        return found.facts

    def _touch(self, request: Request, found: SignedIn) -> None:
        try:
            if request.method not in SAFE_METHODS and _SESSION in request.environ:
                touch_session(request.db, found.session_id)
                return
            with request.runtime.database.writing() as session:
                touch_session(session, found.session_id)
        except SQLAlchemyError as error:
            # A page is worth more than the note that it was looked at.
            log.warning("session not touched", reason=type(error).__name__)

    def _cookie(self, request: Request, token: str | None, seconds: int) -> list[tuple[str, str]]:
        secure = request.runtime.settings.flag("abah.cookie_secure", default=True)
        carrier = Response()
        carrier.set_cookie(
            SESSION_COOKIE,
            token,
            max_age=seconds,
            path=f"{request.script_name}/",
            httponly=True,
            secure=secure,
            samesite="Lax",
        )
        return [(name, value) for name, value in carrier.headerlist if name == "Set-Cookie"]


def sign_in(request: Request, user_id: int, response: Response) -> None:
    """Sign the browser in on its way to ``response``: new session, new token, new form token."""
    policy = request.registry["abah.security"]
    # Whoever planted a token or a form before must not be signed in with it.
    policy.forget(request)
    request.session.invalidate()
    new_csrf_token(request)
    response.headerlist.extend(policy.remember(request, user_id))


def sign_out(request: Request, response: Response) -> None:
    """End the browser's session on its way to ``response``."""
    response.headerlist.extend(request.registry["abah.security"].forget(request))


def _rules(request: Request) -> SessionRules:
    rules: SessionRules = request.runtime.component(SessionRules)
    return rules


def _token(request: Request) -> str | None:
    token = request.cookies.get(SESSION_COOKIE)
    return token if token and len(token) <= _MAX_TOKEN else None


def _audit(request: Request, action: str, subject: str, **details: Any) -> None:
    """Note in the audit trail that the signed-in person did ``action`` to ``subject``."""
    identity = request.identity
    audit.record(
        request.db,
        actor_id=None if identity is None else identity.id,
        action=action,
        subject=subject,
        details=details,
    )


def includeme(config: Configurator) -> None:
    """Set the policy and ``request.audit``."""
    policy = SecurityPolicy()
    config.registry["abah.security"] = policy
    config.set_security_policy(policy)
    config.add_request_method(_audit, "audit")
