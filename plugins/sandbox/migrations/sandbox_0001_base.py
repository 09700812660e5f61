"""What the network carries, its rules, the replies, and the log."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.api.db import UTCDateTime

revision = "sandbox_0001_base"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sandbox_delivery",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("ref", sa.String(length=64), nullable=False),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("parts", sa.SmallInteger(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("arrives_at", UTCDateTime(), nullable=True),
        sa.Column("report_state", sa.String(length=12), nullable=False),
        sa.Column("report_at", UTCDateTime(), nullable=True),
        sa.Column("reports_left", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sandbox_delivery")),
    )
    with op.batch_alter_table("sandbox_delivery", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_sandbox_delivery_address_id"), ["address", "id"], unique=False
        )
        batch_op.create_index(
            "ix_sandbox_delivery_report",
            ["account_id", "report_at"],
            unique=False,
            sqlite_where=sa.text("reports_left > 0"),
            postgresql_where=sa.text("reports_left > 0"),
        )

    op.create_table(
        "sandbox_log",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("event", sa.String(length=20), nullable=False),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("detail", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sandbox_log")),
    )
    with op.batch_alter_table("sandbox_log", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sandbox_log_at_id"), ["at", "id"], unique=False)

    op.create_table(
        "sandbox_reply",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("taken_at", UTCDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sandbox_reply")),
    )
    with op.batch_alter_table("sandbox_reply", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_sandbox_reply_address_id"), ["address", "id"], unique=False
        )
        batch_op.create_index(
            "ix_sandbox_reply_waiting",
            ["id"],
            unique=False,
            sqlite_where=sa.text("taken_at IS NULL"),
            postgresql_where=sa.text("taken_at IS NULL"),
        )

    op.create_table(
        "sandbox_rule",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("behaviour", sa.String(length=12), nullable=False),
        sa.Column("seconds", sa.SmallInteger(), nullable=False),
        sa.Column("remaining", sa.Integer(), nullable=True),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sandbox_rule")),
    )


def downgrade() -> None:
    op.drop_table("sandbox_rule")
    with op.batch_alter_table("sandbox_reply", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_sandbox_reply_waiting",
            sqlite_where=sa.text("taken_at IS NULL"),
            postgresql_where=sa.text("taken_at IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_sandbox_reply_address_id"))

    op.drop_table("sandbox_reply")
    with op.batch_alter_table("sandbox_log", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sandbox_log_at_id"))

    op.drop_table("sandbox_log")
    with op.batch_alter_table("sandbox_delivery", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_sandbox_delivery_report",
            sqlite_where=sa.text("reports_left > 0"),
            postgresql_where=sa.text("reports_left > 0"),
        )
        batch_op.drop_index(batch_op.f("ix_sandbox_delivery_address_id"))

    op.drop_table("sandbox_delivery")
