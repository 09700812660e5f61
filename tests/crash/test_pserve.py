"""The worker inside the web server drains when the server is told to end."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.sink import Sink
from core.messaging.states import State
from tests.crash.conftest import SECONDS, wait_until

Put = Callable[[int], list[int]]
States = Callable[[list[int]], dict[str, State]]


@pytest.fixture
def pserve(settings: dict[str, Any], tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start the whole application as a deployment of one process does."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    lines = [
        "[app:main]",
        "use = egg:abah",
        *(
            f"{key} = {value.replace('%', '%%')}"
            for key, value in settings.items()
            if key != "abah.embedded_worker"
        ),
        "[server:main]",
        "use = egg:waitress#main",
        f"listen = 127.0.0.1:{port}",
    ]
    file = tmp_path / "test.ini"
    file.write_text("\n".join(lines), encoding="utf-8")
    with subprocess.Popen([sys.executable, "-m", "core.cli.web", str(file)]) as process:
        yield process
        process.kill()


@pytest.mark.parametrize("sink", [0.05], indirect=True)
def test_sigterm_ends_pserve_after_the_chunk_under_way(
    pserve: subprocess.Popen[bytes], sink: Sink, put: Put, states: States
) -> None:
    # Another process writes these; the sweeper of the web process finds them.
    ids = put(1200)
    wait_until(lambda: sink.stats()["requests"] >= 20)
    pserve.send_signal(signal.SIGTERM)
    assert pserve.wait(SECONDS) == 0
    found = states(ids)
    assert set(found.values()) == {State.SENT, State.QUEUED}
    assert {ref for ref, state in found.items() if state is State.SENT} == set(sink.refs())
    assert set(sink.refs().values()) == {1}
