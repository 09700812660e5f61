"""Leases in the database: taken for some seconds, renewed by their holder, lost by who died."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from sqlalchemy import delete, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from core.db import utcnow
from core.db.processes import is_dead, process_identity
from core.jobs.models import Lease

__all__ = ["dead_holders", "is_dead", "process_identity", "release_lease", "take_lease"]


def dead_holders(identities: Iterable[str]) -> list[str]:
    """Return those of ``identities`` whose process is surely gone."""
    return [identity for identity in set(identities) if is_dead(identity)]


def take_lease(
    session: Session, names: Sequence[str], *, seconds: float, holder: str
) -> str | None:
    """Take or renew the first of several equal leases that is free, and return its name.

    ``holder`` begins with :func:`process_identity`; what follows a slash tells its threads apart.
    """
    now = utcnow()
    busy = {
        row.name: row.holder
        for row in session.execute(
            select(Lease.name, Lease.holder).where(Lease.name.in_(names), Lease.until > now)
        )
    }
    dead = dead_holders(held for held in busy.values() if held != holder)
    connection = session.connection()
    build = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    for name in names:
        if name in busy and busy[name] != holder and busy[name] not in dead:
            continue
        statement = build(Lease).values(
            name=name, holder=holder, until=now + timedelta(seconds=seconds)
        )
        taken = connection.execute(
            statement.on_conflict_do_update(
                index_elements=[Lease.name],
                set_={"holder": statement.excluded.holder, "until": statement.excluded.until},
                where=or_(Lease.until <= now, Lease.holder.in_([holder, *dead])),
            ).returning(Lease.name)
        ).scalar_one_or_none()
        if taken is not None:
            return name
    return None


def release_lease(session: Session, name: str, *, holder: str) -> None:
    """Give a lease back. One that somebody else took over meanwhile stays theirs."""
    session.execute(
        delete(Lease)
        .where(Lease.name == name, Lease.holder == holder)
        .execution_options(synchronize_session=False)
    )
