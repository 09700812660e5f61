"""Work for the length of a block: for a command that must see its messages out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import select

from core.db import utcnow
from core.jobs.leases import is_dead
from core.jobs.models import Lease

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.jobs.host import Host

__all__ = ["is_worked", "working"]


def is_worked(session: Session) -> bool:
    """Tell whether a process of the deployment is at work: a live one holds the sweeper's lease."""
    from core.jobs.sweeper import LEASE  # noqa: PLC0415 - dramatiq is slow to import

    holder = session.scalar(select(Lease.holder).where(Lease.name == LEASE, Lease.until > utcnow()))
    return holder is not None and not is_dead(holder)


@contextmanager
def working(runtime: Host) -> Iterator[bool]:
    """Have background work done while the block runs, and tell whether this process does it.

    Where another process is at work already nothing is started; else a worker runs in this one and
    is drained at the end.
    """
    from core.jobs.worker import WorkerProcess  # noqa: PLC0415 - dramatiq is slow to import

    with runtime.database.reading() as session:
        elsewhere = is_worked(session)
    if elsewhere:
        yield False
        return
    worker = runtime.component(WorkerProcess)
    worker.start()
    try:
        yield True
    finally:
        worker.stop()
