"""Mail to the people who use the application, through the message engine."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.accounts.models import RolePermission, User, UserRole, UserStatus
from core.accounts.services import (
    AccessChange,
    PasswordChange,
    on_access_change,
    on_password_change,
)
from core.framework.runtime import runtime_of
from core.messaging.services import Draft, Lane, queue_message, queue_messages, render_messages

__all__ = ["link_to", "mail_admins", "send_mail"]


def link_to(session: Session, path: str) -> str:
    """Return the full address of a page, below ``abah.base_url``.

    Never taken from the request: whoever asks could choose its host name.
    """
    base = runtime_of(session).settings.text("abah.base_url") or "http://localhost:6543"
    return f"{base.rstrip('/')}/{path}"


def send_mail(  # noqa: PLR0913 - the facts of one mail, by name
    session: Session,
    address: str,
    key: str,
    variables: Mapping[str, Any],
    *,
    secret: bool = False,
    expires_at: datetime | None = None,
) -> int:
    """Queue one mail with a message text and return the message's id.

    ``secret`` is for mail with a link that opens something: its text is erased once it was handed
    over.
    """
    [text] = render_messages(session, key, [variables])
    return queue_message(
        session,
        Draft(
            address=address,
            body=text.body,
            title=text.subject,
            purpose=key,
            kind="email",
            lane=Lane.CODE if secret else Lane.PERSON,
            secret=secret,
            expires_at=expires_at,
        ),
    )


def mail_admins(session: Session, key: str, variables: Mapping[str, Any]) -> None:
    """Queue a mail to everybody who may let people in."""
    addresses = session.scalars(
        select(User.email)
        .join(UserRole, UserRole.user_id == User.id)
        .join(RolePermission, RolePermission.role_id == UserRole.role_id)
        .where(RolePermission.permission == "accounts.manage", User.status == UserStatus.ACTIVE)
        .distinct()
        .order_by(User.email)
    ).all()
    [text] = render_messages(session, key, [variables])
    queue_messages(
        session,
        [
            Draft(
                address=address,
                body=text.body,
                title=text.subject,
                purpose=key,
                kind="email",
                lane=Lane.PERSON,
            )
            for address in addresses
        ],
    )


@on_access_change
def tell_person(session: Session, change: AccessChange) -> None:
    """Write to a person who was let in, or refused."""
    if change.after is UserStatus.ACTIVE and change.before is not UserStatus.ACTIVE:
        variables = {"nama": change.name, "tautan_masuk": link_to(session, "masuk")}
        send_mail(session, change.email, "accounts.granted", variables)
    elif change.after is UserStatus.DISABLED and change.before is UserStatus.PENDING:
        send_mail(session, change.email, "accounts.refused", {"nama": change.name})


@on_password_change
def warn_person(session: Session, change: PasswordChange) -> None:
    """Write to a person whose password was replaced, in case it was somebody else."""
    variables = {
        "nama": change.name,
        "akun": change.username,
        "tautan_lupa": link_to(session, "lupa-sandi"),
    }
    send_mail(session, change.email, "accounts.password_changed", variables)
