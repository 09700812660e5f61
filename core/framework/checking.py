"""Trying a plugin's code beside that of the plugins that run, before anything is changed for it."""

from __future__ import annotations

from contextlib import ExitStack
from types import ModuleType
from typing import Any

from core.db import Base
from core.db.base import owner_of_table
from core.errors import AbahError
from core.framework.discovery import discover
from core.framework.graph import resolve
from core.framework.loading import PluginLoadError, enabled_names, import_models, import_plugin
from core.framework.manifest import Manifest
from core.framework.planning import owner_of
from core.framework.runtime import Runtime
from core.framework.steps import check_plugin
from core.framework.surface import Surface, surface_of
from core.i18n import _

__all__ = ["call_own", "check"]


def check(runtime: Runtime, manifest: Manifest) -> Surface:
    """Import the plugin, try its answers beside those of the plugins that run, and give its names.

    Nothing stays registered that was not before.

    :raises PluginLoadError: its code raised.
    :raises GraphError: something that it needs cannot be imported.
    :raises AbahError: a check of a higher room refused it.
    """
    module = import_plugin(manifest)
    import_models([manifest])
    _refuse_tables(manifest, frozenset(discover(runtime.settings)))
    surface: dict[str, list[str]] = {}
    with ExitStack() as afterwards:
        neighbours = [
            one for one in _neighbours(runtime, manifest) if _try(runtime, one, afterwards)
        ]
        try:
            _register(runtime, manifest, module, afterwards)
            plan = resolve([*neighbours, manifest])
            if manifest.name not in plan.problems:
                surface |= check_plugin(runtime, plan.order, manifest)
                surface |= surface_of(runtime, manifest)
        except AbahError:
            raise
        except (Exception, SystemExit) as error:
            raise PluginLoadError(manifest.name, error) from error
    if manifest.name in plan.problems:
        raise plan.problems[manifest.name]
    return surface


def call_own(runtime: Runtime, manifest: Manifest, hook: str, **arguments: Any) -> None:
    """Call a hook of one plugin, which need not run. What it raises passes through."""
    with ExitStack() as afterwards:
        _register(runtime, manifest, import_plugin(manifest), afterwards)
        runtime.hooks.call_one(manifest.name, hook, **arguments)


def _refuse_tables(manifest: Manifest, owners: frozenset[str]) -> None:
    """Refuse models whose table is somebody else's by its name, or made by no migration."""
    for mapper in Base.registry.mappers:
        if mapper.class_.__module__.startswith(f"{manifest.package}."):
            for table in mapper.tables:
                name = getattr(table, "name", "")
                if owner_of_table(name, owners | {manifest.name}) != manifest.name:
                    text = _(
                        "Tabel ${table} dari plugin ${name} bernama seperti milik orang lain. "
                        "Beri nama yang diawali ${prefix} di models.py dan migrasinya.",
                        mapping={
                            "table": name,
                            "name": manifest.name,
                            "prefix": manifest.table_prefix,
                        },
                    )
                    raise AbahError(text)
                if not owner_of(manifest).has_history:
                    text = _(
                        "Plugin ${name} punya model untuk tabel ${table} tetapi tidak punya "
                        "migrasi yang membuatnya. Buat dengan abah db revision ${name}.",
                        mapping={"name": manifest.name, "table": name},
                    )
                    raise AbahError(text)


def _neighbours(runtime: Runtime, manifest: Manifest) -> list[Manifest]:
    """Return the plugins that run, and what this one needs, without those it cannot run beside."""
    found = {
        name: plugin.manifest
        for name, plugin in discover(runtime.settings).items()
        if plugin.usable and plugin.manifest is not None
    }
    # What it needs may be disabled: then it is brought up to date like that itself.
    names, _number = enabled_names(runtime)
    chosen, needed = set(names), [*manifest.depends]
    while needed:
        name = needed.pop()
        if name in found and name not in chosen:
            needed += found[name].depends
            chosen.add(name)
    rivals = {*manifest.conflicts, manifest.name}
    return [
        one
        for name, one in found.items()
        if name in chosen - rivals and manifest.name not in one.conflicts
    ]


def _try(runtime: Runtime, manifest: Manifest, afterwards: ExitStack) -> bool:
    """Register a plugin that runs already, unless it is broken."""
    try:
        _register(runtime, manifest, import_plugin(manifest), afterwards)
    except (Exception, SystemExit):  # noqa: BLE001 - what is wrong with it is told where it is loaded
        return False
    return True


def _register(
    runtime: Runtime, manifest: Manifest, module: ModuleType, afterwards: ExitStack
) -> None:
    hooks = runtime.hooks
    if manifest.name not in hooks.plugins:
        hooks.register(manifest.name, module)
        afterwards.callback(hooks.unregister, manifest.name)
