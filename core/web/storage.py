"""The request's database session: reading for GET, writing for the rest, gone with the transaction.

Pages of errors are made after the request's own transaction was rolled back, so they get a session
of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pyramid_tm import explicit_manager, is_tm_active

if TYPE_CHECKING:
    from pyramid.config import Configurator
    from pyramid.request import Request
    from sqlalchemy.orm import Session

__all__ = ["SAFE_METHODS"]

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods whose views never write."""

_SESSION: Final = "abah.db"
_READING: Final = "abah.reading_db"


def _runtime(request: Request) -> Any:
    """Return what the process holds (``core.framework.runtime.Runtime``)."""
    return request.registry["runtime"]


def _db(request: Request) -> Session:
    """Return the session of this request."""
    environ: dict[str, Session] = request.environ
    database = request.runtime.database
    if is_tm_active(request):
        if _SESSION not in environ:
            environ[_SESSION] = database.managed_session(request.tm)
            # The audit trail tells from where something was done.
            environ[_SESSION].info["remote_addr"] = request.remote_addr or ""
        return environ[_SESSION]
    if _READING not in environ:
        environ[_READING] = reading = database.session(write=False)
        request.add_finished_callback(lambda _request: reading.close())
    return environ[_READING]


def _writes(request: Request) -> bool:
    """Tell whether there is anything to commit; a transaction costs a reader as much as a query."""
    return request.method not in SAFE_METHODS


def includeme(config: Configurator) -> None:
    """Add ``request.runtime``, ``request.tm`` and ``request.db``."""
    config.add_settings(
        {
            "tm.manager_hook": explicit_manager,
            "tm.activate_hook": _writes,
            # Who is signed in is looked up when somebody asks, not for every style sheet.
            "tm.annotate_user": "false",
        }
    )
    config.include("pyramid_tm")
    config.add_request_method(_runtime, "runtime", reify=True)
    config.add_request_method(_db, "db", property=True)
