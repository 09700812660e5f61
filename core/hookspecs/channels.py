"""Channels: what a transport is, what it is given, what it answers.

A transport is one class. It declares what it can, sends chunks, and may poll or take webhooks; it
never touches the message tables. What arrives out of turn (a modem's callback) goes to
``TransportContext.intake``.
"""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from core.hookspecs.markers import hookspec
from core.hookspecs.system import SettingField
from core.i18n import TranslationString

__all__ = [
    "Capabilities",
    "DeliveryReport",
    "Evidence",
    "Health",
    "InboundMessage",
    "Outcome",
    "OutgoingMessage",
    "ReportState",
    "SendResult",
    "Transport",
    "TransportContext",
    "WebhookAnswer",
    "WebhookRequest",
    "register_transports",
]


class Evidence(enum.StrEnum):
    """What proves a message's state, from weakest to strongest."""

    NONE = "none"
    UNKNOWABLE = "unknowable"
    """The channel cannot report, so no proof will ever come."""
    GATEWAY = "gateway"
    NETWORK = "network"
    HANDSET = "handset"


class Outcome(enum.StrEnum):
    """How one hand-over ended."""

    ACCEPTED = "accepted"
    """The channel took the message."""
    PERMANENT = "permanent"
    """The channel refused for good; sending again is useless."""
    TEMPORARY = "temporary"
    """The channel is sure that it did not take it and may take it later."""
    UNCERTAIN = "uncertain"
    """Nobody can tell whether it left (a time-out after the request was written)."""
    NOT_TRIED = "not_tried"
    """Nothing was done with it: ``send`` ended before its turn. Counts as no attempt."""


class ReportState(enum.StrEnum):
    """What a delivery report says (3GPP TS 23.040, 9.2.3.15, reduced to what a person asks)."""

    ACCEPTED = "accepted"
    """Taken by the network, not yet by the telephone."""
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    REJECTED = "rejected"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """One message as a transport sees it."""

    ref: str
    """Our own reference, unique for ever; safe in URLs; the idempotency key."""
    address: str
    """E.164 number, or an e-mail address for the kind ``email``."""
    body: str
    kind: str = "sms"
    purpose: str = ""
    title: str = ""
    """Subject line of an e-mail."""
    encoding: str = "gsm7"
    """``gsm7`` or ``ucs2`` (3GPP TS 23.038); ``utf8`` for e-mail."""
    parts: int = 1
    attempt: int = 1
    """1 for the first hand-over."""


@dataclass(frozen=True, slots=True)
class SendResult:
    """What happened to one message of a chunk."""

    ref: str
    outcome: Outcome
    references: tuple[str, ...] = ()
    """The channel's own references, one per part where it gives them, else one."""
    code: str = ""
    """The channel's own error code, for the log."""
    reason: TranslationString | str = ""
    """Why it was not accepted, for a person."""
    evidence: Evidence = Evidence.GATEWAY


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """A report that arrived, with ``ref`` (ours) or ``reference`` (the channel's)."""

    state: ReportState
    ref: str = ""
    reference: str = ""
    address: str = ""
    """E.164 of the recipient, where the channel can only be matched by reference and number."""
    evidence: Evidence = Evidence.NETWORK
    at: datetime | None = None
    """When it happened according to the channel (aware), else None."""
    raw: str = ""
    """What came over the wire, kept for ever. Secrets must be left out by the transport."""


@dataclass(frozen=True, slots=True)
class InboundMessage:
    """A text that came in, already put together from its parts."""

    sender: str
    """E.164, or what the network gave where it is no number."""
    body: str
    recipient: str = ""
    external_id: str = ""
    """The channel's own id, used to drop doubles; empty when it has none."""
    at: datetime | None = None
    raw: str = ""


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """What a gateway posted to us, read completely."""

    method: str
    path: str
    """What follows the account's own address, without a leading slash."""
    query: Mapping[str, str]
    form: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    remote_addr: str


