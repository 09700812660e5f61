#!/usr/bin/env python3
"""Smoke test of `make run`: it starts, is healthy, a demo account signs in, SIGTERM stops it."""

from __future__ import annotations

import http.cookiejar
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parent.parent
ADDRESS = "http://localhost:6543"
START_SECONDS = 300


def main() -> int:
    """Run the steps; 0 when all of them hold."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as log:
        process = subprocess.Popen(
            ["make", "run"], cwd=ROOT, stdout=log, stderr=log, text=True, start_new_session=True
        )
        try:
            wait_until_healthy(process, log)
            output = printed(log)
            account = re.search(r"(?m)^\s*admin\s+(\S+)", output)
            assert account, f"no demo account in the output:\n{output}"
            assert ADDRESS in output, f"the address is not printed:\n{output}"
            sign_in("admin", account.group(1))
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=60)
        output = printed(log)
        assert "Traceback" not in output, output
    try:
        urllib.request.urlopen(f"{ADDRESS}/healthz", timeout=2)
    except OSError:
        print("smoke test passed: started, healthy, demo sign-in works, stopped on SIGTERM")
        return 0
    raise SystemExit("something still answers after SIGTERM")


def printed(log: IO[str]) -> str:
    """Read everything that was printed so far."""
    log.seek(0)
    return log.read()


def wait_until_healthy(process: subprocess.Popen[str], log: IO[str]) -> None:
    """Ask /healthz until it answers."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        if process.poll() is not None:
            raise SystemExit(f"make run ended by itself:\n{printed(log)}")
        try:
            with urllib.request.urlopen(f"{ADDRESS}/healthz", timeout=2) as answer:
                assert json.load(answer)["status"] == "ok"
                return
        except OSError:
            if time.monotonic() > deadline:
                raise SystemExit(f"make run is not healthy:\n{printed(log)}") from None
            time.sleep(0.5)


def sign_in(name: str, password: str) -> None:
    """Sign in as a browser would and look for the way out on the page."""
    jar = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    page = browser.open(f"{ADDRESS}/masuk").read().decode()
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token, page
    fields = {"csrf_token": token.group(1), "name": name, "password": password, "next": "/"}
    page = browser.open(f"{ADDRESS}/masuk", urllib.parse.urlencode(fields).encode()).read().decode()
    assert "Keluar" in page, page


if __name__ == "__main__":
    sys.exit(main())
