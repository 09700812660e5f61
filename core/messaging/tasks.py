"""The engine's background work, by name. Ids only; safe to run twice."""

from __future__ import annotations

import secrets
from typing import Final

import structlog

from core.framework.runtime import Runtime
from core.jobs import sweep, task
from core.jobs.leases import process_identity, release_lease, take_lease
from core.jobs.runner import Jobs
from core.messaging.accounts import account_row
from core.messaging.channels import Channels
from core.messaging.dispatch import dispatch_chunk
from core.messaging.intake import Intake
from core.messaging.queue import DISPATCH, DISPATCH_CODES
from core.messaging.sweeps import polled_accounts, rematch_reports, sweep_messages

__all__ = [
    "dispatch",
    "dispatch_codes",
    "look_for_messages",
    "look_for_reports",
    "poll",
    "poll_channels",
]

POLL: Final = "core.polls.poll"
POLL_SECONDS: Final = 60.0
POLL_LEASE_SECONDS: Final = POLL_SECONDS + 15.0
"""Time enough to store what a poll brought."""

log = structlog.get_logger(__name__)


@task(DISPATCH)
def dispatch(runtime: Runtime, account_id: int) -> None:
    """Hand over one chunk; when more is waiting, the next one is woken with the results."""
    dispatch_chunk(runtime, account_id)


@task(DISPATCH_CODES)
def dispatch_codes(runtime: Runtime, account_id: int) -> None:
    """Hand over the codes that wait, whatever else is under way."""
    dispatch_chunk(runtime, account_id, only_codes=True)


@task(POLL)
def poll(runtime: Runtime, account_id: int) -> None:
    """Ask a channel for reports and incoming texts, in one thread of the deployment at a time."""
    lease, holder = f"poll:{account_id}", f"{process_identity()}/{secrets.token_hex(6)}"
    with runtime.database.writing() as session:
        account = account_row(session, account_id)
        if account is None or not take_lease(
            session, [lease], seconds=POLL_LEASE_SECONDS, holder=holder
        ):
            return
    channels = runtime.component(Channels)
    try:
        with channels.use(account) as transport:
            items = channels.call(transport.poll(), POLL_SECONDS)
        runtime.component(Intake).store(account_id, items)
    except Exception as error:  # noqa: BLE001 - a transport may raise anything
        # No exc_info: an exception of a client library may carry credentials.
        log.warning("channel cannot be polled", account=account.name, error=type(error).__name__)
    finally:
        with runtime.database.writing() as session:
            release_lease(session, lease, holder=holder)


@sweep("core.messages", every=2.0)
def look_for_messages(runtime: Runtime) -> None:
    """Find what a wake-up missed, what is due, what expired, and what a dead worker held."""
    sweep_messages(runtime)


@sweep("core.poll", every=2.0)
def poll_channels(runtime: Runtime) -> None:
    """Start the polls of accounts whose transport asks for them."""
    jobs = runtime.component(Jobs)
    for account_id in polled_accounts(runtime):
        jobs.send(POLL, account_id)


@sweep("core.reports", every=10.0)
def look_for_reports(runtime: Runtime) -> None:
    """Match reports that came in the very moment in which their message's result was written."""
    rematch_reports(runtime)
