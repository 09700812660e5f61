"""Proving that an e-mail address is a person's own: a link goes out and is opened once.

What the browser is told is the same whether the address has an account or not; the difference goes
to the address itself. Both ways do the same work, so that the time taken tells nothing either.
"""

from __future__ import annotations

import enum
import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.accounts.models import User, UserStatus
from core.accounts.services import (
    NewUser,
    change_password,
    check_nip,
    check_username,
    create_user,
    find_user,
    normal_email,
)
from core.db import utcnow
from core.errors import InvalidInputError
from core.messaging.services import require_variables
from core.verification.mail import link_to, mail_admins, send_mail
from core.verification.models import Proof, ProofKind, Registration

__all__ = [
    "REGISTRATION_LIFE",
    "RESET_LIFE",
    "Applicant",
    "LinkOutcome",
    "applicant_of",
    "confirm_registration",
    "finish_reset",
    "reset_owner",
    "start_registration",
    "start_reset",
]

REGISTRATION_LIFE: Final = timedelta(hours=48)
RESET_LIFE: Final = timedelta(minutes=60)
PER_EMAIL: Final = 5
"""Links a day to one address; further wishes get the same answer and no mail."""
DAY: Final = timedelta(hours=24)
TOKEN_BYTES: Final = 32

_REGISTRATION_PATH: Final = "daftar/konfirmasi"
_RESET_PATH: Final = "sandi-baru"

require_variables("accounts.registration", "tautan")
require_variables("accounts.reset", "tautan")


class LinkOutcome(enum.StrEnum):
    """What became of a link that somebody opened."""

    DONE = "done"
    DEAD = "dead"
    """Unknown, used, replaced or expired: which of them is nobody's business."""
    USERNAME_TAKEN = "username_taken"
    """Somebody has the account name by now; another one is needed."""
    EMAIL_TAKEN = "email_taken"


_TAKEN: Final = {"email": LinkOutcome.EMAIL_TAKEN, "username": LinkOutcome.USERNAME_TAKEN}


@dataclass(frozen=True, slots=True)
class Applicant:
    """Somebody whose registration waits for the proof of the address."""

    username: str
    email: str
    name: str


