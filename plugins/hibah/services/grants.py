"""What can be done to grants: changing their state, archiving them, adding notes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core.api.accounts import User
from core.api.db import utcnow
from core.api.errors import ConflictError, InvalidInputError, NotFoundError
from core.api.hooks import GrantChange, GrantFacts, UserFacts
from core.api.runtime import runtime_of
from core.api.text import TranslationString, _
from plugins.hibah.models import Grant, Note
from plugins.hibah.services.cards import grant_facts
from plugins.hibah.services.log import add_log, add_logs
from plugins.hibah.workflow import State, explain_refusal

__all__ = [
    "MAX_NOTE",
    "NoteLine",
    "StateChanges",
    "add_note",
    "archive",
    "change_states",
    "notes_of",
]

MAX_NOTE: Final = 2000
_NOTE_FIELD: Final = "body"


@dataclass(frozen=True, slots=True)
class StateChanges:
    """What became of a request to change the state of several grants."""

    changed: Sequence[GrantFacts]
    refused: Mapping[int, TranslationString]
    """Why a grant stayed as it was, by its id."""


@dataclass(frozen=True, slots=True)
class NoteLine:
    """A note as pages show it."""

    author: str
    body: str
    created_at: datetime


def change_states(
    session: Session,
    ids: Sequence[int],
    after: State,
    *,
    user: UserFacts,
    versions: Mapping[int, int] | None = None,
) -> StateChanges:
    """Move grants to the state ``after`` where the workflow and every plugin allow it.

    Refusals are returned, not raised: the other grants of the batch go on. ``versions`` holds what
    the person saw; a grant that has changed since is refused.
    """
    current: dict[int, int] = {
        row.id: row.version
        for row in session.execute(
            select(Grant.id, Grant.version)
            .where(Grant.id.in_(ids))
            .order_by(Grant.id)
            .with_for_update()
        )
    }
    now = utcnow()
    changes: list[GrantChange] = []
    refused: dict[int, TranslationString] = {}
    for grant_id, facts in grant_facts(session, current).items():
        change = GrantChange(facts, facts.state, after.value, user.id, now)
        stale = versions is not None and versions.get(grant_id) != current[grant_id]
        reason = ConflictError.explanation if stale else _refusal(session, change, user)
        if reason is None:
            changes.append(replace(change, grant=replace(facts, state=after.value)))
        else:
            refused[grant_id] = reason
    refused.update(
        {grant_id: NotFoundError.explanation for grant_id in ids if grant_id not in current}
    )
    _apply(session, changes, after, user)
    return StateChanges([change.grant for change in changes], refused)


def archive(session: Session, ids: Sequence[int], *, actor_id: int | None) -> int:
    """Move grants to Data Arsip and return how many were not there yet."""
    moved = session.scalars(
        update(Grant)
        .where(Grant.id.in_(ids), Grant.archived_at.is_(None))
        .values(archived_at=utcnow(), version=Grant.version + 1)
        .returning(Grant.id)
        .execution_options(synchronize_session=False)
    ).all()
    text = _("Hibah dipindahkan ke Data Arsip.")
    add_logs(session, dict.fromkeys(moved, text), actor_id)
    return len(moved)


def add_note(session: Session, grant_id: int, *, body: str, actor_id: int) -> None:
    """Add a note to a grant, and to its log.

    :raises InvalidInputError: the note is empty or too long.
    """
    text = body.strip()
    if not text:
        raise InvalidInputError(_NOTE_FIELD, _("Catatan masih kosong. Tulis catatan lebih dahulu."))
    if len(text) > MAX_NOTE:
        raise InvalidInputError(
            _NOTE_FIELD,
            _(
                "Catatan terlalu panjang (${n} huruf, paling banyak ${limit}). Persingkat catatan.",
                mapping={"n": len(text), "limit": MAX_NOTE},
            ),
        )
    session.add(Note(grant_id=grant_id, author_id=actor_id, body=text))
    session.flush()
    add_log(session, grant_id, actor_id, _("Catatan ditambahkan: ${text}", mapping={"text": text}))


def notes_of(session: Session, grant_id: int) -> Sequence[NoteLine]:
    """Return the notes of a grant, newest first."""
    query = (
        select(Note.body, Note.created_at, User.first_name, User.last_name)
        .outerjoin(User, User.id == Note.author_id)
        .where(Note.grant_id == grant_id)
        .order_by(Note.id.desc())
    )
    return [
        NoteLine(f"{row.first_name or ''} {row.last_name or ''}".strip(), row.body, row.created_at)
        for row in session.execute(query)
    ]


def _refusal(session: Session, change: GrantChange, user: UserFacts) -> TranslationString | None:
    grant = change.grant
    if grant.archived:
        return _("Hibah ini sudah ada di Data Arsip dan tidak dapat diubah.")
    if grant.locked:
        return _("Hibah ini terkunci. Minta Admin membuka kuncinya dengan Buka kunci.")
    if grant.pending:
        return _("Hibah ini sedang ditunda (Pending). Lanjutkan dahulu sebelum mengubah statusnya.")
    reason = explain_refusal(change.before, change.after)
    if reason is not None:
        return reason
    answer: TranslationString | None = runtime_of(session).hooks.decide(
        "check_transition", session=session, change=change, user=user
    )
    return answer


def _apply(session: Session, changes: Sequence[GrantChange], after: State, user: UserFacts) -> None:
    if not changes:
        return
    session.execute(
        update(Grant)
        .where(Grant.id.in_([change.grant.id for change in changes]))
        .values(state=after.value, version=Grant.version + 1)
        .execution_options(synchronize_session=False)
    )
    add_logs(
        session,
        {
            change.grant.id: _(
                "Status berubah dari ${before} menjadi ${after}.",
                mapping={"before": change.before, "after": change.after},
            )
            for change in changes
        },
        user.id,
    )
    runtime_of(session).hooks.tell(session, "grants_changed", changes=changes)
