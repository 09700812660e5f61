"""The gateway and the engine together: out, reports back, texts in."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

from core.api.messaging import (
    Draft,
    Message,
    State,
    add_account,
    ensure_thread,
    message_facts,
    queue_messages,
)
from tests.plugins.sms_http.gateway_server import GatewayServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from webtest import TestApp

    from core.api.runtime import Runtime
    from core.testing.work import Worker

pytestmark = pytest.mark.plugins("sms_http")


@pytest.fixture
def server(runtime: Runtime) -> Iterator[GatewayServer]:
    with closing(GatewayServer()) as server:
        settings = {"url": server.url, "allow_private": True}
        with runtime.database.writing() as session:
            add_account(session, "Gateway", transport="sms_http", settings=settings)
        yield server
        runtime.close()


def queue(runtime: Runtime, count: int) -> list[int]:
    with runtime.database.writing() as session:
        thread = ensure_thread(session, "test.subject:1", title="Uji")
        drafts = [
            Draft(f"+62812309{i:05d}", f"Pesan {i}", "test", thread_id=thread.id)
            for i in range(count)
        ]
        return queue_messages(session, drafts)


def states(runtime: Runtime, ids: list[int]) -> set[State]:
    with runtime.database.reading() as session:
        return {facts.state for facts in message_facts(session, ids).values()}


def test_messages_leave_once_and_reports_come_back_to_them(
    runtime: Runtime, app: TestApp, server: GatewayServer, worker: Worker
) -> None:
    ids = queue(runtime, 30)
    worker.run()
    assert states(runtime, ids) == {State.SENT}
    assert len({one["ref"] for one in server.taken}) == len(server.taken) == 30
    for one in server.taken:
        address = urlsplit(one["report_url"])
        app.get(f"{address.path}?{address.query}&status=DELIVRD")
    assert states(runtime, ids) == {State.DELIVERED}


def test_a_text_comes_in_through_the_address_that_the_gateway_was_given(
    runtime: Runtime, app: TestApp, server: GatewayServer, worker: Worker
) -> None:
    queue(runtime, 1)
    worker.run()
    path = urlsplit(server.taken[0]["report_url"]).path.replace("/report", "/inbound")
    app.post(path, {"from": server.taken[0]["to"], "text": "HADIR", "id": "in-1"})
    with runtime.database.reading() as session:
        row = session.execute(
            select(Message.body, Message.thread_id).where(Message.direction == "in")
        ).one()
    assert row.body == "HADIR"
    assert row.thread_id is not None


def test_a_malformed_call_is_refused_and_kept(
    runtime: Runtime, app: TestApp, server: GatewayServer, worker: Worker
) -> None:
    from core.messaging.models import Report  # noqa: PLC0415 - only a test looks so deep

    ids = queue(runtime, 1)
    worker.run()
    address = urlsplit(server.taken[0]["report_url"])
    app.post(f"{address.path}?{address.query}", "nonsense", status=400)
    with runtime.database.reading() as session:
        rows = session.execute(select(Report.state, Report.raw, Report.message_id)).all()
    assert [(row.state, row.message_id) for row in rows] == [("unreadable", None)]
    assert "nonsense" in rows[0].raw
    assert states(runtime, ids) == {State.SENT}
