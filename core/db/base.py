"""The declarative base, column types, and the clock that every table uses."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, MetaData
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import JSON, TypeDecorator

__all__ = ["Base", "BigId", "NaiveDateTimeError", "UTCDateTime", "owner_of_table", "utcnow"]

BigId = BigInteger().with_variant(Integer(), "sqlite")
"""Key type: 64 bits on PostgreSQL, SQLite's own rowid there."""

CORE_PREFIX = "abah_"


class NaiveDateTimeError(TypeError):
    """A time without a zone was given to the database: nobody could say when it was."""


class UTCDateTime(TypeDecorator[datetime]):
    """An aware datetime, stored as UTC and returned as UTC on every database."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive times, turn the rest into UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            message = f"naive datetime {value!r}"
            raise NaiveDateTimeError(message)
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Put the zone back that SQLite cannot keep."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Base of every mapped class. A table's name begins with its owner: ``abah_`` for the core."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UTCDateTime(),
        dict[str, Any]: JSON(),
        list[str]: JSON(),
    }


def owner_of_table(name: str, owners: frozenset[str]) -> str | None:
    """Name the owner of a table: ``core`` for ``abah_…``, a plugin by its longest prefix."""
    if name.startswith(CORE_PREFIX):
        return "core"
    matches = [owner for owner in owners if name.startswith(f"{owner}_")]
    return max(matches, key=len, default=None)


def utcnow() -> datetime:
    """Return the present moment as an aware UTC datetime."""
    return datetime.now(UTC)
