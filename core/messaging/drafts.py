"""What callers give to the queue and what they get back: plain values, no mapped objects."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.errors import AbahError, InvalidInputError
from core.hookspecs.channels import Evidence
from core.i18n import TranslationString, _
from core.messaging.states import Direction, Lane, State, Tick, tick_of

__all__ = [
    "Draft",
    "EmptyMessageError",
    "MessageFacts",
    "NotResendableError",
    "TooLongMessageError",
    "UnknownAccountError",
    "UnreachableAddressError",
]


class UnreachableAddressError(InvalidInputError):
    """A recipient that no channel can reach: not E.164 (ITU-T E.164), or no e-mail address."""

    def __init__(self, address: str) -> None:
        """Remember the address."""
        self.address = address
        super().__init__(
            "address",
            _(
                "${address} bukan nomor telepon atau alamat email tujuan yang sah. "
                "Perbaiki lalu kirim lagi.",
                mapping={"address": address or "-"},
            ),
        )


class EmptyMessageError(InvalidInputError):
    """A message without text, or with characters that no channel can carry."""

    def __init__(self) -> None:
        """Name the field ``body``."""
        super().__init__("body", _("Isi pesan masih kosong. Tulis isi pesan lebih dahulu."))


class TooLongMessageError(InvalidInputError):
    """A text of more parts than 3GPP TS 23.040 can number (255)."""

    def __init__(self, parts: int) -> None:
        """Remember how many parts it would need."""
        self.parts = parts
        super().__init__(
            "body",
            _(
                "Isi pesan terlalu panjang (${parts} bagian SMS, paling banyak 255). "
                "Persingkat isinya.",
                mapping={"parts": parts},
            ),
        )


class UnknownAccountError(AbahError):
    """The account that a message was meant for does not exist or cannot carry its kind."""

    explanation = _(
        "Kanal yang dipilih tidak ada atau tidak dapat mengirim jenis pesan ini. Pilih kanal lain."
    )


class NotResendableError(AbahError):
    """Only a message that failed, was cancelled, or whose fate is open can be sent again."""

    explanation = _(
        "Pesan ini tidak dapat dikirim ulang. Hanya pesan yang gagal, dibatalkan, atau belum pasti "
        "yang dapat dikirim ulang; kode rahasia harus diminta lagi."
    )


@dataclass(frozen=True, slots=True)
class Draft:
    """A message to be sent."""

    address: str
    """E.164 number, or an e-mail address for the kind ``email``."""
    body: str
    purpose: str
    """Why it is sent, as ``nphd.call``; for routing and statistics."""
    kind: str = "sms"
    """``sms`` or ``email``."""
    thread_id: int | None = None
    """Conversation in which it shows; None for codes and mail to officers."""
    lane: Lane = Lane.WORKFLOW
    sender_id: int | None = None
    """Officer who wrote it; None for the system."""
    title: str | None = None
    """Subject line of an e-mail."""
    secret: bool = False
    """The text is encrypted until it was handed over, then erased; only a masked form stays."""
    not_before: datetime | None = None
    expires_at: datetime | None = None
    """Aware; a message still waiting then is not sent any more."""
    origin: str | None = None
    """Key of what causes it, as ``nphd.invitee:7``; comes back in ``messages_changed``."""
    account_id: int | None = None
    """Send by this account and no other; None leaves the choice to routing."""


@dataclass(frozen=True, slots=True)
class MessageFacts:
    """A message as pages show it."""

    id: int
    ref: str
    thread_id: int | None
    direction: Direction
    kind: str
    purpose: str
    origin: str
    address: str
    title: str
    body: str
    encoding: str
    parts: int
    state: State
    evidence: Evidence
    reason: TranslationString | None
    """Why it waits, failed or was stopped."""
    attempt_count: int
    account_name: str | None
    """Channel that carried it, or None before one was chosen."""
    sender_id: int | None
    is_ambiguous: bool
    """Incoming: other conversations use the same number, so the thread is a guess."""
    superseded_by_id: int | None
    """The message that was sent instead."""
    created_at: datetime
    due_at: datetime
    sent_at: datetime | None
    reported_at: datetime | None
    read_at: datetime | None

    @property
    def tick(self) -> Tick:
        """The mark at the message's right."""
        return tick_of(self.state)
