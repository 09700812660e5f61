"""Proving that a number is a person's own: a code goes out by SMS and comes back in the browser.

What was tried is kept even when it failed, so outcomes are returned, not raised: raising would roll
the count of tries back.
"""

from __future__ import annotations

import enum
import hmac
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from core import audit
from core.accounts.models import User
from core.accounts.services import set_phone, user_subject
from core.contacts import mask_number, parse_number
from core.db import utcnow
from core.errors import NotFoundError
from core.framework.runtime import runtime_of
from core.i18n import _
from core.messaging.services import (
    Draft,
    Lane,
    cancel_messages,
    queue_message,
    render_texts,
    require_variables,
)
from core.verification.models import Proof, ProofKind

__all__ = [
    "CODE_LENGTH",
    "CODE_LIFE",
    "COOL_DOWN",
    "MAX_TRIES",
    "Confirmation",
    "Confirmed",
    "PendingPhone",
    "Sending",
    "Started",
    "cancel_phone",
    "confirm_phone",
    "pending_phone",
    "resend_phone",
    "start_phone",
]

CODE_LENGTH: Final = 4
CODE_LIFE: Final = timedelta(minutes=10)
COOL_DOWN: Final = timedelta(seconds=60)
"""Between two codes to one number."""
MAX_TRIES: Final = 5
"""Wrong codes after which a code is worth nothing."""
DAY: Final = timedelta(hours=24)
PER_NUMBER: Final = 5
PER_USER: Final = 10
PER_ADDRESS: Final = 60
"""Codes a day from one network address; a whole office can share one."""

TEXT: Final = "verification.code"
_PURPOSE: Final = "verification.phone"
require_variables(TEXT, "kode")


class Sending(enum.StrEnum):
    """What became of the wish for a code."""

    SENT = "sent"
    COOLING_DOWN = "cooling_down"
    """The code before it is too fresh; it stays in force."""
    NUMBER_CAP = "number_cap"
    USER_CAP = "user_cap"
    ADDRESS_CAP = "address_cap"


class Confirmation(enum.StrEnum):
    """What became of a code that somebody typed."""

    CONFIRMED = "confirmed"
    WRONG = "wrong"
    MALFORMED = "malformed"
    """Not four digits; counts as no try."""
    REPLACED = "replaced"
    """The right code of an earlier message; a newer one is in force."""
    EXPIRED = "expired"
    USED = "used"
    LOCKED = "locked"
    """Guessed at too often."""
    NOTHING_PENDING = "nothing_pending"


