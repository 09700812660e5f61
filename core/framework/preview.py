"""What an install or upgrade would change, told before anything is changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from core.db.migrate import pending_revisions
from core.framework.datafiles import LoadReport, compare_plugin_data, listed_data
from core.framework.deprecation import deprecated_uses_of
from core.framework.discovery import discover
from core.framework.graph import resolve
from core.framework.importing import Export
from core.framework.loading import PluginLoadError, enabled_names, import_models, import_plugin
from core.framework.manifest import Manifest
from core.framework.planning import Planned, owner_of
from core.framework.registry import has_tables
from core.framework.runtime import Runtime
from core.framework.templates import TemplateError, template_problems
from core.i18n import TranslationString, stored

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
    warnings: Sequence[TranslationString] = ()
    """What somebody should know before: templates that do not fit (those of other plugins will be
    left out), and hooks that are going."""
    rows: Mapping[str, int] = field(default_factory=dict)
    """Tables that an export would fill, with their rows."""

    def as_dict(self) -> dict[str, Any]:
        """Give it ready for JSON; ``warnings`` as sentences of :func:`core.i18n.stored`."""
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
            "warnings": [stored(warning) for warning in self.warnings],
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
    problems = _template_problems(runtime, planned)
    previews = [
        _preview(runtime, one, [each for each in problems if one.manifest.name in each.concerns])
        for one in planned
    ]
    if export is None:
        return previews
    return [
        replace(one, rows=export.rows)
        if one.planned.manifest.name == export.contents.plugin
        else one
        for one in previews
    ]


def _template_problems(runtime: Runtime, planned: Sequence[Planned]) -> list[TemplateError]:
    """Find the templates that will not fit when the plan is done, those of other plugins too."""
    names = {*enabled_names(runtime)[0], *(one.manifest.name for one in planned)}
    manifests = [
        plugin.manifest
        for plugin in discover(runtime.settings).values()
        if plugin.manifest is not None and plugin.usable and plugin.name in names
    ]
    return template_problems(resolve(manifests).order)


def _preview(
    runtime: Runtime, planned: Planned, problems: Sequence[TemplateError]
) -> InstallPreview:
    warnings = [problem.explanation for problem in problems]
    if planned.operation == "enable":
        return InstallPreview(planned, (), (), LoadReport(), warnings)
    manifest = planned.manifest
    import_models([manifest])
    warnings += _deprecated_uses(manifest)
    with runtime.database.reading() as session:
        ready = has_tables(session)
        migrations = pending_revisions(session.connection(), owner_of(manifest))
    loads = listed_data(manifest)
    settled = ready and not migrations
    data = compare_plugin_data(runtime.database, manifest) if settled else None
    return InstallPreview(planned, migrations, loads, data, warnings)


def _deprecated_uses(manifest: Manifest) -> list[TranslationString]:
    module = import_plugin(manifest)
    try:
        return [use.explanation for use in deprecated_uses_of(manifest.name, module)]
    except (Exception, SystemExit) as error:
        raise PluginLoadError(manifest.name, error) from error
