"""A secret leaves nothing behind, whatever a gateway says about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import inspect, select, text

from core.api.hooks import DeliveryReport, Outcome, OutgoingMessage, ReportState, SendResult
from core.api.messaging import Draft
from core.db import utcnow
from core.framework.runtime import Runtime
from core.i18n import _
from core.messaging.models import Attempt, Message, Segment
from core.messaging.reports import store_reports
from core.testing.work import Worker
from tests.core.messaging.conftest import number
from tests.core.messaging.line import Line

CODE = "8391"


def everything(runtime: Runtime) -> str:
    """Read every table of the core as text."""
    with runtime.database.reading() as session:
        names = inspect(session.connection()).get_table_names()
        rows: list[Any] = []
        for name in names:
            if name.startswith("abah_"):
                rows += session.execute(text(f"SELECT * FROM {name}")).all()  # noqa: S608
        return "\n".join(str(tuple(row)) for row in rows)


@pytest.mark.parametrize("outcome", [Outcome.PERMANENT, Outcome.TEMPORARY, Outcome.UNCERTAIN])
def test_a_gateway_that_repeats_a_code_in_its_error_leaves_no_trace_of_it(
    runtime: Runtime,
    account: int,
    line: Line,
    queue: Callable[..., list[int]],
    worker: Worker,
    outcome: Outcome,
) -> None:
    def echo(message: OutgoingMessage) -> SendResult:
        reason = _("Gateway menjawab: ${text}", mapping={"text": message.body})
        return SendResult(message.ref, outcome, code=message.body, reason=reason)

    line.behave = echo
    queue([Draft(number(1), f"Kode Anda {CODE}.", "uji", secret=True)])
    worker.run()
    assert CODE in line.seen[0].body
    assert CODE not in everything(runtime)


def test_a_report_that_repeats_a_code_is_kept_without_it(
    runtime: Runtime, account: int, queue: Callable[..., list[int]], worker: Worker
) -> None:
    secret, plain = queue(
        [
            Draft(number(1), f"Kode Anda {CODE}.", "uji", secret=True),
            Draft(number(2), "Terbuka", "uji"),
        ]
    )
    worker.run()
    with runtime.database.writing() as session:
        refs = {row.id: row.ref for row in session.execute(select(Message.id, Message.ref))}
        store_reports(
            session,
            account,
            [
                DeliveryReport(ReportState.DELIVERED, ref=refs[secret], raw=f"text=Kode {CODE}"),
                DeliveryReport(ReportState.DELIVERED, ref=refs[plain], raw="text=Terbuka"),
            ],
            utcnow(),
        )
    found = everything(runtime)
    assert CODE not in found
    assert "text=Terbuka" in found


def test_one_odd_answer_does_not_cost_the_results_of_its_chunk(
    runtime: Runtime, account: int, line: Line, queue: Callable[..., list[int]], worker: Worker
) -> None:
    line.behave = lambda message: SendResult(
        message.ref, Outcome.ACCEPTED, references=("a\0b",), code="\0"
    )
    ids = queue(10)
    worker.run()
    with runtime.database.reading() as session:
        assert set(session.scalars(select(Message.state).where(Message.id.in_(ids)))) == {"sent"}
        assert set(session.scalars(select(Segment.reference))) == {"ab"}
        assert all(session.scalars(select(Attempt.finished_at)))
