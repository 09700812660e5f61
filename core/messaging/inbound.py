"""Incoming texts: doubles dropped, stop words obeyed, each put into its conversation."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.contacts.numbers import format_number
from core.contacts.services import opt_in, opt_out, subjects_of_numbers
from core.framework.runtime import runtime_of
from core.hookspecs.channels import Evidence, InboundMessage
from core.hookspecs.messages import InboundFacts
from core.messaging.changes import insert_messages
from core.messaging.models import Message
from core.messaging.refs import new_refs
from core.messaging.reports import clean
from core.messaging.rows import chunks
from core.messaging.states import Direction, Lane, State
from core.messaging.text import measure
from core.messaging.threads import Tally, ensure_threads, write_tallies

__all__ = ["DOUBLE_WINDOW", "START_WORDS", "STOP_WORDS", "UNKNOWN_SUBJECT", "receive"]

DOUBLE_WINDOW: Final = timedelta(minutes=5)
"""Equal texts of one sender within this time are the same text, where the channel gives no id."""
STOP_WORDS: Final = frozenset({"STOP", "BERHENTI"})
START_WORDS: Final = frozenset({"START", "MULAI"})
UNKNOWN_SUBJECT: Final = "core.number:"
"""Prefix of the thread subject for a number that nobody has written to and no contact has."""


@dataclass(frozen=True, slots=True)
class _Place:
    """The conversation that a number's text belongs to."""

    thread_id: int
    is_ambiguous: bool


def receive(
    session: Session, account_id: int, messages: Sequence[InboundMessage], now: datetime
) -> list[InboundFacts]:
    """Store incoming texts and return those that were new, each with its thread."""
    messages = [_cleaned(message) for message in messages]
    messages = _without_doubles(session, account_id, messages, now)
    if not messages:
        return []
    places = _places(session, {message.sender for message in messages})
    rows = [
        _row(account_id, message, places[message.sender], ref, now)
        for message, ref in zip(messages, new_refs(len(messages)), strict=True)
    ]
    ids = insert_messages(session, rows)
    tallies: dict[int, Tally] = defaultdict(Tally)
    for row in rows:
        tally = tallies[row["thread_id"]]
        tally.messages += 1
        tally.unread += 1
        tally.note_last(row["body"], now, Direction.IN)
    write_tallies(session, tallies)
    _obey(session, messages, now)
    facts = [
        InboundFacts(
            id=message_id,
            thread_id=row["thread_id"],
            sender=row["address"],
            body=row["body"],
            at=now,
        )
        for message_id, row in zip(ids, rows, strict=True)
    ]
    runtime_of(session).hooks.tell(session, "inbound_received", messages=facts)
    return facts


def _cleaned(message: InboundMessage) -> InboundMessage:
    return replace(
        message,
        sender=clean(message.sender).strip()[:254] or "?",
        body=clean(message.body),
        external_id=clean(message.external_id)[:200],
        raw=clean(message.raw),
    )


def _row(
    account_id: int, message: InboundMessage, place: _Place, ref: str, now: datetime
) -> dict[str, Any]:
    is_mail = "@" in message.sender
    found = measure(message.body)
    return {
        "ref": ref,
        "thread_id": place.thread_id,
        "account_id": account_id,
        "direction": Direction.IN,
        "kind": "email" if is_mail else "sms",
        "purpose": "inbound",
        "origin": "",
        "lane": int(Lane.PERSON),
        "address": message.sender,
        "title": "",
        "body": message.body,
        "is_secret": False,
        "encoding": "utf8" if is_mail else found.encoding,
        "parts": 1 if is_mail else min(found.parts, 255),
        "digest": _digest(message.body),
        "state": State.RECEIVED,
        "evidence": Evidence.NONE,
        "attempt_count": 0,
        "is_pinned": False,
        "is_isolated": False,
        "is_ambiguous": place.is_ambiguous,
        "due_at": now,
        "external_id": message.external_id or None,
        "raw": message.raw or None,
        "created_at": now,
        "sent_at": message.at,
        "changed_at": now,
    }


