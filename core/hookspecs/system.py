"""What every plugin can bring: commands, tasks, settings, demo data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from core.hookspecs.markers import hookspec
from core.i18n import TranslationString

if TYPE_CHECKING:
    import click
    from sqlalchemy.orm import Session

__all__ = [
    "SettingField",
    "SettingsSection",
    "after_upgrade",
    "before_upgrade",
    "load_demo",
    "register_commands",
    "register_settings",
    "register_sweeps",
    "register_tasks",
]


@dataclass(frozen=True, slots=True)
class SettingField:
    """One setting that a person can change on a form."""

    key: str
    label: TranslationString
    kind: str = "text"
    """``text``, ``textarea``, ``int``, ``bool``, ``secret``, ``choice`` or ``url``."""
    default: Any = ""
    hint: TranslationString | str = ""
    choices: Sequence[tuple[str, TranslationString | str]] = ()
    required: bool = False
    check: Callable[[str], TranslationString | None] | None = None
    """Says what is wrong with a value that is filled in, or gives None."""


@dataclass(frozen=True, slots=True)
class SettingsSection:
    """The settings of one plugin, shown together."""

    title: TranslationString
    fields: Sequence[SettingField] = field(default_factory=tuple)


@hookspec(since="0.1")
def register_commands() -> Sequence[click.Command]:
    """Give commands or groups for ``abah …``.

    *collect* hook. Called once by the command line for enabled plugins. A command gets the runtime
    as ``click.Context.obj``. Silence means none; a name that is taken is refused with both owners.
    """


@hookspec(since="0.1")
def register_tasks() -> Sequence[Callable[..., None]]:
    """Give functions marked with ``core.api.jobs.task``.

    *collect* hook. Called once per process. They run on the plugin's own queues, which are consumed
    only while the plugin is enabled: ``plugin.name`` in the worker's common threads,
    ``plugin.queue.name`` in four threads that this queue has for itself. Silence means none.
    """


@hookspec(since="0.1")
def register_sweeps() -> Sequence[Callable[..., None]]:
    """Give functions marked with ``core.api.jobs.sweep``: work looked for at regular intervals.

    *collect* hook. Called once per process; the functions run in whichever process holds the
    sweeper's lease. One that raises is counted against its plugin, the rest go on.
    """


@hookspec(since="0.1")
def register_settings() -> SettingsSection:
    """Describe the plugin's settings.

    *collect* hook. Called once per process. Values are read with ``runtime.plugin_settings(name)``
    and fall back to the defaults given here; an Admin changes them under Setelan. Silence means the
    plugin has none.
    """


@hookspec(since="0.1")
def before_upgrade(session: Session, version: str) -> None:
    """Make ready for the migrations of a new version, while the tables are still the old ones.

    *decide* hook. Called once for the plugin itself by an upgrade to another version, in a
    transaction of its own before the migrations; ``version`` is the one that was installed. May
    run again after a kill. What it raises stops the upgrade before anything has changed: the way to
    refuse data that a migration could not take along. Mapped classes fit the new tables only, so
    use plain SQL. A rehearsal calls it too, on a copy of the database: touch nothing outside
    ``session``.
    """


@hookspec(since="0.1")
def after_upgrade(session: Session, version: str) -> None:
    """Finish what a migration cannot do, when tables and data files are those of the new version.

    *decide* hook. Called once for the plugin itself by an upgrade to another version, in a
    transaction of its own after its data files; ``version`` is the one that was installed. May run
    again after a kill. What it raises leaves the plugin out of use; the upgrade can be repeated. A
    rehearsal calls it too, on a copy of the database: touch nothing outside ``session``.
    """


@hookspec(since="0.1")
def load_demo(session: Session, progress: Callable[[str], None]) -> None:
    """Fill in believable demo data of this plugin.

    *tell* hook, called in dependency order by ``abah setup --demo``, each plugin in a savepoint of
    its own. ``progress`` takes a line for the terminal. Must be safe to run twice.
    """
