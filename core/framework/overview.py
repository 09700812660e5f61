"""The plugins as a person wants to see them: what is found, what is stored, what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.errors import AbahError
from core.framework.discovery import FoundPlugin, discover, safe_mode
from core.framework.graph import resolve
from core.framework.journal import RUN
from core.framework.loading import LoadedPlugins, PluginLoadError, unusable
from core.framework.lock import lock_holder_in
from core.framework.manifest import Manifest, as_dict
from core.framework.models import JournalEntry, PluginRow, PluginState
from core.framework.registry import has_tables, plugin_rows, registry_numbers
from core.framework.runtime import Runtime
from core.i18n import TranslationString, _

__all__ = ["PluginStatus", "must_be_replaced", "overview"]


@dataclass(frozen=True, slots=True)
class PluginStatus:
    """One plugin, found or remembered."""

    name: str
    state: PluginState
    manifest: Manifest | None
    source: str
    installed_version: str
    """Version in the database, or empty."""
    stored: PluginState
    """State in the database; ``state`` is that of this process."""
    problem: TranslationString | str
    """Why it does not run although it should or could, or empty."""
    going: bool = False
    """Whether somebody works on it now; else what its state says is underway was broken off."""

    @property
    def version(self) -> str:
        """Version of the code, else the one that was installed."""
        return self.manifest.version if self.manifest else self.installed_version

    @property
    def needs_upgrade(self) -> bool:
        """Tell whether the code is of another version than the tables and data."""
        return bool(self.installed_version) and self.version != self.installed_version

    def as_dict(self) -> dict[str, Any]:
        """Give it ready for JSON; ``problem`` is left to the caller, who knows the language."""
        details = as_dict(self.manifest) if self.manifest else {}
        return details | {
            "name": self.name,
            "version": self.version,
            "installed_version": self.installed_version,
            "state": str(self.state),
            "source": self.source,
        }


def overview(runtime: Runtime) -> list[PluginStatus]:
    """List every plugin that is found or was installed once, by name."""
    found = discover(runtime.settings)
    with runtime.database.reading() as session:
        rows = plugin_rows(session) if has_tables(session) else {}
        going = _worked_on(session) if rows else frozenset()
    enabled = {name for name, row in rows.items() if row.state == PluginState.INSTALLED}
    # A reason that stands in the manifests says more than that this process could not load it.
    problems = {**LoadedPlugins.of(runtime).problems, **_problems(found, enabled)}
    return [
        replace(
            _status(name, found.get(name), rows.get(name), problems.get(name)),
            going=name in going,
        )
        for name in sorted(set(found) | set(rows))
    ]


def must_be_replaced(runtime: Runtime) -> bool:
    """Tell whether plugins changed in a way that only a new process can follow."""
    with runtime.database.reading() as session:
        replaced = registry_numbers(session)[1]
    return replaced > LoadedPlugins.of(runtime).number


def _worked_on(session: Session) -> frozenset[str]:
    """Name the plugins that are part of the operation that runs now."""
    holder = lock_holder_in(session)
    if holder is None or not holder.alive:
        return frozenset()
    noted = select(JournalEntry.plugin).where(
        JournalEntry.at >= holder.since, JournalEntry.step != RUN
    )
    return frozenset(session.scalars(noted.distinct()))


def _problems(found: Mapping[str, FoundPlugin], enabled: set[str]) -> dict[str, AbahError]:
    """Name what keeps a plugin from running: enabled ones together, each other one beside them."""
    usable = {p.name: p.manifest for p in found.values() if p.usable and p.manifest}
    running = [manifest for name, manifest in usable.items() if name in enabled]
    problems = {
        name: problem
        for name, problem in resolve(usable.values()).problems.items()
        # What conflicts with something that nobody installed is still available.
        if problem.reason != "conflict"
    }
    problems.update(resolve(running).problems)
    return dict(problems)


def _status(
    name: str, plugin: FoundPlugin | None, row: PluginRow | None, problem: AbahError | None
) -> PluginStatus:
    stored = state = PluginState(row.state) if row is not None else PluginState.AVAILABLE
    reason: TranslationString | str = row.error if row is not None else ""
    if plugin is None:
        state = PluginState.MISSING
        reason = reason or _(
            "Terpasang di basis data, tetapi kodenya tidak ditemukan di server ini. Pasang kembali "
            "paketnya atau periksa abah.plugins_path."
        )
    elif plugin.error is not None:
        state, reason = PluginState.INCOMPATIBLE, plugin.error
    elif not plugin.allowed:
        # Who left it out on purpose need not be warned of it.
        state = PluginState.INCOMPATIBLE if state is PluginState.INSTALLED else state
        reason = unusable(name, plugin).explanation
    elif problem is not None:
        failed = isinstance(problem, PluginLoadError)
        state = PluginState.FAILED if failed else PluginState.INCOMPATIBLE
        reason = problem.explanation
    elif state is PluginState.INSTALLED and safe_mode():
        reason = _("Tidak dijalankan selama ABAH_SAFE_MODE=1.")
    return PluginStatus(
        name=name,
        state=state,
        manifest=plugin.manifest if plugin else None,
        source=plugin.source if plugin else "",
        installed_version=row.version if row is not None else "",
        stored=stored,
        problem=reason,
    )
