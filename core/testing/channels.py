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

import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from core.hookspecs.channels import DeliveryReport, InboundMessage, Outcome, ReportState
from core.hookspecs.system import SettingField
from core.i18n import TranslationString
from core.testing.peers import (
    OUTCOMES,
    SECRET,
    SEND_SECONDS,
    ChannelPeer,
    Fault,
    Line,
    Received,
    outgoing,
)

__all__ = [
    "LONG",
    "SECRET",
    "UNICODE",
    "ChannelConformance",
    "ChannelPeer",
    "Fault",
    "Line",
    "Received",
    "outgoing",
]

UNICODE = "Yth. Bpk/Ibu “Nur”, sampai jumpa 🙂 <b>&amp;</b> {{ 7 * 7 }} €5 \\ 100% \"x\" 'y' é漢字"
LONG = "Undangan penandatanganan NPHD di aula lantai 2, mohon hadir tepat waktu. " * 9


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

    def test_a_message_without_an_answer_leaves_the_rest_of_its_batch_alone(
        self, peer: ChannelPeer, line: Line
    ) -> None:
        """What became of one is unknown, and only of that one."""
        faults = sorted(fault for fault in peer.faults if OUTCOMES[fault] is Outcome.UNCERTAIN)
        for fault in faults:
            peer.misbehave(fault, peer.addresses[1])
            results = line.send(*(peer.message(f"{fault}{i}", peer.addresses[i]) for i in range(3)))
            outcomes = [results[f"{fault}{i}"].outcome for i in range(3)]
            assert outcomes[1] is Outcome.UNCERTAIN, fault
            # The others may wait for a new connection; none may be lost or given up.
            allowed = {Outcome.ACCEPTED, Outcome.TEMPORARY}
            if peer.together:
                allowed.add(Outcome.UNCERTAIN)
            assert {outcomes[0], outcomes[2]} <= allowed, fault
            peer.recover()

    def test_a_fault_has_the_right_outcome(self, peer: ChannelPeer, line: Line) -> None:
        """Only what surely did not leave may be sent again; what may have left is uncertain."""
        assert peer.faults or not peer.keeps_messages, "the other side must be able to misbehave"
        for fault in sorted(peer.faults):
            peer.misbehave(fault, peer.addresses[0])
            before = len(peer.received())
            begun = time.monotonic()
            result = line.send(peer.message(f"{fault}-1", peer.addresses[0]))[f"{fault}-1"]
            assert time.monotonic() - begun < SEND_SECONDS, f"it waits for ever: {fault}"
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

    def test_an_early_report_is_passed_on(self, peer: ChannelPeer, line: Line) -> None:
        """A report can come before its answer, to a process that knows nothing of the message."""
        if not peer.transport.capabilities.reports:
            assert line.poll() == []
            return
        message = peer.message("e1", peer.addresses[0])
        result = line.send(message)["e1"]
        line.transport.close()
        stranger = peer.open()
        peer.report(stranger, message, result, ReportState.DELIVERED)
        reports = [one for one in stranger.collected if isinstance(one, DeliveryReport)]
        stranger.close()
        assert {one.state for one in reports} == {ReportState.DELIVERED}
        assert reports[0].ref == "e1" or reports[0].reference in result.references

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