@dataclass(frozen=True, slots=True)
class PendingPhone:
    """A number that waits for its code."""

    proof_id: int
    number: str
    """E.164."""
    sent_at: datetime
    expires_at: datetime
    message_id: int | None
    tries_left: int
    is_live: bool
    """Whether the right code would still be accepted."""

    @property
    def masked(self) -> str:
        """The number as the page shows it: ``+62*****0095``."""
        return mask_number(self.number)

    def wait(self, now: datetime | None = None) -> int:
        """Return how many seconds must pass before a new code can be asked for."""
        rest = self.sent_at + COOL_DOWN - (now or utcnow())
        return max(0, -(-int(rest.total_seconds() * 1000) // 1000))


@dataclass(frozen=True, slots=True)
class Started:
    """Answer to a wish for a code."""

    sending: Sending
    number: str
    """E.164."""
    wait: int = 0
    """Seconds until it is worth asking again, where that is known."""


@dataclass(frozen=True, slots=True)
class Confirmed:
    """Answer to a code."""

    outcome: Confirmation
    tries_left: int = 0
    number: str | None = None
    """E.164 number that the code was for."""


def start_phone(
    session: Session, user_id: int, number: str, *, region: str = "ID", remote_addr: str = ""
) -> Started:
    """Send a code to a number that a person claims; any code that waited for him loses its force.

    The number in force stays until the code is confirmed. Caps and the cool-down are told in the
    answer, and then nothing is sent.

    :raises InvalidNumberError: the number cannot receive SMS.
    :raises NotFoundError: there is no such person.
    """
    address = parse_number(number, region)
    now = utcnow()
    _lock(session, user_id)
    refused = _refusal(session, user_id, address, remote_addr, now)
    if refused is not None:
        return refused
    _end_live(session, user_id, address, now)
    code = f"{secrets.randbelow(10**CODE_LENGTH):0{CODE_LENGTH}d}"
    proof = Proof(
        kind=ProofKind.PHONE,
        user_id=user_id,
        address=address,
        secret_hash=_hash(session, user_id, address, code),
        created_at=now,
        expires_at=now + CODE_LIFE,
        remote_addr=remote_addr,
    )
    session.add(proof)
    session.flush()
    proof.message_id = _send(session, proof, code)
    session.flush()
    _note(session, user_id, "verification.send_code", address)
    return Started(Sending.SENT, address, wait=int(COOL_DOWN.total_seconds()))


def resend_phone(session: Session, user_id: int, *, remote_addr: str = "") -> Started | None:
    """Send a new code to the number that waits; None when none does."""
    pending = pending_phone(session, user_id)
    if pending is None:
        return None
    return start_phone(session, user_id, pending.number, remote_addr=remote_addr)


def pending_phone(session: Session, user_id: int) -> PendingPhone | None:
    """Return the number that waits for its code, also when that is dead and a new one is needed."""
    row = session.execute(
        select(
            Proof.id,
            Proof.address,
            Proof.created_at,
            Proof.expires_at,
            Proof.message_id,
            Proof.tries,
            Proof.used_at,
            Proof.ended_at,
        )
        .where(Proof.kind == ProofKind.PHONE, Proof.user_id == user_id)
        .order_by(Proof.id.desc())
        .limit(1)
    ).one_or_none()
    now = utcnow()
    if row is None or row.used_at is not None or row.created_at <= now - DAY:
        return None
    locked = row.tries >= MAX_TRIES
    if row.ended_at is not None and not locked:
        return None
    return PendingPhone(
        proof_id=row.id,
        number=row.address,
        sent_at=row.created_at,
        expires_at=row.expires_at,
        message_id=row.message_id,
        tries_left=max(0, MAX_TRIES - row.tries),
        is_live=row.ended_at is None and row.expires_at > now,
    )


def confirm_phone(session: Session, user_id: int, code: str) -> Confirmed:
    """Check a code; the right one puts its number into force.

    :raises NotFoundError: there is no such person.
    """
    _lock(session, user_id)
    proof = session.scalar(
        select(Proof)
        .where(Proof.kind == ProofKind.PHONE, Proof.user_id == user_id)
        .order_by(Proof.id.desc())
        .limit(1)
        .execution_options(populate_existing=True)
    )
    digits = _digits(code)
    now = utcnow()
    if proof is None:
        return Confirmed(Confirmation.NOTHING_PENDING)
    dead = _dead(proof, now)
    if dead is not None:
        return Confirmed(dead, number=proof.address)
    if digits is None:
        return Confirmed(Confirmation.MALFORMED, MAX_TRIES - proof.tries, proof.address)
    if hmac.compare_digest(proof.secret_hash, _hash(session, user_id, proof.address, digits)):
        proof.used_at = now
        set_phone(session, user_id, proof.address, verified_at=now)
        return Confirmed(Confirmation.CONFIRMED, number=proof.address)
    return _wrong(session, proof, digits, now)


def cancel_phone(session: Session, user_id: int) -> None:
    """Give up a change of number; the one in force stays."""
    _lock(session, user_id)
    session.execute(
        update(Proof)
        .where(
            Proof.kind == ProofKind.PHONE,
            Proof.user_id == user_id,
            Proof.used_at.is_(None),
            Proof.ended_at.is_(None),
        )
        .values(ended_at=utcnow())
    )


def _dead(proof: Proof, now: datetime) -> Confirmation | None:
    """Say why no code at all would be accepted."""
    if proof.used_at is not None:
        return Confirmation.USED
    if proof.tries >= MAX_TRIES:
        return Confirmation.LOCKED
    if proof.ended_at is not None:
        return Confirmation.NOTHING_PENDING
    return Confirmation.EXPIRED if proof.expires_at <= now else None


def _wrong(session: Session, proof: Proof, digits: str, now: datetime) -> Confirmed:
    """Count a wrong code, and say so when it is the one of an earlier message."""
    assert proof.user_id is not None  # noqa: S101 - proofs of numbers belong to somebody
    hashed = _hash(session, proof.user_id, proof.address, digits)
    if proof.wrong_hash != hashed:
        # A page that is loaded or sent again is no new guess.
        proof.tries += 1
        proof.wrong_hash = hashed
    left = MAX_TRIES - proof.tries
    if left <= 0:
        proof.ended_at = now
        _note(session, proof.user_id, "verification.locked", proof.address)
    session.flush()
    if left <= 0:
        return Confirmed(Confirmation.LOCKED, 0, proof.address)
    earlier = session.scalar(
        select(Proof.id)
        .where(
            Proof.kind == ProofKind.PHONE,
            Proof.user_id == proof.user_id,
            Proof.id < proof.id,
            Proof.address == proof.address,
            Proof.created_at > now - DAY,
            Proof.secret_hash == hashed,
        )
        .limit(1)
    )
    outcome = Confirmation.WRONG if earlier is None else Confirmation.REPLACED
    return Confirmed(outcome, left, proof.address)


def _refusal(
    session: Session, user_id: int, number: str, remote_addr: str, now: datetime
) -> Started | None:
    """Say why no code may go out now. One query for all caps."""
    recent = Proof.created_at > now - DAY
    row = session.execute(
        select(
            func.count().filter(Proof.address == number).label("number"),
            func.count().filter(Proof.user_id == user_id).label("user"),
            func.count().filter(Proof.remote_addr == remote_addr).label("remote"),
            func.max(Proof.created_at).filter(Proof.address == number).label("last"),
        ).where(
            Proof.kind == ProofKind.PHONE,
            recent,
            (Proof.address == number)
            | (Proof.user_id == user_id)
            | (Proof.remote_addr == remote_addr),
        )
    ).one()
    if row.last is not None and row.last + COOL_DOWN > now:
        rest = row.last + COOL_DOWN - now
        return Started(Sending.COOLING_DOWN, number, wait=max(1, round(rest.total_seconds())))
    if row.number >= PER_NUMBER:
        return Started(Sending.NUMBER_CAP, number)
    if row.user >= PER_USER:
        return Started(Sending.USER_CAP, number)
    if remote_addr and row.remote >= PER_ADDRESS:
        return Started(Sending.ADDRESS_CAP, number)
    return None


def _end_live(session: Session, user_id: int, number: str, now: datetime) -> None:
    """Take the force from every code of this person and of this number: one is live at a time."""
    messages = session.scalars(
        update(Proof)
        .where(
            Proof.kind == ProofKind.PHONE,
            (Proof.user_id == user_id) | (Proof.address == number),
            Proof.used_at.is_(None),
            Proof.ended_at.is_(None),
        )
        .values(ended_at=now)
        .returning(Proof.message_id)
    ).all()
    # One that has not left yet would only confuse.
    waiting = [message_id for message_id in messages if message_id is not None]
    if waiting:
        cancel_messages(session, waiting, reason=_("Diganti oleh kode yang lebih baru."))


def _send(session: Session, proof: Proof, code: str) -> int:
    minutes = int(CODE_LIFE.total_seconds() // 60)
    [body] = render_texts(session, TEXT, [{"kode": code, "menit": str(minutes)}])
    return queue_message(
        session,
        Draft(
            address=proof.address,
            body=body,
            purpose=TEXT,
            lane=Lane.CODE,
            secret=True,
            expires_at=proof.expires_at,
            origin=f"verification.proof:{proof.id}",
        ),
    )


def _lock(session: Session, user_id: int) -> None:
    """Let one request of a person at a time count tries and codes."""
    query = select(User.id).where(User.id == user_id).with_for_update(key_share=True)
    if session.scalar(query) is None:
        raise NotFoundError


def _hash(session: Session, user_id: int, number: str, code: str) -> str:
    return runtime_of(session).secrets.hash_code(_PURPOSE, f"{user_id}:{number}:{code}")


def _digits(code: str) -> str | None:
    """Return the code as plain digits, however it was copied; None for what is no code."""
    plain = "".join(unicodedata.normalize("NFKC", code).split()).replace("-", "")
    return plain if len(plain) == CODE_LENGTH and plain.isascii() and plain.isdigit() else None


def _note(session: Session, user_id: int, action: str, number: str) -> None:
    audit.record(
        session,
        actor_id=user_id,
        action=action,
        subject=user_subject(user_id),
        details={"number": mask_number(number)},
    )
