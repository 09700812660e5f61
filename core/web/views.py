"""Pages of the frame itself: dashboard, switches, and whether the application is well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import structlog
from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import view_config
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from core.web.frame import THEME_COOKIE, THEMES
from core.web.locale import LOCALE_COOKIE, LOCALES, LocaleChosen
from core.web.menu import CORE_MENUS
from core.web.security import SIGNED_IN
from core.web.tables.selection import is_local

if TYPE_CHECKING:
    from pyramid.config import Configurator
    from pyramid.request import Request

__all__: list[str] = []

_YEAR: Final = 365 * 24 * 3600

log = structlog.get_logger(__name__)


@view_config(route_name="dashboard", renderer="dashboard/dashboard.jinja2", permission=SIGNED_IN)
def dashboard(_request: Request) -> dict[str, Any]:
    """Show what other rooms and plugins put there."""
    return {}


@view_config(
    route_name="web.locale.set",
    request_method="POST",
    permission=NO_PERMISSION_REQUIRED,
    once=False,
)
def set_locale(request: Request) -> Response:
    """Choose the language, for this browser and, where somebody is signed in, for the account."""
    chosen = request.POST.get("locale", "")
    response = _back(request)
    if chosen in LOCALES:
        _remember(request, response, LOCALE_COOKIE, chosen)
        request.registry.notify(LocaleChosen(request, chosen))
    return response


@view_config(
    route_name="web.theme.set",
    request_method="POST",
    permission=NO_PERMISSION_REQUIRED,
    once=False,
)
def set_theme(request: Request) -> Response:
    """Choose light, dark, or what the system says."""
    chosen = request.POST.get("theme", "")
    response = _back(request)
    if chosen in THEMES:
        _remember(request, response, THEME_COOKIE, chosen)
    return response


@view_config(route_name="web.health", permission=NO_PERMISSION_REQUIRED)
def health(request: Request) -> Response:
    """Tell whether the database answers: 200 or 503."""
    try:
        with request.runtime.database.reading() as session:
            session.execute(text("SELECT 1"))
    except SQLAlchemyError as error:
        log.warning("database does not answer", reason=type(error).__name__)
        return Response(json_body={"status": "failing", "database": "unreachable"}, status=503)
    return Response(json_body={"status": "ok", "database": "ok"})


def _back(request: Request) -> Response:
    address = request.POST.get("next", "")
    return HTTPSeeOther(location=address if is_local(address) else request.route_path("dashboard"))


def _remember(request: Request, response: Response, name: str, value: str) -> None:
    secure = request.runtime.settings.flag("abah.cookie_secure", default=True)
    response.set_cookie(name, value, max_age=_YEAR, httponly=True, secure=secure, samesite="Lax")


def includeme(config: Configurator) -> None:
    """Add routes and views."""
    config.add_menus(*CORE_MENUS)
    config.add_route("dashboard", "/")
    config.add_route("web.locale.set", "/bahasa")
    config.add_route("web.theme.set", "/tampilan")
    config.add_route("web.health", "/healthz")
    config.scan("core.web.views")
