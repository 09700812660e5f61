"""A channel for the engine's own tests: a transport that does what the test has told it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from core.api.hooks import (
    Capabilities,
    DeliveryReport,
    InboundMessage,
    Outcome,
    OutgoingMessage,
    SendResult,
    SettingField,
    Transport,
    WebhookAnswer,
    WebhookRequest,
    hookimpl,
)
from core.api.text import TranslationString, _

Behaviour = Callable[[OutgoingMessage], SendResult | None]


def accept(message: OutgoingMessage) -> SendResult:
    """Take the message and number its parts."""
    references = tuple(f"{message.ref}/{part}" for part in range(1, message.parts + 1))
    return SendResult(message.ref, Outcome.ACCEPTED, references=references)


@dataclass
class Line:
    """What the other side of the channel saw, and what it does next."""

    behave: Behaviour = accept
    seen: list[OutgoingMessage] = field(default_factory=list)
    chunks: list[int] = field(default_factory=list)
    closed: int = 0
    waiting: list[DeliveryReport | InboundMessage] = field(default_factory=list)
    guard: threading.Lock = field(default_factory=threading.Lock)

    @property
    def counted(self) -> Counter[str]:
        """How often each ref was handed over."""
        return Counter(message.ref for message in self.seen)


class LineTransport(Transport):
    """Hands everything to the class's ``line``."""

    name: ClassVar[str] = "line"
    title: ClassVar[TranslationString] = _("Saluran uji")
    capabilities: ClassVar[Capabilities] = Capabilities(
        reports=True, inbound=True, concurrency=2, chunk=50, lease_seconds=30
    )
    settings_form: ClassVar[Sequence[SettingField]] = (
        SettingField("token", _("Sandi"), kind="secret"),
        SettingField("pace", _("Laju"), kind="int", default=1),
    )
    line: ClassVar[Line] = Line()

    def send(self, messages: Sequence[OutgoingMessage]) -> Sequence[SendResult]:
        """Let the line behave, message by message."""
        with self.line.guard:
            self.line.chunks.append(len(messages))
            self.line.seen += messages
        return [answer for message in messages if (answer := self.line.behave(message)) is not None]

    def poll(self) -> Sequence[DeliveryReport | InboundMessage]:
        """Give what waits, once."""
        waiting, self.line.waiting = self.line.waiting, []
        return waiting

    def close(self) -> None:
        """Note it."""
        self.line.closed += 1

    def webhook(self, request: WebhookRequest) -> WebhookAnswer:
        """Read an incoming text from a form."""
        form = request.form
        return WebhookAnswer(
            inbound=[InboundMessage(form["from"], form["text"], external_id=form.get("id", ""))]
        )


class AsyncTransport(LineTransport):
    """The same, as a coroutine."""

    name: ClassVar[str] = "async_line"

    async def send(  # type: ignore[override]
        self, messages: Sequence[OutgoingMessage]
    ) -> Sequence[SendResult]:
        """Let the line behave."""
        return super().send(messages)


class IdempotentTransport(LineTransport):
    """One that takes our ref as the key."""

    name: ClassVar[str] = "idempotent_line"
    capabilities: ClassVar[Capabilities] = Capabilities(idempotent=True, chunk=50)


class MuteTransport(LineTransport):
    """One that can never report."""

    name: ClassVar[str] = "mute_line"
    capabilities: ClassVar[Capabilities] = Capabilities()


class SlowTransport(LineTransport):
    """One that does one thing at a time and makes room when it is asked to."""

    name: ClassVar[str] = "slow_line"
    capabilities: ClassVar[Capabilities] = Capabilities(chunk=50)

    def send(self, messages: Sequence[OutgoingMessage]) -> Sequence[SendResult]:
        """Ask before each message whether to go on."""
        results: list[SendResult] = []
        for message in messages:
            if results and self.context.must_stop():
                results.append(SendResult(message.ref, Outcome.NOT_TRIED))
            else:
                results += super().send([message])
        return results


class TrainingTransport(LineTransport):
    """One that reaches nobody."""

    name: ClassVar[str] = "training_line"
    capabilities: ClassVar[Capabilities] = Capabilities(production=False)


class LinePlugin:
    """What the plugin would say, as an object of its own for every test."""

    def __init__(self) -> None:
        """Hear nothing yet."""
        self.changes: list[tuple[int, str, str]] = []
        self.batches: list[int] = []
        self.inbound: list[object] = []
        self.routes: dict[str, int] = {}
        self.routed: list[int] = []

    @hookimpl
    def register_transports(self) -> Sequence[type[Transport]]:
        """Give every transport of this module."""
        return [
            LineTransport,
            AsyncTransport,
            IdempotentTransport,
            MuteTransport,
            SlowTransport,
            TrainingTransport,
        ]

    @hookimpl
    def messages_changed(self, session: object, changes: Sequence[object]) -> None:
        """Remember what was told."""
        del session
        self.batches.append(len(changes))
        self.changes += [(c.id, c.before, c.after) for c in changes]  # type: ignore[attr-defined]

    @hookimpl
    def inbound_received(self, session: object, messages: Sequence[object]) -> None:
        """Remember what came in."""
        del session
        self.inbound += messages

    @hookimpl
    def route_messages(
        self, batch: Sequence[OutgoingMessage], accounts: Sequence[object]
    ) -> dict[str, int]:
        """Name what the test has put into ``routes`` by address."""
        del accounts
        self.routed.append(len(batch))
        return {m.ref: self.routes[m.address] for m in batch if m.address in self.routes}
