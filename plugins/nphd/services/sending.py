"""Proses: calling the institutions of a list that were not called yet (M12)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import update
from sqlalchemy.orm import Session

from core.api import audit
from core.api.db import utcnow
from core.api.errors import NotFoundError
from core.api.hooks import UserFacts
from core.api.messaging import queue_messages
from core.api.text import TranslationString, _
from plugins.hibah import api as hibah
from plugins.nphd.days import date_words, today_in_jakarta
from plugins.nphd.errors import InvitationCancelledError, InvitationChangedError
from plugins.nphd.models import Invitation, Invitee
from plugins.nphd.services.locking import lock_invitations, touch
from plugins.nphd.services.texts import Recipient, drafts_for, recipients_of
from plugins.nphd.subjects import CALL, call_origin, invitation_subject

__all__ = ["RESEND", "SendResult", "send", "why_not"]

RESEND: Final = "nphd.invitation.resend"


@dataclass(frozen=True, slots=True)
class SendResult:
    """What became of one list that was to be sent."""

    invitation_id: int
    day: date | None
    """None where the list does not exist."""
    queued: int
    """Institutions whose notification is on its way now."""
    refused: TranslationString | None = None
    """Why nothing was sent, for a person."""


def send(
    session: Session,
    versions: Mapping[int, int | None],
    user: UserFacts,
    *,
    now: datetime | None = None,
) -> list[SendResult]:
    """Queue the notification of every institution on these lists that has none yet.

    ``versions`` holds the version of each list that the confirmation showed. The lists stay locked
    until the transaction ends, and day and state are looked at only then, so that sending twice, at
    once or one after the other, reaches nobody twice. Refusals are returned: of several lists the
    others are sent. All texts are rendered before the first message is queued.

    :raises MissingVariableError: a text cannot be rendered; nothing is queued at all.
    """
    moment = now or utcnow()
    found = {item.id: item for item in lock_invitations(session, list(versions))}
    results: dict[int, SendResult] = {}
    open_lists: dict[int, Invitation] = {}
    for invitation_id, version in versions.items():
        invitation = found.get(invitation_id)
        if invitation is None:
            results[invitation_id] = SendResult(invitation_id, None, 0, NotFoundError.explanation)
            continue
        reason = _refusal(invitation, user, moment) or _stale(invitation, version)
        if reason is None:
            open_lists[invitation_id] = invitation
        else:
            results[invitation_id] = SendResult(invitation_id, invitation.held_on, 0, reason)
    if open_lists:
        counts = _queue(session, open_lists, user, moment)
        for invitation_id, invitation in open_lists.items():
            results[invitation_id] = SendResult(
                invitation_id, invitation.held_on, counts[invitation_id]
            )
    return [results[invitation_id] for invitation_id in versions]


def why_not(  # noqa: PLR0913 - the facts that decide, by name
    *,
    invitation_id: int,
    day: date,
    invitees: int,
    notified: int,
    cancelled: bool,
    now: datetime,
    may_resend: bool = False,
) -> TranslationString | None:
    """Say why a list cannot be sent at ``now`` (aware), or return None where it can."""
    if cancelled:
        return InvitationCancelledError(invitation_id).explanation
    if day < today_in_jakarta(now):
        return _(
            "Undangan ${id} tidak dapat dikirim karena tanggalnya, ${tanggal}, sudah lewat. Undang "
            "lembaganya kembali untuk tanggal lain.",
            mapping={"id": invitation_id, "tanggal": date_words(day)},
        )
    if not invitees:
        return _(
            "Undangan ${id} tidak dapat dikirim karena belum ada lembaga di dalamnya. Undang "
            "lembaga dari kartu hibahnya.",
            mapping={"id": invitation_id},
        )
    if notified >= invitees and may_resend:
        return _(
            "Semua lembaga dalam undangan ${id} sudah diberi tahu, jadi tidak ada yang dikirim "
            "lagi. Pilih Kirim ulang bila mereka perlu diberi tahu sekali lagi.",
            mapping={"id": invitation_id},
        )
    if notified >= invitees:
        return _(
            "Semua lembaga dalam undangan ${id} sudah diberi tahu, jadi tidak ada yang dikirim "
            "lagi. Pengiriman ulang hanya bisa dilakukan oleh Admin.",
            mapping={"id": invitation_id},
        )
    return None


def _refusal(invitation: Invitation, user: UserFacts, now: datetime) -> TranslationString | None:
    return why_not(
        invitation_id=invitation.id,
        day=invitation.held_on,
        invitees=invitation.invitee_count,
        notified=invitation.notified_count,
        cancelled=invitation.cancelled_at is not None,
        now=now,
        may_resend=user.may(RESEND),
    )


def _stale(invitation: Invitation, version: int | None) -> TranslationString | None:
    if version is None or version == invitation.version:
        return None
    return InvitationChangedError(invitation.id).explanation


def _queue(
    session: Session, lists: Mapping[int, Invitation], user: UserFacts, now: datetime
) -> dict[int, int]:
    recipients = recipients_of(session, list(lists), notified=False)
    queue_messages(session, drafts_for(session, CALL, recipients, call_origin))
    session.execute(
        update(Invitee)
        .where(Invitee.id.in_([recipient.invitee_id for recipient in recipients]))
        .values(notified_at=now)
        .execution_options(synchronize_session=False)
    )
    by_list = {
        invitation_id: [item for item in recipients if item.invitation_id == invitation_id]
        for invitation_id in lists
    }
    for invitation_id, invitation in lists.items():
        touch(session, invitation)
        _note(session, invitation, by_list[invitation_id], user)
    return {invitation_id: len(called) for invitation_id, called in by_list.items()}


def _note(
    session: Session, invitation: Invitation, called: Sequence[Recipient], user: UserFacts
) -> None:
    audit.record(
        session,
        actor_id=user.id,
        action="nphd.invitation.send",
        subject=invitation_subject(invitation.id),
        details={"date": invitation.held_on.isoformat(), "institutions": len(called)},
    )
    hibah.add_logs(
        session,
        {
            recipient.grant_id: _(
                "Undangan NPHD untuk ${tanggal} dikirim kepada ${kontak} (Id ${id}).",
                mapping={
                    "tanggal": recipient.variables["tanggal"],
                    "kontak": recipient.variables["kontak"],
                    "id": invitation.id,
                },
            )
            for recipient in called
        },
        user.id,
    )
