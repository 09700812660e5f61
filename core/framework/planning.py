"""What installing or upgrading would mean: which plugins, in which order, by which operation."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from core.db.migrate import Owner
from core.errors import AbahError
from core.framework.discovery import FoundPlugin
from core.framework.graph import broken_dependency, resolve
from core.framework.loading import unusable
from core.framework.manifest import Manifest
from core.framework.models import PluginRow, PluginState
from core.i18n import _

__all__ = [
    "INSTALLED",
    "NotInstalledError",
    "Planned",
    "owner_of",
    "plan_install",
    "plan_upgrade",
]

INSTALLED: Final = frozenset({PluginState.INSTALLED, PluginState.DISABLED})
"""States in which tables and data are complete."""


class NotInstalledError(AbahError):
    """The plugin is not installed here, so the operation has nothing to work on."""

    def __init__(self, plugin: str) -> None:
        """Name it."""
        self.plugin = plugin
        super().__init__(_("Plugin ${name} tidak terpasang.", mapping={"name": plugin}))


@dataclass(frozen=True, slots=True)
class Planned:
    """One plugin that an install would touch."""

    manifest: Manifest
    operation: str
    """``install``, ``upgrade`` or ``enable``."""
    because: str
    """Who asked for it: empty for what was named itself, else the plugin that needs it."""


def owner_of(manifest: Manifest) -> Owner:
    """Return the migration owner of a plugin."""
    return Owner(manifest.name, manifest.migrations)


def plan_install(
    found: Mapping[str, FoundPlugin], rows: Mapping[str, PluginRow], names: Sequence[str]
) -> list[Planned]:
    """List in load order what has to be done so that ``names`` run; nothing for what runs already.

    :raises GraphError: something is missing, too old, in conflict or in a circle.
    :raises AbahError: a plugin is not found, broken or not allowed.
    """
    manifests = {p.name: p.manifest for p in found.values() if p.usable and p.manifest}
    wanted = _with_dependencies(found, manifests, names)
    running = {name for name, row in rows.items() if row.state == PluginState.INSTALLED}
    _add_automatic(manifests, wanted, running, known=set(rows))
    chosen = sorted(set(wanted) | running)
    plan = resolve([manifests[name] for name in chosen if name in manifests])
    for name in wanted:
        if name in plan.problems:
            raise plan.problems[name]
    return [
        Planned(manifest, operation, wanted[manifest.name])
        for manifest in plan.order
        if manifest.name in wanted and (operation := _operation(manifest, rows))
    ]


def plan_upgrade(
    found: Mapping[str, FoundPlugin], rows: Mapping[str, PluginRow], names: Sequence[str]
) -> list[Planned]:
    """List in load order the installed plugins to bring up to date; all where none is named.

    :raises NotInstalledError: one of them is not installed.
    :raises GraphError: one of them needs what is missing or too old.
    :raises AbahError: one of them is not found, broken or not allowed.
    """
    manifests = {
        name: plugin.manifest
        for name, plugin in found.items()
        if plugin.usable and plugin.manifest and name in rows and rows[name].state in INSTALLED
    }
    # Of two that cannot run together one is disabled; its tables follow its code all the same.
    plan = resolve([replace(manifest, conflicts=()) for manifest in manifests.values()])
    for name in names:
        if name not in rows or rows[name].state not in INSTALLED:
            raise NotInstalledError(name)
        if name not in manifests:
            raise unusable(name, found.get(name))
        if name in plan.problems:
            raise plan.problems[name]
    return [
        Planned(manifests[one.name], "upgrade", "")
        for one in plan.order
        if one.name in (names or rows)
    ]


def _with_dependencies(
    found: Mapping[str, FoundPlugin], manifests: Mapping[str, Manifest], names: Sequence[str]
) -> dict[str, str]:
    """Name what is wanted and everything it needs, each with who needs it."""
    wanted: dict[str, str] = {}
    queue = [(name, "") for name in names]
    while queue:
        name, because = queue.pop(0)
        if name in wanted:
            continue
        wanted[name] = because
        if name not in manifests and (not because or name in found):
            problem = unusable(name, found.get(name))
            chain = _chain(name, wanted)
            raise problem if not because else broken_dependency(chain, problem.explanation)
        if name in manifests:
            queue.extend((other, name) for other in manifests[name].depends)
    return wanted


def _chain(name: str, wanted: Mapping[str, str]) -> tuple[str, ...]:
    """Go back from a plugin to the one that was named itself."""
    chain = [name]
    while wanted[chain[0]]:
        chain.insert(0, wanted[chain[0]])
    return tuple(chain)


def _add_automatic(
    manifests: Mapping[str, Manifest],
    wanted: dict[str, str],
    running: Collection[str],
    *,
    known: Collection[str],
) -> None:
    """Add plugins with ``auto_install`` that are complete now and were never here."""
    while True:
        chosen = {*wanted, *running}
        more = [
            name
            for name, manifest in manifests.items()
            if manifest.auto_install
            and name not in chosen
            and name not in known
            and manifest.depends
            and set(manifest.depends) <= chosen
        ]
        if not more:
            return
        wanted.update({name: " ".join(manifests[name].depends) for name in more})


def _operation(manifest: Manifest, rows: Mapping[str, PluginRow]) -> str:
    row = rows.get(manifest.name)
    if row is None or row.state not in INSTALLED:
        return "install"
    if row.version != manifest.version:
        return "upgrade"
    return "enable" if row.state == PluginState.DISABLED else ""
