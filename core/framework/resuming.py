"""Carrying on lifecycle operations whose process was killed, or that failed half-way."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from core.framework.journal import Unfinished, unfinished
from core.framework.lifecycle import Lifecycle, NotInstalledError
from core.framework.lock import lock_holder
from core.framework.models import PluginState
from core.framework.registry import plugin_rows
from core.framework.removal import uninstall
from core.framework.runtime import Runtime

__all__ = ["export_of", "interrupted", "is_purge", "resume"]

UNDERWAY = frozenset({PluginState.INSTALLING, PluginState.UPGRADING, PluginState.REMOVING})


def interrupted(runtime: Runtime) -> list[Unfinished]:
    """List the operations that nobody works on and that left something half done, oldest first.

    One that failed and said so is none: its plugin is as it was, or marked as failed.
    """
    holder = lock_holder(runtime.database)
    if holder is not None and holder.alive:
        return []
    with runtime.database.reading() as session:
        rows = plugin_rows(session)
        operations = unfinished(session)
    half_done = {name for name, row in rows.items() if row.state in UNDERWAY}
    return [one for one in operations if not one.failed or one.plugin in half_done]


def resume(
    runtime: Runtime,
    operation: Unfinished,
    *,
    actor: str = "",
    progress: Callable[[str, str], None] | None = None,
) -> None:
    """Carry one operation on to its good end; nothing when somebody else has done so.

    :raises AbahError: what stopped it is still in the way.
    :raises LockedError: another operation is running.
    """
    if operation.operation != "uninstall":
        Lifecycle(runtime, actor=actor, progress=progress).carry_on(operation)
        return
    # One that nobody finished is found by its journal, whatever is left of the plugin.
    with suppress(NotInstalledError):
        uninstall(
            runtime,
            operation.plugin,
            actor=actor,
            export_to=export_of(operation),
            purge=is_purge(operation),
            resumed=operation,
        )


def export_of(operation: Unfinished) -> Path | None:
    """Return where an uninstall exports to; None where it does not."""
    export = operation.detail.get("export") if operation.operation == "uninstall" else None
    return Path(export) if export else None


def is_purge(operation: Unfinished) -> bool:
    """Tell whether an operation drops data."""
    return bool(operation.detail.get("purge"))
