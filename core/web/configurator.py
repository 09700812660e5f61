"""A configurator for many routes and several owners, built again at every switch of a plugin.

It knows whose each directive is, and lets a plugin add pages of its own, but nothing that acts on
those of others: a fault in it would take all of them along.

Pyramid works out anew for each route of each build what follows from its name and pattern alone,
and looks through files to tell which line of code each directive came from. With a thousand routes
that is a third of a build.
"""

from __future__ import annotations

import linecache
import sys
from contextlib import contextmanager
from copy import copy
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from pyramid.config import Configurator
from pyramid.exceptions import ConfigurationError
from pyramid.interfaces import IRouteRequest, IRoutesMapper
from pyramid.request import route_request_iface
from pyramid.urldispatch import Route, RoutesMapper

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyramid.config.actions import ActionInfo
    from pyramid.registry import Introspectable

__all__ = ["CORE", "WebConfigurator", "owner_of"]

CORE: Final = "core"
"""Owner of what no plugin declared."""

ALLOWED: Final = frozenset(
    {
        "cache busters",
        "request extensions",
        "route predicates",
        "routes",
        "static views",
        "translation directories",
        "view predicates",
        "views",
    }
)
"""Kinds of directives, in Pyramid's words, that a plugin can use."""

_OWNER: Final = "abah.web.owner"


def owner_of(info: ActionInfo) -> str:
    """Tell whose a directive is: ``core`` or the name of a plugin."""
    owner: str = getattr(info, "owner", CORE)
    return owner


class WebConfigurator(Configurator):  # type: ignore[misc]
    """Pyramid's configurator; what it configures is the same."""

    @contextmanager
    def owned_by(self, plugin: str) -> Iterator[None]:
        """Whatever is declared meanwhile, by whichever code, is the plugin's."""
        self.registry[_OWNER] = plugin
        try:
            yield
        finally:
            del self.registry[_OWNER]

    @property
    def action_info(self) -> ActionInfo:
        """Where a directive stands, and whose it is."""
        info = super().action_info
        info.owner = self.registry.get(_OWNER, CORE)
        return info

    def action(
        self,
        discriminator: Any,
        *args: Any,
        introspectables: tuple[Introspectable, ...] = (),
        **more: Any,
    ) -> None:
        """Note a directive.

        :raises ConfigurationError: it is a plugin's and would act on pages of others.
        """
        kinds = {each.category_name for each in introspectables}
        if _OWNER in self.registry and kinds and not kinds & ALLOWED:
            message = f"{', '.join(sorted(kinds))}: a plugin may not change the pages of others"
            raise ConfigurationError(message)
        super().action(discriminator, *args, introspectables=introspectables, **more)

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
