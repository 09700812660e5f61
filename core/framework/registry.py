"""The registry number: one rising integer tells every process that plugins have changed."""

from __future__ import annotations

from sqlalchemy import Connection, case, inspect, select, update
from sqlalchemy.orm import Session

from core.framework.models import PluginRow, Registry

__all__ = [
    "has_tables",
    "plugin_rows",
    "present_number",
    "raise_registry",
    "registry_number",
    "registry_numbers",
]


def has_tables(session: Session) -> bool:
    """Tell whether the core's tables exist yet."""
    connection: Connection = session.connection()
    return inspect(connection).has_table(PluginRow.__tablename__)


def registry_number(session: Session) -> int:
    """Return the present number; 0 before anything was installed."""
    return registry_numbers(session)[0]


def registry_numbers(session: Session) -> tuple[int, int]:
    """Return the present number, and that of the last change for which processes are replaced."""
    row = session.execute(
        select(Registry.number, Registry.replaced).where(Registry.id == 1)
    ).one_or_none()
    return (row.number, row.replaced) if row is not None else (0, 0)


def present_number(connection: Connection) -> int:
    """Return the present number in whatever state the tables are; 0 where there are none."""
    if not inspect(connection).has_table(Registry.__tablename__):
        return 0
    return connection.scalar(select(Registry.number).where(Registry.id == 1)) or 0


def raise_registry(session: Session, *, above: int = 0, replace: bool = True) -> int:
    """Raise the number inside the caller's transaction and return it.

    It becomes higher than ``above`` too: a number that the processes already know tells nothing.
    ``replace`` tells that processes cannot follow while they run, because tables or code changed.
    """
    raised = case((Registry.number < above, above), else_=Registry.number) + 1
    number: int | None = session.scalar(
        update(Registry)
        .where(Registry.id == 1)
        .values(number=raised, replaced=raised if replace else Registry.replaced)
        .returning(Registry.number)
    )
    if number is None:
        number = above + 1
        session.add(Registry(id=1, number=number, replaced=number if replace else 0))
        session.flush()
    return number


def plugin_rows(session: Session) -> dict[str, PluginRow]:
    """Return the state of every plugin that was installed here once, by name."""
    rows = session.scalars(select(PluginRow).order_by(PluginRow.name))
    return {row.name: row for row in rows}
