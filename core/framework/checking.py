"""Trying a plugin's code beside that of the plugins that run, before anything is changed for it."""

from __future__ import annotations

from contextlib import ExitStack
from types import ModuleType

from core.errors import AbahError
from core.framework.discovery import discover
from core.framework.graph import resolve
from core.framework.loading import PluginLoadError, enabled_names, import_plugin
from core.framework.manifest import Manifest
from core.framework.runtime import Runtime
from core.framework.steps import check_plugin

__all__ = ["check"]


def check(runtime: Runtime, manifest: Manifest) -> None:
    """Import the plugin and try its answers beside those of the plugins that run.

    Nothing stays registered that was not before.

    :raises PluginLoadError: its code raised.
    :raises AbahError: a check of a higher room refused it.
    """
    module = import_plugin(manifest)
    with ExitStack() as afterwards:
        neighbours = [
            one for one in _enabled(runtime, manifest.name) if _try(runtime, one, afterwards)
        ]
        try:
            _register(runtime, manifest, module, afterwards)
            check_plugin(runtime, resolve([*neighbours, manifest]).order, manifest)
        except AbahError:
            raise
        except Exception as error:
            raise PluginLoadError(manifest.name, error) from error


def _enabled(runtime: Runtime, apart_from: str) -> list[Manifest]:
    names, _number = enabled_names(runtime)
    found = discover(runtime.settings)
    plugins = [found[name] for name in names if name in found and name != apart_from]
    return [one.manifest for one in plugins if one.usable and one.manifest is not None]


def _try(runtime: Runtime, manifest: Manifest, afterwards: ExitStack) -> bool:
    """Register a plugin that runs already, unless it is broken."""
    try:
        _register(runtime, manifest, import_plugin(manifest), afterwards)
    except Exception:  # noqa: BLE001 - what is wrong with it is told where it is loaded
        return False
    return True


def _register(
    runtime: Runtime, manifest: Manifest, module: ModuleType, afterwards: ExitStack
) -> None:
    hooks = runtime.hooks
    if manifest.name not in hooks.plugins:
        hooks.register(manifest.name, module)
        afterwards.callback(hooks.unregister, manifest.name)
