"""Demo data: a few lists of the demo's officers, each in another state."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.api.accounts import UserFacts, facts_of, find_user
from core.api.contacts import contacts_of
from core.api.db import utcnow
from core.api.errors import AbahError
from plugins.hibah import api as hibah
from plugins.nphd.days import today_in_jakarta
from plugins.nphd.models import Invitation, Invitee
from plugins.nphd.services.cancelling import cancel
from plugins.nphd.services.inviting import Order, invite
from plugins.nphd.services.rehearsal import prepare_channel
from plugins.nphd.services.sending import send

__all__ = ["load"]

CANDIDATES: Final = 120
"""Grants that are looked at for each officer."""

Supply = list[tuple[int, str, str]]
"""Grants that can still be invited: id, person and number."""


def load(session: Session, progress: Callable[[str], None]) -> None:
    """Make the lists; where there are lists already, nothing is done."""
    if session.scalar(select(Invitation.id).limit(1)) is not None:
        return
    first, second = _officer(session, "anindhita"), _officer(session, "danu")
    admin = _officer(session, "admin")
    if first is None or second is None or admin is None:
        return
    supply = _supply(session, first)
    now = utcnow()
    before = now - timedelta(days=9)
    # Still to be sent, forgotten, sent in part, sent, cancelled.
    _list(session, first, supply, 5, days=2, now=now)
    _list(session, second, supply, 1, days=2, now=before)
    partly = _list(session, first, supply, 3, days=6, now=now)
    sent = _list(session, second, supply, 4, days=1, now=now)
    cancelled = _list(session, first, supply, 2, days=13, now=now)
    if _reaches_nobody(session):
        for invitation_id, officer in ((partly, first), (sent, second), (cancelled, first)):
            if invitation_id is not None:
                send(session, {invitation_id: None}, officer)
    _list(session, first, supply, 1, days=6, now=now)
    if cancelled is not None:
        cancel(session, {cancelled: None}, admin, tell=True)
    lists = len(session.scalars(select(Invitation.id)).all())
    institutions = len(session.scalars(select(Invitee.id)).all())
    progress(f"{lists} undangan NPHD untuk {institutions} lembaga")


def _officer(session: Session, username: str) -> UserFacts | None:
    user = find_user(session, username)
    return None if user is None else facts_of(session, user.id)


def _supply(session: Session, officer: UserFacts) -> Supply:
    """Find grants of the officer's team whose institutions have a contact, one for each."""
    rows = session.execute(
        select(hibah.Grant.id, hibah.Grant.institution_id)
        .where(
            hibah.Grant.id.in_(hibah.visible_grants(session, officer)),
            hibah.Grant.state.in_(hibah.INVITABLE_STATES),
            hibah.Grant.archived_at.is_(None),
            hibah.Grant.pending.is_(False),
        )
        .order_by(hibah.Grant.id)
        .limit(CANDIDATES)
    ).all()
    grants = {hibah.institution_subject(row.institution_id): row.id for row in rows}
    contacts = contacts_of(session, list(grants))
    return [(grants[subject], each.name, each.number) for subject, each in contacts.items()]


def _list(  # noqa: PLR0913 - what makes a list, by name
    session: Session, officer: UserFacts, supply: Supply, size: int, *, days: int, now: datetime
) -> int | None:
    """Invite the next institutions for a day and return the list's id; None where none are left."""
    day = today_in_jakarta(now) + timedelta(days=days)
    found = None
    for _number in range(min(size, len(supply))):
        grant_id, person, number = supply.pop()
        order = Order(grant_id, number, person, day, str(uuid.uuid4()))
        found = invite(session, order, officer, now=now).invitation_id
    return found


def _reaches_nobody(session: Session) -> bool:
    """Tell whether messages go to a training channel: invented numbers may belong to somebody."""
    try:
        prepare_channel(session, own_number=False)
    except AbahError:
        return False
    return True
