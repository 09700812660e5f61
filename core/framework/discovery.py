"""Finding plugins: bundled ones, dropped-in folders, installed distributions.

Nothing of a plugin is imported here and each is looked at by itself, so that a broken one is listed
with its error while the others work. ``plugins/`` is never put on ``sys.path``: ``plugins/email``
would hide the standard library's ``email``. Folders of ``abah.plugins_path`` become part of the
package ``plugins`` instead.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from core.errors import AbahError, ConfigurationError
from core.framework.manifest import MANIFEST_FILE, Manifest, ManifestError, read_manifest
from core.framework.settings import Settings
from core.i18n import TranslationString, _

__all__ = [
    "ENTRY_POINTS",
    "SAFE_MODE",
    "FoundPlugin",
    "discover",
    "plugin_folders",
    "safe_mode",
]

ENTRY_POINTS: Final = "abah.plugins"
"""Entry-point group; a value is the module with the hooks, as ``acme_sms.plugin``."""

SAFE_MODE: Final = "ABAH_SAFE_MODE"
"""Environment variable that leaves every plugin out while it is ``1``."""

PACKAGE: Final = "plugins"


@dataclass(frozen=True, slots=True)
class FoundPlugin:
    """A plugin that lies somewhere, usable or not."""

    name: str
    source: str
    """Where it was found: a folder, or a distribution with its version."""
    manifest: Manifest | None
    error: TranslationString | None = None
    """Why it cannot be used, or None."""
    allowed: bool = True
    """Whether ``abah.plugins_allow`` lets it load."""

    @property
    def usable(self) -> bool:
        """Tell whether it may be loaded as far as can be known without importing it."""
        return self.manifest is not None and self.error is None and self.allowed


def safe_mode() -> bool:
    """Tell whether only the core may load."""
    return os.environ.get(SAFE_MODE, "") == "1"


def discover(settings: Settings) -> Mapping[str, FoundPlugin]:
    """List every plugin that can be found, by name.

    The first one of a name wins: bundled, then ``abah.plugins_path`` in its order, then
    distributions.

    :raises ConfigurationError: a folder of ``abah.plugins_path`` does not exist.
    """
    allowed = frozenset(settings.words("abah.plugins_allow"))
    found: dict[str, FoundPlugin] = {}
    for plugin in [*_in_folders(settings), *_in_distributions()]:
        first = found.get(plugin.name)
        if first is None:
            found[plugin.name] = plugin
        elif not _same_place(first, plugin):
            explanation = _(
                "Plugin ${name} ditemukan dua kali: di ${first} dan di ${second}. "
                "Yang pertama dipakai; hapus salah satunya.",
                mapping={"name": plugin.name, "first": first.source, "second": plugin.source},
            )
            # The first stays usable, and the double is listed under a name of its own.
            found[f"{plugin.name}@{plugin.source}"] = replace(plugin, error=explanation)
    return {
        name: replace(plugin, allowed=not allowed or plugin.name in allowed)
        for name, plugin in sorted(found.items())
    }


def _same_place(first: FoundPlugin, second: FoundPlugin) -> bool:
    if first.manifest is None or second.manifest is None:
        return first.source == second.source
    return first.manifest.directory.resolve() == second.manifest.directory.resolve()


def _in_folders(settings: Settings) -> Iterator[FoundPlugin]:
    for folder in _folders(settings):
        for path in sorted(folder.glob(f"*/{MANIFEST_FILE}")):
            name = path.parent.name
            yield _read(path, name=name, package=f"{PACKAGE}.{name}", source=str(path.parent))


def _folders(settings: Settings) -> list[Path]:
    """Return the folders that hold plugins, after making them importable as ``plugins.<name>``."""
    package = import_module(PACKAGE)
    bundled = Path(str(package.__file__)).parent
    folders = [bundled]
    for folder in plugin_folders(settings):
        if str(folder) not in package.__path__:
            package.__path__.append(str(folder))
        if folder not in folders:
            folders.append(folder)
    return folders


def plugin_folders(settings: Settings) -> list[Path]:
    """Return the folders of ``abah.plugins_path``, in its order.

    :raises ConfigurationError: one of them does not exist.
    """
    folders = []
    for text in settings.text("abah.plugins_path").splitlines():
        for part in text.split(os.pathsep):
            if not part.strip():
                continue
            folder = Path(part.strip()).expanduser().resolve()
            if not folder.is_dir():
                raise ConfigurationError(
                    _(
                        "Folder ${folder} pada pengaturan abah.plugins_path tidak ada.",
                        mapping={"folder": str(folder)},
                    )
                )
            folders.append(folder)
    return folders


def _in_distributions() -> Iterator[FoundPlugin]:
    for point in sorted(
        entry_points(group=ENTRY_POINTS), key=lambda point: (point.name, point.value)
    ):
        yield _from_entry_point(point)


def _from_entry_point(point: EntryPoint) -> FoundPlugin:
    source = f"{point.dist.name} {point.dist.version}" if point.dist is not None else point.value
    package = point.module.rpartition(".")[0] or point.module
    try:
        folder = _locate(package)
    except Exception as error:  # noqa: BLE001 - whatever a foreign import system does stays its own problem
        return FoundPlugin(point.name, source, None, _unreadable(point, f"{error}"))
    if folder is None:
        return FoundPlugin(point.name, source, None, _unreadable(point, "package not found"))
    return _read(
        folder / MANIFEST_FILE, name=point.name, package=package, source=source, module=point.module
    )


def _unreadable(point: EntryPoint, reason: str) -> TranslationString:
    return _(
        "Entry point ${name} = ${value} tidak dapat ditemukan: ${reason}.",
        mapping={"name": point.name, "value": point.value, "reason": reason},
    )


def _locate(package: str) -> Path | None:
    """Find a package's folder without running any code of it."""
    first, *rest = package.split(".")
    spec: ModuleSpec | None = find_spec(first)
    full = first
    for part in rest:
        if spec is None or spec.submodule_search_locations is None:
            return None
        full = f"{full}.{part}"
        spec = PathFinder.find_spec(full, list(spec.submodule_search_locations))
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))


def _read(
    path: Path, *, name: str, package: str, source: str, module: str | None = None
) -> FoundPlugin:
    try:
        manifest = read_manifest(path, package=package, module=module)
    except AbahError as error:
        return FoundPlugin(name, source, None, error.explanation)
    if manifest.name != name:
        mismatch = ManifestError(
            str(path),
            "name",
            _(
                '${file}: nama di dalam berkas adalah "${inside}", seharusnya "${outside}" '
                "seperti nama folder atau entry point.",
                mapping={"file": f"{name}/{path.name}", "inside": manifest.name, "outside": name},
            ),
        )
        return FoundPlugin(name, source, None, mismatch.explanation)
    return FoundPlugin(name, source, manifest)
