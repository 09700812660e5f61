"""Which account carries a message: a plugin's word first, then kind, health and weight."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.framework.runtime import Runtime, runtime_of
from core.hookspecs.channels import OutgoingMessage
from core.hookspecs.messages import AccountFacts
from core.i18n import TranslationString, _
from core.messaging.channels import Channels
from core.messaging.models import ChannelAccount

__all__ = ["NO_ACCOUNT", "Candidate", "candidates", "choose"]

NO_ACCOUNT: TranslationString = _(
    "Belum ada kanal yang dapat mengirim pesan ini. Pesan menunggu sampai Admin menyiapkan kanal."
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An account that is neither paused nor without its plugin."""

    facts: AccountFacts
    by_default: bool
    """Whether the core's own rule may choose it; false for training channels in production."""


def candidates(session: Session, now: datetime) -> list[Candidate]:
    """Read the accounts that could carry something, heaviest first."""
    runtime = runtime_of(session)
    transports = runtime.component(Channels).transports
    rows = session.execute(
        select(
            ChannelAccount.id,
            ChannelAccount.name,
            ChannelAccount.transport,
            ChannelAccount.weight,
            ChannelAccount.open_until,
        )
        .where(ChannelAccount.is_paused.is_(False))
        .order_by(ChannelAccount.weight.desc(), ChannelAccount.id)
    )
    return [
        Candidate(
            facts=AccountFacts(
                id=row.id,
                name=row.name,
                transport=row.transport,
                kinds=transports[row.transport].capabilities.kinds,
                weight=row.weight,
                healthy=row.open_until is None or row.open_until <= now,
            ),
            by_default=_may_be_default(runtime, transports[row.transport].capabilities.production),
        )
        for row in rows
        if row.transport in transports
    ]


def choose(
    session: Session, batch: Sequence[OutgoingMessage], found: Sequence[Candidate]
) -> Mapping[str, int]:
    """Return the account of each message, by ref; a message for which there is none is left out.

    Asks ``route_messages`` once. What the plugins leave open goes to the heaviest healthy account
    of the message's kind; accounts of the same weight take turns.

    :raises PluginHookError: a plugin raised; nothing may be queued then.
    """
    if not batch:
        return {}
    accounts = [candidate.facts for candidate in found]
    known = {account.id: account for account in accounts}
    answers = runtime_of(session).hooks.merge("route_messages", batch=batch, accounts=accounts)
    turns: dict[str, itertools.cycle[int] | None] = {}
    chosen: dict[str, int] = {}
    for message in batch:
        named = known.get(answers.get(message.ref, 0))
        if named is not None and message.kind in named.kinds:
            chosen[message.ref] = named.id
            continue
        if message.kind not in turns:
            turns[message.kind] = _turn(message.kind, found)
        turn = turns[message.kind]
        if turn is not None:
            chosen[message.ref] = next(turn)
    return chosen


def _turn(kind: str, found: Sequence[Candidate]) -> itertools.cycle[int] | None:
    """Return the accounts that share the messages of a kind, or None when there is none."""
    usable = [item.facts for item in found if item.by_default and kind in item.facts.kinds]
    groups: dict[tuple[bool, int], list[int]] = defaultdict(list)
    for account in usable:
        groups[account.healthy, account.weight].append(account.id)
    return itertools.cycle(groups[max(groups)]) if groups else None


def _may_be_default(runtime: Runtime, production: bool) -> bool:  # noqa: FBT001 - one fact
    return production or not runtime.settings.flag("abah.production")