@dataclass(frozen=True, slots=True)
class WebhookAnswer:
    """What a webhook brought, and what to answer once it is committed."""

    reports: Sequence[DeliveryReport] = ()
    inbound: Sequence[InboundMessage] = ()
    status: int = 200
    body: str = "ok"
    content_type: str = "text/plain"
    unreadable: str = ""
    """What was posted and could not be read; the core keeps it so that a person can look. Secrets
    must be left out by the transport."""


@dataclass(frozen=True, slots=True)
class Health:
    """Whether an account can work now, and why not."""

    ok: bool
    detail: TranslationString | str = ""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a transport can. The core never asks a transport for what it does not declare."""

    kinds: frozenset[str] = frozenset({"sms"})
    """Kinds of addresses it reaches: ``sms``, ``email``."""
    reports: bool = False
    """Whether delivery reports can come; if not, the tick says that nobody can know."""
    inbound: bool = False
    idempotent: bool = False
    """Whether the same ``ref`` handed over twice is delivered once."""
    concurrency: int = 1
    """Chunks that one account may have under way at once. From 2 on, one of them is kept for codes
    that somebody is waiting for."""
    chunk: int = 100
    """Messages per call of ``send``."""
    lease_seconds: float = 120.0
    """How long one call of ``send`` may take before its messages count as uncertain."""
    cost_per_part: int = 0
    """Rupiah per part, for the composer."""
    production: bool = True
    """False for channels that reach nobody (training): never the default in production."""


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class TransportContext:
    """What an account gives its transport when it is opened."""

    account_id: int
    account_name: str
    settings: Mapping[str, Any]
    """The account's settings, secrets already decrypted. Must never be logged."""
    webhook_url: str
    """Address at which this account's webhook is reached, without a trailing slash. A gateway
    gets it with our own ``ref`` in the query."""
    intake: Callable[[Sequence[DeliveryReport | InboundMessage]], None]
    """Stores what arrived, in a transaction of its own, before it returns."""
    must_stop: Callable[[], bool] = _never
    """Whether ``send`` should end soon: the process is told to stop, or a code waits for the only
    slot. A transport that takes its time asks before each message and answers ``NOT_TRIED`` for the
    rest. Cheap to call; may be called from any thread."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """``database``: the process's database, only for a channel whose network is its own tables.
    ``loop``: the event loop on which an ``async`` transport is called."""


class Transport(ABC):
    """Base of transports. One instance per account and process; closed when settings change."""

    name: ClassVar[str]
    """Unique name, the same as the plugin's."""
    title: ClassVar[TranslationString]
    capabilities: ClassVar[Capabilities] = Capabilities()
    settings_form: ClassVar[Sequence[SettingField]] = ()
    """Fields of one account (address, credentials …); secrets are stored encrypted."""

    def __init__(self, context: TransportContext) -> None:
        """Keep ``context``; connections are opened on first use."""
        self.context = context

    @abstractmethod
    def send(
        self, messages: Sequence[OutgoingMessage]
    ) -> Sequence[SendResult] | Awaitable[Sequence[SendResult]]:
        """Hand a chunk to the channel and say what happened to each message.

        Called outside any transaction, after the attempts were committed; plain or ``async`` (then
        on the process's event loop). Must answer for every message; one that is left out, and every
        one when it raises, counts as uncertain.
        """

    def poll(self) -> Sequence[DeliveryReport | InboundMessage]:
        """Ask the channel for reports and texts. Called every few seconds by one process."""
        return ()

    def webhook(self, request: WebhookRequest) -> WebhookAnswer:  # noqa: ARG002 - for subclasses
        """Read what a gateway posted. The core has already checked the account's secret address."""
        return WebhookAnswer(status=404, body="this channel takes no webhooks")

    def health(self) -> Health:
        """Tell whether the channel answers. May take a second; never called in a request."""
        return Health(ok=True)

    def close(self) -> None:  # noqa: B027 - most channels hold nothing
        """Give back connections. Called once; an ``async`` client is closed on its own loop."""


@hookspec(since="0.1")
def register_transports() -> Sequence[type[Transport]]:
    """Give the transports of this plugin.

    *collect* hook. Called once when a process builds its plugins. Silence means none. A name that
    another plugin has already given is refused, and the plugin is shown as failed.
    """
