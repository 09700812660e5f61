from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from core.api.messaging import (
    Draft,
    Lane,
    Message,
    State,
    Tick,
    ensure_thread,
    list_accounts,
    message_facts,
    queue_message,
    set_account,
)
from plugins.sandbox.behaviours import Behaviour
from plugins.sandbox.plugin import load_demo
from plugins.sandbox.services import handset

if TYPE_CHECKING:
    from core.api.messaging import MessageFacts
    from core.api.runtime import Runtime
    from core.testing.work import Worker

NUMBER = "+6281230900951"

pytestmark = pytest.mark.plugins("sandbox")


@pytest.fixture
def demo(runtime: Runtime) -> Runtime:
    with runtime.database.writing() as session:
        load_demo(session, print)
        load_demo(session, print)
        set_account(session, "Telepon percobaan", settings={"delivery_seconds": 0})
    return runtime


def queue(runtime: Runtime, body: str = "Halo", *, secret: bool = False) -> int:
    with runtime.database.writing() as session:
        thread = ensure_thread(session, "test.subject:1", title="Uji")
        draft = Draft(
            NUMBER,
            body,
            "test",
            thread_id=None if secret else thread.id,
            lane=Lane.CODE if secret else Lane.WORKFLOW,
            secret=secret,
        )
        return queue_message(session, draft)


def facts(runtime: Runtime, message_id: int) -> MessageFacts:
    with runtime.database.reading() as session:
        return message_facts(session, [message_id])[message_id]


def rule(runtime: Runtime, behaviour: Behaviour, seconds: int = 0) -> None:
    with runtime.database.writing() as session:
        handset.add_rule(session, address="", behaviour=behaviour, seconds=seconds, remaining=1)


def shown(runtime: Runtime) -> list[str]:
    with runtime.database.reading() as session:
        return [one.body for one in handset.bubbles(session, NUMBER)]


def until_reported(worker: Worker) -> None:
    """Let the engine hand over, then ask for reports, as often as one can be doubled."""
    for _round in range(3):
        worker.run()


def test_the_demo_account_is_made_once(demo: Runtime) -> None:
    with demo.database.reading() as session:
        assert [(one.name, one.transport) for one in list_accounts(session)] == [
            ("Telepon percobaan", "sandbox")
        ]


def test_a_message_gets_its_green_tick(demo: Runtime, worker: Worker) -> None:
    message = queue(demo)
    until_reported(worker)
    found = facts(demo, message)
    assert found.state is State.DELIVERED
    assert found.tick is Tick.RECEIVED
    assert shown(demo) == ["Halo"]


@pytest.mark.parametrize(
    ("behaviour", "state"),
    [
        (Behaviour.LOSE, State.UNDELIVERED),
        (Behaviour.DOUBLE, State.DELIVERED),
        (Behaviour.EARLY, State.DELIVERED),
        (Behaviour.REFUSE, State.REJECTED),
        (Behaviour.BUSY, State.QUEUED),
        (Behaviour.SILENT, State.SENT),
        (Behaviour.HANG, State.UNCERTAIN),
    ],
)
def test_each_behaviour_leads_to_its_state(
    demo: Runtime, worker: Worker, behaviour: Behaviour, state: State
) -> None:
    rule(demo, behaviour)
    message = queue(demo)
    until_reported(worker)
    assert facts(demo, message).state is state
    assert len(shown(demo)) <= 1


def test_a_code_can_be_read_on_the_handset_and_nowhere_else(demo: Runtime, worker: Worker) -> None:
    message = queue(demo, "Kode verifikasi Anda 4711", secret=True)
    until_reported(worker)
    assert shown(demo) == ["Kode verifikasi Anda 4711"]
    with demo.database.reading() as session:
        row = session.execute(
            select(Message.body, Message.sealed_body).where(Message.id == message)
        ).one()
    assert "4711" not in row.body
    assert row.sealed_body is None


def test_a_reply_lands_in_the_conversation_that_wrote_last(demo: Runtime, worker: Worker) -> None:
    queue(demo)
    until_reported(worker)
    with demo.database.writing() as session:
        handset.reply(session, NUMBER, "HADIR")
    worker.run()
    worker.run()
    with demo.database.reading() as session:
        row = session.execute(
            select(Message.body, Message.address, Message.thread_id).where(
                Message.direction == "in"
            )
        ).one()
        thread = session.scalar(select(Message.thread_id).where(Message.direction == "out"))
    assert (row.body, row.address, row.thread_id) == ("HADIR", NUMBER, thread)


@pytest.mark.settings(abah__production="true")
def test_production_never_chooses_it_by_itself(demo: Runtime, worker: Worker) -> None:
    message = queue(demo)
    until_reported(worker)
    assert facts(demo, message).state is State.QUEUED
    assert shown(demo) == []
