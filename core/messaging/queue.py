"""Putting messages into the queue and taking them out again.

A queued message is a row in the caller's transaction: one that rolls back sends nothing. The rows
of a batch are written by one statement, routed by one call of the hook, and wake each account's
worker once, after the commit.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.contacts.services import opted_out
from core.db import utcnow
from core.framework.runtime import runtime_of
from core.hookspecs.channels import Evidence, OutgoingMessage
from core.hookspecs.messages import MessageChange
from core.i18n import TranslationString, _
from core.jobs import enqueue
from core.messaging.changes import insert_messages
from core.messaging.drafts import (
    Draft,
    EmptyMessageError,
    TooLongMessageError,
    UnknownAccountError,
    UnreachableAddressError,
)
from core.messaging.models import Message
from core.messaging.refs import new_refs
from core.messaging.routing import NO_ACCOUNT, Candidate, candidates, choose
from core.messaging.rows import chunks
from core.messaging.states import Direction, Lane, State
from core.messaging.text import Measure, mask_secret, measure
from core.messaging.threads import Tally, write_tallies

__all__ = [
    "DISPATCH",
    "DISPATCH_CODES",
    "LOOP_LIMIT",
    "LOOP_WINDOW",
    "dispatch_task",
    "queue_message",
    "queue_messages",
    "wake",
    "wake_account",
]

log = structlog.get_logger(__name__)

DISPATCH: Final = "core.dispatch"
"""Name of the task that hands over one chunk of an account."""
DISPATCH_CODES: Final = "core.codes.dispatch"
"""The same for codes somebody is waiting for, in threads that nothing else keeps busy."""
LOOP_LIMIT: Final = 20
"""Equal texts to one number within the window; what comes after them is stopped."""
LOOP_WINDOW: Final = timedelta(minutes=5)
MAX_PARTS: Final = 255

LOOPING: Final[TranslationString] = _(
    "Dihentikan: pesan yang sama sudah dikirim lebih dari 20 kali ke nomor ini dalam 5 menit. "
    "Kemungkinan dua mesin saling membalas."
)
OPTED_OUT: Final[TranslationString] = _(
    "Tidak dikirim: pemilik nomor ini meminta berhenti menerima pesan (STOP)."
)

_NUMBER: Final = re.compile(r"\+[1-9]\d{6,14}")
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+")


def queue_message(session: Session, draft: Draft) -> int:
    """Store one message for delivery and return its id. See :func:`queue_messages`."""
    return queue_messages(session, [draft])[0]


def queue_messages(session: Session, drafts: Sequence[Draft]) -> list[int]:
    """Store a batch for delivery and return the ids in the order of the drafts.

    Nothing is sent here: a transaction that rolls back sends nothing. A message that may not be
    sent (its number asked for silence, or equal texts run in a loop) is stored as rejected with the
    reason; one for which there is no account waits and says so.

    :raises UnreachableAddressError: an address is neither E.164 nor an e-mail address.
    :raises EmptyMessageError: a text is empty.
    :raises TooLongMessageError: a text needs more than 255 parts.
    :raises UnknownAccountError: a draft names an account that cannot carry it.
    :raises PluginHookError: routing was refused; nothing is queued.
    """
    if not drafts:
        return []
    now = utcnow()
    rows = _rows(session, drafts, now)
    _stop(session, drafts, rows, now)
    _route(session, drafts, rows, now)
    ids = insert_messages(session, rows)
    _count(session, rows)
    _tell_rejected(session, ids, rows, now)
    wake(
        session,
        (
            (row["account_id"], row["lane"])
            for row in rows
            if row["state"] == State.QUEUED and row["due_at"] <= now
        ),
    )
    return ids


def wake(session: Session, waiting: Iterable[tuple[int | None, int]]) -> None:
    """Start the workers of accounts, given with the lane of what waits, after the commit."""
    wanted = {
        (account_id, dispatch_task(lane)) for account_id, lane in waiting if account_id is not None
    }
    for account_id, task in sorted(wanted):
        enqueue(session, task, account_id)


def wake_account(session: Session, account_id: int) -> None:
    """Start an account's workers after the commit, whatever waits for it."""
    wake(session, [(account_id, Lane.CODE), (account_id, Lane.BULK)])


def dispatch_task(lane: int) -> str:
    """Return the name of the task that hands over messages of a lane."""
    return DISPATCH_CODES if lane == Lane.CODE else DISPATCH


def _rows(session: Session, drafts: Sequence[Draft], now: datetime) -> list[dict[str, Any]]:
    encrypt = runtime_of(session).secrets.encrypt
    rows = []
    for draft, ref in zip(drafts, new_refs(len(drafts)), strict=True):
        found = _check(draft)
        rows.append(
            {
                "ref": ref,
                "thread_id": draft.thread_id,
                "account_id": None,
                "direction": Direction.OUT,
                "kind": draft.kind,
                "purpose": draft.purpose,
                "origin": draft.origin or "",
                "lane": int(draft.lane),
                "address": draft.address,
                "title": draft.title or "",
                "body": mask_secret(draft.body) if draft.secret else draft.body,
                "sealed_body": encrypt(draft.body) if draft.secret else None,
                "is_secret": draft.secret,
                "encoding": found.encoding,
                "parts": found.parts,
                "digest": None if draft.secret else _digest(draft),
                "state": State.QUEUED,
                "evidence": Evidence.NONE,
                "reason": None,
                "attempt_count": 0,
                "is_pinned": draft.account_id is not None,
                "is_isolated": False,
                "is_ambiguous": False,
                "due_at": max(draft.not_before, now) if draft.not_before else now,
                "expires_at": draft.expires_at,
                "sender_id": draft.sender_id,
                "created_at": now,
                "changed_at": now,
            }
        )
    return rows


