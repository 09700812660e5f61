"""A GSM modem on a pseudo terminal: speaks the part of 3GPP TS 27.005 that libGammu asks for."""

from __future__ import annotations

import contextlib
import os
import re
import threading
import tty
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import gammu

from core.testing.channels import Received

if TYPE_CHECKING:
    from collections.abc import Mapping

SMSC: Final = "07912618010000F0"
STAMP: Final = "81110321351982"
"""30 November 2018, 12:53:19, UTC+7, in swapped digits."""

ANSWERS: Final = {
    "AT+CGMI": "ABAH",
    "AT+CGMM": "SIM900",
    "AT+CGMR": "1.0",
    "AT+CGSN": "123456789012345",
    "AT+CREG?": "+CREG: 0,1",
    "AT+CGREG?": "+CGREG: 0,1",
    "AT+CSQ": "+CSQ: 20,0",
    "AT+COPS?": '+COPS: 0,0,"UJI"',
    "AT+CSCA?": '+CSCA: "+6281100000",145',
    "AT+CPMS=?": '+CPMS: ("SM"),("SM"),("SM")',
    "AT+CSCS=?": '+CSCS: ("GSM","UCS2","IRA")',
    "AT+CSCS?": '+CSCS: "GSM"',
    "AT+CNMI=?": "+CNMI: (0-3),(0-3),(0-3),(0-2),(0,1)",
}


