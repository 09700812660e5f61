"""Serving an application to a real browser from a thread of the test."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from waitress.server import create_server  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["serving"]


@contextmanager
def serving(app: Any, *, threads: int = 4) -> Iterator[str]:
    """Serve a WSGI application on a free port of this machine and give its address."""
    sockets: dict[int, Any] = {}
    server = create_server(app, map=sockets, host="127.0.0.1", port=0, threads=threads)
    ended = threading.Event()

    def run() -> None:
        while not ended.is_set():
            server.asyncore.loop(timeout=1, map=sockets, count=1)

    thread = threading.Thread(target=run, name="serving")
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}"
    finally:
        # Closed only when nobody polls its sockets any more.
        ended.set()
        server.pull_trigger()
        thread.join()
        server.task_dispatcher.shutdown()
        server.close()
        server.asyncore.close_all(sockets)
