"""Fixtures of the crash tests: a gateway that counts, a hatchery of workers, a full queue."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import select

from benchmarks.sink import Sink
from core.api.messaging import Draft, add_account, queue_messages
from core.framework.runtime import Runtime
from core.messaging.models import Message
from core.messaging.states import State

SECONDS = 60.0
"""No step of these tests takes so long, however busy the machine."""


@pytest.fixture
def plugin_names() -> tuple[str, ...]:
    """Install the one channel that is needed."""
    return ("sms_http",)


@pytest.fixture
def settings(settings: dict[str, Any]) -> dict[str, Any]:
    """Let faults happen, and let workers run in processes of their own."""
    return settings | {"abah.faults": "true"}


@pytest.fixture
def sink(request: pytest.FixtureRequest) -> Iterator[Sink]:
    """Start the gateway; a test may ask for a slow one."""
    with Sink(delay=getattr(request, "param", 0.0)) as sink:
        yield sink


@dataclass
class Nest:
    """The process that workers are forked from, one for all tests."""

    process: subprocess.Popen[str]
    ended: dict[int, int] = field(default_factory=dict)
    born: list[int] = field(default_factory=list)
    news: threading.Condition = field(default_factory=threading.Condition)

    def start(self, order: dict[str, Any]) -> int:
        """Start a worker and return its process id."""
        assert self.process.stdin is not None
        with self.news:
            before = len(self.born)
            self.process.stdin.write(json.dumps(order) + "\n")
            self.process.stdin.flush()
            assert self.news.wait_for(lambda: len(self.born) > before, SECONDS)
            return self.born[-1]

    def wait(self, pid: int) -> int:
        """Wait for a worker's end and return its exit code, negative for a signal."""
        with self.news:
            assert self.news.wait_for(lambda: pid in self.ended, SECONDS), "it does not end"
            return self.ended[pid]

    def listen(self) -> None:
        """Hear what the hatchery says."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            words = line.split()
            with self.news:
                if words[0] == "born":
                    self.born.append(int(words[1]))
                elif words[0] == "gone":
                    self.ended[int(words[1])] = int(words[2])
                self.news.notify_all()

    def clear(self) -> None:
        """Kill what is left."""
        for pid in set(self.born) - set(self.ended):
            os.kill(pid, signal.SIGKILL)
            self.wait(pid)

    def close(self) -> None:
        """End it."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


@dataclass(frozen=True)
class Hatchery:
    """Gives workers of one deployment."""

    settings: dict[str, Any]
    nest: Nest

    def start(self, *, fault: str = "", chunk: int = 5) -> int:
        """Start a worker and return its process id."""
        environment = {"ABAH_FAULT": fault}
        return self.nest.start(
            {"settings": self.settings, "environment": environment, "chunk": chunk}
        )

    def wait(self, pid: int) -> int:
        """Wait for a worker's end and return its exit code, negative for a signal."""
        return self.nest.wait(pid)


@pytest.fixture(scope="session")
def nest() -> Iterator[Nest]:
    """Start the process that workers are forked from: its imports take longer than a worker."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.crash.hatchery"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    nest = Nest(process)
    listener = threading.Thread(target=nest.listen)
    listener.start()
    yield nest
    nest.close()
    listener.join()
    assert process.stdout is not None
    process.stdout.close()


@pytest.fixture
def hatchery(settings: dict[str, Any], runtime: Runtime, nest: Nest) -> Iterator[Hatchery]:
    """Give workers on the database of the test; none outlives it."""
    yield Hatchery(settings, nest)
    nest.clear()


@pytest.fixture
def gateway(runtime: Runtime, sink: Sink) -> int:
    """Add an account that leads to the counting gateway."""
    with runtime.database.writing() as session:
        return add_account(
            session,
            "Gateway",
            transport="sms_http",
            settings={
                "url": f"{sink.url}/send",
                "allow_private": True,
                "connections": 5,
                "reference_pattern": "accepted:(.*)",
            },
        )


@pytest.fixture
def put(runtime: Runtime, gateway: int) -> Callable[[int], list[int]]:
    """Queue so many messages."""
    rounds = iter(range(1, 1_000))

    def queue(count: int) -> list[int]:
        number = next(rounds)
        with runtime.database.writing() as session:
            return queue_messages(
                session,
                [
                    Draft(f"+6281230{number:03}{i:03}", f"Pesan {number}.{i}", "uji")
                    for i in range(count)
                ],
            )

    return queue


@pytest.fixture
def states(runtime: Runtime) -> Callable[[list[int]], dict[str, State]]:
    """Read the state of messages, by ref."""

    def read(ids: list[int]) -> dict[str, State]:
        with runtime.database.reading() as session:
            rows = session.execute(
                select(Message.ref, Message.state).where(Message.id.in_(ids)).order_by(Message.id)
            )
            return {row.ref: State(row.state) for row in rows}

    return read


def wait_until(condition: Callable[[], object]) -> None:
    """Wait until something is true."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it never became true"
        time.sleep(0.03)
