"""The transport: mail out by SMTP, one connection for a chunk."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar, Final

from core.api.hooks import (
    Capabilities,
    Health,
    Outcome,
    OutgoingMessage,
    SendResult,
    SettingField,
    Transport,
    TransportContext,
)
from core.api.text import TranslationString, _
from plugins.email.addresses import InvalidAddressError, envelope_address
from plugins.email.delivery import PERMANENT, Connection, ConnectionFailedError, Reply, Step
from plugins.email.mail import compose, message_id
from plugins.email.settings import FIELDS, Mailbox, SettingsError, read_mailbox

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["EmailTransport"]

LEASE_SECONDS: Final = 300.0
BREAKS_ALLOWED: Final = 2
"""Connections that may break in a row before the rest of a chunk is left for later."""


class EmailTransport(Transport):
    """One SMTP server."""

    name: ClassVar[str] = "email"
    title: ClassVar[TranslationString] = _("Email (SMTP)")
    capabilities: ClassVar[Capabilities] = Capabilities(
        kinds=frozenset({"email"}), concurrency=3, chunk=20, lease_seconds=LEASE_SECONDS
    )
    settings_form: ClassVar[Sequence[SettingField]] = FIELDS

    def __init__(self, context: TransportContext) -> None:
        """Read the settings; a mistake is told by ``health`` and keeps the messages waiting."""
        super().__init__(context)
        self._mailbox: Mailbox | None = None
        self._problem: SettingsError | None = None
        try:
            self._mailbox = read_mailbox(context.settings)
        except SettingsError as problem:
            self._problem = problem

    def send(self, messages: Sequence[OutgoingMessage]) -> Sequence[SendResult]:
        """Send every message by itself over one connection."""
        if self._mailbox is None:
            assert self._problem is not None  # noqa: S101 - one of the two is set
            reason = self._problem.explanation
            return [_waiting(m.ref, self._problem.key, reason) for m in messages]
        chunk = _Chunk(self._mailbox, self.context)
        try:
            return [chunk.send(message) for message in messages]
        finally:
            chunk.close()

    def health(self) -> Health:
        """Connect and sign in."""
        if self._mailbox is None:
            assert self._problem is not None  # noqa: S101 - one of the two is set
            return Health(ok=False, detail=self._problem.explanation)
        try:
            with Connection(self._mailbox):
                return Health(ok=True)
        except ConnectionFailedError as error:
            return Health(ok=False, detail=error.explanation)


class _Chunk:
    """One chunk under way: one connection, opened when needed and again after a break."""

    def __init__(self, mailbox: Mailbox, context: TransportContext) -> None:
        self._mailbox = mailbox
        self._must_stop = context.must_stop
        self._connection: Connection | None = None
        self._breaks = 0
        self._given_up: ConnectionFailedError | None = None
        waits = mailbox.connect_seconds * 4 + mailbox.answer_seconds * 5
        self._deadline = time.monotonic() + LEASE_SECONDS - min(waits, LEASE_SECONDS / 2)

    def send(self, message: OutgoingMessage) -> SendResult:
        try:
            recipient, utf8 = envelope_address(message.address)
            content = compose(self._mailbox, message)
        except InvalidAddressError:
            reason = _("Alamat email ini tidak sah. Periksa kembali penulisannya.")
            return SendResult(message.ref, Outcome.PERMANENT, code="address", reason=reason)
        except (UnicodeError, ValueError) as error:
            reason = _("Isi email ini tidak dapat dituliskan sebagai email.")
            code = type(error).__name__
            return SendResult(message.ref, Outcome.PERMANENT, code=code, reason=reason)
        if time.monotonic() > self._deadline or self._must_stop():
            return SendResult(message.ref, Outcome.NOT_TRIED)
        if self._breaks >= BREAKS_ALLOWED:
            return _not_tried(message.ref, _UNTRIED)
        try:
            reply = self._hand_over(recipient, content, utf8=utf8)
        except ConnectionFailedError as error:
            self._given_up = error
            return _waiting(message.ref, error.code, error.explanation)
        return self._result(message.ref, reply)

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _hand_over(self, recipient: str, content: bytes, *, utf8: bool) -> Reply:
        connection = self._connected()
        used = connection.used
        reply = connection.hand_over(self._mailbox.sender_address, recipient, content, utf8=utf8)
        if reply.step is Step.BROKEN_BEFORE and used:
            # Servers close a connection after some messages; nothing of this one was sent yet.
            self.close()
            reply = self._connected().hand_over(
                self._mailbox.sender_address, recipient, content, utf8=utf8
            )
        if reply.step in {Step.BROKEN_BEFORE, Step.BROKEN_AFTER}:
            self._breaks += 1
            self.close()
        else:
            self._breaks = 0
        return reply

    def _connected(self) -> Connection:
        if self._given_up is not None:
            raise self._given_up
        if self._connection is None:
            self._connection = Connection(self._mailbox)
        return self._connection

    def _result(self, ref: str, reply: Reply) -> SendResult:
        code = str(reply.code or reply.step)
        if reply.step is Step.DONE:
            # Bounces speak of the Message-ID (RFC 3464), so that is the channel's reference.
            return SendResult(ref, Outcome.ACCEPTED, (message_id(ref, self._mailbox.domain),), code)
        mapping = {"text": f"{reply.code or ''} {reply.text}".strip()[:200] or "-"}
        if reply.step is Step.BROKEN_AFTER:
            reason = _("Server email tidak memberi jawaban setelah isi email dikirimkan.")
            return SendResult(ref, Outcome.UNCERTAIN, code=code, reason=reason)
        if reply.step is Step.UNSUPPORTED:
            reason = _("Server email tidak dapat mengirim ke alamat dengan huruf selain ASCII.")
            return SendResult(ref, Outcome.PERMANENT, code=code, reason=reason)
        if reply.step is Step.REFUSED and reply.code >= PERMANENT:
            reason = _("Server email menolak: ${text}", mapping=mapping)
            return SendResult(ref, Outcome.PERMANENT, code=code, reason=reason)
        reason = _("Server email belum dapat menerima: ${text}", mapping=mapping)
        return _waiting(ref, code, reason)


_UNTRIED: Final = _("Belum dikirim karena sambungan ke server email berulang kali putus.")


def _not_tried(ref: str, reason: TranslationString) -> SendResult:
    return SendResult(ref, Outcome.NOT_TRIED, code="waiting", reason=reason)


def _waiting(ref: str, code: str, reason: TranslationString) -> SendResult:
    return SendResult(ref, Outcome.TEMPORARY, code=code, reason=reason)
