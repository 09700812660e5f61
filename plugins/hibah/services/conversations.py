"""Institutions as owners of conversations: who may read them, what they are about."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from core.api.hooks import ContactChange, SubjectContactChange, SubjectFacts, UserFacts
from plugins.hibah.models import Grant, Institution
from plugins.hibah.services.institutions import announce_contacts
from plugins.hibah.services.visibility import visible_institutions
from plugins.hibah.subjects import institution_id_of, institution_subject

__all__ = [
    "describe",
    "follow_contacts",
    "own_threads",
    "readable_subjects",
    "readable_threads",
    "remember_threads",
]


def readable_threads(session: Session, user: UserFacts) -> Select[Any]:
    """Select the conversations of the institutions that a person sees."""
    return select(Institution.thread_id).where(
        Institution.thread_id.is_not(None), visible_institutions(session, user)
    )


def own_threads(user: UserFacts) -> Select[Any]:
    """Select the conversations of the institutions of which a person has a grant."""
    mine = select(Grant.institution_id).where(Grant.officer_id == user.id)
    return select(Institution.thread_id).where(
        Institution.thread_id.is_not(None), Institution.id.in_(mine)
    )


def readable_subjects(session: Session, user: UserFacts, subjects: Sequence[str]) -> set[str]:
    """Return those subjects that are institutions which a person sees."""
    ids = _institutions(subjects)
    if not ids:
        return set()
    query = select(Institution.id).where(
        Institution.id.in_(ids), visible_institutions(session, user)
    )
    return {institution_subject(institution_id) for institution_id in session.scalars(query)}


def remember_threads(session: Session, threads: Mapping[str, int]) -> None:
    """Note the conversations that were opened about institutions."""
    ids = _institutions(threads)
    rows = [{"id": key, "thread_id": threads[institution_subject(key)]} for key in ids]
    if rows:
        session.execute(update(Institution), rows)


def describe(
    session: Session, subjects: Sequence[str], path: Callable[[str, int], str]
) -> dict[str, SubjectFacts]:
    """Return name and pages of the subjects that are institutions; ``path`` gives a page."""
    ids = _institutions(subjects)
    if not ids:
        return {}
    query = select(Institution.id, Institution.name).where(Institution.id.in_(ids))
    return {
        institution_subject(row.id): SubjectFacts(
            subject=institution_subject(row.id),
            title=row.name,
            url=path("hibah.institution.detail", row.id),
            contact_url=path("hibah.institution.contact", row.id),
            contact_permission="hibah.contact.edit",
        )
        for row in session.execute(query)
    }


def follow_contacts(session: Session, changes: Sequence[SubjectContactChange]) -> None:
    """Take over contacts that were mended from a conversation."""
    announce_contacts(
        session,
        [
            ContactChange(
                institution_id=institution_id,
                name=change.name,
                number=change.number,
                previous_number=change.previous_number,
                actor_id=change.actor_id,
            )
            for change in changes
            if (institution_id := institution_id_of(change.subject)) is not None
        ],
    )


def _institutions(subjects: Sequence[str] | Mapping[str, int]) -> list[int]:
    ids = (institution_id_of(subject) for subject in subjects)
    return [institution_id for institution_id in ids if institution_id is not None]
