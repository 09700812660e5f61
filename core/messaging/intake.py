"""Taking in what channels bring: delivery reports and incoming texts.

Webhooks, polls and callbacks all come through :class:`Intake`. What arrives at the same time is
committed together, and nobody is told "ok" before the commit.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog
from sqlalchemy.exc import DBAPIError

from core.db import utcnow
from core.framework.runtime import Runtime
from core.hookspecs.channels import DeliveryReport, InboundMessage
from core.messaging.inbound import receive
from core.messaging.reports import store_reports

__all__ = ["Intake"]

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Ticket:
    account_id: int
    items: Sequence[DeliveryReport | InboundMessage]
    done: bool = False
    error: BaseException | None = field(default=None)


class Intake:
    """Component of the runtime that stores what arrived, in transactions of its own."""

    def __init__(self, runtime: Runtime) -> None:
        """Wait for the first arrival."""
        self._runtime = runtime
        self._guard = threading.Lock()
        self._writer = threading.Lock()
        self._pending: list[_Ticket] = []

    def store(self, account_id: int, items: Sequence[DeliveryReport | InboundMessage]) -> None:
        """Store what one account brought; it is committed when this returns.

        Calls that wait for each other share one transaction. One that cannot be stored raises to
        its own caller and spoils nothing for the others.
        """
        if not items:
            return
        ticket = _Ticket(account_id, items)
        with self._guard:
            self._pending.append(ticket)
        with self._writer:
            if not ticket.done:
                with self._guard:
                    batch, self._pending = self._pending, []
                self._write_batch(batch)
        if ticket.error is not None:
            raise ticket.error

    def _write_batch(self, batch: Sequence[_Ticket]) -> None:
        try:
            self._write(batch)
        except Exception as error:  # noqa: BLE001 - given to its caller
            if len(batch) == 1 and not isinstance(error, DBAPIError):
                batch[0].error = error
            else:
                # Once more and each alone: a poisoned one must not take the others with it, and two
                # processes may just have stored the same text at the same time.
                for ticket in batch:
                    self._write_alone(ticket)
        for ticket in batch:
            ticket.done = True

    def _write_alone(self, ticket: _Ticket) -> None:
        try:
            self._write([ticket])
        except Exception as error:
            log.exception("intake failed", account_id=ticket.account_id)
            ticket.error = error

    def _write(self, batch: Sequence[_Ticket]) -> None:
        now = utcnow()
        with self._runtime.database.writing() as session:
            for account_id in sorted({ticket.account_id for ticket in batch}):
                items = [
                    item
                    for ticket in batch
                    if ticket.account_id == account_id
                    for item in ticket.items
                ]
                reports = [item for item in items if isinstance(item, DeliveryReport)]
                inbound = [item for item in items if isinstance(item, InboundMessage)]
                store_reports(session, account_id, reports, now)
                receive(session, account_id, inbound, now)
