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
import time
import urllib.parse
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ADDRESS = "http://localhost:6543"
START_SECONDS = 300


def main() -> int:
    """Run the steps; 0 when all of them hold."""
    process = subprocess.Popen(
        ["make", "run"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        os.set_blocking(process.stdout.fileno(), False)
        output = ""
        deadline = time.monotonic() + START_SECONDS
        while True:
            output += process.stdout.read() or ""
            if process.poll() is not None:
                print(output)
                raise SystemExit("make run ended by itself")
            try:
                with urllib.request.urlopen(f"{ADDRESS}/healthz", timeout=2) as answer:
                    assert json.load(answer)["status"] == "ok"
                    break
            except OSError:
                if time.monotonic() > deadline:
                    print(output)
                    raise SystemExit("make run did not answer /healthz") from None
                time.sleep(0.5)
        time.sleep(1)
        output += process.stdout.read() or ""
        account = re.search(r"(?m)^\s*admin\s+(\S+)", output)
        assert account, f"no demo account in the output:\n{output}"
        assert ADDRESS in output, "the address is not printed"
        sign_in("admin", account.group(1))
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
    process.wait(timeout=30)
    rest = process.stdout.read() or ""
    assert "Traceback" not in output + rest, output + rest
    print("smoke test passed: started, healthy, demo sign-in works, stopped on SIGTERM")
    return 0


def sign_in(name: str, password: str) -> None:
    """Sign in as a browser would and look for the way out on the page."""
    jar = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    page = browser.open(f"{ADDRESS}/").read().decode()
    action = re.search(r'<form[^>]*method="post"[^>]*action="([^"]*)"', page) or re.search(
        r'<form[^>]*action="([^"]*)"[^>]*method="post"', page
    )
    hidden = r'<input[^>]*type="hidden"[^>]*name="([^"]+)"[^>]*value="([^"]*)"'
    fields = dict(re.findall(hidden, page))
    fields |= {"name": name, "password": password}
    target = urllib.parse.urljoin(f"{ADDRESS}/masuk", action.group(1) if action else "")
    page = browser.open(target, urllib.parse.urlencode(fields).encode()).read().decode()
    assert "Keluar" in page, page[:2000]


if __name__ == "__main__":
    sys.exit(main())
