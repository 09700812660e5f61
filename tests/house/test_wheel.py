"""The wheel holds everything the application needs, and works where nothing else is installed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from pathlib import Path

import pytest

from tests.house.conftest import ROOT

START_SECONDS = 60


@pytest.mark.slow
def test_wheel_holds_what_is_not_python(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    tracked = subprocess.run(
        ["git", "ls-files", "core", "plugins", "templates"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    expected = set()
    for name in tracked:
        if name.startswith("templates/"):
            expected.add(name.replace("templates/", "core/templates/", 1))
        elif name.endswith(".po"):
            # Translators' files stay at home; their compiled form travels.
            expected.add(name.removesuffix(".po") + ".mo")
        else:
            expected.add(name)
    assert sorted(expected - names) == []


@pytest.mark.slow
def test_wheel_brings_no_tests_or_documents(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"core", "plugins"}


@pytest.mark.slow
def test_wheel_serves_a_page_from_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    environment = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    bin_ = environment / "bin"
    subprocess.run([bin_ / "pip", "install", "--quiet", wheel], check=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    ini = tmp_path / "site.ini"
    text = (ROOT / "development.ini").read_text().replace("localhost:6543", f"127.0.0.1:{port}")
    ini.write_text(text)
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    subprocess.run(
        [bin_ / "abah", "-c", ini, "setup"], check=True, cwd=tmp_path, env=clean, timeout=120
    )
    server = subprocess.Popen([bin_ / "abah", "-c", ini, "serve"], cwd=tmp_path, env=clean)
    try:
        page = _get(f"http://127.0.0.1:{port}/masuk")
        assert "Masuk" in page
        assert "/static/" in page
    finally:
        server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=30) == 0


def _get(address: str) -> str:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                body: bytes = answer.read()
                return body.decode()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.3)
