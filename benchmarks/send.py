"""5,000 messages through sms_http to a local gateway, beside a bare aiohttp client.

Measured from the first row queued to the last result committed, on SQLite with full durability.
Both sides post the same with the same event loop and number of connections; they take turns.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import aiohttp
import structlog
import uvloop
from sqlalchemy import func, select

from benchmarks.rows import Row
from benchmarks.sink import Sink
from core.api.messaging import Draft, Lane, add_account, queue_messages
from core.app import open_runtime, prepare
from core.jobs.worker import WorkerProcess
from core.messaging.models import Message
from core.messaging.states import State

if TYPE_CHECKING:
    from core.framework.runtime import Runtime

__all__ = ["CONNECTIONS", "MESSAGES", "TEXT", "bare_client", "check", "number_of", "run"]

MESSAGES: Final = 5000
CONNECTIONS: Final = 50
ROUNDS: Final = 3
GOAL: Final = 0.3
DEADLINE: Final = 120.0
TEXT: Final = "Yth {}, mohon hadir pada penandatanganan NPHD tanggal 30 November 2018."


def run() -> list[Row]:
    """Measure and return messages per second beside the bare client's."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    ours: list[float] = []
    bare: list[float] = []
    with Sink() as sink, tempfile.TemporaryDirectory() as folder:
        for number in range(ROUNDS):
            bare.append(bare_client(sink))
            ours.append(_ours(sink, Path(folder) / f"send{number}.db"))
    return [
        Row(
            name="send.sms_http.sqlite",
            value=statistics.median(ours),
            unit="messages/s",
            reference=statistics.median(bare),
            goal=GOAL,
        )
    ]


def _ours(sink: Sink, file: Path) -> float:
    sink.reset()
    runtime = open_runtime(_settings(file), plugins=())
    prepare(runtime, ["sms_http"])
    runtime.close()
    runtime = open_runtime(_settings(file))
    try:
        with runtime.database.writing() as session:
            settings = {
                "url": f"{sink.url}/send",
                "connections": CONNECTIONS,
                "allow_private": True,
                "reference_pattern": "accepted:(.*)",
            }
            add_account(session, "Gateway", transport="sms_http", settings=settings)
        worker = runtime.component(WorkerProcess)
        worker.start()
        begun = time.perf_counter()
        with runtime.database.writing() as session:
            queue_messages(
                session,
                [
                    Draft(number_of(i), TEXT.format(i), "bench", lane=Lane.BULK)
                    for i in range(MESSAGES)
                ],
            )
        _wait_until_sent(runtime)
        took = time.perf_counter() - begun
        worker.stop()
    finally:
        runtime.close()
    check(sink)
    return MESSAGES / took


def _wait_until_sent(runtime: Runtime) -> None:
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        with runtime.database.reading() as session:
            if session.scalar(select(func.count()).where(Message.state == State.SENT)) == MESSAGES:
                return
        time.sleep(0.02)
    message = "not everything was sent in time"
    raise RuntimeError(message)


def bare_client(sink: Sink) -> float:
    """Post the same with nothing but aiohttp and return messages per second."""
    sink.reset()
    took = uvloop.run(_post_all(f"{sink.url}/send"))
    check(sink)
    return MESSAGES / took


async def _post_all(url: str) -> float:
    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    async with aiohttp.ClientSession(connector=connector) as session:
        waiting = iter(range(MESSAGES))

        async def work() -> None:
            for i in waiting:
                data = {
                    "to": number_of(i),
                    "text": TEXT.format(i),
                    "ref": f"b{i}",
                    "report_url": f"http://localhost:6543/hook/1/token/report?ref=b{i}",
                }
                async with session.post(url, data=data) as response:
                    await response.read()

        begun = time.perf_counter()
        await asyncio.gather(*(work() for _worker in range(CONNECTIONS)))
        return time.perf_counter() - begun


def check(sink: Sink) -> None:
    """Raise unless every message arrived once."""
    stats = sink.stats()
    if stats != {"requests": MESSAGES, "unique": MESSAGES, "most": 1}:
        message = f"every message must arrive exactly once: {stats}"
        raise RuntimeError(message)


def number_of(index: int) -> str:
    """Return an invented number."""
    return f"+62812{30900000 + index}"


def _settings(file: Path) -> dict[str, str]:
    return {
        "sqlalchemy.url": f"sqlite:///{file}",
        "abah.secret": "only-for-benchmarks-0123456789abcdef",
        "abah.jobs.broker": "memory",
    }


if __name__ == "__main__":
    for row in run():
        print(row.as_dict())