def _without_doubles(
    session: Session, account_id: int, messages: Sequence[InboundMessage], now: datetime
) -> list[InboundMessage]:
    """Leave out what was received before, and doubles within the batch."""
    known_ids = _known_ids(session, account_id, {m.external_id for m in messages if m.external_id})
    nameless = [message for message in messages if not message.external_id]
    recent = _recent(session, {message.sender for message in nameless}, now)
    kept = []
    for message in messages:
        if message.external_id:
            if message.external_id not in known_ids:
                known_ids.add(message.external_id)
                kept.append(message)
            continue
        times = recent[message.sender, _digest(message.body)]
        # The channel's own times, where both have one, tell two equal texts apart.
        if any(None in {message.at, at} or message.at == at for at in times):
            continue
        times.append(message.at)
        kept.append(message)
    return kept


def _known_ids(session: Session, account_id: int, external_ids: set[str]) -> set[str]:
    found: set[str] = set()
    for chunk in chunks(sorted(external_ids)):
        query = select(Message.external_id).where(
            Message.account_id == account_id, Message.external_id.in_(chunk)
        )
        found.update(value for value in session.scalars(query) if value)
    return found


def _recent(
    session: Session, senders: set[str], now: datetime
) -> dict[tuple[str, str], list[datetime | None]]:
    found: dict[tuple[str, str], list[datetime | None]] = defaultdict(list)
    for chunk in chunks(sorted(senders)):
        rows = session.execute(
            select(Message.address, Message.digest, Message.sent_at).where(
                Message.address.in_(chunk),
                Message.created_at > now - DOUBLE_WINDOW,
                Message.direction == Direction.IN,
            )
        )
        for row in rows:
            found[row.address, row.digest].append(row.sent_at)
    return found


def _places(session: Session, numbers: set[str]) -> dict[str, _Place]:
    """Find each number's conversation: who wrote last, else whose contact it is, else its own."""
    places = _last_writers(session, numbers)
    unknown = numbers - set(places)
    if not unknown:
        return places
    subjects = {
        number: owned[0] for number, owned in subjects_of_numbers(session, unknown).items() if owned
    }
    described: dict[str, Any] = {}
    if subjects:
        hooks = runtime_of(session).hooks
        described = hooks.merge(
            "describe_subjects", subjects=sorted(set(subjects.values())), session=session
        )
    titles = {}
    for number in unknown:
        facts = described.get(subjects.get(number, ""))
        if facts is None:
            subjects[number] = f"{UNKNOWN_SUBJECT}{number}"[:160]
            titles[subjects[number]] = _title(number)
        else:
            titles[facts.subject] = facts.title
    threads = ensure_threads(session, titles)
    for number in unknown:
        places[number] = _Place(threads[subjects[number]], is_ambiguous=False)
    return places


def _last_writers(session: Session, numbers: set[str]) -> dict[str, _Place]:
    last: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for chunk in chunks(sorted(numbers)):
        rows = session.execute(
            select(Message.address, Message.thread_id, func.max(Message.id).label("last"))
            .where(
                Message.address.in_(chunk),
                Message.direction == Direction.OUT,
                Message.thread_id.is_not(None),
            )
            .group_by(Message.address, Message.thread_id)
        )
        for row in rows:
            last[row.address].append((row.last, row.thread_id))
    return {
        number: _Place(max(found)[1], is_ambiguous=len(found) > 1) for number, found in last.items()
    }


def _obey(session: Session, messages: Sequence[InboundMessage], now: datetime) -> None:
    """Remember who asked for silence, and who took that back; the last word counts."""
    wishes: dict[str, bool] = {}
    for message in messages:
        word = message.body.strip().strip(".!\"'").upper()
        if word in STOP_WORDS:
            wishes[message.sender] = True
        elif word in START_WORDS:
            wishes[message.sender] = False
    for sender, silent in wishes.items():
        if silent:
            opt_out(session, sender, at=now)
        else:
            opt_in(session, sender)


def _title(number: str) -> str:
    return format_number(number)


def _digest(body: str) -> str:
    return hashlib.blake2b(body.encode(), digest_size=9).hexdigest()
