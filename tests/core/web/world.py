"""Two tables and a policy for the tests of the web."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import Column, Date, ForeignKey, Integer, MetaData, Numeric, String, Table

from core.db import UTCDateTime

if TYPE_CHECKING:
    from pyramid.request import Request

metadata = MetaData()

person = Table(
    "try_person",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(40), nullable=False),
)
paper = Table(
    "try_paper",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("title", String(80), nullable=False),
    Column("state", String(10), nullable=False),
    Column("amount", Numeric(18, 2)),
    Column("due", Date),
    Column("made_at", UTCDateTime(), nullable=False),
    Column("person_id", ForeignKey("try_person.id")),
)

MADE = datetime(2018, 11, 30, 5, 53, 19, tzinfo=UTC)
"""12:53:19 WIB."""


@dataclass(frozen=True)
class Somebody:
    """A signed-in person."""

    permissions: frozenset[str]
    name: str = "ANINDHITA"
    locale: str | None = None


class Policy:
    """Who asks stands in a header: the permissions, separated by spaces."""

    def identity(self, request: Request) -> Somebody | None:
        granted = request.headers.get("X-Permissions")
        return None if granted is None else Somebody(frozenset(granted.split()))

    def authenticated_userid(self, request: Request) -> str | None:
        return None if request.identity is None else request.identity.name

    def permits(self, request: Request, _context: object, permission: str) -> bool:
        return request.identity is not None and permission in request.identity.permissions


SIGNED_IN = {"X-Permissions": "abah.signed_in"}
