"""The grant workflow. Declared in the core so that a plugin can listen without the grants module.

The plugin ``hibah`` calls these hooks; without it they are never called.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from core.hookspecs.facts import UserFacts
from core.hookspecs.markers import hookspec
from core.i18n import TranslationString

if TYPE_CHECKING:
    from pyramid.request import Request
    from sqlalchemy.orm import Session

__all__ = [
    "ContactChange",
    "GrantAction",
    "GrantChange",
    "GrantFacts",
    "check_transition",
    "contacts_changed",
    "grants_changed",
    "register_grant_actions",
]


@dataclass(frozen=True, slots=True)
class GrantFacts:
    """A grant as a card shows it."""

    id: int
    code: str
    institution_id: int
    institution_name: str
    state: str
    archived: bool
    locked: bool
    pending: bool
    officer_id: int | None


@dataclass(frozen=True, slots=True)
class GrantAction:
    """Something that can be done from a grant's card."""

    key: str
    """As ``nphd.invite``; unique."""
    label: TranslationString
    """The manual's word."""
    order: int
    permission: str
    states: frozenset[str] | None = None
    """States in which it is offered; None means all."""
    archived: bool = False
    """Whether it is offered for archived grants too."""
    pending: bool = True
    """Whether it is offered while the grant is held back (Pending)."""
    url: Callable[[Request, GrantFacts], str] | None = None
    """Address of its page. None while no page exists: the action is then declared but not shown."""
    dialog: bool = True
    """Whether the page opens as a dialog over the card."""


@dataclass(frozen=True, slots=True)
class GrantChange:
    """A grant that moved from one state of the workflow to another."""

    grant: GrantFacts
    before: str
    after: str
    actor_id: int | None
    at: datetime


@dataclass(frozen=True, slots=True)
class ContactChange:
    """An institution's contact that was set or replaced."""

    institution_id: int
    name: str
    number: str
    """E.164."""
    previous_number: str | None
    actor_id: int | None


@hookspec(since="0.1")
def register_grant_actions() -> Sequence[GrantAction]:
    """Give actions for the grant's card.

    *collect* hook. Called once per build. Each is shown only where the state and the person's
    permission allow it and a page exists for it.
    """


@hookspec(since="0.1")
def check_transition(
    session: Session, change: GrantChange, user: UserFacts
) -> TranslationString | None:
    """Refuse a change of state by giving the reason, or allow it with None.

    *decide* hook. Called before a grant changes its state. The first reason refuses; an error
    refuses too (fail closed).
    """


@hookspec(since="0.1")
def grants_changed(session: Session, changes: Sequence[GrantChange]) -> None:
    """Hear that grants changed their state.

    *tell* hook. Called once per batch, inside the transaction of the change.
    """


@hookspec(since="0.1")
def contacts_changed(session: Session, changes: Sequence[ContactChange]) -> None:
    """Hear that institutions have a new contact or number.

    *tell* hook. Called once per batch, inside the transaction of the change.
    """
