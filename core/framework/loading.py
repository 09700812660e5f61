"""Loading the enabled plugins into a runtime.

Each plugin is imported and registered by itself: one that fails is left out, named and logged, and
so is every plugin that depends on it; the rest works. ``abah.strict = true`` turns that into a
refusal to start.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import structlog

from core.errors import AbahError
from core.framework.discovery import FoundPlugin, discover, safe_mode
from core.framework.graph import resolve
from core.framework.manifest import Manifest
from core.framework.models import PluginState
from core.framework.registry import has_tables, plugin_rows, registry_number
from core.framework.runtime import Runtime
from core.i18n import TranslationString, _, plain

__all__ = [
    "LoadedPlugins",
    "PluginLoadError",
    "StrictError",
    "enabled_names",
    "import_models",
    "import_plugin",
    "left_out",
    "load_plugins",
]

log = structlog.get_logger(__name__)


class PluginLoadError(AbahError):
    """A plugin's own code could not be imported, or answers a hook that does not exist."""

    def __init__(self, plugin: str, cause: BaseException) -> None:
        """Remember which plugin, and keep the cause readable."""
        self.plugin = plugin
        explanation = _(
            "Plugin ${name} tidak dapat dimuat: ${reason}. "
            "Perbaiki kodenya atau pasang versi lain dari plugin itu.",
            mapping={"name": plugin, "reason": f"{type(cause).__name__}: {cause}"},
        )
        super().__init__(explanation)


class StrictError(AbahError):
    """Enabled plugins cannot run, and ``abah.strict`` asks to refuse, not to skip."""

    def __init__(self, problems: Mapping[str, AbahError]) -> None:
        """Name every plugin with its reason."""
        self.problems = problems
        reasons = " ".join(plain(error.explanation) for error in problems.values())
        super().__init__(
            _(
                "abah tidak dijalankan karena abah.strict = true dan ada plugin yang bermasalah. "
                "${reasons}",
                mapping={"reasons": reasons},
            )
        )


@dataclass(slots=True)
class LoadedPlugins:
    """What was found and what became of it in this process. A component of the runtime."""

    found: Mapping[str, FoundPlugin] = field(default_factory=dict)
    problems: dict[str, AbahError] = field(default_factory=dict)
    """Enabled plugins that were left out, with the reason."""
    modules: dict[str, ModuleType] = field(default_factory=dict)
    number: int = 0
    """Registry number that this process was built from."""

    @classmethod
    def of(cls, runtime: Runtime) -> LoadedPlugins:
        """Return what :func:`load_plugins` noted for a runtime."""
        return runtime.component(_nothing_loaded)


def _nothing_loaded(_runtime: Runtime) -> LoadedPlugins:
    return LoadedPlugins()


def load_plugins(runtime: Runtime, *, enabled: Collection[str] | None = None) -> LoadedPlugins:
    """Load the plugins that the database says are enabled, or exactly those of ``enabled``.

    Sets ``runtime.plugins`` to their manifests in load order.

    :raises StrictError: one of them cannot run and ``abah.strict`` is set.
    """
    loaded = LoadedPlugins(found=discover(runtime.settings))
    names, loaded.number = (enabled, 0) if enabled is not None else enabled_names(runtime)
    if safe_mode():
        log.warning("safe mode: no plugin is loaded", left_out=sorted(names))
        names = ()
    for manifest in _runnable(loaded, names):
        if set(manifest.depends) & set(loaded.problems):
            loaded.problems[manifest.name] = left_out(manifest, loaded.problems)
            continue
        try:
            loaded.modules[manifest.name] = module = import_plugin(manifest)
            _register(runtime, manifest, module)
        except PluginLoadError as error:
            loaded.modules.pop(manifest.name, None)
            loaded.problems[manifest.name] = error
            runtime.hooks.left_out(manifest.name, "import", error.__cause__ or error)
    order = resolve([_manifest(loaded, name) for name in loaded.modules]).order
    runtime.plugins = order
    runtime.replace_component(_nothing_loaded, loaded)
    for name, problem in loaded.problems.items():
        log.warning("plugin skipped", plugin=name, reason=plain(problem.explanation))
    if loaded.problems and runtime.settings.flag("abah.strict"):
        raise StrictError(loaded.problems)
    return loaded


def enabled_names(runtime: Runtime) -> tuple[tuple[str, ...], int]:
    """Read which plugins are enabled, and the registry number; nothing before the first set-up."""
    with runtime.database.reading() as session:
        if not has_tables(session):
            return (), 0
        # The number first: what is committed in between is followed once more, never missed.
        number = registry_number(session)
        rows = plugin_rows(session)
        names = tuple(name for name, row in rows.items() if row.state == PluginState.INSTALLED)
        return names, number


def import_plugin(manifest: Manifest) -> ModuleType:
    """Import a plugin's hooks.

    :raises PluginLoadError: its code raised.
    """
    try:
        return import_module(manifest.module)
    except (Exception, SystemExit) as error:
        raise PluginLoadError(manifest.name, error) from error


def import_models(manifests: Iterable[Manifest]) -> None:
    """Import the ``models`` of plugins, so that their tables are known to the metadata.

    :raises PluginLoadError: one of them raised.
    """
    for manifest in manifests:
        try:
            if find_spec(f"{manifest.package}.models") is not None:
                import_module(f"{manifest.package}.models")
        except (Exception, SystemExit) as error:
            raise PluginLoadError(manifest.name, error) from error


def _runnable(loaded: LoadedPlugins, names: Iterable[str]) -> tuple[Manifest, ...]:
    """Order what can run and note the rest as problems."""
    manifests = []
    for name in names:
        plugin = loaded.found.get(name)
        if plugin is None or not plugin.usable:
            loaded.problems[name] = unusable(name, plugin)
        else:
            manifests.append(_manifest(loaded, name))
    plan = resolve(manifests)
    loaded.problems.update(plan.problems)
    return plan.order


def unusable(name: str, plugin: FoundPlugin | None) -> AbahError:
    """Say why a plugin that was asked for cannot be used."""
    if plugin is None:
        return AbahError(
            _(
                "Plugin ${name} tidak ditemukan. Periksa namanya, abah.plugins_path, "
                "atau pasang paketnya.",
                mapping={"name": name},
            )
        )
    if plugin.error is not None:
        return AbahError(plugin.error)
    return AbahError(
        _(
            "Plugin ${name} tidak diizinkan oleh pengaturan abah.plugins_allow.",
            mapping={"name": name},
        )
    )


def _manifest(loaded: LoadedPlugins, name: str) -> Manifest:
    manifest = loaded.found[name].manifest
    assert manifest is not None  # noqa: S101 - only usable plugins come here
    return manifest


def left_out(manifest: Manifest, problems: Mapping[str, AbahError]) -> AbahError:
    """Say that a plugin is skipped because of one that it needs."""
    causes = sorted(set(manifest.depends) & set(problems))
    text: TranslationString = _(
        "Plugin ${name} dilewati karena plugin ${other} yang dibutuhkannya tidak dapat dimuat.",
        mapping={"name": manifest.name, "other": causes[0]},
    )
    return AbahError(text)


def _register(runtime: Runtime, manifest: Manifest, module: Any) -> None:
    try:
        runtime.hooks.register(manifest.name, module)
    except (Exception, SystemExit) as error:
        raise PluginLoadError(manifest.name, error) from error
