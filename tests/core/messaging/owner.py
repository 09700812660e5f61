"""A plugin for tests that owns the subjects ``uji.lembaga:<n>`` and says who may read them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from core.api.hooks import (
    PlannedResend,
    ResendReview,
    SubjectContactChange,
    SubjectFacts,
    UserFacts,
    hookimpl,
)
from core.messaging.models import Thread

__all__ = ["OwnerPlugin"]

PREFIX = "uji.lembaga:"


@dataclass
class OwnerPlugin:
    """Everybody sees the subjects in ``seen``; ``officer_id`` is responsible for ``own``."""

    seen: set[str] = field(default_factory=set)
    own: set[str] = field(default_factory=set)
    officer_id: int = 0
    contact_url: str = "/p/uji/kontak"
    contact_permission: str = ""
    answer: ResendReview | None = None
    planned: list[PlannedResend] = field(default_factory=list)
    opened: dict[str, int] = field(default_factory=dict)
    mended: list[SubjectContactChange] = field(default_factory=list)

    @hookimpl
    def describe_subjects(
        self, session: Session, subjects: Sequence[str]
    ) -> Mapping[str, SubjectFacts]:
        """Call the institution by its number."""
        del session
        return {
            subject: SubjectFacts(
                subject,
                f"LEMBAGA {subject.removeprefix(PREFIX)}",
                f"/p/uji/{subject.removeprefix(PREFIX)}",
                self.contact_url,
                self.contact_permission,
            )
            for subject in subjects
            if subject.startswith(PREFIX)
        }

    @hookimpl
    def readable_threads(self, session: Session, user: UserFacts) -> Sequence[Select[Any]]:
        """Open what everybody sees."""
        del session, user
        return [select(Thread.id).where(Thread.subject.in_(sorted(self.seen)))]

    @hookimpl
    def own_threads(self, session: Session, user: UserFacts) -> Sequence[Select[Any]]:
        """Name what the officer is responsible for."""
        del session
        own = sorted(self.own) if user.id == self.officer_id else []
        return [select(Thread.id).where(Thread.subject.in_(own))]

    @hookimpl
    def readable_subjects(
        self, session: Session, user: UserFacts, subjects: Sequence[str]
    ) -> Collection[str]:
        """Let everybody write to what everybody sees."""
        del session, user
        return self.seen & set(subjects)

    @hookimpl
    def threads_opened(self, session: Session, threads: Mapping[str, int]) -> None:
        """Remember what was opened."""
        del session
        self.opened.update(threads)

    @hookimpl
    def subject_contacts_changed(
        self, session: Session, changes: Sequence[SubjectContactChange]
    ) -> None:
        """Remember what was mended."""
        del session
        self.mended += changes

    @hookimpl
    def review_resends(
        self,
        session: Session,
        resends: Sequence[PlannedResend],
        hold: bool,
    ) -> Mapping[int, ResendReview]:
        """Give the same answer for every message."""
        del session
        if hold:
            self.planned += resends
        if self.answer is None:
            return {}
        return {each.message_id: self.answer for each in resends}
