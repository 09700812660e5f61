"""The conformance suite of channels: what the core relies on, tried against the real other side.

A plugin author describes the other side of the channel (a server, a modem, a folder) as a
:class:`ChannelPeer` and lets the suite run::

    class TestMyChannel(ChannelConformance):
        @pytest.fixture
        def peer(self) -> Iterator[ChannelPeer]:
            with closing(MyPeer()) as peer:
                yield peer

Nothing of the database is needed: a transport gets a context and gives results.
"""

from __future__ import annotations

import asyncio
import enum
import inspect
import logging
import threading
from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from core.hookspecs.channels import (
    DeliveryReport,
    InboundMessage,
    Outcome,
    OutgoingMessage,
    ReportState,
    SendResult,
    Transport,
    TransportContext,
    WebhookAnswer,
    WebhookRequest,
)
from core.hookspecs.system import SettingField
from core.i18n import TranslationString

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator, Mapping, Sequence

__all__ = [
    "SECRET",
    "ChannelConformance",
    "ChannelPeer",
    "Fault",
    "Line",
    "Received",
    "outgoing",
]

SECRET = "s3cr3t-never-in-a-log"  # noqa: S105 - the tests look for it
WEBHOOK_URL = "http://localhost:6543/hook/1/token"
SEND_SECONDS = 30.0

UNICODE = "Yth. Bpk/Ibu “Nur”, sampai jumpa 🙂 <b>&amp;</b> {{ 7 * 7 }} €5 \\ 100% \"x\" 'y' é漢字"
LONG = "Undangan penandatanganan NPHD di aula lantai 2, mohon hadir tepat waktu. " * 9


class Fault(enum.StrEnum):
    """What the other side can be told to do with the next message to one address."""

    REFUSED = "refused"
    """It says no, for good."""
    BUSY = "busy"
    """It says not now."""
    BROKEN = "broken"
    """It takes the message, and the connection breaks before the answer."""
    SILENT = "silent"
    """It takes the message and never answers."""
    AWAY = "away"
    """Nobody is there, whatever the address, until ``recover``."""


OUTCOMES: Mapping[Fault, Outcome] = {
    Fault.REFUSED: Outcome.PERMANENT,
    Fault.BUSY: Outcome.TEMPORARY,
    Fault.BROKEN: Outcome.UNCERTAIN,
    Fault.SILENT: Outcome.UNCERTAIN,
    Fault.AWAY: Outcome.TEMPORARY,
}


@dataclass(frozen=True, slots=True)
class Received:
    """A message as the recipient has it."""

    address: str
    body: str
    title: str = ""


