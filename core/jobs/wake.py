"""Starting tasks after a commit.

What is enqueued inside a transaction is sent when it commits and dropped when it rolls back; equal
wake-ups of one transaction are sent once.
"""

from __future__ import annotations

from typing import Any, Final, Protocol

from sqlalchemy import event
from sqlalchemy.orm import Session, SessionTransaction

__all__ = ["Sender", "enqueue"]

_PENDING: Final = "abah_wake"
SENDER: Final = "jobs"
"""Key of ``Session.info`` that holds the sender of this process."""


class Sender(Protocol):
    """What can start a task by name."""

    def send(self, name: str, *args: Any) -> None:
        """Ask a worker to run the task. Must not raise when the broker is away."""


def enqueue(session: Session, name: str, *args: int | str) -> None:
    """Start the task ``name`` with ``args`` once the session's transaction has been committed."""
    # There must be a transaction whose end is heard, also when nothing was written yet.
    session.connection()
    # A dict keeps the order and drops doubles.
    session.info.setdefault(_PENDING, {})[(name, args)] = None


@event.listens_for(Session, "after_commit")
def _send(session: Session) -> None:
    if session.in_nested_transaction():
        # Only a savepoint was released; the transaction may still roll back.
        return
    pending = session.info.pop(_PENDING, None)
    sender: Sender | None = session.info.get(SENDER)
    if pending and sender is not None:
        for name, args in pending:
            sender.send(name, *args)


@event.listens_for(Session, "after_soft_rollback")
def _drop(session: Session, previous: SessionTransaction) -> None:
    if previous.parent is None:
        session.info.pop(_PENDING, None)
