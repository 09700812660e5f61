"""Disabled, a plugin has nothing left but its data; purged, not even that."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import MetaData, select

from core.db import utcnow
from core.framework.lifecycle import Lifecycle
from core.framework.loading import LoadedPlugins
from core.framework.models import PluginHealth, StoredSetting
from core.framework.portable import read_contents
from core.framework.removal import PurgeRefusedError, uninstall
from core.framework.schedules import start_due
from core.hookspecs.web import HelpChapter
from core.jobs.registry import core_sweeps, core_tasks
from core.jobs.runner import Jobs
from core.testing.checks.fences import failing_pages
from core.testing.checks.lifecycle import Tables
from core.testing.checks.pages import registered
from core.testing.specimen import Site
from core.web.parts import parts_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from core.framework.runtime import Runtime
    from core.jobs.registry import Sweep, Task
    from core.testing.specimen import Specimen

__all__ = ["disable_problems", "purge_problems"]

STAYS: Final = frozenset(
    {"abah_audit", "abah_lifecycle_lock", "abah_plugin_journal", "abah_registry"}
)
"""Tables that remember a plugin that was here: what was done, and how often."""


def disable_problems(specimen: Specimen) -> list[str]:
    """Disable an installed plugin and tell what of it is still at work, or lost."""
    before = specimen.site
    runtime = specimen.open(())
    tables = Tables(specimen, runtime)
    tables.fill()
    data = _rows(runtime)
    lifecycle = Lifecycle(runtime)
    lifecycle.disable(specimen.name)
    changed = _changed(data, runtime, but="abah_plugin")
    after = Site(specimen.open())
    problems = [
        *(f"disabling it changes {each}" for each in changed),
        *_left(specimen, after),
        *(f"while it is disabled, {each}" for each in failing_pages(after)),
    ]
    lifecycle.enable(specimen.name)
    again = Site(specimen.open())
    if set(again.routes) != set(before.routes):
        problems.append("enabling it again does not bring its routes back")
    return problems


def _left(specimen: Specimen, after: Site) -> Iterator[str]:
    name = specimen.name
    runtime = after.runtime
    if name in {one.name for one in runtime.plugins} or name in runtime.hooks.plugins:
        yield "it is still loaded"
    yield from (f"route {each} is still there" for each in specimen.routes if each in after.routes)
    parts = parts_of(after.router.registry)
    menus = {menu.id for menu in specimen.manifest.menus}
    yield from (f"menu {each} is still there" for each in sorted(menus & set(parts.menus)))
    yield from (
        f"its piece of {place} is still there"
        for place, pieces in parts.slots.items()
        if name in {owner for owner, _slot in pieces}
    )
    chapters = {each.key for _hook, each in registered(specimen) if isinstance(each, HelpChapter)}
    yield from (f"chapter {each} is still there" for each in chapters & set(parts.chapters))
    jobs = runtime.component(Jobs)
    at_work = [each.name for each in jobs.tasks().values() if each.owner == name]
    at_work += [each.name for owner, each in jobs.sweeps() if owner == name]
    yield from (f"{each} is still at work" for each in at_work)
    # What names itself after the core would run for ever.
    package = f"{specimen.manifest.package}."
    work: list[Task | Sweep] = [*core_tasks().values(), *core_sweeps()]
    yield from (
        f"{each.name} is named as if it were the core's"
        for each in work
        if f"{each.run.__module__}.".startswith(package)
    )
    problems = LoadedPlugins.of(runtime).problems
    yield from (f"plugin {each} cannot run without it" for each in problems)


def purge_problems(specimen: Specimen) -> list[str]:
    """Install a plugin, give it data, purge it, and tell what is left of it."""
    runtime = specimen.open(())
    before = _rows(runtime)
    Lifecycle(runtime).install(specimen.name)
    _use(specimen)
    with tempfile.TemporaryDirectory(prefix="abah-purge-") as folder:
        export = Path(folder) / "export.zip"
        try:
            uninstall(runtime, specimen.name, export_to=export, purge=True)
        except PurgeRefusedError:
            # Its manifest says that its data must stay, and they do.
            return []
        read_contents(export)
    return [f"a purge leaves something in {each}" for each in _changed(before, runtime)]


def _use(specimen: Specimen) -> None:
    """Leave what a plugin in use leaves: rows, settings, figures, the next starts of its tasks."""
    runtime = specimen.runtime
    Tables(specimen, runtime).fill()
    with runtime.database.writing() as session:
        session.add(StoredSetting(owner=specimen.name, key="conformance", value='"x"'))
        counted = {"calls": 1, "failures": 0, "microseconds": 1}
        session.add(PluginHealth(plugin=specimen.name, place="x", hour=utcnow(), **counted))
    start_due(runtime)


def _rows(runtime: Runtime) -> Mapping[str, Any]:
    """Read every table that does not remember on purpose, comparable."""
    found = MetaData()
    engine = runtime.database.engine
    with engine.connect() as connection:
        found.reflect(connection)
        return {
            table.name: sorted(map(repr, connection.execute(select(table)).all()))
            for table in found.sorted_tables
            if table.name not in STAYS
        }


def _changed(before: Mapping[str, Any], runtime: Runtime, *, but: str = "") -> list[str]:
    after = _rows(runtime)
    names = sorted({*before, *after} - {but})
    return [name for name in names if before.get(name) != after.get(name)]
