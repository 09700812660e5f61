"""The sandbox's network as the other side of the conformance suite: its tables in a database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from core.api.db import Base, Database, utcnow
from core.api.hooks import OutgoingMessage, ReportState, SendResult
from core.testing.channels import ChannelPeer, Fault, Line, Received
from plugins.sandbox.behaviours import Behaviour
from plugins.sandbox.channel import SandboxTransport
from plugins.sandbox.models import Delivery, LogEntry, Reply, Rule
from plugins.sandbox.services import handset

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

TABLES = [model.__table__ for model in (Delivery, LogEntry, Reply, Rule)]
RULES = {
    Fault.REFUSED: Behaviour.REFUSE,
    Fault.BUSY: Behaviour.BUSY,
    Fault.SILENT: Behaviour.HANG,
}


def sandbox_database(folder: Path) -> Database:
    """Make a database that has the sandbox's tables and nothing else."""
    database = Database(f"sqlite:///{folder / 'sandbox.db'}")
    Base.metadata.create_all(database.engine, tables=TABLES)  # type: ignore[arg-type]
    return database


class SandboxPeer(ChannelPeer):
    transport = SandboxTransport
    faults = frozenset(RULES)

    def __init__(self, folder: Path) -> None:
        self.database = sandbox_database(folder)

    def settings(self) -> Mapping[str, Any]:
        return {"delivery_seconds": 0}

    def extra(self) -> Mapping[str, Any]:
        return {"database": self.database}

    def received(self) -> Sequence[Received]:
        with self.database.reading() as session:
            rows = session.execute(
                select(Delivery.address, Delivery.body)
                .where(Delivery.arrives_at <= utcnow())
                .order_by(Delivery.id)
            )
            return [Received(row.address, row.body) for row in rows]

    def misbehave(self, fault: Fault, address: str) -> None:
        with self.database.writing() as session:
            handset.add_rule(
                session, address=address, behaviour=RULES[fault], seconds=0, remaining=1
            )

    def report(
        self, line: Line, message: OutgoingMessage, result: SendResult, state: ReportState
    ) -> None:
        del result
        line.poll()
        with self.database.writing() as session:
            session.execute(
                update(Delivery)
                .where(Delivery.ref == message.ref)
                .values(report_state=str(state), reports_left=1, report_at=utcnow())
            )
        line.poll()

    def text_in(self, line: Line, sender: str, body: str) -> None:
        with self.database.writing() as session:
            handset.reply(session, sender, body)
        line.poll()

    def close(self) -> None:
        self.database.dispose()
