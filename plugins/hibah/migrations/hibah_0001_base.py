"""Institutions, grants, decrees, notes and the search index."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.api.db import UTCDateTime
from plugins.hibah.regencies import REGENCIES

revision = "hibah_0001_base"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "hibah_decree",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("stage", sa.SmallInteger(), nullable=False),
        sa.Column("official", sa.String(length=120), nullable=False),
        sa.Column("number", sa.String(length=80), nullable=False),
        sa.Column("dated", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hibah_decree")),
        sa.UniqueConstraint(
            "number",
            "dated",
            "stage",
            "official",
            name=op.f("uq_hibah_decree_number_dated_stage_official"),
        ),
    )
    regency = op.create_table(
        "hibah_regency",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hibah_regency")),
        sa.UniqueConstraint("name", name=op.f("uq_hibah_regency_name")),
    )
    op.bulk_insert(regency, [{"id": code, "name": name} for code, name in REGENCIES.items()])
    op.create_table(
        "hibah_institution",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("address", sa.String(length=300), nullable=False),
        sa.Column("regency_id", sa.SmallInteger(), nullable=True),
        sa.Column("identity", sa.String(length=64), nullable=False),
        sa.Column("thread_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("imported_contact", sa.String(length=200), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["regency_id"], ["hibah_regency.id"], name=op.f("fk_hibah_institution_regency_id")
        ),
        sa.ForeignKeyConstraint(
            ["thread_id"],
            ["abah_thread.id"],
            name=op.f("fk_hibah_institution_thread_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hibah_institution")),
        sa.UniqueConstraint("identity", name=op.f("uq_hibah_institution_identity")),
        sa.UniqueConstraint("thread_id", name=op.f("uq_hibah_institution_thread_id")),
    )
    with op.batch_alter_table("hibah_institution", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_hibah_institution_name"), ["name"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_hibah_institution_regency_id"), ["regency_id"], unique=False
        )

    op.create_table(
        "hibah_grant",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("dpa", sa.String(length=40), nullable=False),
        sa.Column(
            "institution_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=120), nullable=False),
        sa.Column("recommendation", sa.String(length=120), nullable=False),
        sa.Column("purpose", sa.String(length=300), nullable=False),
        sa.Column("state", sa.String(length=30), nullable=False),
        sa.Column("decree_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column(
            "officer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("officer_text", sa.String(length=120), nullable=False),
        sa.Column("team_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("locked", sa.Boolean(), nullable=False),
        sa.Column("pending", sa.Boolean(), nullable=False),
        sa.Column("archived_at", UTCDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_hibah_grant_amount")),
        sa.ForeignKeyConstraint(
            ["decree_id"], ["hibah_decree.id"], name=op.f("fk_hibah_grant_decree_id")
        ),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["hibah_institution.id"], name=op.f("fk_hibah_grant_institution_id")
        ),
        sa.ForeignKeyConstraint(
            ["officer_id"], ["abah_user.id"], name=op.f("fk_hibah_grant_officer_id")
        ),
        sa.ForeignKeyConstraint(["team_id"], ["abah_team.id"], name=op.f("fk_hibah_grant_team_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hibah_grant")),
        sa.UniqueConstraint("code", name=op.f("uq_hibah_grant_code")),
    )
    with op.batch_alter_table("hibah_grant", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_hibah_grant_archived_at"), ["archived_at"], unique=False
        )
        batch_op.create_index("ix_hibah_grant_created_at_id", ["created_at", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_hibah_grant_decree_id"), ["decree_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_hibah_grant_institution_id"), ["institution_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_hibah_grant_officer_id"), ["officer_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_hibah_grant_state"), ["state"], unique=False)
        batch_op.create_index(batch_op.f("ix_hibah_grant_team_id"), ["team_id"], unique=False)

    op.create_table(
        "hibah_note",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("grant_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("author_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["author_id"], ["abah_user.id"], name=op.f("fk_hibah_note_author_id")
        ),
        sa.ForeignKeyConstraint(
            ["grant_id"],
            ["hibah_grant.id"],
            name=op.f("fk_hibah_note_grant_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hibah_note")),
    )
    with op.batch_alter_table("hibah_note", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_hibah_note_author_id"), ["author_id"], unique=False)
        batch_op.create_index("ix_hibah_note_grant_id_id", ["grant_id", "id"], unique=False)

    op.create_table(
        "hibah_search_document",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("grant_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column(
            "institution_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("decree_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "(CASE WHEN grant_id IS NULL THEN 0 ELSE 1 END"
            " + CASE WHEN institution_id IS NULL THEN 0 ELSE 1 END"
            " + CASE WHEN decree_id IS NULL THEN 0 ELSE 1 END) = 1",
            name=op.f("ck_hibah_search_document_one_owner"),
        ),
        sa.ForeignKeyConstraint(
            ["decree_id"],
            ["hibah_decree.id"],
            name=op.f("fk_hibah_search_document_decree_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["grant_id"],
            ["hibah_grant.id"],
            name=op.f("fk_hibah_search_document_grant_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["institution_id"],
            ["hibah_institution.id"],
            name=op.f("fk_hibah_search_document_institution_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hibah_search_document")),
        sa.UniqueConstraint("decree_id", name=op.f("uq_hibah_search_document_decree_id")),
        sa.UniqueConstraint("grant_id", name=op.f("uq_hibah_search_document_grant_id")),
        sa.UniqueConstraint("institution_id", name=op.f("uq_hibah_search_document_institution_id")),
    )
    op.create_table(
        "hibah_search_fragment",
        sa.Column(
            "fragment",
            sa.String(length=12).with_variant(sa.String(length=12, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "document_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["document_id"],
            ["hibah_search_document.id"],
            name=op.f("fk_hibah_search_fragment_document_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("fragment", "document_id", name=op.f("pk_hibah_search_fragment")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("hibah_search_fragment", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_hibah_search_fragment_document_id"), ["document_id"], unique=False
        )


def downgrade() -> None:
    with op.batch_alter_table("hibah_search_fragment", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_hibah_search_fragment_document_id"))

    op.drop_table("hibah_search_fragment")
    op.drop_table("hibah_search_document")
    with op.batch_alter_table("hibah_note", schema=None) as batch_op:
        batch_op.drop_index("ix_hibah_note_grant_id_id")
        batch_op.drop_index(batch_op.f("ix_hibah_note_author_id"))

    op.drop_table("hibah_note")
    with op.batch_alter_table("hibah_grant", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_hibah_grant_team_id"))
        batch_op.drop_index(batch_op.f("ix_hibah_grant_state"))
        batch_op.drop_index(batch_op.f("ix_hibah_grant_officer_id"))
        batch_op.drop_index(batch_op.f("ix_hibah_grant_institution_id"))
        batch_op.drop_index(batch_op.f("ix_hibah_grant_decree_id"))
        batch_op.drop_index("ix_hibah_grant_created_at_id")
        batch_op.drop_index(batch_op.f("ix_hibah_grant_archived_at"))

    op.drop_table("hibah_grant")
    with op.batch_alter_table("hibah_institution", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_hibah_institution_regency_id"))
        batch_op.drop_index(batch_op.f("ix_hibah_institution_name"))

    op.drop_table("hibah_institution")
    op.drop_table("hibah_regency")
    op.drop_table("hibah_decree")