@dataclass
class AtModem:
    """Answers in a thread of its own; what was sent through it is in ``submitted``."""

    pin: str = ""
    """The SIM asks for it when set."""
    answers: list[str] = field(default_factory=list)
    """What to say to the next messages instead of their reference."""
    prompts: list[str] = field(default_factory=list)
    """What to say to the next ``AT+CMGS`` instead of the prompt."""
    submitted: list[str] = field(default_factory=list)
    stored: dict[int, str] = field(default_factory=dict)
    commands: list[str] = field(default_factory=list)
    pins_tried: list[str] = field(default_factory=list)
    reference: int = 0

    def __post_init__(self) -> None:
        self._master, self._slave = os.openpty()
        tty.setraw(self._master)
        tty.setraw(self._slave)
        self.device = os.ttyname(self._slave)
        self._in_message = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        os.close(self._slave)
        with contextlib.suppress(OSError):
            os.write(self._master, b"")
        os.close(self._master)

    @property
    def received(self) -> list[Received]:
        """The texts as a handset would put them together."""
        whole: dict[tuple[Any, ...], dict[int, str]] = {}
        for number, pdu in enumerate(self.submitted):
            part = gammu.DecodePDU(bytes.fromhex(pdu))
            header = part["UDH"]
            many = header["AllParts"] > 1
            key = (part["Number"], header["ID8bit"]) if many else (part["Number"], "one", number)
            whole.setdefault(key, {})[header["PartNumber"]] = part["Text"]
        return [
            Received(key[0], "".join(parts[number] for number in sorted(parts)))
            for key, parts in whole.items()
        ]

    @property
    def asked_for_reports(self) -> list[bool]:
        """Whether TP-Status-Report-Request was set (3GPP TS 23.040, 9.2.3.5)."""
        firsts = (bytes.fromhex(pdu) for pdu in self.submitted)
        return [bool(pdu[1 + pdu[0]] & 0x20) for pdu in firsts]

    def say(self, text: str) -> None:
        os.write(self._master, text.encode())

    def say_report(self, reference: int, number: str, status: int) -> None:
        """Say by itself that a message was delivered, or not."""
        pdu = f"{SMSC}06{reference:02X}{_address(number)}{STAMP}{STAMP}{status:02X}"
        self.say(f"\r\n+CDS: {(len(pdu) - len(SMSC)) // 2}\r\n{pdu}\r\n")

    def store_text(self, location: int, number: str, body: str) -> None:
        """Lay a text in UCS-2 into the SIM."""
        units = body.encode("utf-16-be").hex().upper()
        pdu = f"{SMSC}04{_address(number)}0008{STAMP}{len(units) // 2:02X}{units}"
        self.stored[location] = pdu

    def _run(self) -> None:
        buffer = b""
        while True:
            try:
                data = os.read(self._master, 1024)
            except OSError:
                return
            if not data:
                return
            buffer = self._taken(buffer + data)

    def _taken(self, buffer: bytes) -> bytes:
        while True:
            end = b"\x1a" if self._in_message else b"\r"
            piece, found, rest = buffer.partition(end)
            if not found:
                return buffer
            buffer = rest
            if self._in_message:
                self._in_message = False
                self._submit(piece.decode())
            elif line := piece.decode(errors="replace").strip("\x1b\r\n\x1a "):
                self.commands.append(line)
                self.say(f"{line}\r")
                self._answer(line)

    def _submit(self, pdu: str) -> None:
        if self.answers:
            self.say(f"\r\n{self.answers.pop(0)}\r\n")
            return
        self.submitted.append(pdu)
        self.reference = self.reference % 255 + 1
        self.say(f"\r\n+CMGS: {self.reference}\r\n\r\nOK\r\n")

    def _answer(self, line: str) -> None:
        if line.startswith("AT+CMGS="):
            if self.prompts:
                self.say(f"\r\n{self.prompts.pop(0)}\r\n")
            else:
                self._in_message = True
                self.say("\r\n> ")
        elif line in ANSWERS:
            self.say(f"\r\n{ANSWERS[line]}\r\n\r\nOK\r\n")
        elif line.startswith("AT+CPIN"):
            self._pin(line)
        elif line.startswith(("AT+CPMS", "AT+CMG")):
            self._memory(line)
        else:
            self.say("\r\nOK\r\n")

    def _pin(self, line: str) -> None:
        if line == "AT+CPIN?":
            self.say(f"\r\n+CPIN: {'SIM PIN' if self.pin else 'READY'}\r\n\r\nOK\r\n")
            return
        tried = line.partition("=")[2].strip('"')
        self.pins_tried.append(tried)
        if tried == self.pin:
            self.pin = ""
            self.say("\r\nOK\r\n")
        else:
            self.say("\r\n+CME ERROR: 16\r\n")

    def _memory(self, line: str) -> None:
        used = len(self.stored)
        if line == "AT+CPMS?":
            self.say("\r\n+CPMS: " + ",".join([f'"SM",{used},20'] * 3) + "\r\n\r\nOK\r\n")
        elif line.startswith("AT+CPMS="):
            self.say("\r\n+CPMS: " + ",".join([f"{used},20"] * 3) + "\r\n\r\nOK\r\n")
        elif line.startswith("AT+CMGL"):
            for location, pdu in sorted(self.stored.items()):
                self.say(f"\r\n+CMGL: {location},0,,{_length(pdu)}\r\n{pdu}")
            self.say("\r\n\r\nOK\r\n")
        elif match := re.match(r"AT\+CMG([RD])=(\d+)", line):
            location = int(match[2])
            if match[1] == "D":
                self.stored.pop(location, None)
                self.say("\r\nOK\r\n")
            elif pdu := self.stored.get(location, ""):
                self.say(f"\r\n+CMGR: 0,,{_length(pdu)}\r\n{pdu}\r\n\r\nOK\r\n")
            else:
                self.say("\r\n+CMS ERROR: 321\r\n")
        else:
            self.say("\r\nOK\r\n")


def settings(modem: AtModem, **more: Any) -> Mapping[str, Any]:
    return {"device": modem.device, "connection": "at115200", **more}


def _address(number: str) -> str:
    digits = number.removeprefix("+")
    padded = digits + "F" * (len(digits) % 2)
    swapped = "".join(padded[at + 1] + padded[at] for at in range(0, len(padded), 2))
    return f"{len(digits):02X}91{swapped}"


def _length(pdu: str) -> int:
    return len(pdu) // 2 - 1 - int(pdu[:2], 16)
