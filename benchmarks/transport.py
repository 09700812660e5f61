"""sms_http alone: 5,000 messages in chunks of the engine's size, beside a bare aiohttp client."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, Final

import uvloop

from benchmarks.rows import Row
from benchmarks.send import CONNECTIONS, MESSAGES, TEXT, bare_client, check, number_of
from benchmarks.sink import Sink
from core.api.hooks import Outcome, OutgoingMessage, TransportContext
from plugins.sms_http.channel import HttpTransport

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["run"]

ROUNDS: Final = 5
GOAL: Final = 0.8


def run() -> list[Row]:
    """Measure both sides in turn and return messages per second."""
    ours, theirs = [], []
    with Sink() as sink:
        for number in range(ROUNDS):
            theirs.append(bare_client(sink))
            ours.append(_ours(sink, number))
    return [
        Row(
            name="send.sms_http.alone",
            value=statistics.median(ours),
            unit="messages/s",
            reference=statistics.median(theirs),
            goal=GOAL,
        )
    ]


def _ours(sink: Sink, round_number: int) -> float:
    sink.reset()
    messages = [
        OutgoingMessage(f"t{round_number}x{i}", number_of(i), TEXT.format(i))
        for i in range(MESSAGES)
    ]
    took = uvloop.run(_send(f"{sink.url}/send", messages))
    check(sink)
    return MESSAGES / took


async def _send(url: str, messages: Sequence[OutgoingMessage]) -> float:
    settings = {
        "url": url,
        "connections": CONNECTIONS,
        "allow_private": True,
        "reference_pattern": "accepted:(.*)",
    }
    hook = "http://localhost:6543/hook/1/token"
    transport = HttpTransport(TransportContext(1, "Gateway", settings, hook, lambda _items: None))
    chunk = transport.capabilities.chunk
    accepted = 0
    begun = time.perf_counter()
    for start in range(0, len(messages), chunk):
        results = await transport.send(messages[start : start + chunk])
        accepted += sum(result.outcome is Outcome.ACCEPTED for result in results)
    took = time.perf_counter() - begun
    transport.close()
    if accepted != len(messages):
        message = f"accepted {accepted} of {len(messages)}"
        raise RuntimeError(message)
    return took
