"""Fixtures of the message engine: one account on a scripted channel."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from sqlalchemy import select

from core.api.messaging import Draft, MessageFacts, add_account, message_facts, queue_messages
from core.framework.runtime import Runtime
from core.messaging.models import Thread
from core.messaging.threads import ensure_threads
from tests.core.messaging.line import Line, LinePlugin, LineTransport


@pytest.fixture
def plugin_names(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """Leave the bundled plugins out, unless a test names some."""
    mark = request.node.get_closest_marker("plugins")
    return tuple(sorted(mark.args)) if mark else ()


@pytest.fixture
def line() -> Iterator[Line]:
    """Give the other side of the channel."""
    LineTransport.line = Line()
    yield LineTransport.line
    LineTransport.line = Line()


@pytest.fixture
def plugin(runtime: Runtime) -> LinePlugin:
    """Register the scripted channel with the runtime."""
    plugin = LinePlugin()
    runtime.hooks.register("line", plugin)
    return plugin


@pytest.fixture
def account(runtime: Runtime, plugin: LinePlugin, line: Line) -> int:
    """Add an account on the scripted channel."""
    with runtime.database.writing() as session:
        return add_account(session, "Utama", transport="line", settings={"token": "rahasia"})


def number(index: int) -> str:
    """Make an invented number."""
    return f"+6281230900{index:04d}"


@pytest.fixture
def thread(runtime: Runtime) -> int:
    """Open a conversation."""
    with runtime.database.writing() as session:
        return ensure_threads(session, {"uji.lembaga:1": "Yayasan Uji"})["uji.lembaga:1"]


@pytest.fixture
def queue(runtime: Runtime) -> Callable[..., list[int]]:
    """Queue drafts, or so many plain ones, in a transaction of their own."""

    def put(what: int | Sequence[Draft] = 1, **more: Any) -> list[int]:
        drafts = (
            [Draft(number(i), f"Pesan {i}", "uji", **more) for i in range(what)]
            if isinstance(what, int)
            else what
        )
        with runtime.database.writing() as session:
            return queue_messages(session, drafts)

    return put


@pytest.fixture
def facts(runtime: Runtime) -> Callable[..., list[MessageFacts]]:
    """Read messages back, in the order of the ids."""

    def read(ids: Sequence[int]) -> list[MessageFacts]:
        with runtime.database.reading() as session:
            found = message_facts(session, ids)
        return [found[message_id] for message_id in ids]

    return read


@pytest.fixture
def counters(runtime: Runtime) -> Callable[[int], tuple[int, int, int, int]]:
    """Read a thread's kept counters: messages, unread, failed, uncertain."""

    def read(thread_id: int) -> tuple[int, int, int, int]:
        with runtime.database.reading() as session:
            row = session.execute(
                select(
                    Thread.message_count,
                    Thread.unread_count,
                    Thread.failed_count,
                    Thread.uncertain_count,
                ).where(Thread.id == thread_id)
            ).one()
        return row[0], row[1], row[2], row[3]

    return read
