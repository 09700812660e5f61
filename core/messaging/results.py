"""Writing what a hand-over brought: one transaction per chunk, one statement per kind of row."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Table, delete
from sqlalchemy.orm import Session

from core.hookspecs.channels import Capabilities, Evidence, Outcome, SendResult
from core.i18n import TranslationString, _
from core.messaging.accounts import note_failure, note_success
from core.messaging.changes import Held, lock_messages, write_changes
from core.messaging.claims import Claim, Claimed
from core.messaging.models import Attempt, Segment
from core.messaging.reports import apply_waiting, clean
from core.messaging.rows import chunks, insert_rows, update_rows
from core.messaging.states import Cause, SegmentState, State, stronger

__all__ = ["MAX_ATTEMPTS", "MAX_UNANSWERED", "Answer", "back_off", "record_results"]

MAX_ATTEMPTS: Final = 150
"""Hand-overs of one message that a channel keeps putting off: with the growing pauses between them
it is given up after three days (a weekend without a gateway costs nothing), or when it expires."""
MAX_UNANSWERED: Final = 12
"""Hand-overs of one message over which the channel or the worker breaks, where it may be repeated
at all."""
FIRST_PAUSE: Final = timedelta(seconds=5)
LONGEST_PAUSE: Final = timedelta(minutes=30)
NOT_TRIED_PAUSE: Final = timedelta(seconds=1)
"""Pause of a message whose turn did not come in its chunk."""
SUCCESS_INTERVAL: Final = timedelta(seconds=10)
"""How often a working account's row is written."""

