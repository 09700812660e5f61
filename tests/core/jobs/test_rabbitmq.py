"""RabbitMQ between the web and its workers: a real one, where Debian's package is installed."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from core.app import open_runtime
from core.jobs import enqueue
from core.jobs.runner import Jobs
from core.jobs.worker import WorkerProcess
from tests.core.jobs.conftest import TracePlugin, wait_for

SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
START_SECONDS = 60

pytestmark = pytest.mark.skipif(
    not SERVER.exists() or find_spec("pika") is None,
    reason="needs the Debian package rabbitmq-server and the extra abah[rabbitmq]",
)


def free_port() -> int:
    """Find a port that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def rabbit() -> Iterator[str]:
    """Start a server of our own, with everything it writes in one folder, and give its address."""
    # Erlang's own files have long names; a socket's path may not.
    folder = Path("/tmp") / f"abah-rabbit-{os.getpid()}"  # noqa: S108 - made and removed here
    folder.mkdir()
    port, epmd = free_port(), free_port()
    environment = os.environ | {
        "HOME": str(folder),
        "ERL_EPMD_PORT": str(epmd),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODENAME": f"abah{os.getpid()}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_MNESIA_BASE": str(folder / "data"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "RABBITMQ_PID_FILE": str(folder / "pid"),
    }
    process = subprocess.Popen(
        [str(SERVER)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not answers(port):
            assert process.poll() is None, "RabbitMQ did not start"
            assert time.monotonic() < deadline, "RabbitMQ does not answer"
            time.sleep(0.2)
        yield f"amqp://guest:guest@127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        # Erlang's port mapper is a daemon that the server leaves behind.
        subprocess.run(["epmd", "-kill"], env=environment, check=False, capture_output=True)
        shutil.rmtree(folder, ignore_errors=True)


def answers(port: int) -> bool:
    """Tell whether a broker speaks AMQP on a port: it closes what is no greeting with its own."""
    with socket.socket() as probe:
        probe.settimeout(1)
        try:
            probe.connect(("127.0.0.1", port))
            probe.sendall(b"GET /1.0")
            return probe.recv(8).startswith(b"AMQP")
        except OSError:
            return False


def test_rabbitmq_carries_a_wake_up_to_another_process(
    settings: dict[str, Any], rabbit: str
) -> None:
    with_rabbit = settings | {"abah.jobs.broker": rabbit}
    web, other = open_runtime(with_rabbit), open_runtime(with_rabbit)
    trace = TracePlugin()
    web.hooks.register("trace", TracePlugin())
    other.hooks.register("trace", trace)
    worker = other.component(WorkerProcess)
    try:
        worker.start(threads=2)
        with web.database.writing() as session:
            enqueue(session, "trace.note", 7)
        assert wait_for(lambda: trace.ran == [(7,)])
        worker.stop()
        other.component(Jobs).close()
        with web.database.writing() as session:
            enqueue(session, "trace.note", 8)
        worker.start(threads=2)
        assert wait_for(lambda: trace.ran == [(7,), (8,)]), "it waited in RabbitMQ"
    finally:
        worker.stop()
        web.close()
        other.close()
