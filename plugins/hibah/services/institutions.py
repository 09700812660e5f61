"""Institutions: their conversation, their contact, their grants."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from core.api.contacts import Contact, NewContact, contacts_of, set_contacts
from core.api.errors import NotFoundError
from core.api.hooks import ContactChange
from core.api.messaging import Thread, ensure_threads
from core.api.runtime import runtime_of
from plugins.hibah.models import Grant, Institution, Regency
from plugins.hibah.services.index import index_institutions
from plugins.hibah.subjects import institution_subject

__all__ = [
    "InstitutionFacts",
    "announce_contacts",
    "institution_facts",
    "open_threads",
    "set_institution_contact",
    "set_institution_contacts",
    "thread_for",
]


@dataclass(frozen=True, slots=True)
class InstitutionFacts:
    """An institution as its page shows it."""

    id: int
    name: str
    address: str
    regency: str
    thread_id: int | None
    grant_count: int
    """All its grants, also those in Data Arsip and those that the reader may not see."""


def institution_facts(session: Session, institution_id: int) -> InstitutionFacts:
    """Return what is known of an institution itself.

    :raises NotFoundError: there is none.
    """
    count = select(func.count()).where(Grant.institution_id == institution_id).scalar_subquery()
    row = session.execute(
        select(
            Institution.name,
            Institution.address,
            Institution.thread_id,
            Regency.name.label("regency"),
            count.label("grants"),
        )
        .outerjoin(Regency, Regency.id == Institution.regency_id)
        .where(Institution.id == institution_id)
    ).one_or_none()
    if row is None:
        raise NotFoundError
    return InstitutionFacts(
        id=institution_id,
        name=row.name,
        address=row.address,
        regency=row.regency or "",
        thread_id=row.thread_id,
        grant_count=row.grants,
    )


def thread_for(session: Session, institution_id: int) -> Thread:
    """Return the institution's conversation, opened where there was none.

    :raises NotFoundError: there is no such institution.
    """
    thread_id = open_threads(session, [institution_id]).get(institution_id)
    thread = session.get(Thread, thread_id) if thread_id is not None else None
    if thread is None:
        raise NotFoundError
    return thread


def open_threads(session: Session, ids: Collection[int]) -> Mapping[int, int]:
    """Open the conversations of institutions that have none; return all by institution."""
    rows = session.execute(
        select(Institution.id, Institution.name, Institution.thread_id).where(
            Institution.id.in_(ids)
        )
    ).all()
    known = {row.id: row.thread_id for row in rows if row.thread_id is not None}
    missing = {institution_subject(row.id): row for row in rows if row.thread_id is None}
    if missing:
        opened = ensure_threads(session, {key: row.name for key, row in missing.items()})
        new = [{"id": row.id, "thread_id": opened[subject]} for subject, row in missing.items()]
        session.execute(update(Institution), new)
        known.update({row["id"]: row["thread_id"] for row in new})
    return known


def set_institution_contact(
    session: Session, institution_id: int, *, name: str, number: str, actor_id: int | None
) -> Contact:
    """Make a person and number the contact of an institution, and so of all its grants.

    The former contact stays in the history. Plugins hear of it through ``contacts_changed``. The
    same person and number again change nothing.

    :param number: any local or international spelling.
    :raises InvalidNumberError: the number cannot receive SMS.
    :raises InvalidInputError: the name is empty or too long.
    """
    subject = institution_subject(institution_id)
    new = NewContact(subject=subject, name=name, number=number)
    return set_institution_contacts(session, {institution_id: new}, actor_id=actor_id)[subject]


def set_institution_contacts(
    session: Session, contacts: Mapping[int, NewContact], *, actor_id: int | None
) -> Mapping[str, Contact]:
    """Set the contacts of many institutions, each as :func:`set_institution_contact` does."""
    subjects = {institution_subject(institution_id): institution_id for institution_id in contacts}
    before = {
        subject: (contact.name, contact.number)
        for subject, contact in contacts_of(session, subjects).items()
    }
    after = set_contacts(session, list(contacts.values()), actor_id=actor_id)
    changes = [
        ContactChange(
            institution_id=subjects[subject],
            name=contact.name,
            number=contact.number,
            previous_number=before[subject][1] if subject in before else None,
            actor_id=actor_id,
        )
        for subject, contact in after.items()
        if before.get(subject) != (contact.name, contact.number)
    ]
    announce_contacts(session, changes)
    return after


def announce_contacts(session: Session, changes: Sequence[ContactChange]) -> None:
    """Bring the search up to date with contacts that were set, and tell who listens."""
    if not changes:
        return
    index_institutions(session, [change.institution_id for change in changes])
    runtime_of(session).hooks.tell(session, "contacts_changed", changes=changes)
