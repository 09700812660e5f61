"""Double submission is harmless: a form that was posted twice is carried out once.

``{{ csrf() }}`` puts a one-time key beside the token. The first POST with a key stores where its
answer leads, in the transaction of the work itself; a repeated one (double click, Back and again,
a retry on a bad line) waits for the first and is sent to the same place. An answer that is no
redirect (a form with errors) uses nothing up, and a transaction that rolls back gives the key
back. A view that must not be guarded says ``once=False``.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from pyramid.csrf import get_csrf_token
from pyramid.httpexceptions import HTTPSeeOther
from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from core.db import utcnow
from core.web.models import FormKey

if TYPE_CHECKING:
    from pyramid.config import Configurator
    from pyramid.request import Request
    from pyramid.response import Response
    from sqlalchemy.orm import Session

__all__ = ["FIELD", "KEPT", "forget_old_keys", "new_key"]

FIELD: Final = "once"
"""Name of the hidden field."""

KEPT: Final = timedelta(days=1)
"""How long a repeated POST is recognised."""

_MAX_KEY: Final = 64
_CLEAN_ONE_IN: Final = 200

View = Callable[[Any, "Request"], "Response"]


def new_key() -> str:
    """Return a key for a form."""
    return secrets.token_urlsafe(16)


def forget_old_keys(session: Session) -> None:
    """Remove the keys of forms that nobody will send again."""
    session.execute(delete(FormKey).where(FormKey.created_at < utcnow() - KEPT))


def _digest(request: Request, key: str) -> str:
    parts = "\n".join((get_csrf_token(request), request.path_qs, key))
    return hashlib.sha256(parts.encode()).hexdigest()


def _claim(session: Session, digest: str) -> bool:
    """Take the key; False when it was used. Another request with it is waited for."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    statement = dialect.insert(FormKey).values(digest=digest, created_at=utcnow())
    taken = session.execute(statement.on_conflict_do_nothing().returning(FormKey.digest)).scalar()
    return taken is not None


def _guard(view: View, info: Any) -> View:
    """Wrap a view: carry a form out once."""
    if info.exception_only or info.options.get(FIELD) is False:
        return view

    def guarded(context: Any, request: Request) -> Response:
        key = request.POST.get(FIELD) if request.method == "POST" else None
        if not isinstance(key, str) or not 0 < len(key) <= _MAX_KEY:
            return view(context, request)
        digest = _digest(request, key)
        if not _claim(request.db, digest):
            found = request.db.scalar(select(FormKey.location).where(FormKey.digest == digest))
            return HTTPSeeOther(location=found or request.path)
        response = view(context, request)
        mine = FormKey.digest == digest
        if response.location:
            request.db.execute(update(FormKey).where(mine).values(location=response.location))
        else:
            request.db.execute(delete(FormKey).where(mine))
        if secrets.randbelow(_CLEAN_ONE_IN) == 0:
            forget_old_keys(request.db)
        return response

    return guarded


# How Pyramid learns that a view may have this option.
_guard.options = (FIELD,)  # type: ignore[attr-defined]


def includeme(config: Configurator) -> None:
    """Guard every view that is behind its permission and token."""
    config.add_view_deriver(_guard, name="once", under="csrf_view", over="rendered_view")
