"""Who may read which conversations, and whose they are."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import ColumnElement, Select, false, or_, select, true

from core.errors import NotFoundError
from core.framework.runtime import runtime_of
from core.i18n import TranslationString, _
from core.messaging.models import Thread

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from core.hookspecs.facts import UserFacts
    from core.hookspecs.messages import SubjectFacts

__all__ = [
    "READ",
    "READ_ALL",
    "RESEND",
    "WRITE",
    "ThreadRow",
    "describe",
    "find_subject",
    "find_thread",
    "hooked_threads",
    "may_open",
    "readable",
    "select_threads",
    "signature",
]

READ: Final = "messages.read"
READ_ALL: Final = "messages.read_all"
RESEND: Final = "messages.resend"
WRITE: Final = "messages.send"

_NO_CONVERSATION: Final[TranslationString] = _(
    "Percakapan ini tidak ditemukan, atau bukan bagian dari pekerjaan yang Anda tangani."
)


@dataclass(frozen=True, slots=True)
class ThreadRow:
    """A conversation as lists show it."""

    id: int
    subject: str
    title: str
    message_count: int
    unread_count: int
    failed_count: int
    uncertain_count: int
    last_text: str
    last_at: datetime
    last_direction: str


def readable(session: Session, user: UserFacts) -> ColumnElement[bool]:
    """Return the condition on :class:`Thread` under which a person may read it.

    :raises PluginHookError: a plugin could not say which threads a person may read.
    """
    if user.may(READ_ALL):
        return true()
    return or_(
        false(), *(Thread.id.in_(s) for s in hooked_threads(session, user, "readable_threads"))
    )


def find_thread(session: Session, user: UserFacts, thread_id: int) -> ThreadRow:
    """Return a conversation that a person may read.

    :raises NotFoundError: there is none, or the person may not know of it.
    """
    row = session.execute(
        select_threads().where(Thread.id == thread_id, readable(session, user))
    ).one_or_none()
    if row is None:
        raise NotFoundError(_NO_CONVERSATION)
    return ThreadRow(*row)


def find_subject(session: Session, user: UserFacts, subject: str) -> ThreadRow | None:
    """Return the conversation about a subject, or None where the person may open it but nobody has.

    :raises NotFoundError: the person may not read or open it, or there is no such subject.
    """
    row = session.execute(select_threads().where(Thread.subject == subject)).one_or_none()
    if row is not None:
        return find_thread(session, user, row.id)
    if subject not in describe(session, [subject]):
        raise NotFoundError(_NO_CONVERSATION)
    if subject not in may_open(session, user, [subject]):
        raise NotFoundError(_NO_CONVERSATION)
    return None


def may_open(session: Session, user: UserFacts, subjects: Sequence[str]) -> set[str]:
    """Return those of the subjects about which a person may open a conversation."""
    if not subjects or user.may(READ_ALL):
        return set(subjects)
    answers = runtime_of(session).hooks.collect(
        "readable_subjects", session=session, user=user, subjects=subjects
    )
    return set(subjects) & {each for _plugin, answer in answers for each in answer}


def describe(session: Session, subjects: Sequence[str]) -> Mapping[str, SubjectFacts]:
    """Ask the owners of subjects for headings and links; one call for all of them."""
    if not subjects:
        return {}
    return runtime_of(session).hooks.merge("describe_subjects", session=session, subjects=subjects)


def select_threads() -> Select[*tuple[Any, ...]]:
    """Return a select of the fields of :class:`ThreadRow`; add conditions, order and limit."""
    return select(
        Thread.id,
        Thread.subject,
        Thread.title,
        Thread.message_count,
        Thread.unread_count,
        Thread.failed_count,
        Thread.uncertain_count,
        Thread.last_text,
        Thread.last_at,
        Thread.last_direction,
    )


def hooked_threads(session: Session, user: UserFacts, hook: str) -> list[Select[Any]]:
    """Gather the selects of thread ids that plugins give at ``hook``."""
    answers = runtime_of(session).hooks.collect(hook, session=session, user=user)
    return [query for _plugin, queries in answers for query in queries]


def signature(rows: Iterable[Sequence[Any]]) -> str:
    """Hash rows into a few characters; the same in every process."""
    text = "\n".join("\t".join(map(str, row)) for row in rows)
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=8).hexdigest()
