"""Putting the rooms together: the runtime of a process, and the application it serves."""

from __future__ import annotations

import gc
import time
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

import structlog
from pyramid.exceptions import ConfigurationConflictError

from core.errors import AbahError
from core.framework.health import HealthRecorder
from core.framework.lifecycle import Lifecycle, setup_core
from core.framework.loading import LoadedPlugins, PluginLoadError, left_out, load_plugins
from core.framework.runtime import Runtime
from core.framework.steps import on_check
from core.framework.templates import compile_templates, layer_problems, template_problems
from core.i18n import _, plain
from core.jobs.runner import Jobs
from core.web.addresses import overlap
from core.web.configurator import WebConfigurator, owner_of
from core.web.layers import templates_of
from core.web.menu import check_menus

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from pyramid.config import Configurator
    from pyramid.registry import Introspectable
    from pyramid.router import Router

    from core.db import Database
    from core.framework.manifest import Manifest

__all__ = ["build_wsgi", "open_runtime", "prepare"]

CORE_ROOMS: Final = ("core.framework", "core.accounts", "core.verification", "core.messaging")
"""Rooms with pages, in the order in which they are included."""

MODELS: Final = (
    "web",
    "framework",
    "audit",
    "accounts",
    "contacts",
    "messaging",
    "verification",
    "jobs",
)
"""Rooms with tables."""

REGISTERING: Final = (
    "core.framework.answers",
    "core.framework.schedules",
    "core.accounts.permissions",
    "core.messaging.texts",
    "core.messaging.tasks",
    "core.verification.tasks",
)
"""Modules that tell lower rooms something at import: checks, permissions, kinds of data, tasks."""

log = structlog.get_logger(__name__)


def open_runtime(
    settings: Mapping[str, Any],
    *,
    database: Database | None = None,
    plugins: Collection[str] | None = None,
) -> Runtime:
    """Make the runtime of this process with the plugins that the database says are enabled.

    ``plugins`` names them instead, for tests. The caller closes the runtime.

    :raises ConfigurationError: a setting is missing or wrong.
    :raises StrictError: an enabled plugin cannot run and ``abah.strict`` is set.
    """
    import_models_of_core()
    runtime = Runtime(settings, database)
    # The first of its components, so that it closes last.
    runtime.component(HealthRecorder)
    try:
        load_plugins(runtime, enabled=plugins)
        runtime.database.info["jobs"] = runtime.component(Jobs)
    except BaseException:
        runtime.close(keep_database=database is not None)
        raise
    return runtime


def import_models_of_core() -> None:
    """Import every table of the core, and what its rooms register with the rooms below them."""
    for room in MODELS:
        import_module(f"core.{room}.models")
    for module in REGISTERING:
        import_module(module)


def prepare(runtime: Runtime, plugins: Collection[str]) -> None:
    """Make or update the tables of the core and install ``plugins`` with all they need."""
    setup_core(runtime)
    Lifecycle(runtime).install(*plugins)


def build_wsgi(runtime: Runtime) -> Router:
    """Build the application from the core's rooms and the enabled plugins.

    A plugin that raises when it is included, or that is at odds with one before it, is left out and
    noted among the problems. Of a template that does not fit the one it extends, only the template
    is left out.
    """
    working = list(runtime.plugins)
    try:
        config = _configurator(runtime, working)
    except (Exception, SystemExit):  # noqa: BLE001 - whatever it was, it is found again with its plugin's name
        # What the core itself raises is nobody else's fault.
        _configurator(runtime, [])
        working = _without_broken(runtime)
        config = _configurator(runtime, working)
    leave_out_layers(config, working)
    app: Router = config.make_wsgi_app()
    return app


