"""The transport: parts out through the modem, texts and status reports in."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import ClassVar, Final

import gammu

from core.api.hooks import (
    Capabilities,
    DeliveryReport,
    Evidence,
    Health,
    InboundMessage,
    Outcome,
    OutgoingMessage,
    SendResult,
    SettingField,
    Transport,
    TransportContext,
)
from core.api.text import TranslationString, _
from plugins.sms_gammu.inbox import Inbox
from plugins.sms_gammu.modem import Entry, Modem, ModemAwayError, PartError
from plugins.sms_gammu.settings import FIELDS, read_config

__all__ = ["GammuTransport"]

LEASE_SECONDS: Final = 300.0
LAST_START: Final = 150.0
"""Seconds after which no message of a chunk is begun: libGammu waits up to 100 s for one."""
WAIT_SECONDS: Final = 20.0
"""How long a chunk waits for a modem that another process has."""


class GammuTransport(Transport):
    """One modem."""

    name: ClassVar[str] = "sms_gammu"
    title: ClassVar[TranslationString] = _("Modem GSM (Gammu)")
    capabilities: ClassVar[Capabilities] = Capabilities(
        kinds=frozenset({"sms"}),
        reports=True,
        inbound=True,
        concurrency=1,
        chunk=10,
        lease_seconds=LEASE_SECONDS,
    )
    settings_form: ClassVar[Sequence[SettingField]] = FIELDS

    def __init__(self, context: TransportContext) -> None:
        """Read the settings; the modem is opened at the first use."""
        super().__init__(context)
        self._config = read_config(context.settings)
        self._modem = Modem(self._config)
        self._inbox = Inbox()

    def send(self, messages: Sequence[OutgoingMessage]) -> Sequence[SendResult]:
        """Send one message after the other; when the line is lost, the rest waits."""
        if not messages:
            return []
        begun = time.monotonic()
        results: list[SendResult] = []
        try:
            with self._modem.in_use(wait=WAIT_SECONDS) as modem:
                for message in messages:
                    late = time.monotonic() - begun > LAST_START
                    if not modem.is_open:
                        results.append(_not_tried(message.ref, _UNTRIED))
                    elif late or (results and self.context.must_stop()):
                        results.append(SendResult(message.ref, Outcome.NOT_TRIED))
                    else:
                        results.append(self._one(modem, message))
        except ModemAwayError as error:
            done = {result.ref for result in results}
            results.extend(
                _waiting(one.ref, error.code, error.explanation)
                for one in messages
                if one.ref not in done
            )
        return results

    def poll(self) -> Sequence[DeliveryReport | InboundMessage]:
        """Read the modem, store what came, and only then delete it there."""
        try:
            with self._modem.in_use(wait=0) as modem:
                entries = modem.entries()
        except ModemAwayError:
            # Busy: whoever has it polls it. Away: health tells, and the next poll tries again.
            return ()
        found = self._inbox.sort(entries)
        if found.items:
            self.context.intake(found.items)
        self._inbox.settle(found)
        if found.locations:
            try:
                with self._modem.in_use(wait=WAIT_SECONDS) as modem:
                    modem.delete(found.locations)
            except ModemAwayError:
                # Read again next time, and dropped as doubles.
                return ()
        return ()

    def health(self) -> Health:
        """Ask for the signal."""
        try:
            with self._modem.in_use(wait=1.0) as modem:
                signal = modem.signal()
        except ModemAwayError as error:
            return Health(ok=error.busy, detail=error.explanation)
        if signal is None:
            return Health(ok=True)
        return Health(ok=signal > 0, detail=_("Sinyal ${n} %", mapping={"n": signal}))

    def close(self) -> None:
        """Close the line."""
        self._modem.close()

    def _one(self, modem: Modem, message: OutgoingMessage) -> SendResult:
        try:
            parts = self._parts(message)
        except (gammu.GSMError, ValueError, TypeError) as error:
            reason = _("Isi pesan ini tidak dapat dikirim sebagai SMS.")
            code = type(error).__name__
            return SendResult(message.ref, Outcome.PERMANENT, code=code, reason=reason)
        references: list[str] = []
        for part in parts:
            try:
                references.append(modem.send_part(part))
            except PartError as error:
                return self._failed(message.ref, error, sent=len(references), parts=len(parts))
        evidence = Evidence.NETWORK if self._config.reports else Evidence.UNKNOWABLE
        known = tuple(references) if all(references) else ()
        return SendResult(message.ref, Outcome.ACCEPTED, known, evidence=evidence)

    def _parts(self, message: OutgoingMessage) -> list[Entry]:
        encoded = gammu.EncodeSMS(
            {
                "Class": -1,
                "Unicode": message.encoding != "gsm7",
                "Entries": [{"ID": "ConcatenatedTextLong", "Buffer": message.body}],
            }
        )
        for part in encoded:
            part["SMSC"] = {"Location": 1}
            part["Number"] = message.address
            if self._config.reports:
                # In libGammu's words: a message that asks for one.
                part["Type"] = "Status_Report"
        return list(encoded)

    def _failed(self, ref: str, error: PartError, *, sent: int, parts: int) -> SendResult:
        fault = error.fault
        if sent and fault.outcome is Outcome.TEMPORARY:
            # Sent again as a whole, the first parts would arrive twice.
            reason = _(
                "Hanya ${sent} dari ${parts} bagian pesan yang terkirim.",
                mapping={"sent": sent, "parts": parts},
            )
            return SendResult(ref, Outcome.UNCERTAIN, code=fault.code, reason=reason)
        return SendResult(ref, fault.outcome, code=fault.code, reason=fault.reason)


_UNTRIED: Final = _("Belum dikirim karena modem tidak menjawab pesan sebelumnya.")


def _not_tried(ref: str, reason: TranslationString) -> SendResult:
    return SendResult(ref, Outcome.NOT_TRIED, code="waiting", reason=reason)


def _waiting(ref: str, code: str, reason: TranslationString) -> SendResult:
    return SendResult(ref, Outcome.TEMPORARY, code=code, reason=reason)
