"""The journal of lifecycle operations: each step is written down before and after it.

A process that is killed in the middle leaves a step without an end, which ``abah plugins doctor``
names and ``abah plugins resume`` carries on.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from core.db import Database
from core.errors import AbahError
from core.framework.logging import error_words, fit_to_keep
from core.framework.models import JournalEntry, Outcome
from core.i18n import stored

__all__ = [
    "RUN",
    "RUN_VARIABLE",
    "WHOLE",
    "Operation",
    "Unfinished",
    "announce",
    "history",
    "unfinished",
]

WHOLE: Final = "operation"
"""The step that stands for the operation as a whole."""

RUN: Final = "run"
"""The step of the entries that bracket everything that one start from Aplikasi does."""

RUN_VARIABLE: Final = "ABAH_RUN"
"""Environment variable with the id of the start that a process works for."""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """An operation that began and came to no good end."""

    operation_id: str
    plugin: str
    operation: str
    step: str
    """The step at which it stopped."""
    done: tuple[str, ...]
    """The steps that are complete, those of the operation that it carries on among them."""
    detail: dict[str, Any]
    at: datetime
    failed: bool
    """Whether it ended with an error; else its process was killed."""


class Operation:
    """One operation on one plugin, as it goes on."""

    def __init__(self, database: Database, plugin: str, name: str, actor: str) -> None:
        """Give it an id; nothing is written yet."""
        self.id = secrets.token_hex(16)
        self.plugin = plugin
        self.name = name
        self._database = database
        self._actor = actor
        self._run = os.environ.get(RUN_VARIABLE, "")

    def end(self, error: Exception | None = None) -> None:
        """Close it, well or with an error."""
        self._end(WHOLE, error)

    @contextmanager
    def going(self) -> Iterator[None]:
        """Close one that was announced at the end of the block, as that ends."""
        with self._ending(WHOLE):
            yield

    @contextmanager
    def whole(self, **detail: Any) -> Iterator[None]:
        """Bracket the whole operation; ``detail`` is what somebody needs to carry it on."""
        self._write(WHOLE, Outcome.BEGUN, detail)
        with self.going():
            yield

    @contextmanager
    def step(self, name: str, **detail: Any) -> Iterator[None]:
        """Bracket one step; both of its entries hold ``detail``."""
        self._write(name, Outcome.BEGUN, detail)
        with self._ending(name, **detail):
            yield

    @contextmanager
    def step_with_end(self, name: str) -> Iterator[Callable[[Session], None]]:
        """Bracket a step that notes its own end, in the transaction in which it does its work.

        The block gets the function that does: so the step is done and noted, or neither.
        """
        self._write(name, Outcome.BEGUN, {})
        try:
            yield lambda session: self.add(session, name, Outcome.DONE, {})
        except Exception as error:
            self._end(name, error)
            raise

    @contextmanager
    def _ending(self, step: str, **detail: Any) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            self._end(step, error)
            raise
        self._write(step, Outcome.DONE, detail)

    def _end(self, step: str, error: Exception | None) -> None:
        if error is None:
            self._write(step, Outcome.DONE, {})
        else:
            # It stands there for ever, so nobody's data may.
            detail: dict[str, Any] = {"error": error_words(error)}
            if isinstance(error, AbahError):
                detail["said"] = _fit(stored(error.explanation))
            self._write(step, Outcome.FAILED, detail)

    def _write(self, step: str, outcome: Outcome, detail: dict[str, Any]) -> None:
        with self._database.writing() as session:
            self.add(session, step, outcome, detail)

    def add(self, session: Session, step: str, outcome: Outcome, detail: dict[str, Any]) -> None:
        """Write an entry in the caller's transaction."""
        session.add(
            JournalEntry(
                operation_id=self.id,
                plugin=self.plugin,
                operation=self.name,
                step=step,
                outcome=outcome,
                detail=detail,
                actor=self._actor,
                run=self._run,
            )
        )


def _fit(sentence: dict[str, Any]) -> dict[str, Any]:
    """Let nothing in what is put into a sentence be anybody's data."""
    values = {
        name: _fit(value) if isinstance(value, dict) else fit_to_keep(value)
        for name, value in sentence["with"].items()
    }
    return sentence | {"with": values}


def announce(database: Database, operations: Sequence[tuple[Operation, dict[str, Any]]]) -> None:
    """Begin several operations at once, each with its detail: none is forgotten after a kill.

    Each is closed by :meth:`Operation.going` or :meth:`Operation.end`.
    """
    with database.writing() as session:
        for operation, detail in operations:
            operation.add(session, WHOLE, Outcome.BEGUN, detail)
            session.flush()


def history(session: Session, plugin: str, *, limit: int = 50) -> Sequence[JournalEntry]:
    """Return the last entries about a plugin, newest first.

    Of what brackets a start from Aplikasi only the failures, which may have begun no operation.
    """
    told = or_(JournalEntry.step != RUN, JournalEntry.outcome == Outcome.FAILED)
    return session.scalars(
        select(JournalEntry)
        .where(JournalEntry.plugin == plugin, told)
        .order_by(JournalEntry.id.desc())
        .limit(limit)
    ).all()


def unfinished(session: Session) -> list[Unfinished]:
    """List the operations without a good end, unless a later one on the same plugin has ended well.

    While an operation is running it is among them: ask :func:`core.framework.lock.lock_holder` too.
    """
    # The last that began on a plugin decides: it takes the place of what failed before it. Only
    # those are read, for the journal grows for ever.
    whole = JournalEntry.step == WHOLE
    last = (
        select(func.max(JournalEntry.id))
        .where(whole, JournalEntry.outcome == Outcome.BEGUN)
        .group_by(JournalEntry.plugin)
    )
    ended = select(JournalEntry.operation_id).where(whole, JournalEntry.outcome == Outcome.DONE)
    open_ones = select(JournalEntry.operation_id).where(
        JournalEntry.id.in_(last), JournalEntry.operation_id.not_in(ended)
    )
    entries: dict[str, list[JournalEntry]] = {}
    statement = select(JournalEntry).where(JournalEntry.operation_id.in_(open_ones))
    for entry in session.scalars(statement.order_by(JournalEntry.id)):
        entries.setdefault(entry.operation_id, []).append(entry)
    return [_unfinished(operation) for operation in entries.values()]


def _unfinished(operation: Sequence[JournalEntry]) -> Unfinished:
    first, last = operation[0], operation[-1]
    failed = last.step == WHOLE and last.outcome == Outcome.FAILED
    steps = [entry.step for entry in operation if entry.outcome == Outcome.DONE]
    return Unfinished(
        operation_id=first.operation_id,
        plugin=first.plugin,
        operation=first.operation,
        # The step that failed was written before the end of the whole.
        step=(operation[-2] if failed else last).step,
        done=(*first.detail.get("done", ()), *steps),
        detail=dict(first.detail),
        at=last.at,
        failed=failed,
    )
