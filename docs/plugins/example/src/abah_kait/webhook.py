"""What Kait posts to us: one signed JSON document with events.

``X-Kait-Signature`` is the HMAC-SHA256 (RFC 2104) of the body under the bot's signing key, in hex.
A call that somebody repeats does no harm: the core drops reports and texts that it has already.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

from abah_kait.settings import Bot
from core.api.contacts import InvalidNumberError, parse_number
from core.api.hooks import (
    DeliveryReport,
    Evidence,
    InboundMessage,
    ReportState,
    WebhookAnswer,
    WebhookRequest,
)

__all__ = ["ForgedError", "UnreadableError", "read_update", "signature"]

HEADER: Final = "x-kait-signature"

STATES: Final[Mapping[str, tuple[ReportState, Evidence]]] = {
    "sent": (ReportState.ACCEPTED, Evidence.GATEWAY),
    "delivered": (ReportState.DELIVERED, Evidence.HANDSET),
    "failed": (ReportState.UNDELIVERED, Evidence.NETWORK),
    "blocked": (ReportState.REJECTED, Evidence.NETWORK),
}
"""What Kait's words mean, and who vouches for them."""


class ForgedError(Exception):
    """The call is not signed, or by somebody else."""


class UnreadableError(Exception):
    """A signed call that makes no sense; the text is for Kait's own log."""


def signature(key: str, body: bytes) -> str:
    """Sign a body, in hex."""
    return hmac.new(key.encode(), body, sha256).hexdigest()


def read_update(bot: Bot, request: WebhookRequest) -> WebhookAnswer:
    """Read one call.

    :raises ForgedError: its signature does not fit.
    :raises UnreadableError: it is signed, and still no list of events.
    """
    _check_signature(bot, request)
    raw = request.body.decode("utf-8", errors="replace")
    reports: list[DeliveryReport] = []
    inbound: list[InboundMessage] = []
    for event in _events(request.body):
        match event.get("type"):
            case "status":
                reports.append(_report(event, raw))
            case "message":
                inbound.append(_inbound(event, raw))
            case _:
                pass  # Kinds that a later version of the API brings.
    return WebhookAnswer(reports=reports, inbound=inbound)


def _check_signature(bot: Bot, request: WebhookRequest) -> None:
    given = next((text for name, text in request.headers.items() if name.lower() == HEADER), "")
    # An empty key would let anybody sign.
    if not bot.signing_key or not hmac.compare_digest(
        given.encode(), signature(bot.signing_key, request.body).encode()
    ):
        raise ForgedError


def _events(body: bytes) -> list[Mapping[str, Any]]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        document = None
    events = document.get("events") if isinstance(document, dict) else None
    if not isinstance(events, list) or not all(isinstance(event, dict) for event in events):
        message = "events must be a list of objects"
        raise UnreadableError(message)
    return events


def _report(event: Mapping[str, Any], raw: str) -> DeliveryReport:
    # A word that nobody explained still proves that Kait has the message, and no more.
    state, evidence = STATES.get(_text(event, "status"), STATES["sent"])
    return DeliveryReport(
        state,
        ref=str(event.get("ref") or ""),
        reference=_text(event, "id"),
        evidence=evidence,
        at=_time(event),
        raw=raw,
    )


def _inbound(event: Mapping[str, Any], raw: str) -> InboundMessage:
    sender = _text(event, "from")
    with suppress(InvalidNumberError):
        sender = parse_number(sender)
    return InboundMessage(
        sender=sender,
        body=_text(event, "text"),
        external_id=_text(event, "id"),
        at=_time(event),
        raw=raw,
    )


def _text(event: Mapping[str, Any], key: str) -> str:
    value = event.get(key)
    if not isinstance(value, str) or not value:
        message = f"an event lacks {key}"
        raise UnreadableError(message)
    return value


def _time(event: Mapping[str, Any]) -> datetime | None:
    """Read seconds since 1970."""
    seconds = event.get("at")
    if not isinstance(seconds, int | float):
        return None
    try:
        return datetime.fromtimestamp(seconds, tz=UTC)
    except (ValueError, OverflowError, OSError):
        return None
