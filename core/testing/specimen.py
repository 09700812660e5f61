"""A plugin under test: installed in databases of its own, and applications with and without it."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from pyramid.security import NO_PERMISSION_REQUIRED
from sqlalchemy import select
from webtest import TestApp

from core.accounts.models import User
from core.app import build_wsgi, open_runtime
from core.framework.lifecycle import Lifecycle
from core.framework.loading import LoadedPlugins
from core.testing.people import People, sign_in_as

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import ModuleType

    from pyramid.router import Router
    from sqlalchemy.engine import URL

    from core.framework.manifest import Manifest
    from core.framework.runtime import Runtime
    from core.testing.databases import DatabaseFactory

EXAMINER: Final = "examiner"
"""Username of the Admin who opens the pages."""

__all__ = ["Page", "Site", "Specimen", "deployed"]


@dataclass(frozen=True, slots=True)
class Page:
    """A view of a route."""

    route: str
    pattern: str
    methods: frozenset[str]
    """Methods that it answers; empty for all."""
    permission: str | None
    """None where it names none; Pyramid's own word where it is public."""
    template: str
    module: str

    @property
    def public(self) -> bool:
        """Whether it was opened to everybody on purpose."""
        return bool(self.permission == NO_PERMISSION_REQUIRED)

    @property
    def path(self) -> str | None:
        """Its address, where nothing has to be filled in."""
        return None if set(self.pattern) & set("{*") else f"/{self.pattern.lstrip('/')}"

    @property
    def shown(self) -> bool:
        """Whether a browser can open it as it is."""
        return self.path is not None and (not self.methods or "GET" in self.methods)


class Site:
    """An application and what it is made of."""

    def __init__(self, runtime: Runtime) -> None:
        """Build the application of a runtime."""
        self.runtime = runtime
        self.router: Router = build_wsgi(runtime)

    @cached_property
    def routes(self) -> Mapping[str, str]:
        """Patterns of the routes by name."""
        found = self.router.registry.introspector.get_category("routes") or ()
        routes = (each["introspectable"] for each in found)
        return {str(route["name"]): str(route["pattern"]) for route in routes}

    @cached_property
    def pages(self) -> list[Page]:
        """Every view that belongs to a route."""
        views = self.router.registry.introspector.get_category("views") or ()
        return [
            self._page(each["introspectable"], each["related"])
            for each in views
            if each["introspectable"]["route_name"] in self.routes
        ]

    def _page(self, view: Any, related: Any) -> Page:
        methods = view["request_methods"] or ()
        permissions = [one["value"] for one in related if one.category_name == "permissions"]
        templates = [one["name"] for one in related if one.category_name == "templates"]
        return Page(
            route=view["route_name"],
            pattern=self.routes[view["route_name"]],
            methods=frozenset([methods] if isinstance(methods, str) else methods),
            permission=permissions[0] if permissions else None,
            template=templates[0] if templates else "",
            module=getattr(view["callable"], "__module__", "") or "",
        )

    def browser(self) -> TestApp:
        """Return a browser of somebody unknown."""
        return TestApp(self.router, extra_environ={"REMOTE_ADDR": "127.0.0.1"})

    def admin(self) -> TestApp:
        """Return a browser in which an Admin is signed in."""
        with self.runtime.database.reading() as session:
            known = session.scalar(select(User.id).where(User.username == EXAMINER))
        app = self.browser()
        user_id = known or People(self.runtime).admin(username=EXAMINER).id
        sign_in_as(self.runtime, app, user_id)
        return app


@dataclass
class Specimen:
    """A database in which the plugin was installed, with all that it needs and nothing else."""

    manifest: Manifest
    url: URL
    settings: Mapping[str, Any]
    _open: ExitStack = field(default_factory=ExitStack)

    @property
    def name(self) -> str:
        """Name of the plugin."""
        return self.manifest.name

    def open(self, plugins: tuple[str, ...] | None = None) -> Runtime:
        """Open a runtime; ``plugins`` names what it loads instead of what is enabled."""
        runtime = open_runtime(self.settings, plugins=plugins)
        self._open.callback(runtime.close)
        return runtime

    @cached_property
    def site(self) -> Site:
        """The application with the plugin. Whoever changes something opens another one."""
        return Site(self.open())

    @cached_property
    def runtime(self) -> Runtime:
        """The runtime of :attr:`site`."""
        return self.site.runtime

    @cached_property
    def module(self) -> ModuleType:
        """The module with the plugin's answers to hooks."""
        return LoadedPlugins.of(self.runtime).modules[self.name]

    @cached_property
    def hooks(self) -> list[str]:
        """The hooks that the plugin implements."""
        known = self.runtime.hooks
        return [
            hook
            for hook, _lifetime in known.lifetimes()
            if any(name == self.name for name, _f in known.implementations(hook))
        ]

    @cached_property
    def others(self) -> tuple[str, ...]:
        """Names of what it needs, directly or not, in load order."""
        return tuple(one.name for one in self.runtime.plugins if one.name != self.name)

    @cached_property
    def without(self) -> Site:
        """The application without the plugin."""
        return Site(self.open(self.others))

    @cached_property
    def routes(self) -> Mapping[str, str]:
        """Patterns of the routes that the plugin brings, by name."""
        before = self.without.routes
        return {name: text for name, text in self.site.routes.items() if name not in before}

    @cached_property
    def pages(self) -> list[Page]:
        """The views of its routes, and its views of other routes."""
        package = self.manifest.package
        return [
            page
            for page in self.site.pages
            if page.route in self.routes or f"{page.module}.".startswith(f"{package}.")
        ]

    def close(self) -> None:
        """Close every runtime."""
        self._open.close()


@contextmanager
def deployed(
    manifest: Manifest,
    factory: DatabaseFactory,
    settings_of: Callable[[URL], Mapping[str, Any]],
    *,
    install: bool = True,
) -> Iterator[Specimen]:
    """Give a fresh database with what the plugin needs, and the plugin itself if wanted.

    :raises AbahError: it cannot be installed.
    """
    url = factory.copy(tuple(manifest.depends))
    specimen = Specimen(manifest, url, settings_of(url))
    try:
        if install:
            Lifecycle(specimen.open(())).install(manifest.name)
        yield specimen
    finally:
        specimen.close()
        factory.drop(url)
