from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import gammu
import pytest

from core.api.hooks import (
    DeliveryReport,
    InboundMessage,
    Outcome,
    ReportState,
    TransportContext,
)
from core.testing.channels import LONG, UNICODE, Line, Received, outgoing
from plugins.sms_gammu.channel import GammuTransport
from plugins.sms_gammu.faults import explain
from tests.plugins.sms_gammu.at_modem import AtModem, settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NUMBER = "+6281230900951"


def opened(values: Any) -> Line:
    collected: list[DeliveryReport | InboundMessage] = []
    context = TransportContext(1, "Modem", values, "", collected.extend)
    return Line(GammuTransport(context), collected)


@pytest.fixture(scope="module")
def connected() -> Iterator[tuple[AtModem, Line]]:
    """Opening a modem takes libGammu four seconds, so the tests of this file share one."""
    with closing(AtModem()) as modem, closing(opened(settings(modem))) as line:
        yield modem, line


@pytest.fixture
def modem(connected: tuple[AtModem, Line]) -> AtModem:
    modem, line = connected
    modem.submitted.clear()
    modem.stored.clear()
    line.collected.clear()
    return modem


@pytest.fixture
def line(connected: tuple[AtModem, Line]) -> Line:
    return connected[1]


@pytest.mark.parametrize("body", ["Halo", LONG, UNICODE, UNICODE * 3])
def test_a_text_leaves_whole_and_asks_for_its_reports(
    modem: AtModem, line: Line, body: str
) -> None:
    message = outgoing("r1", NUMBER, body)
    result = line.send(message)["r1"]
    assert result.outcome is Outcome.ACCEPTED
    assert modem.received == [Received(NUMBER, body)]
    assert len(modem.submitted) == message.parts
    assert all(modem.asked_for_reports)
    last = modem.reference
    assert result.references == tuple(
        str(number) for number in range(last - message.parts + 1, last + 1)
    )


@pytest.mark.parametrize(
    ("answer", "outcome", "code"),
    [
        ("+CMS ERROR: 1", Outcome.PERMANENT, "CMS 1"),
        ("+CMS ERROR: 304", Outcome.PERMANENT, "CMS 304"),
        ("+CMS ERROR: 21", Outcome.TEMPORARY, "CMS 21"),
        ("+CMS ERROR: 42", Outcome.TEMPORARY, "CMS 42"),
        ("+CMS ERROR: 331", Outcome.TEMPORARY, "CMS 331"),
        ("+CMS ERROR: 332", Outcome.UNCERTAIN, "CMS 332"),
        ("+CMS ERROR: 500", Outcome.UNCERTAIN, "CMS 500"),
        ("+CMS ERROR: 512", Outcome.UNCERTAIN, "CMS 512"),
        ("ERROR", Outcome.UNCERTAIN, "ERR_UNKNOWN"),
    ],
)
def test_an_error_after_the_hand_over_has_the_networks_own_meaning(
    modem: AtModem, line: Line, answer: str, outcome: Outcome, code: str
) -> None:
    modem.answers.append(answer)
    results = line.send(outgoing("bad", NUMBER), outgoing("good", NUMBER, "Sesudahnya"))
    assert results["bad"].outcome is outcome
    assert results["bad"].code == code
    assert results["bad"].reason
    assert results["good"].outcome is Outcome.ACCEPTED
    assert [one.body for one in modem.received] == ["Sesudahnya"]


def test_an_error_before_the_hand_over_is_temporary(modem: AtModem, line: Line) -> None:
    modem.prompts.append("ERROR")
    assert line.send(outgoing("r1", NUMBER))["r1"].outcome is Outcome.TEMPORARY
    assert modem.submitted == []


def test_a_text_that_left_in_part_is_not_sent_again(modem: AtModem, line: Line) -> None:
    body = LONG
    assert outgoing("r1", NUMBER, body).parts > 2

    class RefuseSecond(list[str]):
        asked = 0

        def __bool__(self) -> bool:
            self.asked += 1
            return self.asked == 2

        def pop(self, _index: Any = 0) -> str:
            return "+CMS ERROR: 42"

    modem.answers = RefuseSecond()
    result = line.send(outgoing("r1", NUMBER, body))["r1"]
    modem.answers = []
    assert result.outcome is Outcome.UNCERTAIN
    assert "1 dari" in result.reason.interpolate()  # type: ignore[union-attr]
    assert len(modem.submitted) == 1


