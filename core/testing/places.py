"""Where the plugin under test and its own tests lie."""

from __future__ import annotations

import os
import site
import sys
import tomllib
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Final

from core.framework.discovery import ENTRY_POINTS, FoundPlugin, discover
from core.framework.manifest import MANIFEST_FILE
from core.framework.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from core.framework.manifest import Manifest

__all__ = [
    "OWN_TESTS",
    "PLUGINS_PATH",
    "adopt_folders",
    "bundled",
    "found_plugins",
    "own_tests",
    "plugin_settings",
    "project_of",
]

PLUGINS_PATH: Final = "ABAH_TEST_PLUGINS_PATH"
"""Environment variable with the ``abah.plugins_path`` of the deployments under test."""

OWN_TESTS: Final = "ABAH_TEST_OWN_TESTS"
"""Environment variable with the folder of the plugin's own tests, where it is not a usual one."""


def plugin_settings() -> dict[str, str]:
    """Return the settings that let a deployment under test find the plugin."""
    return {"abah.plugins_path": os.environ.get(PLUGINS_PATH, "")}


def found_plugins() -> Mapping[str, FoundPlugin]:
    """Return every plugin that the deployments under test find."""
    return discover(Settings(plugin_settings()))


def bundled() -> list[str]:
    """Name the plugins that abah itself brings."""
    home = Path(str(import_module("plugins").__file__)).parent
    return sorted(path.parent.name for path in home.glob(f"*/{MANIFEST_FILE}"))


def adopt_folders(arguments: Iterable[str]) -> None:
    """Let the plugins be found in whose folders the tests lie that pytest was asked for.

    So a folder of ``abah.plugins_path`` needs no configuration: ``pytest my_plugins/peta/tests``.
    """
    known = [part for part in os.environ.get(PLUGINS_PATH, "").split(os.pathsep) if part]
    installed = {point.name for point in entry_points(group=ENTRY_POINTS)} | set(bundled())
    for argument in arguments:
        place = Path(argument.partition("::")[0]).absolute()
        for folder in (place, *place.parents):
            if _plugin_of(folder) not in {None, *installed} and str(folder.parent) not in known:
                known.append(str(folder.parent))
    if known:
        os.environ[PLUGINS_PATH] = os.pathsep.join(known)
        # Tests import their plugin before any deployment was opened.
        found_plugins()


def _plugin_of(folder: Path) -> str | None:
    """Name the plugin that a folder of ``abah.plugins_path`` holds under this name."""
    try:
        name = tomllib.loads((folder / MANIFEST_FILE).read_text(encoding="utf-8")).get("name")
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return None
    return folder.name if name == folder.name else None


def own_tests(manifest: Manifest) -> Path | None:
    """Find the plugin's own tests.

    In its package (``tests``), else below the project that it is developed in: ``tests/plugins``
    and its name, or all of ``tests`` where the project is this plugin alone.
    """
    told = os.environ.get(OWN_TESTS)
    if told:
        return Path(told)
    inside = manifest.directory / "tests"
    if inside.is_dir():
        return inside
    project = project_of(manifest.directory)
    if project is None:
        return None
    several = project / "tests" / "plugins"
    tests = several / manifest.name if several.is_dir() else project / "tests"
    return tests if tests.is_dir() else None


def project_of(directory: Path) -> Path | None:
    """Return the folder of the project that a plugin is developed in; None for an installed one."""
    installed = {Path(sys.prefix).resolve(), *map(Path, site.getsitepackages())}
    resolved = directory.resolve()
    if any(resolved.is_relative_to(place) for place in installed):
        return None
    for folder in resolved.parents:
        if (folder / "pyproject.toml").is_file() or (folder / "setup.py").is_file():
            return folder
    return None