def _without_broken(runtime: Runtime) -> list[Manifest]:
    """Note, log and leave out the plugins that cannot be included; return the others."""
    problems = _broken(runtime, runtime.plugins)
    LoadedPlugins.of(runtime).problems.update(problems)
    for name, problem in problems.items():
        if problem.__cause__ is not None:
            runtime.hooks.left_out(name, "include", problem.__cause__)
        else:
            log.warning("plugin left out", plugin=name, reason=plain(problem.explanation))
    return [one for one in runtime.plugins if one.name not in problems]


@on_check
def check_pages(
    runtime: Runtime, manifests: Sequence[Manifest], manifest: Manifest
) -> dict[str, list[str]]:
    """Refuse to install a plugin whose pages do not go together with those of the others.

    Returns its routes.
    """
    for one in manifests:
        if one.name != manifest.name and one.url_prefix == manifest.url_prefix:
            text = _(
                "Plugin ${name} dan ${other} memakai alamat ${prefix} yang sama. "
                "Ganti kunci url_prefix di plugin.toml.",
                mapping={"name": manifest.name, "other": one.name, "prefix": one.url_prefix},
            )
            raise AbahError(text)
    try:
        config = _configurator(runtime, manifests)
    except (Exception, SystemExit):  # noqa: BLE001 - whatever it was, it is found again with its plugin's name
        others = [one for one in manifests if one.name != manifest.name]
        before = _broken(runtime, others)
        # What it has in common with one that runs is its own fault, whichever comes first.
        problem = _broken(runtime, [*others, manifest]).get(manifest.name)
        if problem is not None:
            raise problem from problem.__cause__
        for name, problem in _broken(runtime, manifests).items():
            if name == manifest.name:
                raise problem from problem.__cause__
            if name not in before:
                raise PluginLoadError(manifest.name, problem) from problem
        config = _configurator(runtime, [one for one in manifests if one.name not in before])
    check_menus(config.registry, manifest)
    compile_templates(templates_of(config.registry), manifest)
    found = config.introspector.get_category("routes") or ()
    routes = [route["introspectable"] for route in found]
    _refuse_taken_addresses(manifest, routes)
    names = [str(route["name"]) for route in routes]
    return {"routes": sorted(name for name in names if name.startswith(f"{manifest.name}."))}


def _refuse_taken_addresses(manifest: Manifest, routes: Sequence[Introspectable]) -> None:
    """Refuse a plugin with a page that would hide one of somebody else, or be hidden by it."""
    own = [route for route in routes if owner_of(route.action_info) == manifest.name]
    others = [route for route in routes if owner_of(route.action_info) != manifest.name]
    for route in own:
        for other in others:
            if overlap(route["pattern"], other["pattern"]):
                text = _(
                    "Alamat ${pattern} (${route}) dari plugin ${name} bertabrakan dengan alamat "
                    "${taken} (${which}) milik ${other}. Ganti kunci url_prefix di plugin.toml "
                    "atau alamat itu di kode plugin.",
                    mapping={
                        "pattern": f"/{route['pattern'].lstrip('/')}",
                        "route": route["name"],
                        "name": manifest.name,
                        "taken": f"/{other['pattern'].lstrip('/')}",
                        "which": other["name"],
                        "other": owner_of(other.action_info),
                    },
                )
                raise AbahError(text)


@on_check
def check_templates(
    _runtime: Runtime, manifests: Sequence[Manifest], manifest: Manifest
) -> Mapping[str, list[str]]:
    """Refuse a plugin with a template that does not fit; name those of others that no longer do.

    What others built on an earlier version of it must not keep it from being brought up to date:
    their templates are left out until they follow.
    """
    problems = template_problems(manifests)
    own = next((problem for problem in problems if problem.plugin == manifest.name), None)
    if own is not None:
        raise own
    for problem in problems:
        if problem.owner == manifest.name:
            log.warning(
                "template will be left out",
                plugin=problem.plugin,
                template=problem.template,
                reason=plain(problem.explanation),
            )
    return {}


