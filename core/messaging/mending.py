"""What people do to messages that were queued: take back, settle, send again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from core import audit
from core.db import utcnow
from core.errors import ConflictError, NotFoundError
from core.framework.runtime import runtime_of
from core.hookspecs.messages import PlannedResend, ResendReview
from core.i18n import TranslationString, _
from core.messaging.changes import Held, lock_messages, write_changes
from core.messaging.drafts import Draft, NotResendableError
from core.messaging.models import Message
from core.messaging.queue import queue_message, wake
from core.messaging.states import Cause, Lane, State
from core.messaging.threads import Tally, write_tallies

__all__ = ["cancel_messages", "resend", "review", "settle_uncertain", "supersede_messages"]


def cancel_messages(
    session: Session, ids: Collection[int], *, reason: TranslationString | None = None
) -> list[int]:
    """Take waiting messages back and return the ids of those that will not be sent.

    What is being sent, or was, stays as it is: returned, not raised, so that a batch cancels what
    it can.
    """
    held = lock_messages(session, ids)
    cancelled = []
    for message in held.values():
        why = reason or _("Dibatalkan sebelum dikirim.")
        if message.move(State.CANCELLED, Cause.PERSON, reason=why):
            cancelled.append(message.id)
    write_changes(session, held.values(), utcnow())
    return cancelled


def settle_uncertain(
    session: Session, ids: Collection[int], state: State, *, actor_id: int | None
) -> list[int]:
    """Write what a person found out about uncertain messages and return the ids that changed.

    ``state`` is ``sent``, ``delivered``, ``undelivered``, or ``queued`` to send again under the
    same ref.
    """
    now = utcnow()
    held = lock_messages(session, ids)
    changed = []
    for message in held.values():
        if state is State.QUEUED and message.is_secret and message.sealed_body is None:
            continue  # Its text is gone; a new code has to be asked for.
        if state is State.QUEUED:
            moved = message.move(state, Cause.PERSON, reason=None, due_at=now)
        else:
            told = _("Ditetapkan oleh petugas.")
            moved = message.move(state, Cause.PERSON, reason=told, reported_at=now)
        if moved:
            changed.append(message.id)
    write_changes(session, held.values(), now)
    for message_id in changed:
        audit.record(
            session,
            actor_id=actor_id,
            action="messages.settle",
            subject=f"message:{message_id}",
            details={"state": str(state)},
        )
    if state is State.QUEUED:
        wake(session, ((held[one].account_id, held[one].lane) for one in changed))
    return changed


def review(
    session: Session, planned: Sequence[PlannedResend], *, hold: bool
) -> dict[int, ResendReview]:
    """Ask the owners of messages whether they may be sent again; silence means: as they were.

    :param hold: lock what the answers rest on, because the messages are about to be sent.
    :raises PluginHookError: an owner could not say.
    """
    asked = [each for each in planned if each.origin]
    if not asked:
        return {}
    hooks = runtime_of(session).hooks
    return hooks.merge("review_resends", session=session, resends=asked, hold=hold)


def resend(  # noqa: PLR0913 - what may differ from the failed message, by name
    session: Session,
    message_id: int,
    *,
    address: str | None = None,
    actor_id: int | None,
    account_id: int | None = None,
    body: str | None = None,
    expires_at: datetime | None = None,
) -> int:
    """Queue a failed message anew, perhaps to another address, and return the new message's id.

    ``body`` replaces a text that holds no longer; ``expires_at`` says how long the new one holds.
    The failed one stays in the conversation and points at the new one; it no longer counts as
    failed.

    :raises NotFoundError: there is no such outgoing message.
    :raises NotResendableError: it did not fail, or its text was secret and is gone.
    :raises ConflictError: it was sent again already.
    :raises UnreachableAddressError: the new address is no E.164 number.
    """
    held = lock_messages(session, [message_id]).get(message_id)
    if held is None:
        raise NotFoundError
    if held.superseded:
        raise ConflictError(
            _(
                "Pesan ini sudah dikirim ulang. "
                "Muat ulang percakapan untuk melihat pesan penggantinya."
            )
        )
    if held.state not in _RESENDABLE or held.is_secret:
        raise NotResendableError
    old = session.execute(
        select(
            Message.body,
            Message.kind,
            Message.purpose,
            Message.origin,
            Message.title,
            Message.thread_id,
        ).where(Message.id == message_id)
    ).one()
    new_id = queue_message(
        session,
        Draft(
            address=address or held.address,
            body=old.body if body is None else body,
            purpose=old.purpose,
            kind=old.kind,
            thread_id=old.thread_id,
            lane=Lane.PERSON,
            sender_id=actor_id,
            title=old.title or None,
            origin=old.origin or None,
            account_id=account_id,
            expires_at=expires_at,
        ),
    )
    _supersede(session, {message_id: new_id}, [held])
    audit.record(
        session,
        actor_id=actor_id,
        action="messages.resend",
        subject=f"message:{message_id}",
        details={"new": new_id},
    )
    return new_id


def supersede_messages(session: Session, replacements: Mapping[int, int]) -> list[int]:
    """Note which message was sent instead of which (new by old), and return the old ones' ids.

    The old ones stay in the conversation and no longer count as failed. Those that did not fail,
    or were replaced before, stay as they are: returned, not raised, so a batch notes what it can.
    """
    held = [
        message
        for message in lock_messages(session, replacements).values()
        if message.state in _RESENDABLE and not message.superseded
    ]
    _supersede(session, replacements, held)
    return [message.id for message in held]


_RESENDABLE: Final = frozenset(
    {State.UNDELIVERED, State.REJECTED, State.EXPIRED, State.CANCELLED, State.UNCERTAIN}
)


def _supersede(session: Session, replacements: Mapping[int, int], held: Sequence[Held]) -> None:
    """Let locked messages and those sent instead of them point at each other; count no failure."""
    if not held:
        return
    pairs = [{"b_old": message.id, "b_new": replacements[message.id]} for message in held]
    connection = session.connection()
    connection.execute(_POINT_BACK, pairs)
    connection.execute(_POINT_ON, pairs)
    tallies: dict[int, Tally] = defaultdict(Tally)
    for message in held:
        if message.thread_id is not None:
            tally = tallies[message.thread_id]
            tally.note_move(message.state, None, superseded=False)
            # An uncertain message that was replaced still waits for its proof.
            tally.uncertain = 0
    write_tallies(session, tallies)


_TABLE: Final = Message.__table__


_POINT_BACK: Final = (
    update(_TABLE)  # type: ignore[arg-type]
    .where(_TABLE.c.id == bindparam("b_new"))
    .values(resend_of_id=bindparam("b_old"))
)


_POINT_ON: Final = (
    update(_TABLE)  # type: ignore[arg-type]
    .where(_TABLE.c.id == bindparam("b_old"))
    .values(superseded_by_id=bindparam("b_new"))
)