def start_registration(
    session: Session, new: NewUser, *, password_hash: str, remote_addr: str = ""
) -> None:
    """Keep a wish for an account and send the link that proves its e-mail address.

    Nothing is told about whether address or account name exist already: an address that has an
    account gets a mail that says so instead.

    :raises InvalidInputError: a field is wrong in itself.
    """
    email = normal_email(new.email)
    registration = Registration(
        username=check_username(new.username),
        first_name=" ".join(new.first_name.split()),
        last_name=" ".join(new.last_name.split()),
        nip=check_nip(new.nip),
        password_hash=password_hash,
    )
    known = find_user(session, email)
    token = secrets.token_urlsafe(TOKEN_BYTES)
    capped = _capped(session, email)
    proof = _new_proof(ProofKind.REGISTRATION, email, token, remote_addr)
    if known is None:
        key = "accounts.registration"
        variables = {
            "nama": registration.first_name,
            "tautan": link_to(session, f"{_REGISTRATION_PATH}/{token}"),
            "jam": str(int(REGISTRATION_LIFE.total_seconds() // 3600)),
        }
    else:
        key = "accounts.registration_known"
        variables = {
            "nama": known.name,
            "tautan_masuk": link_to(session, "masuk"),
            "tautan_lupa": link_to(session, "lupa-sandi"),
        }
        proof.ended_at = proof.created_at
    session.add(proof)
    session.flush()
    registration.proof_id = proof.id
    session.add(registration)
    if not capped:
        _mail(session, proof, key, variables)
    session.flush()


def applicant_of(session: Session, token: str) -> Applicant | None:
    """Return whose registration a link proves; None when the link is dead."""
    found = _live(session, ProofKind.REGISTRATION, token)
    if found is None:
        return None
    registration = session.scalars(
        select(Registration).where(Registration.proof_id == found.id)
    ).one_or_none()
    if registration is None:
        return None
    name = f"{registration.first_name} {registration.last_name}".strip()
    return Applicant(registration.username, found.address, name)


def confirm_registration(
    session: Session, token: str, *, username: str | None = None
) -> LinkOutcome:
    """Turn a registration into a pending account, and tell the Admins that somebody waits.

    ``username`` is another account name, where the first one was taken meanwhile.

    :raises InvalidInputError: the other account name is wrong in itself.
    """
    proof = _live(session, ProofKind.REGISTRATION, token, lock=True)
    if proof is None:
        return LinkOutcome.DEAD
    registration = session.scalars(
        select(Registration).where(Registration.proof_id == proof.id)
    ).one()
    new = NewUser(
        username=username if username is not None else registration.username,
        email=proof.address,
        first_name=registration.first_name,
        last_name=registration.last_name,
        nip=registration.nip,
    )
    check_username(new.username)
    try:
        user = create_user(session, new, password_hash=registration.password_hash)
    except InvalidInputError as error:
        # Returned, not raised: the page asks for another name and keeps the link alive.
        if error.field not in _TAKEN:
            raise
        return _TAKEN[error.field]
    proof.used_at, proof.user_id = utcnow(), user.id
    session.delete(registration)
    session.flush()
    mail_admins(
        session,
        "accounts.waiting",
        {"nama": user.name, "email": user.email, "tautan": link_to(session, "pemakai")},
    )
    return LinkOutcome.DONE


def start_reset(session: Session, email: str, *, remote_addr: str = "") -> None:
    """Send a link for a new password to an address, or word that no account has it."""
    address = normal_email(email)
    user = find_user(session, address) if "@" in address else None
    if user is not None and user.status == UserStatus.DISABLED:
        user = None
    token = secrets.token_urlsafe(TOKEN_BYTES)
    capped = _capped(session, address)
    proof = _new_proof(ProofKind.RESET, address, token, remote_addr)
    if user is not None:
        proof.user_id = user.id
        key = "accounts.reset"
        variables = {
            "nama": user.name,
            "akun": user.username,
            "tautan": link_to(session, f"{_RESET_PATH}/{token}"),
            "menit": str(int(RESET_LIFE.total_seconds() // 60)),
        }
    else:
        key = "accounts.reset_unknown"
        variables = {"tautan_lupa": link_to(session, "lupa-sandi")}
        proof.ended_at = proof.created_at
    session.add(proof)
    session.flush()
    if not capped:
        _mail(session, proof, key, variables)
    session.flush()


def reset_owner(session: Session, token: str) -> User | None:
    """Return whose password a link may change; None when the link is dead."""
    proof = _live(session, ProofKind.RESET, token)
    if proof is None or proof.user_id is None:
        return None
    user = session.get(User, proof.user_id)
    return None if user is None or user.status == UserStatus.DISABLED else user


def finish_reset(session: Session, token: str, *, password_hash: str) -> LinkOutcome:
    """Set the new password, once; every browser is signed out and other links die."""
    proof = _live(session, ProofKind.RESET, token, lock=True)
    if proof is None or proof.user_id is None:
        return LinkOutcome.DEAD
    user = session.get(User, proof.user_id)
    if user is None or user.status == UserStatus.DISABLED:
        return LinkOutcome.DEAD
    now = utcnow()
    proof.used_at = now
    others = select(Proof).where(
        Proof.kind == ProofKind.RESET,
        Proof.user_id == user.id,
        Proof.used_at.is_(None),
        Proof.ended_at.is_(None),
    )
    for other in session.scalars(others):
        other.ended_at = now
    change_password(
        session,
        user.id,
        password_hash=password_hash,
        actor_id=user.id,
        action="user.reset_password",
    )
    return LinkOutcome.DONE


def _new_proof(kind: ProofKind, address: str, token: str, remote_addr: str) -> Proof:
    now = utcnow()
    life = REGISTRATION_LIFE if kind is ProofKind.REGISTRATION else RESET_LIFE
    return Proof(
        kind=kind,
        address=address,
        secret_hash=_digest(token),
        created_at=now,
        expires_at=now + life,
        remote_addr=remote_addr,
    )


def _live(session: Session, kind: ProofKind, token: str, *, lock: bool = False) -> Proof | None:
    query = select(Proof).where(
        Proof.kind == kind,
        Proof.secret_hash == _digest(token),
        Proof.used_at.is_(None),
        Proof.ended_at.is_(None),
        Proof.expires_at > utcnow(),
    )
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.scalars(query).one_or_none()


def _capped(session: Session, email: str) -> bool:
    query = select(func.count()).where(
        Proof.kind.in_([ProofKind.REGISTRATION, ProofKind.RESET]),
        Proof.address == email,
        Proof.created_at > utcnow() - DAY,
    )
    return (session.scalar(query) or 0) >= PER_EMAIL


def _mail(session: Session, proof: Proof, key: str, variables: dict[str, Any]) -> None:
    proof.message_id = send_mail(
        session, proof.address, key, variables, secret=True, expires_at=proof.expires_at
    )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
