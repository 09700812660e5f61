"""The inbox: pages of conversations, newest first, and the totals above them."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Self

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, tuple_

from core.contacts.models import Contact
from core.i18n import TranslationString, _
from core.messaging.models import Message, Thread
from core.messaging.reading.access import (
    READ_ALL,
    ThreadRow,
    hooked_threads,
    readable,
    select_threads,
    signature,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from core.hookspecs.facts import UserFacts

__all__ = [
    "INBOX_PAGE",
    "SEARCHED_MESSAGES",
    "Cursor",
    "Inbox",
    "InboxCounts",
    "Tab",
    "Waiting",
    "inbox",
    "inbox_counts",
    "waiting_counts",
]

INBOX_PAGE: Final = 25

SEARCHED_MESSAGES: Final = 100_000
"""How many of the latest messages are searched for a text; names and contacts are all searched."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SHORTEST_NUMBER: Final = 3


class Tab(enum.StrEnum):
    """The filters above the inbox; the values stand in addresses."""

    ALL = "semua"
    UNREAD = "belum-dibaca"
    FAILED = "gagal"
    UNCERTAIN = "belum-pasti"
    MINE = "milik-saya"

    @property
    def label(self) -> TranslationString:
        """The word on the tab."""
        return _TAB_LABELS[self]


_TAB_LABELS: Final[dict[Tab, TranslationString]] = {
    Tab.ALL: _("Semua"),
    Tab.UNREAD: _("Belum dibaca"),
    Tab.FAILED: _("Gagal"),
    Tab.UNCERTAIN: _("Belum pasti"),
    Tab.MINE: _("Milik saya"),
}


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in the inbox: what comes after it is older."""

    at: datetime
    id: int

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read a cursor from an address; what is none counts as the beginning."""
        moment, _dash, number = text.partition("-")
        if not (
            moment.isascii() and moment.isdecimal() and number.isascii() and number.isdecimal()
        ):
            return None
        try:
            return cls(_EPOCH + timedelta(microseconds=int(moment)), int(number))
        except OverflowError:
            return None

    def __str__(self) -> str:
        """Write it for an address."""
        return f"{(self.at - _EPOCH) // timedelta(microseconds=1)}-{self.id}"


@dataclass(frozen=True, slots=True)
class Inbox:
    """One page of conversations, newest first."""

    threads: Sequence[ThreadRow]
    older: Cursor | None
    """Where the next page begins, or None on the last one."""

    @property
    def signature(self) -> str:
        """Changes whenever the page would look different."""
        return signature(
            (t.id, t.message_count, t.unread_count, t.failed_count, t.uncertain_count, t.title)
            for t in self.threads
        )


@dataclass(frozen=True, slots=True)
class InboxCounts:
    """Totals over the conversations that a person may read."""

    messages: int
    threads: int
    unread: int
    failed: int
    uncertain: int
    mine: int

    def of(self, tab: Tab) -> int:
        """Return how many conversations a tab holds."""
        return {
            Tab.ALL: self.threads,
            Tab.UNREAD: self.unread,
            Tab.FAILED: self.failed,
            Tab.UNCERTAIN: self.uncertain,
            Tab.MINE: self.mine,
        }[tab]


@dataclass(frozen=True, slots=True)
class Waiting:
    """Messages, over all conversations that a person may read, that wait for somebody."""

    unread: int
    failed: int
    uncertain: int


def inbox_counts(session: Session, user: UserFacts) -> InboxCounts:
    """Add up the kept counters of everything a person may read. One statement."""
    row = session.execute(
        select(
            func.coalesce(func.sum(Thread.message_count), 0),
            func.count(),
            func.count().filter(Thread.unread_count > 0),
            func.count().filter(Thread.failed_count > 0),
            func.count().filter(Thread.uncertain_count > 0),
            func.count().filter(_mine(session, user)),
        )
        .select_from(Thread)
        .where(Thread.message_count > 0, readable(session, user))
    ).one()
    return InboxCounts(*(int(value) for value in row))


