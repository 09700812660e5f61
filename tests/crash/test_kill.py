"""kill -9 of a worker, anywhere: nothing is sent twice or lost, and the rest goes on by itself."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from functools import partial

import pytest

from benchmarks.sink import Sink
from core.messaging.states import State
from tests.crash.conftest import Hatchery, wait_until

Put = Callable[[int], list[int]]
States = Callable[[list[int]], dict[str, State]]

OFTEN = [3, pytest.param(30, marks=pytest.mark.slow)]
PLACES = ["after_claim", "after_handover", "before_result"]


def settled(states: States, ids: list[int]) -> bool:
    """Tell whether nothing waits any more."""
    return set(states(ids).values()) <= {State.SENT, State.UNCERTAIN}


@pytest.mark.parametrize("times", OFTEN)
@pytest.mark.parametrize("place", PLACES)
def test_a_worker_killed_at_a_bad_moment_costs_certainty_and_nothing_else(
    place: str, times: int, hatchery: Hatchery, sink: Sink, put: Put, states: States
) -> None:
    for _time in range(times):
        sink.reset()
        ids = put(12)
        assert hatchery.wait(hatchery.start(fault=place)) == -signal.SIGKILL
        held = [ref for ref, state in states(ids).items() if state is State.SENDING]
        assert held, "it died with a chunk in its hands"
        worker = hatchery.start()
        wait_until(partial(settled, states, ids))
        os.kill(worker, signal.SIGTERM)
        assert hatchery.wait(worker) == 0
        found, seen = states(ids), Counter(sink.refs())
        assert max(seen.values()) == 1, "nothing was sent twice"
        assert {ref for ref, state in found.items() if state is State.UNCERTAIN} == set(held)
        assert all(seen[ref] == 1 for ref, state in found.items() if state is State.SENT)
        if place == "after_claim":
            assert not any(seen[ref] for ref in held)


@pytest.mark.parametrize("times", OFTEN)
@pytest.mark.parametrize("sink", [0.01], indirect=True)
def test_a_worker_killed_at_any_moment_sends_nothing_twice(
    times: int, hatchery: Hatchery, sink: Sink, put: Put, states: States
) -> None:
    chance = random.Random(times)  # noqa: S311 - the same moments in every run
    ids = put(15 * times)
    for _time in range(times):
        worker = hatchery.start()
        time.sleep(chance.uniform(0.05, 0.6))
        os.kill(worker, signal.SIGKILL)
        assert hatchery.wait(worker) == -signal.SIGKILL
    hatchery.start()
    wait_until(partial(settled, states, ids))
    found, seen = states(ids), Counter(sink.refs())
    assert max(seen.values()) == 1
    assert all(seen[ref] == 1 for ref, state in found.items() if state is State.SENT)


@pytest.mark.parametrize("sink", [0.05], indirect=True)
def test_sigterm_leaves_nothing_uncertain(
    hatchery: Hatchery, sink: Sink, put: Put, states: States
) -> None:
    ids = put(200)
    worker = hatchery.start()
    wait_until(lambda: sink.stats()["requests"] >= 12)
    os.kill(worker, signal.SIGTERM)
    assert hatchery.wait(worker) == 0
    found, seen = states(ids), Counter(sink.refs())
    assert set(found.values()) == {State.SENT, State.QUEUED}, "it ended in the middle of the queue"
    assert {ref for ref, state in found.items() if state is State.SENT} == set(seen)
    hatchery.start()
    wait_until(lambda: set(states(ids).values()) == {State.SENT})
    assert set(sink.refs().values()) == {1}


@pytest.mark.parametrize("sink", [0.005], indirect=True)
def test_a_second_process_sends_nothing_twice(
    hatchery: Hatchery, sink: Sink, put: Put, states: States
) -> None:
    ids = put(300)
    for _worker in range(3):
        hatchery.start()
    wait_until(lambda: set(states(ids).values()) == {State.SENT})
    assert sink.stats() == {"requests": 300, "unique": 300, "most": 1}
