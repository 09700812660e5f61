"""What the pages show of invitations: columns, never objects, and only what a person may see."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select, true
from sqlalchemy.orm import Session, aliased

from core.api.accounts import TeamMember, User
from core.api.db import utcnow
from core.api.errors import NotFoundError
from core.api.hooks import UserFacts
from core.api.messaging import MessageFacts, State, Tick
from core.api.text import TranslationString
from plugins.hibah import api as hibah
from plugins.nphd.days import today_in_jakarta
from plugins.nphd.models import Invitation, Invitee, Notified
from plugins.nphd.services.calls import newest_calls, newest_notices
from plugins.nphd.services.sending import RESEND, why_not

__all__ = [
    "CANCEL",
    "CREATE",
    "READ",
    "READ_ALL",
    "RESEND",
    "SEND",
    "InvitationFacts",
    "InviteeFacts",
    "Waiting",
    "check_visible",
    "every_row",
    "invitation_facts",
    "invitee_facts",
    "notified_condition",
    "officers",
    "sees_all",
    "select_rows",
    "summaries",
    "visible",
    "waiting",
]

READ: Final = "nphd.invitation.read"
READ_ALL: Final = "nphd.invitation.read_all"
CREATE: Final = "nphd.invitation.create"
SEND: Final = "nphd.invitation.send"
CANCEL: Final = "nphd.invitation.cancel"

REPORT_SOON: Final = timedelta(minutes=10)
"""After so long without a report a page no longer looks for it by itself."""

_ON_THE_WAY: Final = frozenset({State.QUEUED, State.SENDING, State.SENT})

WAITING_SHOWN: Final = 5
"""Lists that the dashboard names one by one."""


@dataclass(frozen=True, slots=True)
class InvitationFacts:
    """A list as pages show it."""

    id: int
    officer_id: int
    officer: str
    officer_nip: str
    day: date
    hour: time
    place: str
    invitees: int
    notified: int
    version: int
    created_at: datetime
    cancelled_at: datetime | None
    cancelled_by: str

    @property
    def state(self) -> Notified:
        """How far the notifications went."""
        return Notified.of(self.invitees, self.notified)

    @property
    def pending(self) -> int:
        """Institutions that were not notified yet."""
        return self.invitees - self.notified

    def why_not_sent(
        self, now: datetime | None = None, *, may_resend: bool = False
    ) -> TranslationString | None:
        """Say why the list cannot be sent now, or return None where it can.

        ``may_resend`` says whether the person who reads it may use Kirim ulang.
        """
        return why_not(
            invitation_id=self.id,
            day=self.day,
            invitees=self.invitees,
            notified=self.notified,
            cancelled=self.cancelled_at is not None,
            now=now or utcnow(),
            may_resend=may_resend,
        )

    def is_over(self, now: datetime | None = None) -> bool:
        """Tell whether the day is over in Asia/Jakarta."""
        return self.day < today_in_jakarta(now)


@dataclass(frozen=True, slots=True)
class InviteeFacts:
    """An institution on a list as pages show it."""

    id: int
    invitation_id: int
    institution_id: int
    institution: str
    grant_id: int
    code: str
    person: str
    number: str
    """E.164; once it was called, the number of the newest call."""
    version: int
    notified_at: datetime | None
    call: MessageFacts | None
    """The newest message that calls it."""
    notice: MessageFacts | None
    """The message that told it of the cancellation."""

    @property
    def failed(self) -> bool:
        """Tell whether the newest call did not arrive, so that its number wants mending."""
        return self.call is not None and self.call.tick is Tick.FAILED

    @property
    def proven(self) -> bool:
        """Tell whether the telephone has received the newest call."""
        return self.call is not None and self.call.state is State.DELIVERED

    @property
    def waiting(self) -> bool:
        """Tell whether the newest call has not left yet, so that it is not sent a second time."""
        return self.call is not None and self.call.state in {State.QUEUED, State.SENDING}

    @property
    def moving(self) -> bool:
        """Tell whether the state of a message may change in a moment."""
        lately = utcnow() - REPORT_SOON
        return any(
            facts is not None and facts.created_at > lately and facts.state in _ON_THE_WAY
            for facts in (self.call, self.notice)
        )


@dataclass(frozen=True, slots=True)
class Waiting:
    """Own lists that are still to be sent, the nearest day first."""

    count: int
    lists: tuple[InvitationFacts, ...]
    """The first few of them."""


def sees_all(user: UserFacts) -> bool:
    """Tell whether no list is hidden from a person."""
    return user.may(READ) and user.may(READ_ALL)


def visible(user: UserFacts) -> ColumnElement[bool]:
    """Return the condition on :class:`Invitation` under which a person sees it.

    Own lists and those of the other people in one's teams; with :data:`READ_ALL` every list.
    """
    if not user.may(READ):
        return false()
    if sees_all(user):
        return true()
    own = Invitation.officer_id == user.id
    if not user.team_ids:
        return own
    colleagues = select(TeamMember.user_id).where(TeamMember.team_id.in_(sorted(user.team_ids)))
    return or_(own, Invitation.officer_id.in_(colleagues))


def select_rows(user: UserFacts) -> Select[*tuple[Any, ...]]:
    """Return what the list "Undangan NPHD" shows of every invitation that a person may see."""
    return every_row() if sees_all(user) else every_row().where(visible(user))


@cache
def every_row() -> Select[*tuple[Any, ...]]:
    """Return what the list shows of every invitation; one object for all who see all of them."""
    return select(
        Invitation.id,
        Invitation.held_on.label("day"),
        func.trim(User.first_name + " " + User.last_name).label("officer"),
        Invitation.invitee_count.label("invitees"),
        Invitation.notified_count.label("notified"),
        Invitation.cancelled_at,
    ).join(User, User.id == Invitation.officer_id)


def notified_condition(value: str) -> ColumnElement[bool]:
    """Return the condition for a notification state."""
    state = Notified(value)
    if state is Notified.NONE:
        return Invitation.notified_count == 0
    if state is Notified.SOME:
        return and_(
            Invitation.notified_count > 0,
            Invitation.notified_count < Invitation.invitee_count,
        )
    return and_(
        Invitation.notified_count > 0, Invitation.notified_count >= Invitation.invitee_count
    )


def officers(session: Session, user: UserFacts) -> list[tuple[int, str]]:
    """Return id and name of everybody who has a list that a person may see, by name."""
    query = _every_officer() if sees_all(user) else _officers_query(visible(user))
    return [(row.id, _name(row.first_name, row.last_name)) for row in session.execute(query)]


@cache
def _every_officer() -> Select[*tuple[Any, ...]]:
    return _officers_query(true())


def _officers_query(condition: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    return (
        select(User.id, User.first_name, User.last_name)
        .where(User.id.in_(select(Invitation.officer_id).where(condition)))
        .order_by(User.first_name, User.last_name, User.id)
    )


def check_visible(session: Session, user: UserFacts, invitation_id: int) -> None:
    """Refuse a list that is not there for this person.

    :raises NotFoundError: it does not exist, or may not be known to exist.
    """
    query = select(Invitation.id).where(Invitation.id == invitation_id, visible(user))
    if session.scalar(query) is None:
        raise NotFoundError


def invitation_facts(session: Session, user: UserFacts, invitation_id: int) -> InvitationFacts:
    """Return a list that a person may see.

    :raises NotFoundError: it does not exist, or may not be known to exist.
    """
    found = summaries(session, user, [invitation_id])
    if not found:
        raise NotFoundError
    return found[0]


def summaries(session: Session, user: UserFacts, ids: Collection[int]) -> list[InvitationFacts]:
    """Return those of the lists that a person may see, the nearest day first."""
    query = _select_facts().where(Invitation.id.in_(ids), visible(user))
    rows = session.execute(query.order_by(Invitation.held_on, Invitation.id))
    return [_facts(row) for row in rows]


def invitee_facts(session: Session, invitation_id: int) -> list[InviteeFacts]:
    """Return the institutions of a list in the order in which they were invited."""
    query = (
        select(
            Invitee.id,
            Invitee.invitation_id,
            Invitee.institution_id,
            hibah.Institution.name.label("institution"),
            Invitee.grant_id,
            hibah.Grant.code,
            Invitee.person,
            Invitee.number,
            Invitee.version,
            Invitee.notified_at,
        )
        .join(hibah.Institution, hibah.Institution.id == Invitee.institution_id)
        .join(hibah.Grant, hibah.Grant.id == Invitee.grant_id)
        .where(Invitee.invitation_id == invitation_id)
        .order_by(Invitee.id)
    )
    rows = session.execute(query).all()
    notified = [row.id for row in rows if row.notified_at is not None]
    calls = newest_calls(session, notified)
    notices = newest_notices(session, notified)
    return [
        InviteeFacts(
            **{**row._asdict(), "number": calls[row.id].address if row.id in calls else row.number},
            call=calls.get(row.id),
            notice=notices.get(row.id),
        )
        for row in rows
    ]


def waiting(session: Session, user: UserFacts, *, now: datetime | None = None) -> Waiting:
    """Return a person's own coming lists with institutions that were not notified yet."""
    query = (
        _select_facts()
        .where(
            Invitation.officer_id == user.id,
            Invitation.cancelled_at.is_(None),
            Invitation.held_on >= today_in_jakarta(now),
            Invitation.notified_count < Invitation.invitee_count,
        )
        .order_by(Invitation.held_on, Invitation.id)
    )
    found = tuple(_facts(row) for row in session.execute(query))
    return Waiting(len(found), found[:WAITING_SHOWN])


