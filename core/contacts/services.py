"""Rules of contacts: who is written to about a subject, who was before, and who asked not to be."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final, TypeVar

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core import audit
from core.contacts.models import Contact
from core.contacts.numbers import parse_number
from core.db import utcnow
from core.errors import ConflictError, InvalidInputError
from core.i18n import _

__all__ = [
    "NewContact",
    "contact_history",
    "contacts_of",
    "opt_in",
    "opt_out",
    "opted_out",
    "set_contact",
    "set_contacts",
    "subjects_of_numbers",
]

T = TypeVar("T")

CHUNK: Final = 500
"""Values in one IN list; both databases take it in one statement."""

MAX_NAME: Final = 120


@dataclass(frozen=True, slots=True)
class NewContact:
    """A contact to be set."""

    subject: str
    """Opaque key of its owner, as ``hibah.institution:42``."""
    name: str
    number: str
    """In any spelling that :func:`~core.contacts.numbers.parse_number` takes."""
    role: str = ""


def contacts_of(
    session: Session, subjects: Collection[str], *, role: str = ""
) -> dict[str, Contact]:
    """Return the current contact of each subject; subjects without one are left out."""
    found: dict[str, Contact] = {}
    for chunk in _chunks(subjects):
        query = select(Contact).where(
            Contact.subject.in_(chunk), Contact.role == role, Contact.is_current
        )
        found.update({contact.subject: contact for contact in session.scalars(query)})
    return found


def contact_history(session: Session, subject: str) -> list[Contact]:
    """Return every contact that a subject has or had, newest first."""
    query = select(Contact).where(Contact.subject == subject).order_by(Contact.id.desc())
    return list(session.scalars(query))


def subjects_of_numbers(session: Session, numbers: Collection[str]) -> dict[str, list[str]]:
    """Return, for each E.164 number, the subjects whose current contact has it, oldest first."""
    found: dict[str, list[str]] = {}
    for chunk in _chunks(numbers):
        query = (
            select(Contact.number, Contact.subject)
            .where(Contact.number.in_(chunk), Contact.is_current)
            .order_by(Contact.id)
        )
        for number, subject in session.execute(query):
            found.setdefault(number, []).append(subject)
    return found


def set_contact(  # noqa: PLR0913 - the facts of one contact, by name
    session: Session, subject: str, *, name: str, number: str, actor_id: int | None, role: str = ""
) -> Contact:
    """Make a person and number the subject's contact and return it, flushed so that it has an id.

    The former contact stays in the history. The same person and number again change nothing.

    :raises InvalidNumberError: the number cannot receive SMS.
    :raises InvalidInputError: the name is empty or too long.
    :raises ConflictError: somebody else set a contact in the same moment.
    """
    new = NewContact(subject=subject, name=name, number=number, role=role)
    return set_contacts(session, [new], actor_id=actor_id)[subject]


def set_contacts(
    session: Session, contacts: Sequence[NewContact], *, actor_id: int | None
) -> dict[str, Contact]:
    """Set many contacts at once and return them by subject.

    Of two for one subject and role the last counts. Raises as :func:`set_contact`, then sets none.
    """
    wanted = {(new.subject, new.role): _checked(new) for new in contacts}
    current = _current(session, wanted)
    changed = {
        key: new
        for key, new in wanted.items()
        if key not in current or (current[key].name, current[key].number) != (new.name, new.number)
    }
    replaced = [current[key].id for key in changed if key in current]
    now = utcnow()
    silent = _opted_out_at(session, {new.number for new in changed.values()})
    values = [
        {
            "subject": new.subject,
            "name": new.name,
            "number": new.number,
            "role": new.role,
            "is_current": True,
            "opted_out_at": silent.get(new.number),
            "created_at": now,
            "created_by": actor_id,
        }
        for new in changed.values()
    ]
    rows: dict[tuple[str, str], Contact] = {}
    try:
        with session.begin_nested():
            for chunk in _chunks(replaced):
                session.execute(
                    update(Contact).where(Contact.id.in_(chunk)).values(is_current=False)
                )
            if values:
                added = session.scalars(insert(Contact).returning(Contact), values)
                rows = {(contact.subject, contact.role): contact for contact in added}
    except IntegrityError as error:
        raise ConflictError from error
    audit.record_many(
        session,
        actor_id=actor_id,
        acts=[_act(row, current.get(key)) for key, row in rows.items()],
    )
    return {key[0]: rows.get(key) or current[key] for key in wanted}


def opt_out(session: Session, number: str, *, at: datetime | None = None) -> int:
    """Note that a number asked for no more texts, and return how many contacts that touches.

    The wish belongs to the number: contacts that get it later carry it too.
    """
    result = session.execute(
        update(Contact)
        .where(Contact.number == number, Contact.opted_out_at.is_(None))
        .values(opted_out_at=at or utcnow())
        .returning(Contact.id)
    )
    return len(result.all())


def opt_in(session: Session, number: str) -> int:
    """Take back :func:`opt_out`, and return how many contacts that touches."""
    result = session.execute(
        update(Contact)
        .where(Contact.number == number, Contact.opted_out_at.is_not(None))
        .values(opted_out_at=None)
        .returning(Contact.id)
    )
    return len(result.all())


def opted_out(session: Session, numbers: Collection[str]) -> set[str]:
    """Return those E.164 numbers that asked for no more texts."""
    return set(_opted_out_at(session, numbers))


def _opted_out_at(session: Session, numbers: Collection[str]) -> dict[str, datetime]:
    found: dict[str, datetime] = {}
    for chunk in _chunks(numbers):
        query = select(Contact.number, Contact.opted_out_at).where(
            Contact.number.in_(chunk), Contact.opted_out_at.is_not(None)
        )
        found.update({number: at for number, at in session.execute(query) if at is not None})
    return found


def _current(session: Session, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Contact]:
    wanted = set(keys)
    found: dict[tuple[str, str], Contact] = {}
    for chunk in _chunks({subject for subject, _role in wanted}):
        query = select(Contact).where(Contact.subject.in_(chunk), Contact.is_current)
        for contact in session.scalars(query):
            if (contact.subject, contact.role) in wanted:
                found[contact.subject, contact.role] = contact
    return found


def _checked(new: NewContact) -> NewContact:
    name = " ".join(new.name.split())
    if not name:
        raise InvalidInputError(field="name", explanation=_("Nama kontak person belum diisi."))
    if len(name) > MAX_NAME:
        raise InvalidInputError(
            field="name",
            explanation=_(
                "Nama kontak person terlalu panjang (paling banyak ${n} huruf).",
                mapping={"n": MAX_NAME},
            ),
        )
    return NewContact(new.subject, name, parse_number(new.number), new.role)


def _act(row: Contact, before: Contact | None) -> audit.Act:
    details = {"name": row.name, "number": row.number}
    if before is not None:
        details.update(previous_name=before.name, previous_number=before.number)
    if row.role:
        details["role"] = row.role
    return audit.Act("contact.set", row.subject, details)


def _chunks(values: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(values)
    while chunk := list(islice(rest, CHUNK)):
        yield chunk
