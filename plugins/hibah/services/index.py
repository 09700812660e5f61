"""Keeping the index of the quick search: what is written there for a grant, institution or decree.

The fragments are made by the database from the normalised text, in one statement that is the same
on SQLite and PostgreSQL, so that thousands of rows are indexed without carrying each one over.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from babel.dates import format_date
from sqlalchemy import delete, func, insert, literal, select, text, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from core.api.contacts import contacts_of
from plugins.hibah.chunks import chunks
from plugins.hibah.models import (
    FRAGMENT_LENGTH,
    Decree,
    Grant,
    Institution,
    Regency,
    SearchDocument,
    SearchFragment,
)
from plugins.hibah.normalise import SEPARATOR, document, phone_forms
from plugins.hibah.subjects import institution_subject

__all__ = ["index_decrees", "index_grants", "index_institutions", "refresh_statistics"]

Owner = InstrumentedAttribute[int | None]


def index_grants(session: Session, ids: Collection[int]) -> None:
    """Write anew what the search knows of these grants themselves."""
    for chunk in chunks(ids):
        query = select(Grant.id, Grant.code, Grant.dpa, Grant.amount, Grant.officer_text).where(
            Grant.id.in_(chunk)
        )
        bodies = {
            # An amount is typed with or without Rp, points and the ,00 at its end.
            row.id: document([row.code, row.dpa, f"rp{row.amount}00", row.officer_text])
            for row in session.execute(query)
        }
        _write(session, SearchDocument.grant_id, bodies)


def index_institutions(session: Session, ids: Collection[int]) -> None:
    """Write anew what the search knows of these institutions: name, address, current contact."""
    for chunk in chunks(ids):
        contacts = contacts_of(session, [institution_subject(owner) for owner in chunk])
        query = (
            select(
                Institution.id, Institution.name, Institution.address, Regency.name.label("regency")
            )
            .outerjoin(Regency, Regency.id == Institution.regency_id)
            .where(Institution.id.in_(chunk))
        )
        bodies: dict[int, str] = {}
        for row in session.execute(query):
            fields = [row.name, row.address, row.regency or ""]
            contact = contacts.get(institution_subject(row.id))
            if contact is not None:
                fields += [contact.name, *phone_forms(contact.number)]
            bodies[row.id] = document(fields)
        _write(session, SearchDocument.institution_id, bodies)


def index_decrees(session: Session, ids: Collection[int]) -> None:
    """Write anew what the search knows of these decrees."""
    for chunk in chunks(ids):
        query = select(Decree.id, Decree.official, Decree.number, Decree.dated).where(
            Decree.id.in_(chunk)
        )
        bodies = {
            row.id: document(
                [
                    row.official,
                    row.number,
                    format_date(row.dated, "d MMMM y", locale="id"),
                    f"{row.dated:%d/%m/%Y}",
                ]
            )
            for row in session.execute(query)
        }
        _write(session, SearchDocument.decree_id, bodies)


def refresh_statistics(session: Session) -> None:
    """Let the database look at the tables again after many rows came in.

    Until it does so by itself, which can take a minute, PostgreSQL plans searches for empty tables.
    """
    for table in (Grant, Institution, Decree, SearchDocument, SearchFragment):
        session.execute(text(f"ANALYZE {table.__tablename__}"))


def _write(session: Session, owner: Owner, bodies: Mapping[int, str]) -> None:
    """Store the documents whose text changed, and their fragments."""
    known = {
        row.owner: row
        for row in session.execute(
            select(SearchDocument.id, owner.label("owner"), SearchDocument.body).where(
                owner.in_(bodies)
            )
        )
    }
    changed = [
        {"id": known[key].id, "body": body}
        for key, body in bodies.items()
        if key in known and known[key].body != body
    ]
    ids = [row["id"] for row in changed]
    if changed:
        session.execute(update(SearchDocument), changed)
        session.execute(delete(SearchFragment).where(SearchFragment.document_id.in_(ids)))
    new = [{owner.key: key, "body": body} for key, body in bodies.items() if key not in known]
    if new:
        ids += session.scalars(insert(SearchDocument).returning(SearchDocument.id), new)
    if ids:
        _cut(session, ids, longest=max(map(len, bodies.values())))


def _cut(session: Session, document_ids: Collection[int], *, longest: int) -> None:
    """Make the fragments of documents that have none, at most ``longest`` characters long."""
    first = select(literal(1).label("n")).cte("position", recursive=True)
    position = first.union_all(select(first.c.n + 1).where(first.c.n < longest))
    body = SearchDocument.body
    fragments = (
        select(func.substr(body, position.c.n, FRAGMENT_LENGTH), SearchDocument.id)
        .join(position, position.c.n <= func.length(body))
        .where(SearchDocument.id.in_(document_ids), func.substr(body, position.c.n, 1) != SEPARATOR)
        .distinct()
    )
    session.execute(insert(SearchFragment).from_select(["fragment", "document_id"], fragments))
