"""A configurator for many routes, which are built again at every switch of a plugin.

Pyramid works out anew for each route of each build what follows from its name and pattern alone,
and looks through files to tell which line of code each directive came from. With a thousand routes
that is a third of a build.
"""

from __future__ import annotations

import linecache
import sys
from copy import copy
from functools import lru_cache
from typing import Any

from pyramid.config import Configurator
from pyramid.interfaces import IRouteRequest, IRoutesMapper
from pyramid.request import route_request_iface
from pyramid.urldispatch import Route, RoutesMapper

__all__ = ["WebConfigurator"]


class WebConfigurator(Configurator):  # type: ignore[misc]
    """Pyramid's configurator; what it configures is the same."""

    def setup_registry(self, *args: Any, **more: Any) -> None:
        """Begin a registry of its own."""
        self.registry.registerUtility(_Routes(), IRoutesMapper)
        super().setup_registry(*args, **more)

    def add_route(self, name: str, *args: Any, **more: Any) -> None:
        """Add a route."""
        more.setdefault("_info", _caller())
        known = self.registry.queryUtility(IRouteRequest, name=name)
        if known is None and not more.get("use_global_views"):
            self.registry.registerUtility(_request_type(name), IRouteRequest, name=name)
        super().add_route(name, *args, **more)

    def add_view(self, *args: Any, **more: Any) -> None:
        """Add a view."""
        more.setdefault("_info", _caller())
        super().add_view(*args, **more)


class _Routes(RoutesMapper):  # type: ignore[misc]
    """Pyramid's mapper with routes that keep their compiled pattern from build to build."""

    def connect(  # noqa: PLR0913, PLR0917 - Pyramid's signature
        self,
        name: str,
        pattern: str,
        factory: Any = None,
        predicates: Any = (),
        pregenerator: Any = None,
        static: bool = False,  # noqa: FBT001, FBT002
    ) -> Route:
        """Add a route, in the place of one of the same name."""
        replaced = self.routes.get(name)
        if replaced in self.routelist:
            self.routelist.remove(replaced)
        route = copy(_compiled(pattern))
        route.name, route.factory = name, factory
        route.predicates, route.pregenerator = predicates, pregenerator
        (self.static_routes if static else self.routelist).append(route)
        self.routes[name] = route
        return route


@lru_cache(maxsize=10_000)
def _compiled(pattern: str) -> Route:
    return Route("", pattern)


@lru_cache(maxsize=10_000)
def _request_type(name: str) -> Any:
    """Return the interface of the requests of a route."""
    return route_request_iface(name)


def _caller() -> tuple[str, int, str, str]:
    """Tell who called the caller, as ``traceback`` does; a conflict names it."""
    frame = sys._getframe(2)  # noqa: SLF001 - there is no other way to it
    code, line = frame.f_code, frame.f_lineno
    return code.co_filename, line, code.co_name, linecache.getline(code.co_filename, line).strip()
