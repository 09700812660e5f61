from __future__ import annotations

import subprocess
import sys
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import gammu
import pytest
import time_machine

from core.api.db import utcnow
from core.api.hooks import (
    DeliveryReport,
    Evidence,
    InboundMessage,
    Outcome,
    ReportState,
    TransportContext,
)
from core.testing.channels import LONG, Line, outgoing
from plugins.sms_gammu.channel import GammuTransport
from plugins.sms_gammu.inbox import report_state
from tests.plugins.sms_gammu.dummy_phone import DummyPhone

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NUMBER, SENDER = "+6281230900951", "+6281230900959"


@pytest.fixture
def phone(tmp_path: Path) -> DummyPhone:
    return DummyPhone(tmp_path)


@pytest.fixture
def line(phone: DummyPhone) -> Iterator[Line]:
    line = opened(phone)
    yield line
    line.close()


def opened(phone: DummyPhone, intake: Any = None, **settings: Any) -> Line:
    collected: list[DeliveryReport | InboundMessage] = []
    values = {"device": str(phone.folder), "connection": "none", **settings}
    context = TransportContext(1, "Modem", values, "", intake or collected.extend)
    return Line(GammuTransport(context), collected)


def parts_of(body: str) -> list[dict[str, Any]]:
    entries = [{"ID": "ConcatenatedTextLong", "Buffer": body}]
    return list(gammu.EncodeSMS({"Class": -1, "Unicode": True, "Entries": entries}))


def lying(phone: DummyPhone) -> int:
    return len(list(phone.inbox.iterdir()))


def test_parts_in_any_order_become_one_text(phone: DummyPhone, line: Line) -> None:
    parts = parts_of(LONG)
    assert len(parts) > 3
    for part in reversed(parts):
        phone.part(SENDER, part)
    (text,) = line.poll()
    assert isinstance(text, InboundMessage)
    assert (text.sender, text.body) == (SENDER, LONG)
    assert lying(phone) == 0


def test_a_text_waits_in_the_modem_until_its_last_part_is_there(
    phone: DummyPhone, line: Line
) -> None:
    *most, last = parts_of(LONG)
    for part in most:
        phone.part(SENDER, part)
    assert line.poll() == []
    assert lying(phone) == len(most)
    phone.part(SENDER, last)
    (text,) = line.poll()
    assert isinstance(text, InboundMessage)
    assert text.body == LONG


def test_a_part_that_never_comes_is_marked(phone: DummyPhone, line: Line) -> None:
    first, _second, *rest = parts_of(LONG)
    for part in (first, *rest):
        phone.part(SENDER, part)
    assert line.poll() == []
    with time_machine.travel(utcnow() + timedelta(hours=7)):
        (text,) = line.poll()
    assert isinstance(text, InboundMessage)
    assert text.body == first["Text"] + "[…]" + "".join(part["Text"] for part in rest)
    assert lying(phone) == 0


def test_two_senders_with_the_same_reference_are_kept_apart(phone: DummyPhone, line: Line) -> None:
    parts = parts_of(LONG)
    for part in parts:
        phone.part(SENDER, part)
        phone.part(NUMBER, part)
    texts = [one for one in line.poll() if isinstance(one, InboundMessage)]
    assert {one.sender for one in texts} == {SENDER, NUMBER}
    assert {one.body for one in texts} == {LONG}


def test_nothing_is_deleted_when_it_could_not_be_stored(phone: DummyPhone) -> None:
    def fail(_items: object) -> None:
        raise RuntimeError

    line = opened(phone, fail)
    phone.text(SENDER, "HADIR")
    with pytest.raises(RuntimeError):
        line.poll()
    assert lying(phone) == 1
    line.close()
    again = opened(phone)
    assert len(again.poll()) == 1
    assert lying(phone) == 0
    again.close()


def test_a_text_that_is_read_twice_has_the_same_id(phone: DummyPhone) -> None:
    ids = []
    for _time in range(2):
        line = opened(phone)
        phone.text(SENDER, "HADIR")
        (text,) = line.poll()
        assert isinstance(text, InboundMessage)
        ids.append(text.external_id)
        line.close()
    assert ids[0] == ids[1] != ""


def test_a_report_is_matched_by_reference_and_number(phone: DummyPhone, line: Line) -> None:
    results = line.send(outgoing("a", NUMBER), outgoing("b", SENDER))
    assert {result.references for result in results.values()} == {("255",)}
    phone.report(SENDER, 255, 0)
    (report,) = line.poll()
    assert isinstance(report, DeliveryReport)
    assert (report.reference, report.address) == ("255", SENDER)
    assert report.evidence is Evidence.HANDSET


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (0x00, ReportState.DELIVERED),
        (0x01, ReportState.ACCEPTED),
        (0x20, ReportState.ACCEPTED),
        (0x30, ReportState.ACCEPTED),
        (0x41, ReportState.UNDELIVERED),
        (0x46, ReportState.EXPIRED),
        (0x60, ReportState.UNDELIVERED),
        (0x66, ReportState.EXPIRED),
    ],
)
def test_the_status_of_a_report_is_read(status: int, state: ReportState) -> None:
    assert report_state(status) is state


def test_every_part_has_its_reference(line: Line) -> None:
    message = outgoing("r1", NUMBER, LONG)
    assert line.send(message)["r1"].references == ("255",) * message.parts


def test_without_reports_the_result_says_that_nobody_can_know(phone: DummyPhone) -> None:
    line = opened(phone, reports=False)
    assert line.send(outgoing("r1", NUMBER))["r1"].evidence is Evidence.UNKNOWABLE
    line.close()


HOLDER = """
import sys, time
from core.api.hooks import TransportContext
from core.testing.channels import outgoing
from plugins.sms_gammu.channel import GammuTransport
settings = {"device": sys.argv[1], "connection": "none"}
channel = GammuTransport(TransportContext(1, "Modem", settings, "", print))
(result,) = channel.send([outgoing("r1", "+6281230900951")])
print(result.outcome, flush=True)
sys.stdin.read()
"""


def test_a_process_hands_the_modem_on_when_another_one_has_something_to_send(
    phone: DummyPhone,
) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(phone.folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdin is not None
        assert holder.stdout.readline().strip() == "accepted"
        line = opened(phone)
        phone.text(SENDER, "HADIR")
        assert line.poll() == [], "whoever has the modem polls it"
        assert line.transport.health().ok
        begun = time.monotonic()
        assert line.send(outgoing("r2", NUMBER))["r2"].outcome is Outcome.ACCEPTED
        assert time.monotonic() - begun < 5
        assert len(line.poll()) == 1
        line.close()
    finally:
        holder.communicate("", timeout=10)