UNCERTAIN: Final[TranslationString] = _(
    "Belum pasti apakah pesan sudah terkirim. Periksa laporan atau tanyakan kepada penerima."
)
NEXT_TURN: Final[TranslationString] = _("Belum dikirim, menunggu giliran berikutnya.")
GIVEN_UP: Final[TranslationString] = _(
    "Tidak dapat dikirim setelah dicoba berkali-kali. Periksa kanal, lalu kirim ulang."
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a transport answered for one message."""

    result: SendResult
    raised: bool = False
    """The transport raised over the chunk instead of answering."""


def back_off(attempt: int) -> timedelta:
    """Return the pause after a temporary failure: doubling, with jitter, up to 30 minutes."""
    # No more doublings than count: after many attempts the product is no time span any more.
    pause: timedelta = min(FIRST_PAUSE * 2 ** min(attempt - 1, 16), LONGEST_PAUSE)
    # Jitter keeps a batch that failed together from coming back together.
    return pause * random.uniform(0.75, 1.25)  # noqa: S311 - no secret


def record_results(
    session: Session,
    held: Claim,
    answers: Mapping[str, Answer],
    can: Capabilities,
    now: datetime,
) -> None:
    """Write attempts, segments, states and the account's health; apply reports that came early.

    ``answers`` has one entry per ref of the claim.
    """
    answers = {
        claimed.outgoing.ref: _storable(claimed, answers[claimed.outgoing.ref])
        for claimed in held.messages
    }
    messages = lock_messages(session, [message.id for message in held.messages])
    segments: list[dict[str, Any]] = []
    attempts: list[tuple[dict[str, Any], dict[str, Any]]] = []
    untried: list[Claimed] = []
    for claimed in held.messages:
        answer = answers[claimed.outgoing.ref]
        message = messages.get(claimed.id)
        if answer.result.outcome is Outcome.NOT_TRIED:
            untried.append(claimed)
        else:
            attempts.append(_attempt(claimed, answer.result, now))
        if message is None:
            continue
        _judge(message, claimed, answer, can, now)
        if answer.result.outcome is Outcome.ACCEPTED:
            segments += _segments(claimed, held.account.row.id, answer.result, message.evidence)
    update_rows(session, _ATTEMPT, attempts)
    _forget_attempts(session, untried)
    if segments:
        insert_rows(session, _SEGMENT, segments)
    write_changes(session, messages.values(), now)
    apply_waiting(
        session,
        messages,
        [(row["account_id"], row["reference"]) for row in segments],
        now,
    )
    _note_health(session, held, answers, now)


def _forget_attempts(session: Session, untried: Sequence[Claimed]) -> None:
    """Delete the attempts of messages with which nothing was done: there was no hand-over."""
    numbers: dict[int, list[int]] = defaultdict(list)
    for claimed in untried:
        numbers[claimed.outgoing.attempt].append(claimed.id)
    for number, ids in numbers.items():
        for some in chunks(ids):
            session.execute(
                delete(Attempt).where(Attempt.number == number, Attempt.message_id.in_(some))
            )


def _storable(claimed: Claimed, answer: Answer) -> Answer:
    """Make an answer fit for the tables: no NUL, nothing of a secret that the channel echoes."""
    result = answer.result
    secret = claimed.sealed_body is not None
    return replace(
        answer,
        result=replace(
            result,
            references=tuple(clean(reference) for reference in result.references),
            code="" if secret else clean(result.code),
            reason="" if secret else result.reason,
        ),
    )


def _judge(
    message: Held, claimed: Claimed, answer: Answer, can: Capabilities, now: datetime
) -> None:
    """Give a locked message the state that its answer leads to."""
    result = answer.result
    # Another hand-over may have begun since: then only the proof that it left still counts.
    mine = message.attempt_count == claimed.outgoing.attempt
    if result.outcome is Outcome.ACCEPTED:
        _accept(message, result, can, Cause.RESULT if mine else Cause.LATE_RESULT, now)
    elif not mine:
        return
    elif result.outcome is Outcome.PERMANENT:
        message.move(State.REJECTED, Cause.RESULT, reason=result.reason or _("Ditolak oleh kanal."))
    elif result.outcome is Outcome.NOT_TRIED:
        # The attempt is given back, so that a slow channel does not use up what a message has.
        why = result.reason or NEXT_TURN
        due_at = now + NOT_TRIED_PAUSE
        if message.move(State.QUEUED, Cause.RESULT, reason=why, due_at=due_at):
            message.set(attempt_count=message.attempt_count - 1)
    elif result.outcome is Outcome.TEMPORARY or can.idempotent:
        _again(message, result, now)
        if answer.raised:
            message.set(is_isolated=True)
    else:
        message.move(State.UNCERTAIN, Cause.RESULT, reason=result.reason or UNCERTAIN)


def _accept(
    message: Held, result: SendResult, can: Capabilities, cause: Cause, now: datetime
) -> None:
    evidence = result.evidence
    if not can.reports and evidence is Evidence.GATEWAY:
        evidence = Evidence.UNKNOWABLE
    message.move(State.SENT, cause, evidence=stronger(message.evidence, evidence), reason=None)
    if message.sent_at is None:
        message.set(sent_at=now)


def _again(message: Held, result: SendResult, now: datetime) -> None:
    """Put a message back into the queue for later, or give it up."""
    put_off = result.outcome is Outcome.TEMPORARY
    if message.attempt_count >= (MAX_ATTEMPTS if put_off else MAX_UNANSWERED):
        gave_up = State.REJECTED if put_off else State.UNCERTAIN
        message.move(gave_up, Cause.RESULT, reason=GIVEN_UP)
    else:
        why = result.reason or _("Kanal sedang tidak dapat mengirim; akan dicoba lagi.")
        message.move(
            State.QUEUED, Cause.RESULT, reason=why, due_at=now + back_off(message.attempt_count)
        )


def _attempt(
    claimed: Claimed, result: SendResult, now: datetime
) -> tuple[dict[str, Any], dict[str, Any]]:
    return {"number": claimed.outgoing.attempt, "message_id": claimed.id}, {
        "finished_at": now,
        "outcome": result.outcome,
        "code": result.code[:80],
        "reason": result.reason or None,
    }


def _segments(
    claimed: Claimed, account_id: int, result: SendResult, evidence: Evidence
) -> Sequence[dict[str, Any]]:
    return [
        {
            "message_id": claimed.id,
            "account_id": account_id,
            "attempt": claimed.outgoing.attempt,
            "number": number,
            "reference": reference[:200],
            "state": SegmentState.SENT,
            "evidence": evidence,
        }
        for number, reference in enumerate(result.references or ("",), start=1)
    ]


def _note_health(
    session: Session, held: Claim, answers: Mapping[str, Answer], now: datetime
) -> None:
    """Count a chunk of which the channel took nothing; remember that it works otherwise."""
    account = held.account
    works = {Outcome.ACCEPTED, Outcome.PERMANENT}
    outcomes = {answer.result.outcome for answer in answers.values()}
    if outcomes == {Outcome.NOT_TRIED}:
        return
    if outcomes & works:
        last = account.last_success_at
        if account.failure_count or last is None or now - last > SUCCESS_INTERVAL:
            note_success(session, account.row.id, now)
        return
    reasons = [answer.result.reason for answer in answers.values() if answer.result.reason]
    note_failure(session, account.row.id, reasons[0] if reasons else UNCERTAIN, now)


_SEGMENT: Final[Table] = Segment.__table__  # type: ignore[assignment]
_ATTEMPT: Final[Table] = Attempt.__table__  # type: ignore[assignment]
