"""The texts that institutions get, and the messages made of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from core.api.accounts import User
from core.api.messaging import Draft, Lane, render_texts
from plugins.hibah import api as hibah
from plugins.nphd.days import JAKARTA, clock_words, date_words, weekday_words
from plugins.nphd.models import Invitation, Invitee

__all__ = ["Recipient", "called_recipients", "drafts_for", "recipients_of"]


@dataclass(frozen=True, slots=True)
class Recipient:
    """One institution of a list, with everything that a text can say."""

    invitee_id: int
    invitation_id: int
    institution_id: int
    grant_id: int
    number: str
    """E.164."""
    variables: dict[str, str]
    ends_at: datetime
    """Aware; when the day of signing is over in Asia/Jakarta and a call makes no sense any more."""


def recipients_of(
    session: Session, invitation_ids: Collection[int], *, notified: bool
) -> list[Recipient]:
    """Return the institutions of locked lists that were notified, or those that were not yet.

    Their rows are locked, so that nobody changes a number while its text is made.
    """
    state = Invitee.notified_at.is_not(None) if notified else Invitee.notified_at.is_(None)
    query = _select().where(Invitee.invitation_id.in_(invitation_ids), state)
    return _read(session, query.with_for_update(of=Invitee))


def called_recipients(
    session: Session, invitee_ids: Collection[int], *, lock: bool
) -> list[Recipient]:
    """Return some institutions of any lists; with ``lock`` nobody else changes them meanwhile."""
    query = _select().where(Invitee.id.in_(invitee_ids))
    return _read(session, query.with_for_update(of=Invitee) if lock else query)


def _select() -> Select[*tuple[Any, ...]]:
    return (
        select(
            Invitee.id,
            Invitee.invitation_id,
            Invitee.institution_id,
            Invitee.grant_id,
            Invitee.person,
            Invitee.number,
            hibah.Institution.name.label("institution"),
            hibah.Grant.code,
            Invitation.held_on,
            Invitation.held_at,
            Invitation.place,
            User.first_name,
            User.last_name,
        )
        .join(Invitation, Invitation.id == Invitee.invitation_id)
        .join(hibah.Institution, hibah.Institution.id == Invitee.institution_id)
        .join(hibah.Grant, hibah.Grant.id == Invitee.grant_id)
        .join(User, User.id == Invitation.officer_id)
        .order_by(Invitee.id)
    )


def _read(session: Session, query: Select[*tuple[Any, ...]]) -> list[Recipient]:
    return [
        Recipient(
            invitee_id=row.id,
            invitation_id=row.invitation_id,
            institution_id=row.institution_id,
            grant_id=row.grant_id,
            number=row.number,
            variables={
                "kontak": row.person,
                "lembaga": row.institution,
                "kode": row.code,
                "hari": weekday_words(row.held_on),
                "tanggal": date_words(row.held_on),
                "jam": clock_words(row.held_at),
                "tempat": row.place,
                "petugas": f"{row.first_name} {row.last_name}".strip(),
            },
            ends_at=datetime.combine(row.held_on + timedelta(days=1), time.min, JAKARTA).astimezone(
                UTC
            ),
        )
        for row in session.execute(query)
    ]


def drafts_for(
    session: Session,
    key: str,
    recipients: Sequence[Recipient],
    origin: Callable[[int], str],
) -> list[Draft]:
    """Render every text before the first message exists, and return the messages in order.

    :raises MissingVariableError: the text wants something that recipients do not have.
    """
    bodies = render_texts(session, key, [recipient.variables for recipient in recipients])
    threads = hibah.open_threads(session, {recipient.institution_id for recipient in recipients})
    return [
        Draft(
            address=recipient.number,
            body=body,
            purpose=key,
            thread_id=threads[recipient.institution_id],
            lane=Lane.WORKFLOW,
            origin=origin(recipient.invitee_id),
            expires_at=recipient.ends_at,
        )
        for recipient, body in zip(recipients, bodies, strict=True)
    ]