def _check(draft: Draft) -> Measure:
    """Measure a draft, or refuse it."""
    pattern = _EMAIL if draft.kind == "email" else _NUMBER
    if not pattern.fullmatch(draft.address):
        raise UnreachableAddressError(draft.address)
    # NUL cannot be stored by PostgreSQL nor sent by anybody.
    if not draft.body.strip() or "\0" in draft.body:
        raise EmptyMessageError
    if draft.kind != "sms":
        return Measure("utf8", len(draft.body), 1, 0)
    found = measure(draft.body)
    if found.parts > MAX_PARTS:
        raise TooLongMessageError(found.parts)
    return found


def _digest(draft: Draft) -> str:
    text = f"{draft.kind}\0{draft.title or ''}\0{draft.body}"
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=9).hexdigest()


def _stop(
    session: Session, drafts: Sequence[Draft], rows: Sequence[dict[str, Any]], now: datetime
) -> None:
    """Reject what may not be sent, with the reason, in a few statements for the whole batch."""
    numbers = {
        draft.address for draft in drafts if draft.kind == "sms" and draft.lane is not Lane.CODE
    }
    silent = opted_out(session, numbers) if numbers else frozenset()
    equal = _recent(session, {row["address"] for row in rows if row["digest"]}, now)
    looping: set[str] = set()
    for row in rows:
        if row["digest"]:
            key = (row["address"], row["digest"])
            equal[key] += 1
            if equal[key] > LOOP_LIMIT:
                _reject(row, LOOPING)
                looping.add(row["address"])
                continue
        if row["address"] in silent and row["lane"] != Lane.CODE:
            _reject(row, OPTED_OUT)
    if looping:
        log.warning("equal texts stopped", numbers=len(looping), purpose=drafts[0].purpose)


def _recent(
    session: Session, addresses: Collection[str], now: datetime
) -> Counter[tuple[str, str]]:
    """Count equal texts that were queued for these numbers a moment ago."""
    found: Counter[tuple[str, str]] = Counter()
    for chunk in chunks(sorted(addresses)):
        rows = session.execute(
            select(Message.address, Message.digest, func.count())
            .where(
                Message.address.in_(chunk),
                Message.created_at > now - LOOP_WINDOW,
                Message.direction == Direction.OUT,
                Message.digest.is_not(None),
            )
            .group_by(Message.address, Message.digest)
        )
        found.update({(address, digest or ""): count for address, digest, count in rows})
    return found


def _reject(row: dict[str, Any], reason: TranslationString) -> None:
    row.update(state=State.REJECTED, reason=reason, sealed_body=None)


def _route(
    session: Session, drafts: Sequence[Draft], rows: Sequence[dict[str, Any]], now: datetime
) -> None:
    found = candidates(session, now)
    open_rows = []
    for draft, row in zip(drafts, rows, strict=True):
        if draft.account_id is not None:
            row["account_id"] = _forced(draft, found)
        elif row["state"] == State.QUEUED:
            open_rows.append((draft, row))
    batch = [
        OutgoingMessage(
            ref=row["ref"],
            address=draft.address,
            body=row["body"],
            kind=draft.kind,
            purpose=draft.purpose,
            title=row["title"],
            encoding=row["encoding"],
            parts=row["parts"],
        )
        for draft, row in open_rows
    ]
    chosen = choose(session, batch, found)
    for _draft, row in open_rows:
        row["account_id"] = chosen.get(row["ref"])
        if row["account_id"] is None:
            row["reason"] = NO_ACCOUNT


def _forced(draft: Draft, found: Sequence[Candidate]) -> int:
    for candidate in found:
        if candidate.facts.id == draft.account_id and draft.kind in candidate.facts.kinds:
            return candidate.facts.id
    raise UnknownAccountError


def _count(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    tallies: dict[int, Tally] = defaultdict(Tally)
    for row in rows:
        if row["thread_id"] is not None:
            tally = tallies[row["thread_id"]]
            tally.messages += 1
            tally.note_last(row["body"], row["created_at"], Direction.OUT)
            tally.note_move(None, row["state"], superseded=False)
    write_tallies(session, tallies)


def _tell_rejected(
    session: Session, ids: Sequence[int], rows: Sequence[dict[str, Any]], now: datetime
) -> None:
    changes = [
        MessageChange(
            id=message_id,
            origin=row["origin"],
            thread_id=row["thread_id"],
            before=State.QUEUED,
            after=State.REJECTED,
            at=now,
        )
        for message_id, row in zip(ids, rows, strict=True)
        if row["state"] == State.REJECTED
    ]
    if changes:
        runtime_of(session).hooks.tell(session, "messages_changed", changes=changes)
