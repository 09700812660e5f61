"""Install, upgrade, back to nothing and up again, reinstall: the tables are the same every time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import inspect

from core.db.migrate import (
    downgrade,
    drift,
    owned_tables,
    revision_problems,
    script_directory,
    search_index_tables,
    upgrade,
)
from core.framework.datafiles import compare_plugin_data
from core.framework.discovery import discover
from core.framework.lifecycle import Lifecycle, owner_of
from core.framework.loading import import_models
from core.framework.removal import uninstall
from core.testing.rows import count_rows, fill_tables

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Connection

    from core.framework.runtime import Runtime
    from core.testing.specimen import Specimen

__all__ = ["Tables", "lifecycle_problems"]


class Tables:
    """The tables of one plugin in one database."""

    def __init__(self, specimen: Specimen, runtime: Runtime) -> None:
        """Look at a runtime's database."""
        self.name = specimen.name
        self.owner = owner_of(specimen.manifest)
        self.owners = frozenset(discover(runtime.settings)) | {specimen.name}
        self.database = runtime.database

    def own(self) -> list[str]:
        """Name the plugin's tables, without the one that keeps its revision."""
        with self.database.engine.connect() as connection:
            return self._own(connection)

    def _own(self, connection: Connection) -> list[str]:
        hidden = search_index_tables(connection) | {self.owner.version_table}
        names = owned_tables(connection, self.owner, self.owners)
        return [name for name in names if name not in hidden]

    def schema(self) -> dict[str, Any]:
        """Describe every table of the database, comparable and without any order."""
        with self.database.engine.connect() as connection:
            hidden = search_index_tables(connection)
            inspector = inspect(connection)
            described: dict[str, Any] = dict.fromkeys(sorted(hidden), "index")
            names = set(inspector.get_table_names()) - hidden
            parts: dict[str, Mapping[Any, Any]] = {
                "columns": inspector.get_multi_columns(),
                "key": inspector.get_multi_pk_constraint(),
                "foreign keys": inspector.get_multi_foreign_keys(),
                "indexes": inspector.get_multi_indexes(),
                "unique": inspector.get_multi_unique_constraints(),
                "checks": inspector.get_multi_check_constraints(),
            }
        for name in names:
            described[name] = {
                part: sorted(map(_text, _listed(found.get((None, name)))))
                for part, found in parts.items()
            }
        return described

    def drift(self) -> list[str]:
        """Tell where models and history differ."""
        return drift(self.database, self.owner, self.owners)

    def fill(self) -> dict[str, int]:
        """Put rows into the plugin's tables where that is possible."""
        with self.database.engine.begin() as connection:
            return fill_tables(connection, self._own(connection))

    def rows(self) -> dict[str, int]:
        """Count the rows of its tables."""
        with self.database.engine.connect() as connection:
            return count_rows(connection, self._own(connection))


def _listed(found: Any) -> list[Any]:
    if found is None:
        return []
    return found if isinstance(found, list) else [found]


def _text(described: Mapping[str, Any]) -> str:
    """Write a description down; clauses have no other comparable form."""
    parts = ", ".join(f"{key}={_part(value)}" for key, value in sorted(described.items()))
    return f"({parts})"


def _part(value: Any) -> str:
    if isinstance(value, dict):
        return _text(value)
    return f"[{', '.join(map(_part, value))}]" if isinstance(value, list | tuple) else str(value)


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Name what is not the same in two schemas, as ``table (part)``."""
    changed = []
    for table in sorted({*before, *after}):
        old, new = before.get(table), after.get(table)
        if old is None or new is None:
            changed.append(f"{table} ({'only after' if old is None else 'only before'})")
        elif old != new:
            parts = ", ".join(part for part in old if old[part] != new[part])
            changed.append(f"{table} ({parts})")
    return changed


def lifecycle_problems(specimen: Specimen) -> list[str]:
    """Take a plugin that is not installed yet through its whole life on the specimen's database."""
    runtime = specimen.open(())
    manifest = specimen.manifest
    tables = Tables(specimen, runtime)
    before = tables.schema()
    lifecycle = Lifecycle(runtime)
    lifecycle.install(manifest.name)
    installed = tables.schema()
    import_models([manifest])
    problems = [
        *_strangers(before, installed),
        *revision_problems(tables.owner),
        *(f"models and history: {each}" for each in tables.drift()),
    ]
    lifecycle.upgrade(manifest.name)
    problems += _changed("an upgrade to the same version", installed, tables.schema())
    report = compare_plugin_data(tables.database, manifest)
    if report.created or report.updated:
        problems.append("its data files still have something to load after an upgrade")
    ways = [("again", _again(runtime, lifecycle, tables, installed))]
    if tables.owner.has_history:
        ways.insert(0, ("down and up", _down_and_up(tables, installed)))
    for way, steps in ways:
        try:
            problems.extend(steps)
        except Exception as error:  # noqa: BLE001 - whatever a migration raises
            problems.append(f"{way}: {type(error).__name__}: {str(error).splitlines()[0]}")
            break
    return problems


def _strangers(before: Mapping[str, Any], installed: Mapping[str, Any]) -> Iterator[str]:
    """Find changes to tables of others; a table of its own under a wrong name is not let in."""
    others = {name: installed[name] for name in before if name in installed}
    for change in differences(before, others):
        yield f"the install changes the table of somebody else: {change}"


def _changed(what: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    found = differences(before, after)
    return [f"{what} changes {', '.join(found)}"] if found else []


def _down_and_up(tables: Tables, installed: Mapping[str, Any]) -> Iterator[str]:
    """Go down one revision at a time and up again, from the first one on with rows in them."""
    revisions = list(script_directory(tables.owner).walk_revisions())
    levels: dict[str, Mapping[str, Any]] = {}
    for revision in revisions:
        levels[revision.revision] = tables.schema()
        downgrade(tables.database, tables.owner, str(revision.down_revision or "base"))
    left = tables.own()
    if left:
        yield f"downgrade to base leaves {', '.join(left)}"
    kept: dict[str, int] = {}
    for revision in reversed(revisions):
        upgrade(tables.database, tables.owner, revision.revision)
        yield from _changed(
            f"down and up again to {revision.revision}",
            levels[revision.revision],
            tables.schema(),
        )
        kept = kept or tables.fill()
    lost = [table for table, rows in kept.items() if tables.rows().get(table, 0) < rows]
    present = set(tables.own())
    lost = [table for table in lost if table in present]
    if lost:
        yield f"the upgrade from {revisions[-1].revision} loses rows of {', '.join(lost)}"
    yield from _changed("down and up again", installed, tables.schema())


def _again(
    runtime: Runtime, lifecycle: Lifecycle, tables: Tables, installed: Mapping[str, Any]
) -> Iterator[str]:
    """Uninstall, which keeps everything, and install again, which finds it."""
    rows = tables.rows()
    uninstall(runtime, tables.name)
    yield from _changed("an uninstall without purge", installed, tables.schema())
    lifecycle.install(tables.name)
    yield from _changed("a reinstall", installed, tables.schema())
    lost = [table for table, count in rows.items() if tables.rows().get(table, 0) != count]
    if lost:
        yield f"a reinstall changes the rows of {', '.join(lost)}"
    # With rows in the tables, as it will be in the field.
    if tables.owner.has_history:
        downgrade(tables.database, tables.owner, "base")
        upgrade(tables.database, tables.owner)
        yield from _changed("a downgrade with rows", installed, tables.schema())
