"""A real HTTP server as the other side of a channel, for channels that speak to an API.

A subclass of :class:`HttpPeer` says what the API answers; faults, connections and what arrived are
kept here::

    class MyPeer(HttpPeer):
        transport = MyTransport

        def settings(self):
            return {"url": f"{self.url}/send", "token": SECRET, "seconds": 1}

        def answer(self, call):
            message = call.json()
            fault = self.take(message["to"], message["text"])
            if fault is not None:
                return Reply(429 if fault is Fault.BUSY else 400, {"error": "no"})
            return Reply(200, {"id": f"gw-{message['ref']}"})
"""

from __future__ import annotations

import json
import socket
import threading
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

from core.hookspecs.channels import WebhookRequest
from core.testing.peers import ChannelPeer, Fault, Received

__all__ = ["Call", "HttpPeer", "Reply", "json_call"]

HOLD_SECONDS = 30.0
"""How long a silent server keeps a connection, unless it is stopped before."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request that the server got."""

    method: str
    path: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes

    def json(self) -> Any:
        """Return the body as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server answers: a status, and a document that is sent as JSON."""

    status: int = 200
    document: Any = None


class _CutError(Exception):
    """The call gets no answer."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(fault)


class HttpPeer(ChannelPeer):
    """A server in threads of its own, on a free port of this machine."""

    faults: ClassVar[frozenset[Fault]] = frozenset(Fault)

    def __init__(self) -> None:
        """Start it."""
        self.calls: list[Call] = []
        """Everything that was asked, in order."""
        self._arrived: list[Received] = []
        self._awaited: dict[str, Fault] = {}
        self._port = 0
        self._server: _Server | None = None
        self.recover()

    @property
    def url(self) -> str:
        """Address of the server, without a trailing slash."""
        return f"http://127.0.0.1:{self._port}"

    @abstractmethod
    def answer(self, call: Call) -> Reply:
        """Answer a call; :meth:`take` is asked for every message in it."""

    def take(self, address: str, body: str, title: str = "") -> Fault | None:
        """Take one message; the answer is what to say of it: refused, busy, or (None) taken.

        Where the test wants a broken or silent line, the call ends here, with the message taken.
        """
        fault = self._awaited.pop(address, None)
        if fault in {Fault.REFUSED, Fault.BUSY}:
            return fault
        self._arrived.append(Received(address, body, title))
        if fault is not None:
            raise _CutError(fault)
        return None

    def received(self) -> Sequence[Received]:
        """Return what was taken."""
        return tuple(self._arrived)

    def misbehave(self, fault: Fault, address: str) -> None:
        """Treat the next message to ``address`` so, or go away."""
        if fault is Fault.AWAY:
            self._stop()
        else:
            self._awaited[address] = fault

    def recover(self) -> None:
        """Be there again, on the same port."""
        if self._server is None:
            self._server = _Server(self._port, self._answered)
            self._port = self._server.server_port

    def close(self) -> None:
        """End the server and its connections."""
        self._stop()

    def _answered(self, call: Call) -> Reply:
        self.calls.append(call)
        return self.answer(call)

    def _stop(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, port: int, answer: Callable[[Call], Reply]) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.answer = answer
        self.stopped = threading.Event()
        self.open: set[socket.socket] = set()
        self._loop = threading.Thread(target=self.serve_forever, args=(0.02,), name="http-peer")
        self._loop.start()

    def stop(self) -> None:
        self.stopped.set()
        self.shutdown()
        self._loop.join()
        self.server_close()
        for connection in tuple(self.open):
            cut(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that hangs up is what many tests want."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.open.add(self.connection)

    def finish(self) -> None:
        self.server.open.discard(self.connection)
        super().finish()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            reply = self.server.answer(Call(self.command, self.path, headers, body))
        except _CutError as silence:
            if silence.fault is Fault.SILENT:
                self.server.stopped.wait(HOLD_SECONDS)
            self.close_connection = True
            cut(self.connection)
            return
        document = json.dumps(reply.document).encode()
        self.send_response(reply.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(document)))
        self.end_headers()
        self.wfile.write(document)

    do_GET = do_PUT = do_DELETE = do_POST  # noqa: N815 - names of the library

    def log_message(self, *_arguments: Any) -> None:
        """Say nothing."""


def cut(connection: socket.socket) -> None:
    """Break a connection, whichever side is at work on it."""
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


def json_call(
    path: str, document: Any, *, headers: Mapping[str, str] | None = None
) -> WebhookRequest:
    """Make a webhook call with a JSON body, as a gateway posts it."""
    return WebhookRequest(
        method="POST",
        path=path,
        query={},
        form={},
        headers={"Content-Type": "application/json", **(headers or {})},
        body=json.dumps(document).encode(),
        remote_addr="127.0.0.1",
    )
