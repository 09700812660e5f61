"""One lifecycle operation at a time, over every process and machine of a deployment.

The lock is a row that names its holder, so it works alike on SQLite and PostgreSQL and outlives no
process unnoticed: where processes can be seen from here a holder that no longer runs is recognised
at once, on another machine or in another container when it has not renewed the row for a minute.
"""

from __future__ import annotations

import contextlib
import os
import platform
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from textwrap import shorten
from typing import Final

import structlog
from sqlalchemy import delete, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session

from core.db import Database, utcnow
from core.db.processes import is_running, process_identity
from core.errors import AbahError
from core.framework.models import LifecycleLock
from core.i18n import _

__all__ = ["LockHolder", "LockedError", "lifecycle_lock", "lock_holder", "lock_holder_in"]

RENEW_SECONDS: Final = 10.0
STALE_AFTER: Final = timedelta(seconds=60)
LONGEST_PURPOSE: Final = 200

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LockHolder:
    """Who holds the lock."""

    host: str
    pid: int
    purpose: str
    since: datetime
    alive: bool
    """False when the process is known to be gone; the next operation takes the lock over."""


class LockedError(AbahError):
    """Another lifecycle operation is running; ``holder`` tells which."""

    def __init__(self, holder: LockHolder) -> None:
        """Name the holder."""
        self.holder = holder
        super().__init__(
            _(
                "Operasi lain sedang berjalan: ${purpose} (proses ${pid} di ${host}). "
                "Tunggu sampai selesai, lalu ulangi.",
                mapping={"purpose": holder.purpose, "pid": holder.pid, "host": holder.host},
            )
        )


def lock_holder(database: Database) -> LockHolder | None:
    """Tell who holds the lock, or None."""
    with database.reading() as session:
        return lock_holder_in(session)


def lock_holder_in(session: Session) -> LockHolder | None:
    """Tell who holds the lock as a session sees it, or None."""
    row = session.get(LifecycleLock, 1)
    return None if row is None else _holder(row)


@contextmanager
def lifecycle_lock(database: Database, purpose: str) -> Iterator[None]:
    """Hold the lock while the block runs.

    The block is no transaction: it commits as often as its steps need.

    :raises LockedError: a living process holds it.
    """
    token = secrets.token_hex(16)
    _take(database, token, purpose)
    stop = threading.Event()
    renewer = threading.Thread(
        target=_renew, args=(database, token, stop), name="lifecycle-lock", daemon=True
    )
    renewer.start()
    try:
        yield
    finally:
        stop.set()
        renewer.join()
        with database.writing() as session:
            session.execute(delete(LifecycleLock).where(LifecycleLock.token == token))


def _take(database: Database, token: str, purpose: str) -> None:
    try:
        with database.writing() as session:
            row = session.get(LifecycleLock, 1)
            if row is not None:
                _give_way(session, row)
            session.add(_row(token, purpose))
    except IntegrityError:
        # Another process inserted its row in the same moment.
        holder = lock_holder(database)
        if holder is None:
            raise
        raise LockedError(holder) from None


def _give_way(session: Session, row: LifecycleLock) -> None:
    holder = _holder(row)
    if holder.alive:
        raise LockedError(holder)
    log.warning("lifecycle lock of a dead process taken over", pid=holder.pid, host=holder.host)
    session.expunge(row)
    # Only if it is still the same dead one: another process may be taking it over as well.
    session.execute(delete(LifecycleLock).where(LifecycleLock.token == row.token))


def _row(token: str, purpose: str) -> LifecycleLock:
    return LifecycleLock(
        id=1,
        token=token,
        host=platform.node(),
        pid=os.getpid(),
        holder=process_identity(),
        purpose=shorten(purpose, LONGEST_PURPOSE, placeholder=" …"),
    )


def _renew(database: Database, token: str, stop: threading.Event) -> None:
    while not stop.wait(RENEW_SECONDS):
        # A missed renewal costs nothing; the next one comes in ten seconds.
        with contextlib.suppress(SQLAlchemyError), database.writing() as session:
            session.execute(
                update(LifecycleLock).where(LifecycleLock.token == token).values(seen_at=utcnow())
            )


def _holder(row: LifecycleLock) -> LockHolder:
    running = is_running(row.holder)
    alive = utcnow() - row.seen_at < STALE_AFTER if running is None else running
    return LockHolder(
        host=row.host, pid=row.pid, purpose=row.purpose, since=row.acquired_at, alive=alive
    )
