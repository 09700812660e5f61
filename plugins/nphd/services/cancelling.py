"""Batalkan and Kirim ulang, which only an Admin may do (M13)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from core.api import audit
from core.api.contacts import contacts_of
from core.api.db import utcnow
from core.api.errors import NotFoundError
from core.api.hooks import UserFacts
from core.api.messaging import (
    MessageFacts,
    State,
    cancel_messages,
    queue_messages,
    supersede_messages,
)
from core.api.text import TranslationString, _
from plugins.hibah import api as hibah
from plugins.nphd.days import date_words, today_in_jakarta
from plugins.nphd.errors import (
    InvitationCancelledError,
    InvitationChangedError,
    NothingToResendError,
    PastDateError,
)
from plugins.nphd.models import Invitation, Invitee
from plugins.nphd.services.calls import newest_calls, reached, waiting_calls
from plugins.nphd.services.locking import (
    check_unchanged,
    lock_invitation,
    lock_invitations,
    touch,
)
from plugins.nphd.services.texts import Recipient, drafts_for, recipients_of
from plugins.nphd.subjects import CALL, CANCELLED, call_origin, cancel_origin, invitation_subject

__all__ = ["CancelResult", "ResendResult", "cancel", "resend"]


@dataclass(frozen=True, slots=True)
class CancelResult:
    """What became of one list that was to be cancelled."""

    invitation_id: int
    day: date | None
    """None where the list does not exist."""
    told: int = 0
    """Institutions that are told by a message."""
    withdrawn: int = 0
    """Notifications that were still waiting and are not sent any more."""
    refused: TranslationString | None = None
    """Why it was not cancelled, for a person."""


@dataclass(frozen=True, slots=True)
class ResendResult:
    """What became of a request to notify again."""

    queued: int
    waiting: int
    """Institutions left out because their last notification has not left yet."""


def cancel(
    session: Session,
    versions: Mapping[int, int | None],
    user: UserFacts,
    *,
    tell: bool,
    now: datetime | None = None,
) -> list[CancelResult]:
    """Cancel lists, which frees their dates; with ``tell`` institutions that were called hear it.

    Notifications that are still waiting are taken back, and those institutions hear nothing at all.
    Nobody is told of a day that is over. Refusals are returned: of several lists the others go on.

    :raises MissingVariableError: the text of the notice cannot be rendered; nothing is cancelled.
    """
    moment = now or utcnow()
    found = {item.id: item for item in lock_invitations(session, list(versions))}
    results: dict[int, CancelResult] = {}
    open_lists: dict[int, Invitation] = {}
    for invitation_id, version in versions.items():
        invitation = found.get(invitation_id)
        reason = _refusal(invitation, version)
        if reason is not None or invitation is None:
            day = invitation.held_on if invitation else None
            results[invitation_id] = CancelResult(invitation_id, day, refused=reason)
        else:
            open_lists[invitation_id] = invitation
    if open_lists:
        results.update(_cancel(session, open_lists, user, moment, tell=tell))
    return [results[invitation_id] for invitation_id in versions]


def resend(  # noqa: PLR0913 - what the confirmation has, by name
    session: Session,
    invitation_id: int,
    user: UserFacts,
    *,
    invitee_ids: Collection[int] | None = None,
    unproven_only: bool = False,
    version: int | None = None,
    now: datetime | None = None,
) -> ResendResult:
    """Notify institutions of a list again, each at its present contact and with the present text.

    :param invitee_ids: which ones; None means all that were notified.
    :param unproven_only: leave out those whose telephone has received the last notification.
    :raises NotFoundError: the list does not exist.
    :raises InvitationCancelledError: it was cancelled.
    :raises InvitationChangedError: it is not the version that the page showed.
    :raises PastDateError: the day is over in Asia/Jakarta at ``now``.
    :raises NothingToResendError: nobody is left to be notified again.
    :raises MissingVariableError: the text cannot be rendered; nothing is queued.
    """
    invitation = lock_invitation(session, invitation_id)
    check_unchanged(invitation, version)
    if invitation.held_on < today_in_jakarta(now):
        raise PastDateError(invitation.held_on)
    notified = [
        item
        for item in recipients_of(session, [invitation_id], notified=True)
        if invitee_ids is None or item.invitee_id in invitee_ids
    ]
    newest = newest_calls(session, [item.invitee_id for item in notified])
    wanted, waiting = _wanted(notified, newest, unproven_only=unproven_only)
    if not wanted:
        raise NothingToResendError(invitation_id, waiting)
    recipients = _at_present_contacts(session, wanted)
    ids = queue_messages(session, drafts_for(session, CALL, recipients, call_origin))
    # A failed call that was sent again counts as failed no longer.
    supersede_messages(
        session,
        {
            newest[item.invitee_id].id: message_id
            for item, message_id in zip(recipients, ids, strict=True)
            if item.invitee_id in newest
        },
    )
    touch(session, invitation)
    audit.record(
        session,
        actor_id=user.id,
        action="nphd.invitation.resend",
        subject=invitation_subject(invitation_id),
        details={
            "date": invitation.held_on.isoformat(),
            "institutions": [item.variables["lembaga"] for item in recipients],
        },
    )
    hibah.add_logs(
        session,
        {
            item.grant_id: _(
                "Undangan NPHD untuk ${tanggal} dikirim ulang kepada ${kontak} (Id ${id}).",
                mapping={
                    "tanggal": item.variables["tanggal"],
                    "kontak": item.variables["kontak"],
                    "id": invitation_id,
                },
            )
            for item in recipients
        },
        user.id,
    )
    return ResendResult(queued=len(recipients), waiting=waiting)


def _refusal(invitation: Invitation | None, version: int | None) -> TranslationString | None:
    if invitation is None:
        return NotFoundError.explanation
    if invitation.cancelled_at is not None:
        return InvitationCancelledError(invitation.id).explanation
    if version is not None and version != invitation.version:
        return InvitationChangedError(invitation.id).explanation
    return None


def _cancel(
    session: Session,
    lists: Mapping[int, Invitation],
    user: UserFacts,
    now: datetime,
    *,
    tell: bool,
) -> dict[int, CancelResult]:
    recipients = recipients_of(session, list(lists), notified=True)
    called = [item.invitee_id for item in recipients]
    waiting = waiting_calls(session, called)
    taken_back = {
        waiting[message_id]
        for message_id in cancel_messages(session, list(waiting), reason=_TAKEN_BACK)
    }
    told = _tell(session, lists, recipients, now) if tell else []
    grants = _grants_of(session, lists)
    results = {}
    for invitation_id, invitation in lists.items():
        invitation.cancelled_at = now
        invitation.cancelled_by = user.id
        touch(session, invitation)
        results[invitation_id] = CancelResult(
            invitation_id,
            invitation.held_on,
            told=sum(item.invitation_id == invitation_id for item in told),
            withdrawn=sum(
                item.invitation_id == invitation_id and item.invitee_id in taken_back
                for item in recipients
            ),
        )
        _note_cancelled(session, invitation, results[invitation_id], grants[invitation_id], user)
    return results


def _tell(
    session: Session,
    lists: Mapping[int, Invitation],
    recipients: Sequence[Recipient],
    now: datetime,
) -> list[Recipient]:
    """Queue the notice for everybody who may have read a call for a day that is not over.

    It goes to the number that was called, whatever became of the contact since.
    """
    today = today_in_jakarta(now)
    left = reached(session, [item.invitee_id for item in recipients])
    told = [
        replace(item, number=left[item.invitee_id])
        for item in recipients
        if item.invitee_id in left and lists[item.invitation_id].held_on >= today
    ]
    if told:
        queue_messages(session, drafts_for(session, CANCELLED, told, cancel_origin))
    return told


def _grants_of(session: Session, ids: Collection[int]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {invitation_id: [] for invitation_id in ids}
    query = select(Invitee.invitation_id, Invitee.grant_id).where(Invitee.invitation_id.in_(ids))
    for invitation_id, grant_id in session.execute(query):
        found[invitation_id].append(grant_id)
    return found


def _note_cancelled(
    session: Session,
    invitation: Invitation,
    result: CancelResult,
    grant_ids: Sequence[int],
    user: UserFacts,
) -> None:
    audit.record(
        session,
        actor_id=user.id,
        action="nphd.invitation.cancel",
        subject=invitation_subject(invitation.id),
        details={
            "date": invitation.held_on.isoformat(),
            "told": result.told,
            "withdrawn": result.withdrawn,
        },
    )
    text = _(
        "Undangan NPHD untuk ${tanggal} dibatalkan (Id ${id}).",
        mapping={"tanggal": date_words(invitation.held_on), "id": invitation.id},
    )
    hibah.add_logs(session, dict.fromkeys(grant_ids, text), user.id)


def _wanted(
    notified: Sequence[Recipient], newest: Mapping[int, MessageFacts], *, unproven_only: bool
) -> tuple[list[Recipient], int]:
    """Choose whom to notify again, and count those whose last notification has not left yet."""
    wanted = []
    waiting = 0
    for item in notified:
        state = newest[item.invitee_id].state if item.invitee_id in newest else None
        if state in {State.QUEUED, State.SENDING}:
            waiting += 1
        elif state is not State.DELIVERED or not unproven_only:
            wanted.append(item)
    return wanted, waiting


def _at_present_contacts(session: Session, recipients: Sequence[Recipient]) -> list[Recipient]:
    """Write the institutions' present contacts onto the list, and return it with them."""
    subjects = {
        item.invitee_id: hibah.institution_subject(item.institution_id) for item in recipients
    }
    contacts = contacts_of(session, set(subjects.values()))
    found = []
    changed = []
    for item in recipients:
        contact = contacts.get(subjects[item.invitee_id])
        if contact is None or (contact.name, contact.number) == (
            item.variables["kontak"],
            item.number,
        ):
            found.append(item)
            continue
        variables = {**item.variables, "kontak": contact.name}
        found.append(replace(item, number=contact.number, variables=variables))
        changed.append(
            {"b_id": item.invitee_id, "b_person": contact.name, "b_number": contact.number}
        )
    if changed:
        table = Invitee.__table__.c
        session.connection().execute(
            update(Invitee)
            .where(table.id == bindparam("b_id"))
            .values(
                person=bindparam("b_person"),
                number=bindparam("b_number"),
                version=table.version + 1,
            ),
            changed,
        )
    return found


_TAKEN_BACK: Final = _("Tidak dikirim: undangan NPHD dibatalkan.")
