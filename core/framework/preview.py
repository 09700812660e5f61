"""What an install or upgrade would change, told before anything is changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from core.db.migrate import pending_revisions
from core.framework.datafiles import LoadReport, compare_plugin_data, listed_data
from core.framework.importing import Export
from core.framework.loading import import_models, import_plugin
from core.framework.planning import Planned, owner_of
from core.framework.registry import has_tables
from core.framework.runtime import Runtime

__all__ = ["InstallPreview", "preview_install"]


@dataclass(frozen=True, slots=True)
class InstallPreview:
    """What one plugin of a plan would bring."""

    planned: Planned
    migrations: Sequence[tuple[str, str]]
    """Revisions that would run, in order, as (id, title)."""
    loads: Sequence[str]
    """What its data files hold, as ``kind:external id``."""
    data: LoadReport | None
    """What loading them would do; None where its tables have to be made or changed first."""
    rows: Mapping[str, int] = field(default_factory=dict)
    """Tables that an export would fill, with their rows."""

    def as_dict(self) -> dict[str, Any]:
        """Give it ready for JSON."""
        manifest = self.planned.manifest
        return {
            "name": manifest.name,
            "version": manifest.version,
            "operation": self.planned.operation,
            "because": self.planned.because,
            "migrations": [{"id": number, "title": title} for number, title in self.migrations],
            "permissions": {one.name: list(one.roles) for one in manifest.permissions},
            "menus": [menu.id for menu in manifest.menus],
            "schedules": [schedule.task for schedule in manifest.schedules],
            "loads": list(self.loads),
            "data": None if self.data is None else asdict(self.data),
            "rows": dict(self.rows),
        }


def preview_install(
    runtime: Runtime, planned: Sequence[Planned], export: Export | None = None
) -> list[InstallPreview]:
    """Tell what a plan of :meth:`Lifecycle.plan` would bring, in its order. Nothing is changed.

    ``export`` is what :meth:`Lifecycle.read_export` gave for one of its plugins.

    Imports the plugins: what a data file may hold is said by their code.

    :raises PluginLoadError: the code of one of them raised.
    :raises DataFileError: a data file of one of them is wrong.
    :raises MigrationError: its tables are newer than its code.
    """
    previews = [_preview(runtime, one) for one in planned]
    if export is None:
        return previews
    return [
        replace(one, rows=export.rows)
        if one.planned.manifest.name == export.contents.plugin
        else one
        for one in previews
    ]


def _preview(runtime: Runtime, planned: Planned) -> InstallPreview:
    if planned.operation == "enable":
        return InstallPreview(planned, (), (), LoadReport())
    manifest = planned.manifest
    import_models([manifest])
    import_plugin(manifest)
    with runtime.database.reading() as session:
        ready = has_tables(session)
        migrations = pending_revisions(session.connection(), owner_of(manifest))
    loads = listed_data(manifest)
    settled = ready and not migrations
    data = compare_plugin_data(runtime.database, manifest) if settled else None
    return InstallPreview(planned, migrations, loads, data)
