"""Invitations and the institutions on them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.api.db import UTCDateTime

revision = "nphd_0001_base"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "nphd_invitation",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "officer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("held_on", sa.Date(), nullable=False),
        sa.Column("held_at", sa.Time(), nullable=False),
        sa.Column("place", sa.String(length=200), nullable=False),
        sa.Column("invitee_count", sa.Integer(), nullable=False),
        sa.Column("notified_count", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("cancelled_at", UTCDateTime(), nullable=True),
        sa.Column(
            "cancelled_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.CheckConstraint(
            "notified_count <= invitee_count", name=op.f("ck_nphd_invitation_notified_count")
        ),
        sa.ForeignKeyConstraint(
            ["cancelled_by"], ["abah_user.id"], name=op.f("fk_nphd_invitation_cancelled_by")
        ),
        sa.ForeignKeyConstraint(
            ["officer_id"], ["abah_user.id"], name=op.f("fk_nphd_invitation_officer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_nphd_invitation")),
    )
    op.create_index(
        "ix_nphd_invitation_held_on_id", "nphd_invitation", ["held_on", "id"], unique=False
    )
    op.create_index(
        op.f("ix_nphd_invitation_officer_id"), "nphd_invitation", ["officer_id"], unique=False
    )
    op.create_index(
        "uq_nphd_invitation_officer_id_held_on",
        "nphd_invitation",
        ["officer_id", "held_on"],
        unique=True,
        sqlite_where=sa.text("cancelled_at IS NULL"),
        postgresql_where=sa.text("cancelled_at IS NULL"),
    )

    op.create_table(
        "nphd_invitee",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "invitation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "institution_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("grant_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person", sa.String(length=120), nullable=False),
        sa.Column("number", sa.String(length=16), nullable=False),
        sa.Column("request_key", sa.String(length=36), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("added_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("added_at", UTCDateTime(), nullable=False),
        sa.Column("notified_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["added_by"], ["abah_user.id"], name=op.f("fk_nphd_invitee_added_by")
        ),
        sa.ForeignKeyConstraint(
            ["grant_id"], ["hibah_grant.id"], name=op.f("fk_nphd_invitee_grant_id")
        ),
        sa.ForeignKeyConstraint(
            ["institution_id"],
            ["hibah_institution.id"],
            name=op.f("fk_nphd_invitee_institution_id"),
        ),
        sa.ForeignKeyConstraint(
            ["invitation_id"],
            ["nphd_invitation.id"],
            name=op.f("fk_nphd_invitee_invitation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_nphd_invitee")),
        sa.UniqueConstraint(
            "invitation_id",
            "institution_id",
            name=op.f("uq_nphd_invitee_invitation_id_institution_id"),
        ),
        sa.UniqueConstraint("request_key", name=op.f("uq_nphd_invitee_request_key")),
    )
    op.create_index(op.f("ix_nphd_invitee_grant_id"), "nphd_invitee", ["grant_id"], unique=False)
    op.create_index(
        op.f("ix_nphd_invitee_institution_id"), "nphd_invitee", ["institution_id"], unique=False
    )


def downgrade() -> None:
    op.drop_table("nphd_invitee")
    op.drop_table("nphd_invitation")
