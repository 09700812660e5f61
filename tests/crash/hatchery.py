"""Starts worker processes quickly: everything is imported once, each worker is forked from here.

A process of its own with a single thread, so that forking is safe. It reads one JSON object per
line (``settings``, ``environment``, ``chunk``), answers with the new process's id, and says how
each one ended.
"""

from __future__ import annotations

import json
import logging
import os
import selectors
import signal
import sys
import traceback
from dataclasses import replace
from importlib import import_module
from typing import Any

import structlog

from core.app import import_models_of_core, open_runtime
from core.live import run_worker
from plugins.sms_http.channel import HttpTransport


def work(order: dict[str, Any]) -> None:
    """Be a worker until somebody kills this process."""
    os.environ.update(order["environment"])
    # Errors only; they are shown beside the test that failed.
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    HttpTransport.capabilities = replace(HttpTransport.capabilities, chunk=order["chunk"])
    runtime = open_runtime(order["settings"])
    run_worker(runtime)
    runtime.close()


def main() -> None:
    """Fork on demand; tell of ends as they come."""
    import_models_of_core()
    import_module("plugins.sms_http.plugin")
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing)
    signal.signal(signal.SIGCHLD, lambda _signal, _frame: None)
    selector = selectors.DefaultSelector()
    selector.register(sys.stdin, selectors.EVENT_READ)
    selector.register(reading, selectors.EVENT_READ)
    while True:
        for key, _mask in selector.select():
            if key.fd == sys.stdin.fileno():
                line = sys.stdin.readline()
                if not line:
                    return
                hatch(json.loads(line))
            else:
                os.read(reading, 512)
                bury()


def hatch(order: dict[str, Any]) -> None:
    """Fork a worker and say its id."""
    pid = os.fork()
    if pid == 0:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        code = 1
        try:
            work(order)
            code = 0
        except BaseException:  # noqa: BLE001 - shown, and the process ends
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)
    say(f"born {pid}")


def bury() -> None:
    """Say how workers ended: the exit code, or the signal as a negative number."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        say(f"gone {pid} {os.waitstatus_to_exitcode(status)}")


def say(line: str) -> None:
    """Tell the test."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
