"""What comes out of a modem: status reports, and texts put together from their parts."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from core.api.contacts import InvalidNumberError, parse_number
from core.api.db import utcnow
from core.api.hooks import DeliveryReport, Evidence, InboundMessage, ReportState

__all__ = ["Found", "Inbox", "report_state"]

PATIENCE: Final = timedelta(hours=6)
"""How long a text waits for its missing parts."""
MISSING: Final = "[…]"

Entry = Mapping[str, Any]
Item = DeliveryReport | InboundMessage


@dataclass
class Found:
    """What can be stored now, and what may be deleted from the modem afterwards."""

    items: list[Item] = field(default_factory=list)
    used: list[Entry] = field(default_factory=list)
    """Entries that the items were made from."""
    keys: list[tuple[Any, ...]] = field(default_factory=list)

    @property
    def locations(self) -> list[int]:
        """Where in the modem the used entries lie."""
        return sorted({int(entry["Location"]) for entry in self.used if entry.get("Location")})

    def add(self, item: Item, entries: Sequence[Entry]) -> None:
        """Note an item and what it was made from."""
        self.items.append(item)
        self.used.extend(entries)


class Inbox:
    """Sorts what was read. Parts that lie in the modem stay there until their text is whole."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._loose: list[Entry] = []
        """What the modem said by itself and keeps nowhere."""
        self._seen: dict[tuple[Any, ...], datetime] = {}

    def sort(self, entries: Sequence[Entry]) -> Found:
        """Turn entries into reports and whole texts; nothing is forgotten before ``settle``."""
        self._loose.extend(entry for entry in entries if not entry.get("Location"))
        found = Found()
        groups: dict[tuple[Any, ...], list[Entry]] = defaultdict(list)
        for entry in [*self._loose, *(one for one in entries if one.get("Location"))]:
            part = _part_of(entry)
            if entry.get("Type") == "Status_Report":
                found.add(_report(entry), [entry])
            elif entry.get("Type") != "Deliver":
                continue
            elif part is None:
                found.add(_text([entry], str(entry.get("Text") or "")), [entry])
            else:
                groups[part.key].append(entry)
        for key, parts in groups.items():
            self._put_together(key, parts, found)
        return found

    def settle(self, found: Found) -> None:
        """Forget what was stored."""
        used = {id(entry) for entry in found.used}
        self._loose = [entry for entry in self._loose if id(entry) not in used]
        for key in found.keys:
            self._seen.pop(key, None)

    def _put_together(self, key: tuple[Any, ...], parts: Sequence[Entry], found: Found) -> None:
        numbered: dict[int, str] = {}
        for entry in parts:
            part = _part_of(entry)
            if part is not None:
                numbered.setdefault(part.number, str(entry.get("Text") or ""))
        now, total = utcnow(), key[-1]
        if len(numbered) < total and now - self._seen.setdefault(key, now) < PATIENCE:
            return
        body = "".join(numbered.get(number, MISSING) for number in range(1, total + 1))
        found.add(_text(parts, body), parts)
        found.keys.append(key)


@dataclass(frozen=True, slots=True)
class _Part:
    key: tuple[Any, ...]
    """Sender, reference of the concatenation, and how many parts there are."""
    number: int


def _part_of(entry: Entry) -> _Part | None:
    """Read the concatenation (3GPP TS 23.040, 9.2.3.24.1); None for a text of one part."""
    header = entry.get("UDH") or {}
    total, number = header.get("AllParts", -1), header.get("PartNumber", -1)
    if total is None or total < 2 or number is None or not 1 <= number <= total:  # noqa: PLR2004
        return None
    wide, narrow = header.get("ID16bit", -1), header.get("ID8bit", -1)
    reference = ("16", wide) if wide is not None and wide >= 0 else ("8", narrow)
    return _Part((str(entry.get("Number")), *reference, total), number)


def report_state(status: int) -> ReportState:
    """Read TP-Status (3GPP TS 23.040, 9.2.3.15)."""
    if status == 0:
        return ReportState.DELIVERED
    if status < 0x40:  # noqa: PLR2004 - 1 to 0x1f: passed on; 0x20 to 0x3f: still trying
        return ReportState.ACCEPTED
    if status in {0x46, 0x66}:  # the validity period is over
        return ReportState.EXPIRED
    return ReportState.UNDELIVERED


def _report(entry: Entry) -> DeliveryReport:
    state = report_state(int(entry.get("DeliveryStatus") or 0))
    return DeliveryReport(
        state=state,
        reference=str(entry.get("MessageReference", "")),
        address=_number(str(entry.get("Number") or "")),
        evidence=Evidence.HANDSET if state is ReportState.DELIVERED else Evidence.NETWORK,
        at=_aware(entry.get("SMSCDateTime")) or _aware(entry.get("DateTime")),
        raw=_raw([entry]),
    )


def _text(parts: Sequence[Entry], body: str) -> InboundMessage:
    first = min(parts, key=lambda one: (one.get("UDH") or {}).get("PartNumber", 0))
    at = _aware(first.get("DateTime"))
    sender = _number(str(first.get("Number") or ""))
    digest = hashlib.sha256(json.dumps([sender, str(at), body]).encode()).hexdigest()[:32]
    return InboundMessage(
        sender=sender,
        body=body,
        # The same text of the same second: read twice because it could not be deleted.
        external_id=digest if at is not None else "",
        at=at,
        raw=_raw(parts),
    )


def _number(text: str) -> str:
    try:
        return parse_number(text)
    except InvalidNumberError:
        return text


def _aware(value: Any) -> datetime | None:
    return value if isinstance(value, datetime) and value.tzinfo is not None else None


def _raw(parts: Sequence[Entry]) -> str:
    return json.dumps([dict(part) for part in parts], default=_written, ensure_ascii=False)


def _written(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