def leave_out_layers(config: Configurator, manifests: Sequence[Manifest]) -> None:
    """Take the layers away that do not fit; the pages are then as without them."""
    layers = templates_of(config.registry).loader
    for problem in layer_problems(manifests):
        layers.leave_out(problem.plugin, problem.template)
        reason = plain(problem.explanation)
        log.warning(
            "template left out", plugin=problem.plugin, template=problem.template, reason=reason
        )


def _broken(runtime: Runtime, manifests: Sequence[Manifest]) -> dict[str, AbahError]:
    """Find out which plugins cannot be added to the pages of those before them, and why.

    Each try is a configurator of its own: an error caught in the real one would leave the routes
    of its plugin half alive.
    """
    problems = dict(LoadedPlugins.of(runtime).problems)
    known = set(problems)
    working: list[Manifest] = []
    for manifest in manifests:
        if set(manifest.depends) & set(problems):
            problems[manifest.name] = left_out(manifest, problems)
            continue
        try:
            _configurator(runtime, [*working, manifest])
        except (Exception, SystemExit) as error:  # noqa: BLE001 - it is kept for the caller
            problems[manifest.name] = _problem(manifest, error)
            problems[manifest.name].__cause__ = error
        else:
            working.append(manifest)
    return {name: problem for name, problem in problems.items() if name not in known}


def _problem(manifest: Manifest, error: BaseException) -> AbahError:
    """Say what is wrong with a plugin that could not be added to the pages of the others."""
    if not isinstance(error, ConfigurationConflictError):
        return PluginLoadError(manifest.name, error)
    # Pyramid names what is declared twice, with the lines that do so.
    twice, infos = next(iter(error._conflicts.items()))  # noqa: SLF001 - it has no other way
    what = twice[0]
    # Of a view, its route tells more than its name, which most have none of.
    which = (twice[3] or twice[2]) if what == "view" else twice[1]
    other = next((owner for owner in map(owner_of, infos) if owner != manifest.name), None)
    if other is None:
        return AbahError(
            _(
                "Plugin ${name} tidak dapat dimuat: ${what} ${which} ada dua kali di kode plugin "
                "itu sendiri. Ganti nama salah satunya, atau hapus.",
                mapping={"name": manifest.name, "what": what, "which": which},
            )
        )
    return AbahError(
        _(
            "Plugin ${name} tidak dapat dimuat: ${what} ${which} sudah ada pada ${other}. "
            "Ganti namanya di kode plugin ${name}, atau lepas salah satunya.",
            mapping={"name": manifest.name, "what": what, "which": which, "other": other},
        )
    )


@contextmanager
def _nothing_is_garbage() -> Iterator[None]:
    """Keep the collector from looking through all that is built again and again: all of it stays.

    With many routes it takes a third of the time.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


@_nothing_is_garbage()
def _configurator(runtime: Runtime, manifests: Sequence[Manifest]) -> Configurator:
    """Configure the core's rooms and some plugins, with every conflict found."""
    config = WebConfigurator(settings=dict(runtime.settings), package="core")
    config.registry["runtime"] = runtime
    config.include("core.web")
    for room in CORE_ROOMS:
        config.include(f"{room}.views")
    for manifest in manifests:
        _include_plugin(config, runtime, manifest)
    # As they will be executed: Pyramid looks each one up in this list, from its beginning.
    config.action_state.actions.sort(key=lambda action: action["order"] or 0)
    config.commit()
    return config


def _include_plugin(config: WebConfigurator, runtime: Runtime, manifest: Manifest) -> None:
    begun = time.perf_counter()
    with config.owned_by(manifest.name):
        config.add_plugin(manifest)
        for name, function in runtime.hooks.implementations("include_web"):
            if name == manifest.name:
                config.include(function, route_prefix=manifest.url_prefix)
    stats = runtime.hooks.stats(manifest.name, "include")
    runtime.hooks.count(stats, time.perf_counter() - begun)
