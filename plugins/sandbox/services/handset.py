"""The handset's side: what a number received, what it answers, what the network shall do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, func, select

from core.api.contacts import InvalidNumberError, parse_number
from core.api.db import utcnow
from core.api.errors import InvalidInputError
from core.api.text import _
from plugins.sandbox.behaviours import LONGEST_SECONDS, Behaviour
from plugins.sandbox.models import RULE_ORDER, Delivery, LogEntry, Reply, Rule

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

__all__ = [
    "Bubble",
    "LogRow",
    "NumberRow",
    "RuleRow",
    "add_rule",
    "bubbles",
    "clear",
    "log_rows",
    "numbers",
    "read_address",
    "remove_rule",
    "reply",
    "rules",
    "version",
]

SHOWN: Final = 60
LOG_SHOWN: Final = 40
NUMBERS_SHOWN: Final = 30
RECENT: Final = 2_000
"""Messages among which numbers are looked for: the page asks often and must stay cheap."""
LONGEST_REPLY: Final = 1600
MOST: Final = 10_000


@dataclass(frozen=True, slots=True)
class Bubble:
    """One message on the handset."""

    id: int
    incoming: bool
    """As the handset sees it: True for what we sent to it."""
    title: str
    body: str
    parts: int
    at: datetime
    kind: str
    waiting: bool
    """A reply that the engine has not fetched yet."""


@dataclass(frozen=True, slots=True)
class NumberRow:
    """A number that received something, for the list."""

    address: str
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RuleRow:
    """A rule in force."""

    id: int
    address: str
    behaviour: Behaviour
    seconds: int
    remaining: int | None


@dataclass(frozen=True, slots=True)
class LogRow:
    """One line of what crossed."""

    id: int
    at: datetime
    event: str
    address: str
    detail: str


def read_address(text: str) -> str:
    """Turn what was typed into the address that messages carry: E.164, or an e-mail address.

    :raises InvalidInputError: it is neither.
    """
    text = text.strip()
    if "@" in text:
        local, _at, domain = text.partition("@")
        if not local or "." not in domain or any(character.isspace() for character in text):
            msg = "address"
            raise InvalidInputError(msg, _("Alamat email ini tidak sah. Contoh: nur@example.go.id"))
        return text
    try:
        return parse_number(text)
    except InvalidNumberError as error:
        msg = "address"
        raise InvalidInputError(msg, error.explanation) from None


def bubbles(session: Session, address: str) -> list[Bubble]:
    """Return the last messages of a number, oldest first."""
    received = session.execute(
        select(
            Delivery.id,
            Delivery.title,
            Delivery.body,
            Delivery.parts,
            Delivery.arrives_at,
            Delivery.kind,
        )
        .where(Delivery.address == address, Delivery.arrives_at <= utcnow())
        .order_by(Delivery.arrives_at.desc(), Delivery.id.desc())
        .limit(SHOWN)
    )
    written = session.execute(
        select(Reply.id, Reply.body, Reply.created_at, Reply.taken_at)
        .where(Reply.address == address)
        .order_by(Reply.id.desc())
        .limit(SHOWN)
    )
    found = [
        Bubble(row.id, True, row.title, row.body, row.parts, row.arrives_at, row.kind, False)  # noqa: FBT003
        for row in received
    ]
    found += [
        Bubble(row.id, False, "", row.body, 1, row.created_at, "sms", row.taken_at is None)  # noqa: FBT003
        for row in written
    ]
    return sorted(found, key=lambda one: (one.at, one.id))[-SHOWN:]


def numbers(session: Session) -> list[NumberRow]:
    """Return the numbers that received something last, newest first."""
    last = select(func.coalesce(func.max(Delivery.id), 0)).scalar_subquery()
    newest = (
        select(func.max(Delivery.id).label("id"))
        .where(Delivery.id > last - RECENT, Delivery.arrives_at <= utcnow())
        .group_by(Delivery.address)
        .order_by(func.max(Delivery.id).desc())
        .limit(NUMBERS_SHOWN)
        .subquery()
    )
    rows = session.execute(
        select(Delivery.address, Delivery.title, Delivery.body, Delivery.arrives_at)
        .join(newest, newest.c.id == Delivery.id)
        .order_by(Delivery.id.desc())
    )
    return [NumberRow(row.address, row.title or row.body, row.arrives_at) for row in rows]


def rules(session: Session) -> list[RuleRow]:
    """Return the rules in force, in the order in which they are looked at."""
    rows = session.execute(
        select(Rule.id, Rule.address, Rule.behaviour, Rule.seconds, Rule.remaining).order_by(
            *RULE_ORDER
        )
    )
    return [
        RuleRow(row.id, row.address, Behaviour(row.behaviour), row.seconds, row.remaining)
        for row in rows
    ]


def log_rows(session: Session) -> list[LogRow]:
    """Return what crossed last, newest first; what lies ahead is left out."""
    rows = session.execute(
        select(LogEntry.id, LogEntry.at, LogEntry.event, LogEntry.address, LogEntry.detail)
        .where(LogEntry.at <= utcnow())
        .order_by(LogEntry.at.desc(), LogEntry.id.desc())
        .limit(LOG_SHOWN)
    )
    return [LogRow(row.id, row.at, row.event, row.address, row.detail) for row in rows]


def version(session: Session, address: str) -> str:
    """Return a short text that changes whenever the page of ``address`` would look different."""
    now = utcnow()
    row = session.execute(
        select(
            select(func.count())
            .select_from(Delivery)
            .where(Delivery.address == address, Delivery.arrives_at <= now)
            .scalar_subquery(),
            select(func.max(Reply.id)).where(Reply.address == address).scalar_subquery(),
            select(LogEntry.id)
            .where(LogEntry.at <= now)
            .order_by(LogEntry.at.desc(), LogEntry.id.desc())
            .limit(1)
            .scalar_subquery(),
            select(func.count()).select_from(Rule).scalar_subquery(),
            select(func.coalesce(func.sum(Rule.id + func.coalesce(Rule.remaining, 0)), 0))
            .select_from(Rule)
            .scalar_subquery(),
        )
    ).one()
    return "-".join(str(value or 0) for value in row)


def reply(session: Session, address: str, body: str) -> int:
    """Write a text on the handset; it comes in at the next poll. Returns its id.

    :raises InvalidInputError: there is nothing to send, or too much.
    """
    body = body.strip()
    if not body:
        msg = "body"
        raise InvalidInputError(msg, _("Tulis balasan lebih dahulu."))
    if len(body) > LONGEST_REPLY:
        msg = "body"
        raise InvalidInputError(
            msg,
            _("Balasan paling panjang ${limit} karakter.", mapping={"limit": LONGEST_REPLY}),
        )
    account_id = session.scalar(
        select(Delivery.account_id)
        .where(Delivery.address == address)
        .order_by(Delivery.id.desc())
        .limit(1)
    )
    written = Reply(account_id=account_id, address=address, body=body)
    session.add(written)
    session.add(LogEntry(event="reply", address=address))
    session.flush()
    return written.id


def add_rule(
    session: Session,
    *,
    address: str,
    behaviour: Behaviour,
    seconds: int,
    remaining: int | None,
) -> int:
    """Tell the network what to do and return the rule's id.

    It takes the place of an equal one, and one without an end that of another without an end.

    :param address: a number or e-mail address, or empty for any.
    :param remaining: how many messages it is for; None until it is taken away.
    :raises InvalidInputError: a value is out of bounds.
    """
    if not 0 <= seconds <= LONGEST_SECONDS:
        msg = "seconds"
        raise InvalidInputError(
            msg,
            _("Isi dengan 0 sampai ${limit} detik.", mapping={"limit": LONGEST_SECONDS}),
        )
    if remaining is not None and not 1 <= remaining <= MOST:
        msg = "count"
        raise InvalidInputError(
            msg, _("Isi dengan 1 sampai ${limit} pesan.", mapping={"limit": MOST})
        )
    replaced = Rule.behaviour == behaviour
    if remaining is None:
        replaced |= Rule.remaining.is_(None)
    session.execute(
        delete(Rule)
        .where(Rule.address == address, replaced)
        .execution_options(synchronize_session=False)
    )
    rule = Rule(address=address, behaviour=behaviour, seconds=seconds, remaining=remaining)
    session.add(rule)
    session.add(LogEntry(event="rule", address=address, detail=behaviour))
    session.flush()
    return rule.id


def remove_rule(session: Session, rule_id: int) -> None:
    """Take a rule away; one that is gone already stays gone."""
    rule = session.get(Rule, rule_id)
    if rule is not None:
        session.add(LogEntry(event="rule_removed", address=rule.address, detail=rule.behaviour))
        session.delete(rule)
        session.flush()


def clear(session: Session, address: str) -> None:
    """Empty the handset of a number: its messages, and its replies that were fetched."""
    session.execute(
        delete(Delivery)
        .where(Delivery.address == address, Delivery.reports_left == 0)
        .execution_options(synchronize_session=False)
    )
    session.execute(
        delete(Reply)
        .where(Reply.address == address, Reply.taken_at.is_not(None))
        .execution_options(synchronize_session=False)
    )
    session.add(LogEntry(event="cleared", address=address))
    session.flush()
