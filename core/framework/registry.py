"""The registry number: one rising integer tells every process that plugins have changed."""

from __future__ import annotations

from sqlalchemy import Connection, inspect, select, update
from sqlalchemy.orm import Session

from core.framework.models import PluginRow, Registry

__all__ = ["has_tables", "plugin_rows", "raise_registry", "registry_number"]


def has_tables(session: Session) -> bool:
    """Tell whether the core's tables exist yet."""
    connection: Connection = session.connection()
    return inspect(connection).has_table(PluginRow.__tablename__)


def registry_number(session: Session) -> int:
    """Return the present number; 0 before anything was installed."""
    return session.scalar(select(Registry.number).where(Registry.id == 1)) or 0


def raise_registry(session: Session) -> int:
    """Raise the number inside the caller's transaction and return it."""
    number: int | None = session.scalar(
        update(Registry)
        .where(Registry.id == 1)
        .values(number=Registry.number + 1)
        .returning(Registry.number)
    )
    if number is None:
        session.add(Registry(id=1, number=1))
        session.flush()
        return 1
    return number


def plugin_rows(session: Session) -> dict[str, PluginRow]:
    """Return the state of every plugin that was installed here once, by name."""
    rows = session.scalars(select(PluginRow).order_by(PluginRow.name))
    return {row.name: row for row in rows}