@lru_cache(maxsize=1)
def _waiting_query() -> Select[*tuple[Any, ...]]:
    """Make what every page asks once: putting it together costs more than running it."""
    return select(
        func.coalesce(func.sum(Thread.unread_count), 0),
        func.coalesce(func.sum(Thread.failed_count), 0),
        func.coalesce(func.sum(Thread.uncertain_count), 0),
    ).where(or_(Thread.unread_count > 0, Thread.failed_count > 0, Thread.uncertain_count > 0))


def waiting_counts(session: Session, user: UserFacts) -> Waiting:
    """Count the messages that wait for somebody. One statement over few threads."""
    query = _waiting_query()
    if not user.may(READ_ALL):
        query = query.where(readable(session, user))
    row = session.execute(query).one()
    return Waiting(*(int(value) for value in row))


def inbox(
    session: Session,
    user: UserFacts,
    *,
    tab: Tab = Tab.ALL,
    text: str = "",
    before: Cursor | None = None,
) -> Inbox:
    """Read one page of conversations. One statement; ``text`` is looked for as it was typed."""
    query = select_threads().where(Thread.message_count > 0, readable(session, user))
    if tab is Tab.MINE:
        query = query.where(_mine(session, user))
    elif tab is not Tab.ALL:
        query = query.where(_COUNTERS[tab] > 0)
    if text.strip():
        query = query.where(_matches(text.strip()))
    if before is not None:
        query = query.where(tuple_(Thread.last_at, Thread.id) < (before.at, before.id))
    query = query.order_by(Thread.last_at.desc(), Thread.id.desc()).limit(INBOX_PAGE + 1)
    rows = [ThreadRow(*row) for row in session.execute(query)]
    shown = rows[:INBOX_PAGE]
    more = len(rows) > INBOX_PAGE
    return Inbox(shown, Cursor(shown[-1].last_at, shown[-1].id) if more else None)


def _mine(session: Session, user: UserFacts) -> ColumnElement[bool]:
    """Threads about what a person is responsible for, and those in which the person wrote."""
    wrote = select(Message.thread_id).where(
        Message.sender_id == user.id, Message.thread_id.is_not(None)
    )
    own = hooked_threads(session, user, "own_threads")
    return or_(Thread.id.in_(wrote), *(Thread.id.in_(query) for query in own))


def _matches(text: str) -> ColumnElement[bool]:
    """Look for a text in all names, contacts and numbers, and in the latest messages."""
    latest = select(func.max(Message.id)).scalar_subquery() - SEARCHED_MESSAGES
    said = select(Message.thread_id).where(
        Message.id > latest,
        Message.thread_id.is_not(None),
        Message.is_secret.is_(False),
        Message.body.icontains(text, autoescape=True),
    )
    person = Contact.name.icontains(text, autoescape=True)
    places = [
        Thread.title.icontains(text, autoescape=True),
        Thread.last_text.icontains(text, autoescape=True),
        Thread.id.in_(said),
    ]
    digits = "".join(character for character in text if character.isdecimal())
    looks_like_number = all(c.isdecimal() or c in "+-(). " for c in text)
    if looks_like_number and len(digits) >= _SHORTEST_NUMBER:
        # Stored as +62812…; typed as 0812… at home.
        part = digits.lstrip("0") or digits
        person = or_(person, Contact.number.contains(part, autoescape=True))
        wrote = select(Message.thread_id).where(
            Message.id > latest,
            Message.thread_id.is_not(None),
            Message.address.contains(part, autoescape=True),
        )
        places.append(Thread.id.in_(wrote))
    known = select(Contact.subject).where(and_(Contact.is_current, person))
    return or_(*places, Thread.subject.in_(known))


_COUNTERS: Final[dict[Tab, Any]] = {
    Tab.UNREAD: Thread.unread_count,
    Tab.FAILED: Thread.failed_count,
    Tab.UNCERTAIN: Thread.uncertain_count,
}
