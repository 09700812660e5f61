"""A served application as a new user meets it, and a real browser."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy.engine import URL

from core.testing.databases import DatabaseFactory

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 90

expect.set_options(timeout=15_000)


@dataclass(frozen=True)
class Server:
    """Where the application answers, and the configuration it runs with."""

    url: str
    ini: Path


def write_ini(file: Path, url: URL, port: int) -> None:
    """Write the configuration of development for another database and port."""
    database = url.render_as_string(hide_password=False).replace("%", "%%")
    text = (ROOT / "development.ini").read_text(encoding="utf-8")
    text = text.replace("sqlite:///%(here)s/var/abah.db", database)
    file.write_text(text.replace("localhost:6543", f"localhost:{port}"), encoding="utf-8")


def abah(ini: Path, *words: str) -> list[str]:
    """Give the command line of ``abah``."""
    return [sys.executable, "-m", "core.cli", "-c", str(ini), *words]


@pytest.fixture(scope="session")
def demos(
    database_factories: Callable[[str], DatabaseFactory],
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[str], URL]:
    """Give a database of a kind as ``abah setup --demo`` leaves it, to make copies of."""

    @cache
    def demo(kind: str) -> URL:
        url = database_factories(kind).empty()
        ini = tmp_path_factory.mktemp("demo") / "demo.ini"
        write_ini(ini, url, 6543)
        subprocess.run(abah(ini, "setup", "--demo"), check=True, cwd=ROOT, timeout=300)
        return url

    return demo


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def server(
    request: pytest.FixtureRequest,
    database_factories: Callable[[str], DatabaseFactory],
    demos: Callable[[str], URL],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Server]:
    factory = database_factories(request.param)
    url = factory.copy_of(demos(request.param))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("site")
    address = f"http://localhost:{port}"
    ini = folder / "site.ini"
    write_ini(ini, url, port)
    log = (folder / "serve.log").open("wb")
    process = subprocess.Popen(abah(ini, "serve"), cwd=ROOT, stdout=log, stderr=log)
    try:
        _wait(f"{address}/healthz", process)
        yield Server(address, ini)
    finally:
        process.send_signal(signal.SIGTERM)
        code = process.wait(timeout=60)
        log.close()
    assert code == 0, (folder / "serve.log").read_text()
    factory.drop(url)


@pytest.fixture
def new_browser(chromium: Browser, server: Server) -> Iterator[Callable[..., Page]]:
    """Open a browser of its own (cookies apart from the others) and return its page.

    Whatever the page complains about in its console fails the test, unless it opens error pages
    on purpose (``strict=False``).
    """
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_page(
        width: int = 1280, height: int = 800, scheme: str = "light", *, strict: bool = True
    ) -> Page:
        context = chromium.new_context(
            base_url=server.url,
            viewport={"width": width, "height": height},
            color_scheme="dark" if scheme == "dark" else "light",
            locale="id-ID",
            timezone_id="Asia/Jakarta",
        )
        contexts.append(context)
        page = context.new_page()
        if not strict:
            return page
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda message: (
                complaints.append(message.text)
                # A form that was refused is answered with 422 on purpose.
                if message.type == "error" and "422" not in message.text
                else None
            ),
        )
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def _wait(address: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.2)
