"""What an install or upgrade would change, told before anything is changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.db.migrate import pending_revisions
from core.framework.datafiles import LoadReport, compare_plugin_data
from core.framework.lifecycle import owner_of
from core.framework.planning import Planned
from core.framework.runtime import Runtime

__all__ = ["InstallPreview", "preview_install"]


@dataclass(frozen=True, slots=True)
class InstallPreview:
    """What one plugin of a plan would bring."""

    planned: Planned
    migrations: Sequence[tuple[str, str]]
    """Revisions that would run, in order, as (id, title)."""
    data: LoadReport
    """What its data files would do."""

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
            "data": {
                "created": self.data.created,
                "updated": self.data.updated,
                "kept": self.data.kept,
                "orphaned": self.data.orphaned,
            },
        }


def preview_install(runtime: Runtime, planned: Sequence[Planned]) -> list[InstallPreview]:
    """Tell what a plan of :meth:`Lifecycle.plan` would bring, in its order. Nothing is changed.

    :raises DataFileError: a data file of one of them is wrong.
    """
    return [_preview(runtime, one) for one in planned]


def _preview(runtime: Runtime, planned: Planned) -> InstallPreview:
    if planned.operation == "enable":
        return InstallPreview(planned, (), LoadReport())
    with runtime.database.reading() as session:
        migrations = pending_revisions(session.connection(), owner_of(planned.manifest))
    data = compare_plugin_data(runtime.database, planned.manifest)
    return InstallPreview(planned, migrations, data)