@cache
def _select_facts() -> Select[*tuple[Any, ...]]:
    """Make it once: aliases take longer to put together than the query to run."""
    officer, canceller = aliased(User), aliased(User)
    return (
        select(
            Invitation.id,
            Invitation.officer_id,
            officer.first_name,
            officer.last_name,
            officer.nip,
            Invitation.held_on,
            Invitation.held_at,
            Invitation.place,
            Invitation.invitee_count,
            Invitation.notified_count,
            Invitation.version,
            Invitation.created_at,
            Invitation.cancelled_at,
            canceller.first_name.label("canceller_first"),
            canceller.last_name.label("canceller_last"),
        )
        .join(officer, officer.id == Invitation.officer_id)
        .outerjoin(canceller, canceller.id == Invitation.cancelled_by)
    )


def _facts(row: Any) -> InvitationFacts:
    return InvitationFacts(
        id=row.id,
        officer_id=row.officer_id,
        officer=_name(row.first_name, row.last_name),
        officer_nip=row.nip,
        day=row.held_on,
        hour=row.held_at,
        place=row.place,
        invitees=row.invitee_count,
        notified=row.notified_count,
        version=row.version,
        created_at=row.created_at,
        cancelled_at=row.cancelled_at,
        cancelled_by=_name(row.canceller_first, row.canceller_last),
    )


def _name(first: str | None, last: str | None) -> str:
    return f"{first or ''} {last or ''}".strip()
