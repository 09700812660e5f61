"""What a gateway posts to us: delivery reports and incoming texts."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from core.api.contacts import InvalidNumberError, parse_number
from core.api.hooks import (
    DeliveryReport,
    Evidence,
    InboundMessage,
    ReportState,
    WebhookAnswer,
    WebhookRequest,
)
from plugins.sms_http.paths import JsonPath, plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from plugins.sms_http.gateway import Gateway

__all__ = ["MalformedError", "raw_text", "read_webhook"]

RAW_LIMIT: Final = 4_000
"""Characters of a call that are kept for ever."""

_MILLISECONDS: Final = 1e11
"""A clock value above this is in milliseconds; in seconds it would be the year 5138."""


class MalformedError(Exception):
    """A call that cannot be read; its text says what was missing, for the gateway's own log."""


def read_webhook(gateway: Gateway, request: WebhookRequest) -> WebhookAnswer:
    """Read one call of the gateway.

    :raises MalformedError: it is no report and no text.
    """
    kind = request.path.strip("/").casefold()
    if kind not in {"report", "inbound"}:
        return WebhookAnswer(status=404, body="use /report or /inbound")
    if request.method not in {"GET", "POST"}:
        return WebhookAnswer(status=405, body="use GET or POST")
    raw = raw_text(gateway, request)
    items = _items(request)
    if kind == "report":
        return WebhookAnswer(reports=[_report(gateway, item, raw) for item in items])
    return WebhookAnswer(inbound=[_inbound(gateway, item, raw) for item in items])


def raw_text(gateway: Gateway, request: WebhookRequest) -> str:
    """Write the call down as it came, without our secrets."""
    line = f"{request.method} {request.path}?{urlencode(request.query)}"
    body = request.body.decode("utf-8", errors="replace").replace("\x00", "\ufffd")
    return gateway.masked(f"{line}\n{body}" if body else line)[:RAW_LIMIT]


def _items(request: WebhookRequest) -> list[_Item]:
    """Return one item a report: most calls carry one, a JSON list carries several."""
    flat = {**request.query, **request.form}
    text = request.body.decode("utf-8", errors="replace").strip()
    content_type = next(
        (value for name, value in request.headers.items() if name.lower() == "content-type"), ""
    )
    if "json" not in content_type.lower() and not (text[:1] in {"{", "["} and not request.form):
        return [_Item(flat, None)]
    if not text:
        return [_Item(flat, None)]
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        message = "the body is not valid JSON"
        raise MalformedError(message) from None
    documents = document if isinstance(document, list) else [document]
    if not documents:
        message = "the list is empty"
        raise MalformedError(message)
    return [_Item(flat, inner) for inner in documents]


class _Item:
    """The values of one report or text, wherever the gateway put them."""

    def __init__(self, flat: Mapping[str, str], document: Any) -> None:
        self._flat = flat
        self._document = document

    def get(self, name: str) -> str:
        """Return the value of a parameter, or of a JSON path; empty when it is not there."""
        if not name:
            return ""
        if name in self._flat:
            return self._flat[name]
        if self._document is None:
            return ""
        if isinstance(self._document, dict) and name in self._document:
            return plain(self._document[name])
        try:
            values = JsonPath(name).texts(self._document)
        except ValueError:
            return ""
        return values[0] if values else ""


def _report(gateway: Gateway, item: _Item, raw: str) -> DeliveryReport:
    names = gateway.names
    ref, reference = item.get(names["report_ref"]), item.get(names["report_reference"])
    status = item.get(names["report_status"]).strip()
    if not ref and not reference:
        message = f"neither {names['report_ref']} nor {names['report_reference']} was given"
        raise MalformedError(message)
    if not status:
        message = f"{names['report_status']} was not given"
        raise MalformedError(message)
    known = gateway.statuses.get(status.casefold())
    return DeliveryReport(
        # A word that nobody explained still proves that the gateway has the message, and no more.
        state=known or ReportState.ACCEPTED,
        ref=ref[:200],
        reference=reference[:200],
        address=_number(item.get(names["report_number"])),
        evidence=Evidence.HANDSET if known is ReportState.DELIVERED else _weaker(known),
        at=_time(item.get(names["report_time"])),
        raw=raw,
    )


def _weaker(known: ReportState | None) -> Evidence:
    return Evidence.GATEWAY if known in {None, ReportState.ACCEPTED} else Evidence.NETWORK


def _inbound(gateway: Gateway, item: _Item, raw: str) -> InboundMessage:
    names = gateway.names
    sender, body = item.get(names["inbound_sender"]).strip(), item.get(names["inbound_text"])
    if not sender:
        message = f"{names['inbound_sender']} was not given"
        raise MalformedError(message)
    return InboundMessage(
        sender=_number(sender),
        body=body.replace("\x00", "\ufffd"),
        recipient=_number(item.get(names["inbound_recipient"])),
        external_id=item.get(names["inbound_id"])[:200],
        at=_time(item.get(names["inbound_time"])),
        raw=raw,
    )


def _number(text: str) -> str:
    """Write a number as E.164; what the network calls otherwise (BANK, 1717) stays as it is."""
    text = text.strip()
    # An unencoded "+" in a query arrives as a space, and most gateways leave the sign out anyway.
    digits = text if text.startswith(("+", "0")) else f"+{text}" if text.isdigit() else text
    try:
        return parse_number(digits) if digits else ""
    except InvalidNumberError:
        return text


def _time(text: str) -> datetime | None:
    """Read a clock value (seconds or milliseconds since 1970) or ISO 8601; UTC without a zone."""
    text = text.strip()
    try:
        if text.isdigit():
            seconds = int(text)
            return datetime.fromtimestamp(
                seconds / 1000 if seconds > _MILLISECONDS else seconds, tz=UTC
            )
        read = datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        return None
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read
