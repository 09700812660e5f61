"""Taking hold of invitations, and keeping their counts true.

Whoever changes a list or sends from it first locks the list's row, so that everything happens one
after the other: PostgreSQL by ``FOR UPDATE``, SQLite because a writing session is alone from its
start.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.api.errors import NotFoundError
from plugins.hibah import api as hibah
from plugins.nphd.errors import InvitationCancelledError, InvitationChangedError
from plugins.nphd.models import Invitation, Invitee

__all__ = [
    "check_unchanged",
    "lock_institutions",
    "lock_invitation",
    "lock_invitations",
    "touch",
]


def lock_institutions(session: Session, ids: Collection[int]) -> None:
    """Lock institutions whose place on the lists of a day is being decided.

    Always before an invitation, so that two people cannot wait for each other.
    """
    session.execute(
        select(hibah.Institution.id)
        .where(hibah.Institution.id.in_(ids))
        .order_by(hibah.Institution.id)
        .with_for_update()
    ).all()


def lock_invitations(session: Session, ids: Collection[int]) -> list[Invitation]:
    """Lock the invitations that exist among ``ids`` and return them as they are now, by id.

    The order of locking is the same for everybody, so two people cannot wait for each other.
    """
    query = (
        select(Invitation)
        .where(Invitation.id.in_(ids))
        .order_by(Invitation.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return list(session.scalars(query))


def lock_invitation(session: Session, invitation_id: int) -> Invitation:
    """Lock one invitation that is to be changed.

    :raises NotFoundError: it does not exist.
    :raises InvitationCancelledError: it was cancelled.
    """
    found = lock_invitations(session, [invitation_id])
    if not found:
        raise NotFoundError
    if found[0].cancelled_at is not None:
        raise InvitationCancelledError(invitation_id)
    return found[0]


def check_unchanged(invitation: Invitation, version: int | None) -> None:
    """Refuse a page that shows an older version of the list; None means that none was shown.

    :raises InvitationChangedError: somebody changed it in the meantime.
    """
    if version is not None and version != invitation.version:
        raise InvitationChangedError(invitation.id)


def touch(session: Session, invitation: Invitation) -> None:
    """Count a locked list's institutions anew and raise its version."""
    session.flush()
    invitees, notified = session.execute(
        select(func.count(), func.count(Invitee.notified_at)).where(
            Invitee.invitation_id == invitation.id
        )
    ).one()
    invitation.invitee_count = invitees
    invitation.notified_count = notified
    invitation.version += 1
    session.flush()
