"""A gateway that takes everything and counts how often it saw each reference.

A process of its own, spoken to in plain HTTP/1.1, cheap enough not to be what is measured::

    python -m benchmarks.sink [SECONDS]   # prints its port; answers after SECONDS
    POST /send   ref=…&to=…&text=…   → 200 "accepted:<n>"
    GET /stats                       → {"requests": …, "unique": …, "most": …}
    GET /refs                        → {"<ref>": <times>, …}
    POST /reset
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import urllib.request
from collections import Counter
from typing import Any, Final, Self, cast

import uvloop

__all__ = ["Sink"]

_LENGTH: Final = re.compile(rb"content-length:\s*(\d+)", re.IGNORECASE)
_REF: Final = re.compile(rb"(?:^|&)ref=([^&]*)")


class _Gateway(asyncio.Protocol):
    """One connection; requests may be pipelined and may arrive in pieces."""

    seen: Counter[bytes] = Counter()  # noqa: RUF012 - shared by every connection on purpose

    delay = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._waiting = b""

    def data_received(self, data: bytes) -> None:
        self._waiting += data
        while (end := self._waiting.find(b"\r\n\r\n")) >= 0:
            head = self._waiting[:end]
            length = _LENGTH.search(head)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self._waiting) < whole:
                return
            body, self._waiting = self._waiting[end + 4 : whole], self._waiting[whole:]
            line = head.partition(b"\r\n")[0]
            answer = self._answer(line, body)
            if self.delay and line.startswith(b"POST /send"):
                asyncio.get_running_loop().call_later(self.delay, self._write, answer)
            else:
                self._write(answer)

    def _write(self, answer: bytes) -> None:
        self._transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s"
            % (len(answer), answer)
        )

    def _answer(self, line: bytes, body: bytes) -> bytes:
        if line.startswith(b"POST /send"):
            found = _REF.search(body)
            self.seen[found[1] if found else b"?"] += 1
            return b"accepted:%d" % self.seen.total()
        if line.startswith(b"POST /reset"):
            self.seen.clear()
            return b"ok"
        if line.startswith(b"GET /refs"):
            return json.dumps({ref.decode(): times for ref, times in self.seen.items()}).encode()
        figures = {
            "requests": self.seen.total(),
            "unique": len(self.seen),
            "most": max(self.seen.values(), default=0),
        }
        return json.dumps(figures).encode()


class Sink:
    """Starts the gateway as a process and asks it what it saw. A context manager."""

    def __init__(self, *, delay: float = 0.0) -> None:
        """Answer each message after ``delay`` seconds."""
        self._delay = delay

    def __enter__(self) -> Self:
        """Start it."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.sink", str(self._delay)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None  # noqa: S101 - asked for above
        self.url = f"http://127.0.0.1:{int(self._process.stdout.readline())}"
        return self

    def __exit__(self, *_error: object) -> None:
        """Stop it."""
        self._process.terminate()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def stats(self) -> dict[str, int]:
        """Return the number of requests, of different references, and the most of one."""
        return dict(self._ask("/stats"))

    def refs(self) -> dict[str, int]:
        """Return how often each reference was seen."""
        return dict(self._ask("/refs"))

    def reset(self) -> None:
        """Forget everything."""
        request = urllib.request.Request(f"{self.url}/reset", data=b"", method="POST")  # noqa: S310
        urllib.request.urlopen(request).close()  # noqa: S310 - our own process

    def _ask(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self.url}{path}") as answer:  # noqa: S310 - our own process
            return json.load(answer)


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Gateway, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    _Gateway.delay = float(sys.argv[1]) if len(sys.argv) > 1 else 0.0
    uvloop.run(_serve())
