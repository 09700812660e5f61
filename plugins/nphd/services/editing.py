"""Changing a list: day, hour, place, and institutions that were not notified yet (M11)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

from sqlalchemy import bindparam, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.api import audit
from core.api.errors import NotFoundError
from core.api.hooks import ContactChange, UserFacts
from core.api.text import _
from plugins.hibah import api as hibah
from plugins.nphd.days import clock_words, date_words, today_in_jakarta
from plugins.nphd.errors import (
    AlreadyNotifiedError,
    DateFixedError,
    DateTakenError,
    InvitationChangedError,
)
from plugins.nphd.models import Invitation, Invitee
from plugins.nphd.services.inviting import check_day, check_free
from plugins.nphd.services.locking import (
    check_unchanged,
    lock_institutions,
    lock_invitation,
    touch,
)
from plugins.nphd.subjects import invitation_subject

__all__ = ["Edit", "edit_invitation", "edit_invitee", "follow_contacts", "remove_invitee"]


@dataclass(frozen=True, slots=True)
class Edit:
    """What the page "Sunting Undangan NPHD" asks for."""

    day: date
    hour: time
    place: str
    version: int | None = None
    """Version of the list that the page showed."""


def edit_invitation(
    session: Session,
    invitation_id: int,
    edit: Edit,
    user: UserFacts,
    *,
    now: datetime | None = None,
) -> bool:
    """Change day, hour and place of a list; tell whether anything was different.

    :raises NotFoundError: it does not exist.
    :raises InvitationCancelledError: it was cancelled.
    :raises InvitationChangedError: it is not the version that the page showed.
    :raises DateFixedError: an institution has been notified of the present day.
    :raises PastDateError: the new day is over in Asia/Jakarta at ``now``.
    :raises DateTakenError: the officer has another list for the new day.
    :raises OtherOfficerError: another officer invited one of the institutions for the new day.
    """
    institutions = _institutions_of(session, invitation_id)
    lock_institutions(session, institutions)
    invitation = lock_invitation(session, invitation_id)
    before = (invitation.held_on, invitation.held_at, invitation.place)
    after = (edit.day, edit.hour, edit.place)
    if before == after:
        return False
    check_unchanged(invitation, edit.version)
    if edit.day != invitation.held_on:
        # Somebody was added between the first query and the lock.
        if _institutions_of(session, invitation_id) != institutions:
            raise InvitationChangedError(invitation_id)
        _check_move(session, invitation, edit.day, institutions, now)
    try:
        with session.begin_nested():
            invitation.held_on, invitation.held_at, invitation.place = after
            touch(session, invitation)
    except IntegrityError:
        # The officer made a list for that day in this very moment.
        raise DateTakenError(edit.day, _list_of(session, invitation.officer_id, edit.day)) from None
    audit.record(
        session,
        actor_id=user.id,
        action="nphd.invitation.edit",
        subject=invitation_subject(invitation_id),
        details={"before": _details(*before), "after": _details(*after)},
    )
    return True


def edit_invitee(  # noqa: PLR0913 - what the form has, by name
    session: Session,
    invitation_id: int,
    invitee_id: int,
    *,
    person: str,
    number: str,
    version: int | None,
    user: UserFacts,
) -> None:
    """Change whom an institution is called by, before it is notified.

    Person and number become the institution's contact, as in the dialog.

    :raises NotFoundError: the institution is not on the list (any more).
    :raises InvitationCancelledError: the list was cancelled.
    :raises AlreadyNotifiedError: it has been notified.
    :raises InvitationChangedError: somebody changed the contact since the page was opened.
    """
    invitation = lock_invitation(session, invitation_id)
    invitee, name = _lock_invitee(session, invitation_id, invitee_id)
    if (invitee.person, invitee.number) == (person, number):
        return
    if version is not None and version != invitee.version:
        raise InvitationChangedError(invitation_id)
    previous = {"person": invitee.person, "number": invitee.number}
    contact = hibah.set_institution_contact(
        session, invitee.institution_id, name=person, number=number, actor_id=user.id
    )
    # Our own answer to contacts_changed may have written the row already.
    session.refresh(invitee)
    if (invitee.person, invitee.number) != (contact.name, contact.number):
        invitee.person, invitee.number = contact.name, contact.number
        invitee.version += 1
    touch(session, invitation)
    audit.record(
        session,
        actor_id=user.id,
        action="nphd.invitee.edit",
        subject=invitation_subject(invitation_id),
        details={
            "institution": name,
            "before": previous,
            "after": {"person": contact.name, "number": contact.number},
        },
    )


def remove_invitee(
    session: Session, invitation_id: int, invitee_id: int, user: UserFacts
) -> str | None:
    """Take an institution off the list before it is notified, and return its name.

    None means that it was taken off before: removing twice does no harm.

    :raises NotFoundError: the list does not exist.
    :raises InvitationCancelledError: the list was cancelled.
    :raises AlreadyNotifiedError: the institution has been notified.
    """
    invitation = lock_invitation(session, invitation_id)
    try:
        invitee, name = _lock_invitee(session, invitation_id, invitee_id)
    except NotFoundError:
        return None
    grant_id = invitee.grant_id
    session.delete(invitee)
    touch(session, invitation)
    audit.record(
        session,
        actor_id=user.id,
        action="nphd.invitee.remove",
        subject=invitation_subject(invitation_id),
        details={"institution": name, "date": invitation.held_on.isoformat()},
    )
    hibah.add_log(
        session,
        grant_id,
        user.id,
        _(
            "Dihapus dari daftar undangan NPHD untuk ${tanggal} (Id ${id}).",
            mapping={"tanggal": date_words(invitation.held_on), "id": invitation_id},
        ),
    )
    return name


def follow_contacts(
    session: Session, changes: Sequence[ContactChange], *, now: datetime | None = None
) -> None:
    """Let coming invitations that were not sent yet call the institutions' new contacts.

    What was sent stays as it was: it says whom the message went to.
    """
    table = Invitee.__table__.c
    coming = select(Invitation.id).where(
        Invitation.cancelled_at.is_(None), Invitation.held_on >= today_in_jakarta(now)
    )
    session.connection().execute(
        update(Invitee)
        .where(
            table.institution_id == bindparam("b_institution"),
            table.notified_at.is_(None),
            table.invitation_id.in_(coming),
        )
        .values(
            person=bindparam("b_person"),
            number=bindparam("b_number"),
            version=table.version + 1,
        ),
        [
            {
                "b_institution": change.institution_id,
                "b_person": change.name,
                "b_number": change.number,
            }
            for change in changes
        ],
    )


def _check_move(
    session: Session,
    invitation: Invitation,
    day: date,
    institutions: dict[int, str],
    now: datetime | None,
) -> None:
    if invitation.notified_count:
        raise DateFixedError(invitation.held_on, invitation.notified_count)
    check_day(day, now)
    taken = _list_of(session, invitation.officer_id, day)
    if taken:
        raise DateTakenError(day, taken)
    check_free(
        session,
        institutions,
        day,
        officer_id=invitation.officer_id,
        now=now,
        leaving=invitation.id,
    )


def _institutions_of(session: Session, invitation_id: int) -> dict[int, str]:
    query = (
        select(hibah.Institution.id, hibah.Institution.name)
        .join(Invitee, Invitee.institution_id == hibah.Institution.id)
        .where(Invitee.invitation_id == invitation_id)
    )
    return {row.id: row.name for row in session.execute(query)}


def _list_of(session: Session, officer_id: int, day: date) -> int:
    """Return the id of the officer's list of a day, or 0 where there is none."""
    query = select(Invitation.id).where(
        Invitation.officer_id == officer_id,
        Invitation.held_on == day,
        Invitation.cancelled_at.is_(None),
    )
    return session.scalar(query) or 0


def _lock_invitee(session: Session, invitation_id: int, invitee_id: int) -> tuple[Invitee, str]:
    """Return an invitee of a locked list that may still be changed, and its institution's name."""
    row = session.execute(
        select(Invitee, hibah.Institution.name)
        .join(hibah.Institution, hibah.Institution.id == Invitee.institution_id)
        .where(Invitee.id == invitee_id, Invitee.invitation_id == invitation_id)
        .with_for_update(of=Invitee)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise NotFoundError(
            _("Lembaga itu tidak ada (lagi) dalam undangan ini. Muat ulang halaman undangan.")
        )
    invitee, name = row
    if invitee.notified_at is not None:
        raise AlreadyNotifiedError(name)
    return invitee, name


def _details(day: date, hour: time, place: str) -> dict[str, str]:
    return {"date": day.isoformat(), "hour": clock_words(hour), "place": place}
