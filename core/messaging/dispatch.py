"""Handing a chunk to its channel: claim and commit, send, write the results.

No transaction is open while the transport works. Whatever happens to this process in between, the
attempt is on record: it counts as uncertain when its lease runs out, and is never sent again
blindly.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

import structlog
from sqlalchemy import update
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from core.db import utcnow
from core.errors import AbahError
from core.framework.runtime import Runtime
from core.framework.secrets import UnreadableSecretError
from core.hookspecs.channels import (
    Capabilities,
    Outcome,
    OutgoingMessage,
    SendResult,
    Transport,
)
from core.i18n import TranslationString, _
from core.jobs.leases import take_lease
from core.messaging.accounts import note_failure
from core.messaging.channels import Channels
from core.messaging.claims import (
    LEASE_MARGIN,
    Claim,
    Claimed,
    claim,
    next_lane,
    open_account,
    release,
)
from core.messaging.faults import fault
from core.messaging.models import Message
from core.messaging.results import UNCERTAIN, Answer, record_results
from core.messaging.states import Lane

__all__ = ["dispatch_chunk"]

WRITE_TRIES: Final = 5
NO_PLUGIN: Final[TranslationString] = _(
    "Plugin kanal ini tidak aktif. Aktifkan plugin itu atau pilih kanal lain."
)

log = structlog.get_logger(__name__)


def dispatch_chunk(runtime: Runtime, account_id: int, *, only_codes: bool = False) -> int:
    """Send one chunk of an account's waiting messages and return how many were handed over.

    Safe to run at any time, twice, and in several processes: what one has claimed no other sees.
    """
    held = _claim(runtime, account_id, only_codes=only_codes)
    if held is None:
        return 0
    channels = runtime.component(Channels)
    can = channels.transports[held.account.row.transport].capabilities
    fault(runtime, "after_claim")
    answers = _hand_over(runtime, held, can)
    fault(runtime, "after_handover")
    _record(runtime, held, answers, can)
    return len(held.messages)


def _claim(runtime: Runtime, account_id: int, *, only_codes: bool) -> Claim | None:
    now = utcnow()
    transports = runtime.component(Channels).transports
    # Looked at first without the write lock: most wake-ups come when nothing is left to do.
    with runtime.database.reading() as session:
        account = open_account(session, account_id, now)
        lane = None if account is None else next_lane(session, account_id, now)
    if account is None or lane is None or (only_codes and lane != Lane.CODE):
        return None
    if account.row.transport not in transports:
        _note_failure(runtime, account_id, NO_PLUGIN)
        return None
    can = transports[account.row.transport].capabilities
    with runtime.database.writing() as session:
        held = claim(session, account, can, lane, now)
        if held is None and lane == Lane.CODE and not only_codes:
            # Somebody else was quicker; the rest need not wait until they have finished.
            held = claim(session, account, can, Lane.BULK, now)
        return held


def _hand_over(runtime: Runtime, held: Claim, can: Capabilities) -> dict[str, Answer]:
    """Give every message of the claim to the transport and return an answer for each ref."""
    answers: dict[str, Answer] = {}
    ready: list[Claimed] = []
    for claimed in held.messages:
        try:
            ready.append(_unsealed(runtime, claimed))
        except UnreadableSecretError as error:
            answers[claimed.outgoing.ref] = _permanent(claimed, error.explanation)
    with contextlib.ExitStack() as stack:
        try:
            transport = stack.enter_context(runtime.component(Channels).use(held.account.row))
        except Exception as error:
            log.exception("transport cannot be opened", account=held.account.row.name)
            return answers | _not_opened(ready, error)
        together = [one.outgoing for one in ready if not one.is_isolated]
        alone = [one for one in ready if one.is_isolated]
        if together:
            answers |= _send(runtime, transport, together, can)
        for number, one in enumerate(alone):
            if transport.context.must_stop() or not _extend(runtime, held, can, alone[number:]):
                return answers | _not_tried(alone[number:])
            answers |= _send(runtime, transport, [one.outgoing], can)
    return answers


def _not_opened(ready: Sequence[Claimed], error: Exception) -> dict[str, Answer]:
    """Say for every message that nothing was handed over, that much is sure."""
    reason = error.explanation if isinstance(error, AbahError) else _text(error)
    return {
        one.outgoing.ref: Answer(SendResult(one.outgoing.ref, Outcome.TEMPORARY, reason=reason))
        for one in ready
    }


def _send(
    runtime: Runtime, transport: Transport, chunk: Sequence[OutgoingMessage], can: Capabilities
) -> dict[str, Answer]:
    """Call the transport once. Whoever gets no answer is uncertain."""
    channels = runtime.component(Channels)
    raised = False
    found: dict[str, SendResult] = {}
    try:
        for result in channels.call(transport.send(chunk), can.lease_seconds):
            found.setdefault(result.ref, result)
    except Exception as error:  # noqa: BLE001 - a transport may raise anything
        # No exc_info: an exception of a client library may carry credentials or a secret text.
        log.error("transport raised", transport=transport.name, error=type(error).__name__)  # noqa: TRY400
        raised = True
    return {
        message.ref: Answer(found[message.ref])
        if isinstance(found.get(message.ref), SendResult)
        else Answer(SendResult(message.ref, Outcome.UNCERTAIN, reason=UNCERTAIN), raised=raised)
        for message in chunk
    }


def _record(runtime: Runtime, held: Claim, answers: dict[str, Answer], can: Capabilities) -> None:
    """Write the results; one that cannot be stored takes no other with it."""
    try:
        _write(runtime, held, answers, can)
    except OperationalError:
        raise
    except Exception:
        log.exception("results could not be written together", messages=len(held.messages))
        for claimed in held.messages:
            try:
                _write(runtime, replace(held, messages=[claimed]), answers, can)
            except Exception:
                # It becomes uncertain when its lease runs out.
                log.exception("result could not be written", ref=claimed.outgoing.ref)


def _write(runtime: Runtime, held: Claim, answers: dict[str, Answer], can: Capabilities) -> None:
    """Write results in one transaction; a busy database is asked again, they exist nowhere else."""
    for left in reversed(range(WRITE_TRIES)):
        try:
            now = utcnow()
            with runtime.database.writing() as session:
                record_results(session, held, answers, can, now)
                release(session, held, now)
                fault(runtime, "before_result")
        except OperationalError:
            if not left:
                raise
            log.warning("results could not be written, trying again", tries_left=left)
            time.sleep(0.2 * (WRITE_TRIES - left))
        else:
            return


def _extend(runtime: Runtime, held: Claim, can: Capabilities, waiting: Sequence[Claimed]) -> bool:
    """Hold the slot and messages that are sent one by one for as long as that takes.

    False when they cannot be held any longer; what was sent before is not lost then.
    """
    lease = timedelta(seconds=can.lease_seconds) + LEASE_MARGIN
    try:
        with runtime.database.writing() as session:
            session.execute(
                update(Message)
                .where(
                    Message.id.in_([one.id for one in waiting]),
                    Message.lease_holder == held.holder,
                )
                .values(lease_until=utcnow() + lease)
                .execution_options(synchronize_session=False)
            )
            seconds = lease.total_seconds()
            return bool(take_lease(session, [held.slot], seconds=seconds, holder=held.holder))
    except SQLAlchemyError:
        log.exception("messages cannot be held", messages=len(waiting))
        return False


def _not_tried(waiting: Sequence[Claimed]) -> dict[str, Answer]:
    refs = [one.outgoing.ref for one in waiting]
    return {ref: Answer(SendResult(ref, Outcome.NOT_TRIED)) for ref in refs}


def _unsealed(runtime: Runtime, claimed: Claimed) -> Claimed:
    """Put the real text of a secret message in place, for this hand-over only."""
    if claimed.sealed_body is None:
        return claimed
    body = runtime.secrets.decrypt(claimed.sealed_body)
    return replace(claimed, outgoing=replace(claimed.outgoing, body=body))


def _permanent(claimed: Claimed, reason: TranslationString) -> Answer:
    return Answer(SendResult(claimed.outgoing.ref, Outcome.PERMANENT, reason=reason))


def _note_failure(runtime: Runtime, account_id: int, reason: TranslationString) -> None:
    with runtime.database.writing() as session:
        note_failure(session, account_id, reason, utcnow())


def _text(error: Exception) -> TranslationString:
    return _(
        "Kanal tidak dapat dibuka (${error}). Periksa pengaturannya.",
        mapping={"error": type(error).__name__},
    )
