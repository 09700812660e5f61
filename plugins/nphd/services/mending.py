"""Calls that are sent again from a conversation, after a number was mended (M15).

The conditions of Proses hold there too: no list that was cancelled, no day that is over. The text
is made anew, so that it says whom, when and where as it is now.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from core.api.db import utcnow
from core.api.hooks import PlannedResend, ResendReview
from core.api.messaging import MessageFacts, State, render_texts
from core.api.text import TranslationString, _
from plugins.nphd.models import Invitation, Invitee
from plugins.nphd.services.calls import MAY_HAVE_LEFT, newest_calls
from plugins.nphd.services.locking import lock_invitations, touch
from plugins.nphd.services.sending import why_not
from plugins.nphd.services.texts import called_recipients
from plugins.nphd.subjects import CALL, invitee_id_of

__all__ = ["follow_resends", "review_calls"]


def review_calls(
    session: Session,
    resends: Sequence[PlannedResend],
    *,
    hold: bool,
    now: datetime | None = None,
) -> dict[int, ResendReview]:
    """Refuse calls that may not go out any more, and render the others as they hold now.

    With ``hold`` the lists stay locked until the transaction ends, as when sending.
    """
    called = {
        each: invitee_id
        for each in resends
        if each.purpose == CALL and (invitee_id := invitee_id_of(each.origin)) is not None
    }
    if not called:
        return {}
    ids = set(called.values())
    if hold:
        _hold(session, ids)
    reasons = _reasons(session, ids, now or utcnow())
    newest = newest_calls(session, ids)
    recipients = {item.invitee_id: item for item in called_recipients(session, ids, lock=hold)}
    answers: dict[int, ResendReview] = {}
    rendered = []
    for each, invitee_id in called.items():
        reason = reasons.get(invitee_id, _GONE) or _overtaken(each, newest.get(invitee_id))
        if reason is not None:
            answers[each.message_id] = ResendReview(refusal=reason)
            continue
        item = recipients[invitee_id]
        if each.name:
            item = replace(item, variables={**item.variables, "kontak": each.name})
        rendered.append((each.message_id, item))
    bodies = render_texts(session, CALL, [item.variables for _id, item in rendered])
    for (message_id, item), body in zip(rendered, bodies, strict=True):
        answers[message_id] = ResendReview(body=body, expires_at=item.ends_at)
    return answers


def follow_resends(session: Session, resends: Mapping[int, PlannedResend]) -> None:
    """Write onto the lists whom the institutions' newest calls go to."""
    called = {
        invitee_id: each
        for _message_id, each in sorted(resends.items())
        if each.purpose == CALL and (invitee_id := invitee_id_of(each.origin)) is not None
    }
    if not called:
        return
    table = Invitee.__table__.c
    session.connection().execute(
        update(Invitee)
        .where(table.id == bindparam("b_id"))
        .values(
            person=bindparam("b_person"),
            number=bindparam("b_number"),
            version=table.version + 1,
        ),
        [
            {"b_id": invitee_id, "b_person": each.name, "b_number": each.number}
            for invitee_id, each in called.items()
        ],
    )
    for invitation in _hold(session, set(called)):
        # A confirmation that shows the former person or number is out of date.
        touch(session, invitation)


def _hold(session: Session, invitee_ids: set[int]) -> list[Invitation]:
    lists = select(Invitee.invitation_id).where(Invitee.id.in_(invitee_ids)).distinct()
    return lock_invitations(session, session.scalars(lists).all())


def _reasons(
    session: Session, invitee_ids: set[int], now: datetime
) -> dict[int, TranslationString | None]:
    """Say of each invitee that exists why it cannot be called at ``now``, or None."""
    query = (
        select(Invitee.id, Invitation.id.label("list"), Invitation.held_on, Invitation.cancelled_at)
        .join(Invitation, Invitation.id == Invitee.invitation_id)
        .where(Invitee.id.in_(invitee_ids))
    )
    return {
        row.id: why_not(
            invitation_id=row.list,
            day=row.held_on,
            invitees=1,
            notified=0,
            cancelled=row.cancelled_at is not None,
            now=now,
        )
        for row in session.execute(query)
    }


def _overtaken(planned: PlannedResend, newest: MessageFacts | None) -> TranslationString | None:
    """Refuse where a later call is on its way, or was read: only an Admin notifies again then."""
    if newest is None or newest.id <= planned.message_id:
        return None
    if newest.state is State.QUEUED or newest.state in MAY_HAVE_LEFT:
        return _OVERTAKEN
    return None


_GONE = _("Undangan dari pesan ini tidak ada lagi, jadi pesannya tidak dapat dikirim ulang.")
_OVERTAKEN = _(
    "Lembaga ini sudah dikirimi undangan yang lebih baru, jadi pesan ini tidak dikirim ulang."
)
