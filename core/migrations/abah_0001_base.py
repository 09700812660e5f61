"""Every table of the core's rooms, as they were first."""

# ruff: noqa: PLR0915 - a history has as many statements as there were changes.

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.db import UTCDateTime
from core.framework.appendonly import append_only_statements

APPEND_ONLY = ("abah_audit", "abah_plugin_journal")

revision = "abah_0001_base"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "abah_audit",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("actor_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("action", sa.String(length=80), nullable=False),
        sa.Column("subject", sa.String(length=160), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("remote_addr", sa.String(length=45), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_abah_audit")),
    )
    with op.batch_alter_table("abah_audit", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_abah_audit_actor_id_id"), ["actor_id", "id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_abah_audit_at"), ["at"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_abah_audit_subject_id"), ["subject", "id"], unique=False
        )

    op.create_table(
        "abah_channel_account",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("transport", sa.String(length=60), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("is_paused", sa.Boolean(), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("failure_count", sa.Integer(), nullable=False),
        sa.Column("open_until", UTCDateTime(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("last_error_at", UTCDateTime(), nullable=True),
        sa.Column("last_success_at", UTCDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_abah_channel_account")),
        sa.UniqueConstraint("name", name=op.f("uq_abah_channel_account_name")),
    )
    op.create_table(
        "abah_form_key",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("location", sa.Text(), nullable=True),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_abah_form_key")),
    )
    with op.batch_alter_table("abah_form_key", schema=None) as batch_op:
        batch_op.create_index("ix_abah_form_key_created_at", ["created_at"], unique=False)

    op.create_table(
        "abah_lease",
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("holder", sa.String(length=120), nullable=False),
        sa.Column("until", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_abah_lease")),
    )
    op.create_table(
        "abah_lifecycle_lock",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("token", sa.String(length=32), nullable=False),
        sa.Column("host", sa.String(length=200), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("holder", sa.String(length=120), nullable=False),
        sa.Column("purpose", sa.String(length=200), nullable=False),
        sa.Column("acquired_at", UTCDateTime(), nullable=False),
        sa.Column("seen_at", UTCDateTime(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_abah_lifecycle_lock_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_abah_lifecycle_lock")),
    )
    op.create_table(
        "abah_plugin",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("adds", sa.JSON(), nullable=False),
        sa.Column("changed_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_abah_plugin")),
    )
    op.create_table(
        "abah_plugin_data",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("owner", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("external_id", sa.String(length=120), nullable=False),
        sa.Column("loaded", sa.JSON(), nullable=False),
        sa.Column("offered", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("loaded_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_abah_plugin_data")),
        sa.UniqueConstraint(
            "kind", "external_id", name=op.f("uq_abah_plugin_data_kind_external_id")
        ),
    )
    with op.batch_alter_table("abah_plugin_data", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_abah_plugin_data_owner"), ["owner"], unique=False)

    op.create_table(
        "abah_plugin_health",
        sa.Column("plugin", sa.String(length=40), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("hour", UTCDateTime(), nullable=False),
        sa.Column("calls", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("failures", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "microseconds", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("error_id", sa.String(length=8), nullable=True),
        sa.Column("failed_at", UTCDateTime(), nullable=True),
        sa.Column("open_until", UTCDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("plugin", "place", "hour", name=op.f("pk_abah_plugin_health")),
    )
    op.create_table(
        "abah_plugin_journal",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("operation_id", sa.String(length=32), nullable=False),
        sa.Column("plugin", sa.String(length=40), nullable=False),
        sa.Column("operation", sa.String(length=20), nullable=False),
        sa.Column("step", sa.String(length=20), nullable=False),
        sa.Column("outcome", sa.String(length=10), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("actor", sa.String(length=100), nullable=False),
        sa.Column("run", sa.String(length=32), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_abah_plugin_journal")),
    )
    with op.batch_alter_table("abah_plugin_journal", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_abah_plugin_journal_plugin_id"), ["plugin", "id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_abah_plugin_journal_run"), ["run"], unique=False)

    op.create_table(
        "abah_registry",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("replaced", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_abah_registry_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_abah_registry")),
    )
    op.create_table(
        "abah_role",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_abah_role")),
        sa.UniqueConstraint("name", name=op.f("uq_abah_role_name")),
    )
    op.create_table(
        "abah_schedule",
        sa.Column("owner", sa.String(length=40), nullable=False),
        sa.Column("task", sa.String(length=80), nullable=False),
        sa.Column("start_at", UTCDateTime(), nullable=False),
        sa.Column("last_at", UTCDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("owner", "task", name=op.f("pk_abah_schedule")),
    )
    op.create_table(
        "abah_setting",
        sa.Column("owner", sa.String(length=40), nullable=False),
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("is_secret", sa.Boolean(), nullable=False),
        sa.Column("changed_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "key", name=op.f("pk_abah_setting")),
    )
    op.create_table(
        "abah_team",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_abah_team")),
        sa.UniqueConstraint("name", name=op.f("uq_abah_team_name")),
    )
    op.create_table(
        "abah_thread",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("subject", sa.String(length=160), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("message_count", sa.Integer(), nullable=False),
        sa.Column("unread_count", sa.Integer(), nullable=False),
        sa.Column("failed_count", sa.Integer(), nullable=False),
        sa.Column("uncertain_count", sa.Integer(), nullable=False),
        sa.Column("last_text", sa.String(length=200), nullable=False),
        sa.Column("last_at", UTCDateTime(), nullable=False),
        sa.Column("last_direction", sa.String(length=3), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_abah_thread")),
        sa.UniqueConstraint("subject", name=op.f("uq_abah_thread_subject")),
    )
    with op.batch_alter_table("abah_thread", schema=None) as batch_op:
        batch_op.create_index(
            "ix_abah_thread_failed",
            ["last_at", "id"],
            unique=False,
            sqlite_where=sa.text("failed_count > 0"),
            postgresql_where=sa.text("failed_count > 0"),
        )
        batch_op.create_index(
            batch_op.f("ix_abah_thread_last_at_id"), ["last_at", "id"], unique=False
        )
        batch_op.create_index(
            "ix_abah_thread_uncertain",
            ["last_at", "id"],
            unique=False,
            sqlite_where=sa.text("uncertain_count > 0"),
            postgresql_where=sa.text("uncertain_count > 0"),
        )
        batch_op.create_index(
            "ix_abah_thread_unread",
            ["last_at", "id"],
            unique=False,
            sqlite_where=sa.text("unread_count > 0"),
            postgresql_where=sa.text("unread_count > 0"),
        )

    op.create_table(
        "abah_user",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("username", sa.String(length=40), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=False),
        sa.Column("first_name", sa.String(length=80), nullable=False),
        sa.Column("last_name", sa.String(length=80), nullable=False),
        sa.Column("nip", sa.String(length=18), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("phone", sa.String(length=16), nullable=True),
        sa.Column("phone_verified_at", UTCDateTime(), nullable=True),
        sa.Column("locale", sa.String(length=8), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("decided_at", UTCDateTime(), nullable=True),
        sa.Column(
            "decided_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("signed_in_at", UTCDateTime(), nullable=True),
        sa.CheckConstraint(
            "status IN ('pending', 'active', 'disabled')", name=op.f("ck_abah_user_status")
        ),
        sa.ForeignKeyConstraint(
            ["decided_by"],
            ["abah_user.id"],
            name=op.f("fk_abah_user_decided_by"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_abah_user")),
        sa.UniqueConstraint("email", name=op.f("uq_abah_user_email")),
        sa.UniqueConstraint("username", name=op.f("uq_abah_user_username")),
    )
    op.create_table(
        "abah_contact",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("subject", sa.String(length=120), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("number", sa.String(length=16), nullable=False),
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.Column("is_current", sa.Boolean(), nullable=False),
        sa.Column("opted_out_at", UTCDateTime(), nullable=True),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column(
            "created_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.ForeignKeyConstraint(
            ["created_by"],
            ["abah_user.id"],
            name=op.f("fk_abah_contact_created_by"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_abah_contact")),
    )
    with op.batch_alter_table("abah_contact", schema=None) as batch_op:
        batch_op.create_index("ix_abah_contact_number", ["number"], unique=False)
        batch_op.create_index("ix_abah_contact_subject_id", ["subject", "id"], unique=False)
        batch_op.create_index(
            "uq_abah_contact_current",
            ["subject", "role"],
            unique=True,
            sqlite_where=sa.text("is_current"),
            postgresql_where=sa.text("is_current"),
        )

    op.create_table(
        "abah_message",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("ref", sa.String(length=32), nullable=False),
        sa.Column("thread_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column(
            "account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("direction", sa.String(length=3), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("purpose", sa.String(length=60), nullable=False),
        sa.Column("origin", sa.String(length=120), nullable=False),
        sa.Column("lane", sa.SmallInteger(), nullable=False),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("sealed_body", sa.Text(), nullable=True),
        sa.Column("is_secret", sa.Boolean(), nullable=False),
        sa.Column("encoding", sa.String(length=8), nullable=False),
        sa.Column("parts", sa.SmallInteger(), nullable=False),
        sa.Column("digest", sa.String(length=24), nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("evidence", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("attempt_count", sa.SmallInteger(), nullable=False),
        sa.Column("is_pinned", sa.Boolean(), nullable=False),
        sa.Column("is_isolated", sa.Boolean(), nullable=False),
        sa.Column("due_at", UTCDateTime(), nullable=False),
        sa.Column("expires_at", UTCDateTime(), nullable=True),
        sa.Column("lease_until", UTCDateTime(), nullable=True),
        sa.Column("lease_holder", sa.String(length=120), nullable=True),
        sa.Column("sender_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("external_id", sa.String(length=200), nullable=True),
        sa.Column("raw", sa.Text(), nullable=True),
        sa.Column("is_ambiguous", sa.Boolean(), nullable=False),
        sa.Column(
            "resend_of_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column(
            "superseded_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("sent_at", UTCDateTime(), nullable=True),
        sa.Column("reported_at", UTCDateTime(), nullable=True),
        sa.Column("changed_at", UTCDateTime(), nullable=False),
        sa.Column("read_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["abah_channel_account.id"],
            name=op.f("fk_abah_message_account_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["resend_of_id"],
            ["abah_message.id"],
            name=op.f("fk_abah_message_resend_of_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["sender_id"],
            ["abah_user.id"],
            name=op.f("fk_abah_message_sender_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["superseded_by_id"],
            ["abah_message.id"],
            name=op.f("fk_abah_message_superseded_by_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["thread_id"],
            ["abah_thread.id"],
            name=op.f("fk_abah_message_thread_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_abah_message")),
        sa.UniqueConstraint("ref", name=op.f("uq_abah_message_ref")),
    )
    with op.batch_alter_table("abah_message", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_abah_message_address_created_at"),
            ["address", "created_at"],
            unique=False,
        )
        batch_op.create_index(
            "ix_abah_message_claim",
            ["account_id", "lane", "due_at", "id"],
            unique=False,
            sqlite_where=sa.text("state = 'queued'"),
            postgresql_where=sa.text("state = 'queued'"),
        )
        batch_op.create_index(
            "ix_abah_message_expiry",
            ["expires_at"],
            unique=False,
            sqlite_where=sa.text("state = 'queued' AND expires_at IS NOT NULL"),
            postgresql_where=sa.text("state = 'queued' AND expires_at IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_abah_message_lease",
            ["lease_until"],
            unique=False,
            sqlite_where=sa.text("state = 'sending'"),
            postgresql_where=sa.text("state = 'sending'"),
        )
        batch_op.create_index(
            "ix_abah_message_origin",
            ["origin"],
            unique=False,
            sqlite_where=sa.text("origin != ''"),
            postgresql_where=sa.text("origin != ''"),
        )
        batch_op.create_index(
            "ix_abah_message_sender",
            ["sender_id", "thread_id"],
            unique=False,
            sqlite_where=sa.text("sender_id IS NOT NULL"),
            postgresql_where=sa.text("sender_id IS NOT NULL"),
        )
        batch_op.create_index(
            batch_op.f("ix_abah_message_thread_id_id"), ["thread_id", "id"], unique=False
        )
        batch_op.create_index(
            "uq_abah_message_external",
            ["account_id", "external_id"],
            unique=True,
            sqlite_where=sa.text("external_id IS NOT NULL"),
            postgresql_where=sa.text("external_id IS NOT NULL"),
        )

    op.create_table(
        "abah_message_text",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("locale", sa.String(length=10), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("subject", sa.String(length=300), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("variables", sa.JSON(), nullable=False),
        sa.Column("changed_at", UTCDateTime(), nullable=False),
        sa.Column(
            "changed_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.ForeignKeyConstraint(
            ["changed_by_id"],
            ["abah_user.id"],
            name=op.f("fk_abah_message_text_changed_by_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_abah_message_text")),
        sa.UniqueConstraint("key", "locale", name=op.f("uq_abah_message_text_key_locale")),
    )
    op.create_table(
        "abah_role_permission",
        sa.Column("role_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("permission", sa.String(length=100), nullable=False),
        sa.Column("owner", sa.String(length=60), nullable=False),
        sa.ForeignKeyConstraint(
            ["role_id"],
            ["abah_role.id"],
            name=op.f("fk_abah_role_permission_role_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("role_id", "permission", name=op.f("pk_abah_role_permission")),
    )
    with op.batch_alter_table("abah_role_permission", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_abah_role_permission_owner"), ["owner"], unique=False)

    op.create_table(
        "abah_session",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("seen_at", UTCDateTime(), nullable=False),
        sa.Column("expires_at", UTCDateTime(), nullable=False),
        sa.Column("remote_addr", sa.String(length=45), nullable=False),
        sa.Column("user_agent", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["abah_user.id"], name=op.f("fk_abah_session_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_abah_session")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_abah_session_token_hash")),
    )
    with op.batch_alter_table("abah_session", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_abah_session_expires_at"), ["expires_at"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_abah_session_user_id"), ["user_id"], unique=False)

    op.create_table(
        "abah_team_member",
        sa.Column("team_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["team_id"],
            ["abah_team.id"],
            name=op.f("fk_abah_team_member_team_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["abah_user.id"],
            name=op.f("fk_abah_team_member_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("team_id", "user_id", name=op.f("pk_abah_team_member")),
    )
    with op.batch_alter_table("abah_team_member", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_abah_team_member_user_id"), ["user_id"], unique=False)

    op.create_table(
        "abah_user_role",
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("role_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["role_id"],
            ["abah_role.id"],
            name=op.f("fk_abah_user_role_role_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["abah_user.id"],
            name=op.f("fk_abah_user_role_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("user_id", "role_id", name=op.f("pk_abah_user_role")),
    )
    with op.batch_alter_table("abah_user_role", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_abah_user_role_role_id"), ["role_id"], unique=False)

    op.create_table(
        "abah_attempt",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "message_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column(
            "account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("started_at", UTCDateTime(), nullable=False),
        sa.Column("finished_at", UTCDateTime(), nullable=True),
        sa.Column("outcome", sa.String(length=12), nullable=True),
        sa.Column("code", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["abah_channel_account.id"],
            name=op.f("fk_abah_attempt_account_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["abah_message.id"],
            name=op.f("fk_abah_attempt_message_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_abah_attempt")),
        sa.UniqueConstraint("message_id", "number", name=op.f("uq_abah_attempt_message_id_number")),
    )
    op.create_table(
        "abah_proof",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("expires_at", UTCDateTime(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("wrong_hash", sa.String(length=64), nullable=False),
        sa.Column("used_at", UTCDateTime(), nullable=True),
        sa.Column("ended_at", UTCDateTime(), nullable=True),
        sa.Column(
            "message_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("remote_addr", sa.String(length=45), nullable=False),
        sa.CheckConstraint(
            "kind IN ('phone', 'registration', 'reset')", name=op.f("ck_abah_proof_kind")
        ),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["abah_message.id"],
            name=op.f("fk_abah_proof_message_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["abah_user.id"], name=op.f("fk_abah_proof_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_abah_proof")),
    )
    with op.batch_alter_table("abah_proof", schema=None) as batch_op:
        batch_op.create_index(
            "ix_abah_proof_address", ["kind", "address", "created_at"], unique=False
        )
        batch_op.create_index(
            "ix_abah_proof_remote", ["kind", "remote_addr", "created_at"], unique=False
        )
        batch_op.create_index("ix_abah_proof_secret", ["secret_hash"], unique=False)
        batch_op.create_index("ix_abah_proof_user", ["kind", "user_id", "id"], unique=False)

    op.create_table(
        "abah_report",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("evidence", sa.String(length=12), nullable=False),
        sa.Column("ref", sa.String(length=200), nullable=False),
        sa.Column("reference", sa.String(length=200), nullable=False),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=True),
        sa.Column("received_at", UTCDateTime(), nullable=False),
        sa.Column(
            "message_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("applied_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["abah_channel_account.id"],
            name=op.f("fk_abah_report_account_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["abah_message.id"],
            name=op.f("fk_abah_report_message_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_abah_report")),
    )
    with op.batch_alter_table("abah_report", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_abah_report_message_id"), ["message_id"], unique=False)
        batch_op.create_index(
            "ix_abah_report_waiting",
            ["account_id", "ref"],
            unique=False,
            sqlite_where=sa.text("applied_at IS NULL"),
            postgresql_where=sa.text("applied_at IS NULL"),
        )
        batch_op.create_index(
            "ix_abah_report_unapplied",
            ["received_at"],
            unique=False,
            sqlite_where=sa.text("applied_at IS NULL"),
            postgresql_where=sa.text("applied_at IS NULL"),
        )
        batch_op.create_index(
            "ix_abah_report_waiting_reference",
            ["account_id", "reference"],
            unique=False,
            sqlite_where=sa.text("applied_at IS NULL"),
            postgresql_where=sa.text("applied_at IS NULL"),
        )

    op.create_table(
        "abah_segment",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "message_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("attempt", sa.SmallInteger(), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("reference", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("evidence", sa.String(length=12), nullable=False),
        sa.Column("reported_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["abah_channel_account.id"],
            name=op.f("fk_abah_segment_account_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["abah_message.id"],
            name=op.f("fk_abah_segment_message_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_abah_segment")),
        sa.UniqueConstraint(
            "message_id",
            "attempt",
            "number",
            name=op.f("uq_abah_segment_message_id_attempt_number"),
        ),
    )
    with op.batch_alter_table("abah_segment", schema=None) as batch_op:
        batch_op.create_index(
            "ix_abah_segment_reference",
            ["account_id", "reference"],
            unique=False,
            sqlite_where=sa.text("reference != ''"),
            postgresql_where=sa.text("reference != ''"),
        )

    op.create_table(
        "abah_registration",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("proof_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("username", sa.String(length=40), nullable=False),
        sa.Column("first_name", sa.String(length=80), nullable=False),
        sa.Column("last_name", sa.String(length=80), nullable=False),
        sa.Column("nip", sa.String(length=18), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(
            ["proof_id"],
            ["abah_proof.id"],
            name=op.f("fk_abah_registration_proof_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_abah_registration")),
        sa.UniqueConstraint("proof_id", name=op.f("uq_abah_registration_proof_id")),
    )
    for table in APPEND_ONLY:
        for statement in append_only_statements(table, op.get_bind().dialect.name):
            op.execute(statement)


def downgrade() -> None:
    op.drop_table("abah_registration")
    with op.batch_alter_table("abah_segment", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_abah_segment_reference",
            sqlite_where=sa.text("reference != ''"),
            postgresql_where=sa.text("reference != ''"),
        )

    op.drop_table("abah_segment")
    with op.batch_alter_table("abah_report", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_abah_report_unapplied",
            sqlite_where=sa.text("applied_at IS NULL"),
            postgresql_where=sa.text("applied_at IS NULL"),
        )
        batch_op.drop_index(
            "ix_abah_report_waiting_reference",
            sqlite_where=sa.text("applied_at IS NULL"),
            postgresql_where=sa.text("applied_at IS NULL"),
        )
        batch_op.drop_index(
            "ix_abah_report_waiting",
            sqlite_where=sa.text("applied_at IS NULL"),
            postgresql_where=sa.text("applied_at IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_abah_report_message_id"))

    op.drop_table("abah_report")
    with op.batch_alter_table("abah_proof", schema=None) as batch_op:
        batch_op.drop_index("ix_abah_proof_user")
        batch_op.drop_index("ix_abah_proof_secret")
        batch_op.drop_index("ix_abah_proof_remote")
        batch_op.drop_index("ix_abah_proof_address")

    op.drop_table("abah_proof")
    op.drop_table("abah_attempt")
    with op.batch_alter_table("abah_user_role", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_abah_user_role_role_id"))

    op.drop_table("abah_user_role")
    with op.batch_alter_table("abah_team_member", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_abah_team_member_user_id"))

    op.drop_table("abah_team_member")
    with op.batch_alter_table("abah_session", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_abah_session_user_id"))
        batch_op.drop_index(batch_op.f("ix_abah_session_expires_at"))

    op.drop_table("abah_session")
    with op.batch_alter_table("abah_role_permission", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_abah_role_permission_owner"))

    op.drop_table("abah_role_permission")
    op.drop_table("abah_message_text")
    with op.batch_alter_table("abah_message", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_abah_message_external",
            sqlite_where=sa.text("external_id IS NOT NULL"),
            postgresql_where=sa.text("external_id IS NOT NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_abah_message_thread_id_id"))
        batch_op.drop_index(
            "ix_abah_message_sender",
            sqlite_where=sa.text("sender_id IS NOT NULL"),
            postgresql_where=sa.text("sender_id IS NOT NULL"),
        )
        batch_op.drop_index(
            "ix_abah_message_origin",
            sqlite_where=sa.text("origin != ''"),
            postgresql_where=sa.text("origin != ''"),
        )
        batch_op.drop_index(
            "ix_abah_message_lease",
            sqlite_where=sa.text("state = 'sending'"),
            postgresql_where=sa.text("state = 'sending'"),
        )
        batch_op.drop_index(
            "ix_abah_message_expiry",
            sqlite_where=sa.text("state = 'queued' AND expires_at IS NOT NULL"),
            postgresql_where=sa.text("state = 'queued' AND expires_at IS NOT NULL"),
        )
        batch_op.drop_index(
            "ix_abah_message_claim",
            sqlite_where=sa.text("state = 'queued'"),
            postgresql_where=sa.text("state = 'queued'"),
        )
        batch_op.drop_index(batch_op.f("ix_abah_message_address_created_at"))

    op.drop_table("abah_message")
    with op.batch_alter_table("abah_contact", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_abah_contact_current",
            sqlite_where=sa.text("is_current"),
            postgresql_where=sa.text("is_current"),
        )
        batch_op.drop_index("ix_abah_contact_subject_id")
        batch_op.drop_index("ix_abah_contact_number")

    op.drop_table("abah_contact")
    op.drop_table("abah_user")
    with op.batch_alter_table("abah_thread", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_abah_thread_unread",
            sqlite_where=sa.text("unread_count > 0"),
            postgresql_where=sa.text("unread_count > 0"),
        )
        batch_op.drop_index(
            "ix_abah_thread_uncertain",
            sqlite_where=sa.text("uncertain_count > 0"),
            postgresql_where=sa.text("uncertain_count > 0"),
        )
        batch_op.drop_index(batch_op.f("ix_abah_thread_last_at_id"))
        batch_op.drop_index(
            "ix_abah_thread_failed",
            sqlite_where=sa.text("failed_count > 0"),
            postgresql_where=sa.text("failed_count > 0"),
        )

    op.drop_table("abah_thread")
    op.drop_table("abah_team")
    op.drop_table("abah_setting")
    op.drop_table("abah_schedule")
    op.drop_table("abah_role")
    op.drop_table("abah_registry")
    with op.batch_alter_table("abah_plugin_journal", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_abah_plugin_journal_run"))
        batch_op.drop_index(batch_op.f("ix_abah_plugin_journal_plugin_id"))

    op.drop_table("abah_plugin_journal")
    op.drop_table("abah_plugin_health")
    with op.batch_alter_table("abah_plugin_data", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_abah_plugin_data_owner"))

    op.drop_table("abah_plugin_data")
    op.drop_table("abah_plugin")
    op.drop_table("abah_lifecycle_lock")
    op.drop_table("abah_lease")
    with op.batch_alter_table("abah_form_key", schema=None) as batch_op:
        batch_op.drop_index("ix_abah_form_key_created_at")

    op.drop_table("abah_form_key")
    op.drop_table("abah_channel_account")
    with op.batch_alter_table("abah_audit", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_abah_audit_subject_id"))
        batch_op.drop_index(batch_op.f("ix_abah_audit_at"))
        batch_op.drop_index(batch_op.f("ix_abah_audit_actor_id_id"))

    op.drop_table("abah_audit")