def outgoing(
    ref: str, address: str, body: str = "Halo", *, kind: str = "sms", title: str = ""
) -> OutgoingMessage:
    """Make a message as the engine would: encoding and parts fit the text (3GPP TS 23.038)."""
    if kind != "sms":
        return OutgoingMessage(ref, address, body, kind, "test", title or "Perihal", "utf8")
    # Every character of these tests outside ASCII is outside GSM-7 too, and none needs an escape.
    plain = body.isascii() and not set(body) & set("`[]{}\\^~|")
    units, single, each = (
        (len(body), 160, 153) if plain else (len(body.encode("utf-16-le")) // 2, 70, 67)
    )
    parts = 1 if units <= single else -(-units // each)
    return OutgoingMessage(
        ref, address, body, kind, "test", encoding="gsm7" if plain else "ucs2", parts=parts
    )


@dataclass
class Line:
    """An open transport together with what it brought in."""

    transport: Transport
    collected: list[DeliveryReport | InboundMessage] = field(default_factory=list)
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)

    def send(self, *messages: OutgoingMessage) -> dict[str, SendResult]:
        """Hand a chunk over and return the results by reference; every message has exactly one."""
        answer = self.transport.send(messages)
        results = self._awaited(answer) if inspect.isawaitable(answer) else answer
        counted = Counter(result.ref for result in results)
        assert counted == Counter(message.ref for message in messages), (
            "every message must have exactly one result"
        )
        return {result.ref: result for result in results}

    def poll(self) -> list[DeliveryReport | InboundMessage]:
        """Ask the channel, and return what it brought by either way."""
        before = len(self.collected)
        self.collected.extend(self.transport.poll())
        return self.collected[before:]

    def call(self, request: WebhookRequest) -> WebhookAnswer:
        """Let a gateway call the webhook; what it brought is collected."""
        answer = self.transport.webhook(request)
        self.collected.extend((*answer.reports, *answer.inbound))
        return answer

    def close(self) -> None:
        """Close the transport, then its loop."""
        self.transport.close()
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.close()

    def _awaited(self, answer: Awaitable[Sequence[SendResult]]) -> Sequence[SendResult]:
        async def waited() -> Sequence[SendResult]:
            return await asyncio.wait_for(answer, SEND_SECONDS)

        return self.loop.run_until_complete(waited())


class ChannelPeer(ABC):
    """The other side of a channel: a real server, modem or table that can be told to misbehave."""

    transport: ClassVar[type[Transport]]
    addresses: ClassVar[tuple[str, str, str]] = (
        "+6281230900951",
        "+6281230900952",
        "+6281230900953",
    )
    """Three addresses that the channel reaches."""
    faults: ClassVar[frozenset[Fault]] = frozenset()
    """Faults that this peer can produce."""
    keeps_messages: ClassVar[bool] = True
    """False for a peer that takes messages without recording them (libGammu's dummy phone)."""

    @abstractmethod
    def settings(self) -> Mapping[str, Any]:
        """Return settings of an account that reaches this peer; secrets are ``SECRET``."""

    def extra(self) -> Mapping[str, Any]:
        """Return what the core adds to the context."""
        return {}

    @abstractmethod
    def received(self) -> Sequence[Received]:
        """Return what arrived, in order."""

    def misbehave(self, fault: Fault, address: str) -> None:
        """Treat the next message to ``address`` so. ``AWAY`` lasts until ``recover``."""
        raise AssertionError(fault, address)

    def recover(self) -> None:  # noqa: B027 - most peers have nothing to do
        """Be there again after ``AWAY``."""

    def report(
        self, line: Line, message: OutgoingMessage, result: SendResult, state: ReportState
    ) -> None:
        """Report what became of ``message``, in whatever way reports come in here."""
        raise AssertionError(line, message, result, state)

    def text_in(self, line: Line, sender: str, body: str) -> None:
        """Write a text to us, in whatever way texts come in here."""
        raise AssertionError(line, sender, body)

    def open(self) -> Line:
        """Open the transport on this peer."""
        collected: list[DeliveryReport | InboundMessage] = []
        context = TransportContext(
            account_id=1,
            account_name="Uji",
            settings=self.settings(),
            webhook_url=WEBHOOK_URL,
            intake=collected.extend,
            extra=self.extra(),
        )
        return Line(self.transport(context), collected)

    def message(self, ref: str, address: str, body: str = "Halo") -> OutgoingMessage:
        """Make a message that the transport reaches: a text, or what it carries instead."""
        kinds = self.transport.capabilities.kinds
        return outgoing(ref, address, body, kind="sms" if "sms" in kinds else min(kinds))

    def close(self) -> None:  # noqa: B027 - some peers hold nothing
        """Give back ports and threads."""


class ChannelConformance:
    """The suite. Subclass it, give the fixture ``peer``, and let pytest collect the subclass."""

    @pytest.fixture
    def line(self, peer: ChannelPeer) -> Iterator[Line]:
        """Open the transport for one test."""
        line = peer.open()
        yield line
        line.close()

    def test_declares_itself_completely(self, peer: ChannelPeer) -> None:
        """The core can show, store and plan with what the class says of itself."""
        transport, can = peer.transport, peer.transport.capabilities
        assert transport.name.isidentifier()
        assert isinstance(transport.title, TranslationString)
        assert can.kinds
        assert can.chunk >= 1
        assert can.concurrency >= 1
        assert can.lease_seconds > 0
        fields = list(transport.settings_form)
        assert len({one.key for one in fields}) == len(fields)
        for one in fields:
            assert isinstance(one, SettingField)
            assert one.kind != "choice" or one.default in {value for value, _label in one.choices}

    def test_every_message_of_a_batch_arrives_once(self, peer: ChannelPeer, line: Line) -> None:
        """Twelve messages in one chunk: twelve results, each text at its own address, once."""
        messages = [
            peer.message(f"b{i}", peer.addresses[i % 3], f"Pesan nomor {i}") for i in range(12)
        ]
        results = line.send(*messages)
        assert {result.outcome for result in results.values()} == {Outcome.ACCEPTED}
        if peer.keeps_messages:
            arrived = Counter((one.address, one.body) for one in peer.received())
            assert arrived == Counter((m.address, m.body) for m in messages)

    def test_an_empty_chunk_is_no_problem(self, line: Line) -> None:
        """Nothing to send, nothing to say."""
        assert line.send() == {}

    @pytest.mark.parametrize("body", [UNICODE, LONG, LONG + UNICODE, "Baris 1\nBaris 2"])
    def test_text_arrives_as_it_was_written(self, peer: ChannelPeer, line: Line, body: str) -> None:
        """Other alphabets, emoji, quotes, template signs, line breaks, many parts: unchanged."""
        result = line.send(peer.message("t1", peer.addresses[0], body))["t1"]
        assert result.outcome is Outcome.ACCEPTED
        if peer.keeps_messages:
            assert [one.body for one in peer.received()] == [body]

    def test_a_refused_message_fails_alone(self, peer: ChannelPeer, line: Line) -> None:
        """One bad message in the middle, and the rest of the chunk goes on."""
        refused = Fault.REFUSED in peer.faults
        if refused:
            peer.misbehave(Fault.REFUSED, peer.addresses[1])
        results = line.send(*(peer.message(f"p{i}", peer.addresses[i]) for i in range(3)))
        middle = Outcome.PERMANENT if refused else Outcome.ACCEPTED
        outcomes = [results[f"p{i}"].outcome for i in range(3)]
        assert outcomes == [Outcome.ACCEPTED, middle, Outcome.ACCEPTED]
        assert results["p1"].reason or not refused, "a refusal must say why"
        if refused:
            arrived = {one.address for one in peer.received()}
            assert arrived == {peer.addresses[0], peer.addresses[2]}

    def test_a_fault_has_the_right_outcome(self, peer: ChannelPeer, line: Line) -> None:
        """Only what surely did not leave may be sent again; what may have left is uncertain."""
        for fault in sorted(peer.faults):
            peer.misbehave(fault, peer.addresses[0])
            before = len(peer.received())
            result = line.send(peer.message(f"{fault}-1", peer.addresses[0]))[f"{fault}-1"]
            assert result.outcome is OUTCOMES[fault], fault
            assert result.reason, f"a person must be told why: {fault}"
            if result.outcome is not Outcome.UNCERTAIN:
                assert len(peer.received()) == before, fault
            peer.recover()
            again = line.send(peer.message(f"{fault}-2", peer.addresses[2]))[f"{fault}-2"]
            assert again.outcome is Outcome.ACCEPTED, f"the line must work again after {fault}"

    def test_reports_name_their_message(self, peer: ChannelPeer, line: Line) -> None:
        """A report leads to its message by our reference, or by the channel's and the number."""
        if not peer.transport.capabilities.reports:
            assert line.poll() == []
            return
        message = peer.message("r1", peer.addresses[0])
        result = line.send(message)["r1"]
        for state in (ReportState.DELIVERED, ReportState.UNDELIVERED):
            before = len(line.collected)
            peer.report(line, message, result, state)
            reports = line.collected[before:]
            assert reports, "the report must come in"
            for report in reports:
                assert isinstance(report, DeliveryReport)
                assert report.state is state
                assert report.ref == "r1" or report.reference in result.references
                assert report.ref or not report.address or report.address == message.address
                assert report.raw, "what came over the wire is kept"
                assert report.at is None or report.at.tzinfo is not None

    def test_a_doubled_report_is_passed_on_and_no_error(
        self, peer: ChannelPeer, line: Line
    ) -> None:
        """The core drops doubles; a transport must not stumble over them."""
        if not peer.transport.capabilities.reports:
            assert line.poll() == []
            return
        message = peer.message("d1", peer.addresses[0])
        result = line.send(message)["d1"]
        for _time in range(2):
            peer.report(line, message, result, ReportState.DELIVERED)
        reports = [one for one in line.collected if isinstance(one, DeliveryReport)]
        assert {report.state for report in reports} == {ReportState.DELIVERED}

    def test_incoming_texts_are_whole(self, peer: ChannelPeer, line: Line) -> None:
        """A text that came in has its sender as E.164 and every part of its body."""
        if not peer.transport.capabilities.inbound:
            assert line.poll() == []
            return
        for body in ("HADIR", LONG.strip(), "Ya 🙂 “siap”"):
            before = len(line.collected)
            peer.text_in(line, "+6281230900959", body)
            texts = line.collected[before:]
            assert len(texts) == 1
            text = texts[0]
            assert isinstance(text, InboundMessage)
            assert (text.sender, text.body) == ("+6281230900959", body)
            assert text.at is None or text.at.tzinfo is not None

    def test_nothing_comes_in_twice(self, peer: ChannelPeer, line: Line) -> None:
        """What was taken over is gone at the source."""
        if peer.transport.capabilities.inbound:
            peer.text_in(line, "+6281230900959", "HADIR")
        line.poll()
        assert line.poll() == []

    def test_secrets_are_not_logged(
        self, peer: ChannelPeer, line: Line, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Neither a log at any level, nor a result, nor the transport's own form shows a secret."""
        caplog.set_level(logging.DEBUG)
        shown = [repr(line.transport)]
        for fault in (None, *sorted(peer.faults - {Fault.SILENT})):
            if fault is not None:
                peer.misbehave(fault, peer.addresses[0])
            message = peer.message(f"s-{fault}", peer.addresses[0])
            shown.extend(map(repr, line.send(message).values()))
            peer.recover()
        shown.append(repr(line.transport.health()))
        assert SECRET not in caplog.text
        assert SECRET not in "".join(shown)

    def test_health_tells_whether_the_other_side_is_there(
        self, peer: ChannelPeer, line: Line
    ) -> None:
        """A healthy line says so, and one that is away says why."""
        assert line.transport.health().ok
        if Fault.AWAY in peer.faults:
            peer.misbehave(Fault.AWAY, peer.addresses[0])
            health = line.transport.health()
            assert not health.ok
            assert health.detail

    def test_closing_is_harmless(self, peer: ChannelPeer) -> None:
        """Before the first use, twice, and with another instance opened after it."""
        line = peer.open()
        line.transport.close()
        line.transport.close()
        line.close()
        again = peer.open()
        assert again.send(peer.message("c1", peer.addresses[0]))["c1"].outcome is Outcome.ACCEPTED
        again.close()

    def test_two_instances_can_work_at_once(self, peer: ChannelPeer) -> None:
        """Several processes open the same account; nothing gets lost between them."""
        lines = [peer.open(), peer.open()]
        outcomes: list[Outcome] = []

        def work(number: int) -> None:
            message = peer.message(f"w{number}", peer.addresses[number])
            outcomes.append(lines[number].send(message)[message.ref].outcome)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(SEND_SECONDS)
        for line in lines:
            line.close()
        assert set(outcomes) <= {Outcome.ACCEPTED, Outcome.TEMPORARY}
        assert Outcome.ACCEPTED in outcomes
        if peer.keeps_messages:
            assert len(peer.received()) == outcomes.count(Outcome.ACCEPTED)
