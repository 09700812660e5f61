"""Starts from the page Aplikasi: each has an id of its own, a beginning and, always, an end.

What one start does may be several operations, one, or none when it is refused at once. Entries of
the journal with the step ``run`` bracket it. They say nothing about what is half done: that is told
by the operations themselves, which stay unfinished until they are carried on.
"""

from __future__ import annotations

import enum
import os
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from core.db import Database
from core.db.processes import is_running, process_identity
from core.framework.journal import RUN, RUN_VARIABLE, WHOLE
from core.framework.lock import lock_holder
from core.framework.models import JournalEntry, Outcome
from core.i18n import TranslationString, _, stored, unstored

__all__ = [
    "ACTOR_VARIABLE",
    "Progress",
    "RunState",
    "as_ended",
    "begin_run",
    "end_run",
    "end_run_of_gone",
    "join_run",
    "progress",
    "said",
]

ACTOR_VARIABLE: Final = "ABAH_ACTOR"
"""Environment variable that tells the command line for whom it acts."""


class RunState(enum.StrEnum):
    """How a start from Aplikasi stands."""

    GOING = "going"
    DONE = "done"
    FAILED = "failed"
    BROKEN_OFF = "broken off"
    """Its process is gone and wrote no end."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one start is."""

    run: str
    plugin: str
    """Plugin it was asked for, or ``core`` where it carries on what was broken off."""
    operation: str
    state: RunState
    steps: Sequence[JournalEntry]
    """Operation by operation; a step that is done or failed stands here once, as it ended."""
    reason: TranslationString | None
    """Why it failed, for whoever reads it."""

    @property
    def latest(self) -> JournalEntry | None:
        """The step that was written last."""
        return max(self.steps, key=lambda one: one.id, default=None)


def begin_run(session: Session, plugin: str, operation: str, actor: str) -> str:
    """Note a start before its process exists, in the caller's transaction, and return its id."""
    run = secrets.token_hex(16)
    first = _entry(run, plugin, operation, actor, Outcome.BEGUN)
    first.detail = {"process": process_identity()}
    session.add(first)
    return run


def join_run(database: Database) -> None:
    """Note that this process is the one that works for the start in its environment."""
    with database.writing() as session:
        _join(session, os.environ.get(RUN_VARIABLE, ""), process=process_identity())


def end_run(database: Database, run: str, reason: TranslationString | None = None) -> None:
    """End a start well, or with the reason why it failed. One that has ended stays as it is."""
    with database.writing() as session:
        _end(session, run, reason)


def end_run_of_gone(database: Database, run: str, reason: TranslationString) -> None:
    """End a start whose process is gone without a word.

    One that left something half done gets no end, on purpose, so that it is seen and carried on:
    it is noted that nobody works on it, which a process that could not name itself left open.
    """
    with database.writing() as session:
        wholes = [
            Outcome(one.outcome)
            for one in as_ended(session.scalars(_steps_of(run)))
            if one.step == WHOLE
        ]
        if Outcome.BEGUN not in wholes:
            done = bool(wholes) and Outcome.FAILED not in wholes
            _end(session, run, None if done else reason)
        else:
            _join(session, run, process=None)


def progress(database: Database, run: str) -> Progress | None:
    """Tell how far a start is; None where there was none of that id."""
    found = _progress(database, run)
    if found is not None and found.state is RunState.BROKEN_OFF:
        # It may have written its end just before it went.
        return _progress(database, run)
    return found


def as_ended(entries: Iterable[JournalEntry]) -> list[JournalEntry]:
    """Keep one entry for each step: the later of its beginning and its end."""
    latest: dict[tuple[str, str], JournalEntry] = {}
    for entry in entries:
        latest[entry.operation_id, entry.step] = entry
    return list(latest.values())


def said(entry: JournalEntry) -> TranslationString | None:
    """Return why a step or a start failed, for whoever reads it; None where it did not."""
    if entry.outcome != Outcome.FAILED:
        return None
    if "said" in entry.detail:
        return unstored(entry.detail["said"])
    return _(
        "Terjadi kesalahan yang tidak terduga (${error}). Rinciannya ada di log server.",
        mapping={"error": entry.detail.get("error", "-")},
    )


def _progress(database: Database, run: str) -> Progress | None:
    with database.reading() as session:
        brackets = _brackets(session, run)
        steps = as_ended(session.scalars(_steps_of(run)))
    if not brackets:
        return None
    last = brackets[-1]
    operations = [one.operation_id for one in steps]
    steps.sort(key=lambda one: operations.index(one.operation_id))
    ended = {Outcome.DONE: RunState.DONE, Outcome.FAILED: RunState.FAILED}
    state = ended.get(Outcome(last.outcome)) or _state_without_end(database, last)
    return Progress(run, last.plugin, last.operation, state, steps, said(last))


def _state_without_end(database: Database, last: JournalEntry) -> RunState:
    process = last.detail["process"]
    running = False if process is None else is_running(process)
    if running is None:
        # On another machine: whoever works holds the lock and renews it.
        holder = lock_holder(database)
        running = holder is not None and holder.alive
    return RunState.GOING if running else RunState.BROKEN_OFF


def _brackets(session: Session, run: str) -> Sequence[JournalEntry]:
    statement = select(JournalEntry).where(JournalEntry.run == run, JournalEntry.step == RUN)
    return session.scalars(statement.order_by(JournalEntry.id)).all() if run else ()


def _steps_of(run: str) -> Select[JournalEntry]:
    statement = select(JournalEntry).where(JournalEntry.run == run, JournalEntry.step != RUN)
    return statement.order_by(JournalEntry.id)


def _join(session: Session, run: str, *, process: str | None) -> None:
    """Note which process works for a start that has no end; None where it is gone."""
    brackets = _brackets(session, run)
    if brackets and brackets[-1].outcome == Outcome.BEGUN:
        entry = _as(brackets[-1], Outcome.BEGUN)
        entry.detail = {"process": process}
        session.add(entry)


def _end(session: Session, run: str, reason: TranslationString | None) -> None:
    brackets = _brackets(session, run)
    if brackets and brackets[-1].outcome == Outcome.BEGUN:
        entry = _as(brackets[-1], Outcome.DONE if reason is None else Outcome.FAILED)
        entry.detail = {} if reason is None else {"said": stored(reason)}
        session.add(entry)


def _as(begun: JournalEntry, outcome: Outcome) -> JournalEntry:
    return _entry(begun.run, begun.plugin, begun.operation, begun.actor, outcome)


def _entry(run: str, plugin: str, operation: str, actor: str, outcome: Outcome) -> JournalEntry:
    return JournalEntry(
        operation_id=run,
        plugin=plugin,
        operation=operation,
        step=RUN,
        outcome=outcome,
        actor=actor,
        run=run,
    )
