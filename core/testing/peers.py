"""The other side of a channel under test, and the line to it."""

from __future__ import annotations

import asyncio
import enum
import inspect
from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

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

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping, Sequence

__all__ = [
    "OUTCOMES",
    "SECRET",
    "SEND_SECONDS",
    "ChannelPeer",
    "Fault",
    "Line",
    "Received",
    "outgoing",
]

SECRET = "s3cr3t-never-in-a-log"  # noqa: S105 - the tests look for it
WEBHOOK_URL = "http://localhost:6543/hook/1/token"
SEND_SECONDS = 30.0


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

    together: ClassVar[bool] = False
    """True for an API that takes a whole chunk in one call: when the call gets no answer, all of
    its messages are uncertain."""

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
