"""Reading what was sent to a person, as the person would."""

from __future__ import annotations

import re

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.framework.runtime import runtime_of
from core.messaging.models import Message

__all__ = ["bodies", "last_code", "last_link", "wrong"]


def bodies(session: Session, address: str) -> list[tuple[str, str]]:
    """Return (purpose, text) of every message to an address, oldest first."""
    rows = session.execute(
        select(Message.purpose, Message.body, Message.sealed_body)
        .where(Message.address == address)
        .order_by(Message.id)
    )
    decrypt = runtime_of(session).secrets.decrypt
    return [
        (row.purpose, decrypt(row.sealed_body) if row.sealed_body else row.body) for row in rows
    ]


def last_code(session: Session, number: str) -> str:
    """Return the code of the newest SMS to a number."""
    _purpose, text = bodies(session, number)[-1]
    found = re.search(r"\b\d{4}\b", text)
    assert found, text
    return found.group()


def last_link(session: Session, address: str) -> str:
    """Return the path of the link in the newest mail to an address."""
    _purpose, text = bodies(session, address)[-1]
    found = re.search(r"http://localhost(/\S+/\S+)", text)
    assert found, text
    return found.group(1)


def wrong(code: str, step: int = 1) -> str:
    """Return another code of four digits."""
    return f"{(int(code) + step) % 10_000:04d}"
