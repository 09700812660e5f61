"""Tables of the grants: institutions, decrees, grants, notes, and the index of the quick search."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from core.api.db import Base, BigId, utcnow
from plugins.hibah.workflow import State

__all__ = [
    "FRAGMENT_LENGTH",
    "Decree",
    "Grant",
    "Institution",
    "Note",
    "Regency",
    "SearchDocument",
    "SearchFragment",
]

FRAGMENT_LENGTH = 12
"""Characters of an index entry: a code or a telephone number fits in whole."""

_BYTEWISE = String(FRAGMENT_LENGTH).with_variant(
    String(FRAGMENT_LENGTH, collation="C"), "postgresql"
)
"""Compared byte by byte, so that a range of fragments means the same on both databases."""


class Regency(Base):
    """A regency (kabupaten) or city (kota) of the province."""

    __tablename__ = "hibah_regency"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    """Code of Kemendagri, as 3578."""
    name: Mapped[str] = mapped_column(String(40), unique=True)


class Institution(Base):
    """Who receives grants. One conversation and one contact for all its grants."""

    __tablename__ = "hibah_institution"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(String(200), index=True)
    address: Mapped[str] = mapped_column(String(300), default="")
    regency_id: Mapped[int | None] = mapped_column(
        SmallInteger, ForeignKey("hibah_regency.id"), index=True
    )
    identity: Mapped[str] = mapped_column(String(64), unique=True)
    """What the importer matches by: a digest of name, regency and address as they are folded.

    The address belongs to it: two mosques of one name must never share a conversation.
    """
    thread_id: Mapped[int | None] = mapped_column(
        BigId, ForeignKey("abah_thread.id", ondelete="SET NULL"), unique=True
    )
    imported_contact: Mapped[str] = mapped_column(String(200), default="")
    """The contact that the last import gave. A workbook that still says the same does not undo
    what an officer mended since."""
    created_at: Mapped[datetime] = mapped_column(default=utcnow)


class Decree(Base):
    """A decree (SK) that names receivers of grants."""

    __tablename__ = "hibah_decree"
    __table_args__ = (UniqueConstraint("number", "dated", "stage", "official"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    stage: Mapped[int] = mapped_column(SmallInteger)
    """Tahap: 1 for the first."""
    official: Mapped[str] = mapped_column(String(120))
    """Pejabat: who signed it, as GUBERNUR JAWA TIMUR."""
    number: Mapped[str] = mapped_column(String(80))
    dated: Mapped[date]


class Grant(Base):
    """One grant to one institution, from the request to the accounts."""

    __tablename__ = "hibah_grant"
    __table_args__ = (
        CheckConstraint("amount >= 0", name="amount"),
        Index("ix_hibah_grant_created_at_id", "created_at", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    code: Mapped[str] = mapped_column(String(40), unique=True)
    """Process code (kode), as 2018-HK-00005; capital letters."""
    dpa: Mapped[str] = mapped_column(String(40), default="")
    """Number of the budget document (DPA)."""
    institution_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("hibah_institution.id"), index=True
    )
    amount: Mapped[int] = mapped_column(BigInteger)
    """Nominal in whole rupiah."""
    kind: Mapped[str] = mapped_column(String(120), default="")
    """Jenis, as Hibah Berbadan Hukum Indonesia."""
    recommendation: Mapped[str] = mapped_column(String(120), default="")
    """Rekomendasi, as REGULER."""
    purpose: Mapped[str] = mapped_column(String(300), default="")
    """Peruntukan: what the money is for."""
    state: Mapped[str] = mapped_column(String(30), default=State.REQUESTED.value, index=True)
    """A value of :class:`plugins.hibah.workflow.State`."""
    decree_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("hibah_decree.id"), index=True)
    officer_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("abah_user.id"), index=True)
    officer_text: Mapped[str] = mapped_column(String(120), default="")
    """Petugas as the workbook wrote it, while no such user is known."""
    team_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("abah_team.id"), index=True)
    locked: Mapped[bool] = mapped_column(default=False)
    pending: Mapped[bool] = mapped_column(default=False)
    archived_at: Mapped[datetime | None] = mapped_column(index=True)
    """Since when it belongs to Data Arsip; None for Data Aktif."""
    version: Mapped[int] = mapped_column(default=1)
    """Rises with every change: a page that was opened before is stale."""
    created_at: Mapped[datetime] = mapped_column(default=utcnow)


class Note(Base):
    """A remark (catatan) of an officer on a grant."""

    __tablename__ = "hibah_note"
    __table_args__ = (Index("ix_hibah_note_grant_id_id", "grant_id", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    grant_id: Mapped[int] = mapped_column(BigId, ForeignKey("hibah_grant.id", ondelete="CASCADE"))
    author_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("abah_user.id"), index=True)
    body: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)


class SearchDocument(Base):
    """What the quick search knows of one grant, institution or decree.

    Split by what changes together: a new contact is written once, however many grants the
    institution has.
    """

    __tablename__ = "hibah_search_document"
    __table_args__ = (
        CheckConstraint(
            "(CASE WHEN grant_id IS NULL THEN 0 ELSE 1 END"
            " + CASE WHEN institution_id IS NULL THEN 0 ELSE 1 END"
            " + CASE WHEN decree_id IS NULL THEN 0 ELSE 1 END) = 1",
            name="one_owner",
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    grant_id: Mapped[int | None] = mapped_column(
        BigId, ForeignKey("hibah_grant.id", ondelete="CASCADE"), unique=True
    )
    institution_id: Mapped[int | None] = mapped_column(
        BigId, ForeignKey("hibah_institution.id", ondelete="CASCADE"), unique=True
    )
    decree_id: Mapped[int | None] = mapped_column(
        BigId, ForeignKey("hibah_decree.id", ondelete="CASCADE"), unique=True
    )
    body: Mapped[str] = mapped_column(Text)
    """The normalised fields, separated by ``|``."""


class SearchFragment(Base):
    """The characters from one position of a document on. Any part of a field begins one of them."""

    __tablename__ = "hibah_search_fragment"
    __table_args__ = ({"sqlite_with_rowid": False},)

    fragment: Mapped[str] = mapped_column(_BYTEWISE, primary_key=True)
    document_id: Mapped[int] = mapped_column(
        BigId,
        ForeignKey("hibah_search_document.id", ondelete="CASCADE"),
        primary_key=True,
        index=True,
    )
