"""Putting an institution on a list (M9)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.api import audit
from core.api.accounts import User
from core.api.contacts import contacts_of
from core.api.errors import NotFoundError
from core.api.hooks import GrantFacts, UserFacts
from core.api.text import _
from plugins.hibah import api as hibah
from plugins.nphd.days import date_words, today_in_jakarta
from plugins.nphd.errors import (
    AlreadyInvitedError,
    GrantNotInvitableError,
    GrantPendingError,
    OtherDateError,
    OtherOfficerError,
    PastDateError,
)
from plugins.nphd.models import Invitation, Invitee
from plugins.nphd.services.defaults import default_hour, default_place
from plugins.nphd.services.locking import lock_institutions, touch
from plugins.nphd.subjects import invitation_subject

__all__ = [
    "Invited",
    "Order",
    "Prospect",
    "check_day",
    "check_free",
    "invite",
    "prospect",
]


@dataclass(frozen=True, slots=True)
class Prospect:
    """A grant whose institution is about to be invited, with its present contact."""

    grant: GrantFacts
    person: str
    number: str
    """E.164, or empty while the institution has no contact."""
    day: date | None
    """The coming day for which the person invited last, since lists are filled in one go."""


@dataclass(frozen=True, slots=True)
class Order:
    """What the dialog "Undangan NPHD" asks for."""

    grant_id: int
    number: str
    """E.164."""
    person: str
    day: date
    request_key: str
    """Unique for one opened dialog, so that it can be submitted twice without harm."""
    again: bool = False
    """Whether an invitation for another coming day was pointed out and is meant to stand."""


@dataclass(frozen=True, slots=True)
class Invited:
    """Where the institution is listed now."""

    invitation_id: int
    invitee_id: int
    institution: str
    day: date
    repeated: bool
    """True when the same dialog had been submitted before; nothing was done again."""


def prospect(
    session: Session, user: UserFacts, grant_id: int, *, now: datetime | None = None
) -> Prospect:
    """Return what the dialog starts with.

    :raises NotFoundError: the grant does not exist, or is not the person's to see.
    :raises GrantNotInvitableError: it is in no state in which one invites.
    :raises GrantPendingError: it is held back.
    """
    hibah.check_grant_visible(session, user, grant_id)
    facts = hibah.grant_facts(session, [grant_id])[grant_id]
    _check_invitable(facts)
    subject = hibah.institution_subject(facts.institution_id)
    contact = contacts_of(session, [subject]).get(subject)
    return Prospect(
        grant=facts,
        person=contact.name if contact else "",
        number=contact.number if contact else "",
        day=_last_day(session, user.id, now),
    )


def invite(
    session: Session, order: Order, user: UserFacts, *, now: datetime | None = None
) -> Invited:
    """Put the grant's institution on the person's list for the day, which is made if need be.

    Number and person become the institution's contact in the same transaction. The same dialog
    submitted again changes nothing. Nothing is sent here.

    :raises NotFoundError: the grant does not exist, or is not the person's to see.
    :raises GrantNotInvitableError: the grant's state has changed (stale page).
    :raises GrantPendingError: the grant is held back.
    :raises PastDateError: the day is over in Asia/Jakarta at ``now``.
    :raises AlreadyInvitedError: the institution is on this list already.
    :raises OtherOfficerError: another officer invited it for the same day.
    :raises OtherDateError: it is invited for another coming day and ``order.again`` is not set.
    """
    hibah.check_grant_visible(session, user, order.grant_id)
    facts = _lock_grant(session, order.grant_id)
    repeated = _by_key(session, order.request_key)
    if repeated is not None:
        return repeated
    check_day(order.day, now)
    _check_invitable(facts)
    check_free(
        session,
        {facts.institution_id: facts.institution_name},
        order.day,
        officer_id=user.id,
        again=order.again,
        now=now,
    )
    contact = hibah.set_institution_contact(
        session,
        facts.institution_id,
        name=order.person,
        number=order.number,
        actor_id=user.id,
    )
    # While the institution is locked, so that sending, which holds lists, need not wait for it.
    hibah.open_threads(session, [facts.institution_id])
    invitation = _list_for(session, user.id, order.day)
    invitee = Invitee(
        invitation_id=invitation.id,
        institution_id=facts.institution_id,
        grant_id=facts.id,
        person=contact.name,
        number=contact.number,
        request_key=order.request_key,
        added_by=user.id,
    )
    session.add(invitee)
    touch(session, invitation)
    _note(session, invitation, invitee, facts)
    return Invited(invitation.id, invitee.id, facts.institution_name, order.day, repeated=False)


def check_day(day: date, now: datetime | None = None) -> None:
    """Refuse a day that is over in Asia/Jakarta; today is allowed.

    :raises PastDateError: it is over.
    """
    if day < today_in_jakarta(now):
        raise PastDateError(day)


def check_free(  # noqa: PLR0913 - each is a fact of the question
    session: Session,
    institutions: dict[int, str],
    day: date,
    *,
    officer_id: int,
    again: bool = True,
    now: datetime | None = None,
    leaving: int | None = None,
) -> None:
    """Refuse institutions (name by id) that are invited already, for ``day`` or a coming one.

    ``leaving`` is a list that is about to move to ``day`` and therefore does not count. The caller
    has locked the institutions.

    :raises AlreadyInvitedError: one is on this officer's list of the day.
    :raises OtherOfficerError: one is on another officer's list of the day.
    :raises OtherDateError: one is invited for another coming day and ``again`` is False.
    """
    query = (
        select(
            Invitee.institution_id,
            Invitation.id,
            Invitation.officer_id,
            Invitation.held_on,
            User.first_name,
            User.last_name,
        )
        .join(Invitation, Invitation.id == Invitee.invitation_id)
        .join(User, User.id == Invitation.officer_id)
        .where(
            Invitee.institution_id.in_(institutions),
            Invitation.cancelled_at.is_(None),
            Invitation.held_on >= today_in_jakarta(now),
            Invitation.id != (leaving or 0),
        )
        .order_by(Invitation.held_on, Invitation.id)
    )
    standing = session.execute(query).all()
    for row in standing:
        if row.held_on != day:
            continue
        name = institutions[row.institution_id]
        if row.officer_id == officer_id:
            raise AlreadyInvitedError(name, day, row.id)
        raise OtherOfficerError(name, day, f"{row.first_name} {row.last_name}".strip())
    if standing and not again:
        first = standing[0]
        officer = f"{first.first_name} {first.last_name}".strip()
        raise OtherDateError(institutions[first.institution_id], first.held_on, officer)


def _check_invitable(facts: GrantFacts) -> None:
    if facts.state not in hibah.INVITABLE_STATES or facts.archived:
        wanted = ", ".join(sorted(hibah.INVITABLE_STATES))
        raise GrantNotInvitableError(facts.code, facts.state, wanted, archived=facts.archived)
    if facts.pending:
        raise GrantPendingError(facts.code)


def _last_day(session: Session, user_id: int, now: datetime | None) -> date | None:
    query = (
        select(Invitation.held_on)
        .join(Invitee, Invitee.invitation_id == Invitation.id)
        .where(
            Invitation.officer_id == user_id,
            Invitation.cancelled_at.is_(None),
            Invitation.held_on >= today_in_jakarta(now),
        )
        .order_by(Invitee.id.desc())
        .limit(1)
    )
    return session.scalar(query)


def _lock_grant(session: Session, grant_id: int) -> GrantFacts:
    """Lock grant and institution, so that two officers invite one after the other."""
    row = session.execute(
        select(hibah.Grant.institution_id).where(hibah.Grant.id == grant_id).with_for_update()
    ).one_or_none()
    if row is None:
        raise NotFoundError
    lock_institutions(session, [row.institution_id])
    return hibah.grant_facts(session, [grant_id])[grant_id]


def _by_key(session: Session, request_key: str) -> Invited | None:
    row = session.execute(
        select(Invitee.id, Invitee.invitation_id, Invitation.held_on, hibah.Institution.name)
        .join(Invitation, Invitation.id == Invitee.invitation_id)
        .join(hibah.Institution, hibah.Institution.id == Invitee.institution_id)
        .where(Invitee.request_key == request_key)
    ).one_or_none()
    if row is None:
        return None
    return Invited(row.invitation_id, row.id, row.name, row.held_on, repeated=True)


def _list_for(session: Session, officer_id: int, day: date) -> Invitation:
    """Return the officer's list of the day, locked; a new one where there is none."""
    query = (
        select(Invitation)
        .where(
            Invitation.officer_id == officer_id,
            Invitation.held_on == day,
            Invitation.cancelled_at.is_(None),
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    found = session.scalar(query)
    if found is not None:
        return found
    invitation = Invitation(
        officer_id=officer_id,
        held_on=day,
        held_at=default_hour(session),
        place=default_place(session),
    )
    try:
        with session.begin_nested():
            session.add(invitation)
            session.flush()
    except IntegrityError:
        # Made by the officer's other window in this very moment.
        return session.scalars(query).one()
    return invitation


def _note(session: Session, invitation: Invitation, invitee: Invitee, facts: GrantFacts) -> None:
    audit.record(
        session,
        actor_id=invitee.added_by,
        action="nphd.invitee.add",
        subject=invitation_subject(invitation.id),
        details={
            "institution": facts.institution_name,
            "code": facts.code,
            "date": invitation.held_on.isoformat(),
            "person": invitee.person,
            "number": invitee.number,
        },
    )
    hibah.add_log(
        session,
        facts.id,
        invitee.added_by,
        _(
            "Masuk daftar undangan NPHD untuk ${tanggal} (Id ${id}).",
            mapping={"tanggal": date_words(invitation.held_on), "id": invitation.id},
        ),
    )
