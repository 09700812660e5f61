"""libGammu's dummy phone: a folder in which messages lie as files."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gammu

from core.api.hooks import OutgoingMessage, ReportState, SendResult
from core.testing.channels import SECRET, ChannelPeer, Line, Received
from plugins.sms_gammu.channel import GammuTransport

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

STATUSES = {ReportState.DELIVERED: 0x00, ReportState.UNDELIVERED: 0x41}


class DummyPhone:
    """A folder that libGammu takes for a phone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.inbox = folder / "sms" / "1"
        self.inbox.mkdir(parents=True, exist_ok=True)
        self._numbers = itertools.count(1)

    def report(self, number: str, reference: int, status: int) -> None:
        """Lay a status report into the inbox."""
        self._lay(
            {
                "PDU": "Status_Report",
                "Number": f'"{number}"',
                "NumberUnicode": number.encode("utf-16-be").hex().upper(),
                "DateTime": "20181130T045319Z",
                "SMSCDateTime": "20181130T045320Z",
                "MessageReference": str(reference),
                "DeliveryStatus": str(status),
            }
        )

    def text(self, number: str, body: str, *, unicode: bool = True) -> list[int]:
        """Lay a text into the inbox in as many parts as it takes; return where they lie."""
        info = {
            "Class": -1,
            "Unicode": unicode,
            "Entries": [{"ID": "ConcatenatedTextLong", "Buffer": body}],
        }
        return [self.part(number, part) for part in gammu.EncodeSMS(info)]

    def part(self, number: str, part: Mapping[str, Any]) -> int:
        """Lay one part into the inbox."""
        values = {
            "PDU": "Deliver",
            "Number": f'"{number}"',
            "NumberUnicode": number.encode("utf-16-be").hex().upper(),
            "DateTime": "20181130T045319Z",
            "UDH": part["UDH"]["Text"].hex().upper(),
            "Coding": part["Coding"],
        }
        units = part["Text"].encode("utf-16-be").hex().upper()
        values |= {
            f"Text{number:02}": units[start : start + 200]
            for number, start in enumerate(range(0, len(units), 200))
        }
        return self._lay(values)

    def _lay(self, values: Mapping[str, str]) -> int:
        location = next(self._numbers)
        lines = "\n".join(f"{key} = {value}" for key, value in values.items() if value)
        file = self.inbox / str(location)
        file.write_text(f"[SMSBackup000]\n{lines}\nState = UnRead\n")
        return location


class DummyPeer(ChannelPeer):
    """The dummy phone of the conformance suite. It takes messages and keeps none."""

    transport = GammuTransport
    keeps_messages = False

    def __init__(self, folder: Path) -> None:
        self.phone = DummyPhone(folder)

    def settings(self) -> Mapping[str, Any]:
        return {"device": str(self.phone.folder), "connection": "none", "pin": SECRET}

    def received(self) -> Sequence[Received]:
        return []

    def report(
        self, line: Line, message: OutgoingMessage, result: SendResult, state: ReportState
    ) -> None:
        self.phone.report(message.address, int(result.references[0]), STATUSES[state])
        line.poll()

    def text_in(self, line: Line, sender: str, body: str) -> None:
        self.phone.text(sender, body)
        line.poll()
