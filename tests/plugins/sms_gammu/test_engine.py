"""A modem and the engine together: references come round again, parts are reported one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from core.api.messaging import (
    Draft,
    Message,
    State,
    add_account,
    ensure_thread,
    message_facts,
    queue_message,
)
from core.testing.channels import LONG
from tests.plugins.sms_gammu.dummy_phone import DummyPhone

if TYPE_CHECKING:
    from pathlib import Path

    from core.api.runtime import Runtime
    from core.testing.work import Worker

NUMBER, OTHER = "+6281230900951", "+6281230900952"

pytestmark = pytest.mark.plugins("sms_gammu")


@pytest.fixture
def phone(runtime: Runtime, tmp_path: Path) -> DummyPhone:
    phone = DummyPhone(tmp_path / "phone")
    settings = {"device": str(phone.folder), "connection": "none"}
    with runtime.database.writing() as session:
        add_account(session, "Modem", transport="sms_gammu", settings=settings)
    return phone


def queue(runtime: Runtime, number: str, body: str) -> int:
    with runtime.database.writing() as session:
        thread = ensure_thread(session, "test.subject:1", title="Uji")
        return queue_message(session, Draft(number, body, "test", thread_id=thread.id))


def state(runtime: Runtime, message_id: int) -> State:
    with runtime.database.reading() as session:
        return message_facts(session, [message_id])[message_id].state


def settle(worker: Worker) -> None:
    for _round in range(2):
        worker.run()


def test_a_report_finds_its_message_though_every_reference_is_the_same(
    runtime: Runtime, phone: DummyPhone, worker: Worker
) -> None:
    first, second = queue(runtime, NUMBER, "Satu"), queue(runtime, OTHER, "Dua")
    settle(worker)
    assert state(runtime, first) is state(runtime, second) is State.SENT
    phone.report(OTHER, 255, 0)
    settle(worker)
    assert state(runtime, first) is State.SENT
    assert state(runtime, second) is State.DELIVERED


def test_a_text_of_many_parts_is_delivered_when_every_part_is(
    runtime: Runtime, phone: DummyPhone, worker: Worker
) -> None:
    message = queue(runtime, NUMBER, LONG)
    settle(worker)
    with runtime.database.reading() as session:
        parts = message_facts(session, [message])[message].parts
    assert parts > 2
    for _part in range(parts - 1):
        phone.report(NUMBER, 255, 0)
    settle(worker)
    assert state(runtime, message) is State.SENT
    phone.report(NUMBER, 255, 0)
    settle(worker)
    assert state(runtime, message) is State.DELIVERED


def test_a_text_is_in_the_conversation_before_it_leaves_the_modem(
    runtime: Runtime, phone: DummyPhone, worker: Worker
) -> None:
    queue(runtime, NUMBER, "Hadir?")
    settle(worker)
    phone.text(NUMBER, "HADIR 🙂 " * 20)
    settle(worker)
    with runtime.database.reading() as session:
        row = session.execute(
            select(Message.body, Message.thread_id).where(Message.direction == "in")
        ).one()
    assert row.body == "HADIR 🙂 " * 20
    assert row.thread_id is not None
    assert list(phone.inbox.iterdir()) == []