def test_a_report_that_the_modem_says_by_itself_comes_in(modem: AtModem, line: Line) -> None:
    result = line.send(outgoing("r1", NUMBER))["r1"]
    modem.say_report(int(result.references[0]), NUMBER, 0)
    until = time.monotonic() + 5
    while not line.collected and time.monotonic() < until:
        line.poll()
    (report,) = line.collected
    assert isinstance(report, DeliveryReport)
    assert (report.reference, report.address) == (result.references[0], NUMBER)
    assert report.state is ReportState.DELIVERED
    assert line.poll() == []


def test_a_stored_text_is_deleted_only_after_it_was_stored_here(modem: AtModem, line: Line) -> None:
    modem.store_text(1, "+6281230900959", "HADIR 🙂")
    at_that_time: list[int] = []

    def watch(items: Any) -> None:
        at_that_time.append(len(modem.stored))
        line.collected.extend(items)

    transport = line.transport
    kept, context = transport.context, TransportContext(1, "Modem", {}, "", watch)
    transport.context = context
    try:
        line.poll()
    finally:
        transport.context = kept
    (text,) = line.collected
    assert isinstance(text, InboundMessage)
    assert (text.sender, text.body) == ("+6281230900959", "HADIR 🙂")
    assert at_that_time == [1]
    assert modem.stored == {}


def test_the_trace_of_the_conversation_is_not_kept(modem: AtModem, line: Line) -> None:
    line.send(outgoing("r1", NUMBER, "Kode rahasia 4711"))
    assert modem.submitted
    transport = line.transport
    assert isinstance(transport, GammuTransport)
    assert "4711" not in transport._modem._trace.read()
    assert transport.health().ok


def test_a_pin_is_entered_once_and_a_wrong_one_never_again() -> None:
    with closing(AtModem(pin="1234")) as modem:
        wrong = opened(settings(modem, pin="9999"))
        for attempt in range(3):
            result = wrong.send(outgoing(f"r{attempt}", NUMBER))[f"r{attempt}"]
            assert result.outcome is Outcome.TEMPORARY
            assert result.code == "pin"
        assert not wrong.transport.health().ok
        wrong.close()
        assert modem.pins_tried == ["9999"]
        right = opened(settings(modem, pin="1234"))
        assert right.send(outgoing("r9", NUMBER))["r9"].outcome is Outcome.ACCEPTED
        right.close()
        assert modem.pins_tried == ["9999", "1234"]


def test_a_device_that_is_not_there_keeps_messages_waiting(tmp_path: Path) -> None:
    line = opened({"device": str(tmp_path / "ttyUSB9"), "connection": "at115200"})
    results = line.send(*(outgoing(f"r{i}", NUMBER) for i in range(3)))
    assert {result.outcome for result in results.values()} == {Outcome.TEMPORARY}
    assert line.poll() == []
    assert not line.transport.health().ok
    line.close()


@pytest.mark.parametrize(
    ("error", "trace", "outcome"),
    [
        (gammu.ERR_TIMEOUT, "Waiting for modem prompt\nSending SMS\n", Outcome.UNCERTAIN),
        (gammu.ERR_TIMEOUT, "Waiting for modem prompt\n", Outcome.TEMPORARY),
        (gammu.ERR_TIMEOUT, "", Outcome.UNCERTAIN),
        (gammu.ERR_DEVICEWRITEERROR, "Sending SMS\n", Outcome.UNCERTAIN),
        (gammu.ERR_NOTCONNECTED, "", Outcome.TEMPORARY),
        (gammu.ERR_GETTING_SMSC, "", Outcome.TEMPORARY),
        (gammu.ERR_UNKNOWN, "", Outcome.UNCERTAIN),
    ],
)
def test_silence_is_uncertain_once_the_message_was_handed_over(
    error: type[gammu.GSMError], trace: str, outcome: Outcome
) -> None:
    assert explain(error(), trace).outcome is outcome
