"""A real HTTP gateway on this machine that can be told to misbehave."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

import uvloop
from aiohttp import web

from core.api.hooks import (
    OutgoingMessage,
    ReportState,
    SendResult,
    WebhookRequest,
)
from core.testing.channels import SECRET, ChannelPeer, Fault, Line, Received
from plugins.sms_http.channel import HttpTransport

Behaviour = Callable[[web.Request, Mapping[str, str]], Awaitable[web.StreamResponse | None]]


class GatewayServer:
    """Serves ``/send`` in a thread of its own; what it took is in ``taken``."""

    def __init__(self) -> None:
        self.taken: list[dict[str, str]] = []
        self.headers: list[Mapping[str, str]] = []
        self.bodies: list[bytes] = []
        self.connections = 0
        self.behaviours: dict[str, Behaviour] = {}
        self.answer: Behaviour | None = None
        self._loop = uvloop.new_event_loop()
        self._runner: web.AppRunner | None = None
        self.port = 0
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/send"

    def start(self) -> None:
        self._run(self._start())

    def stop(self) -> None:
        self._run(self._stop())

    def close(self) -> None:
        self.stop()
        self._run(_cancel_the_rest())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def _run(self, coroutine: Any) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    async def _start(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        assert site._server is not None
        self.port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]

    async def _stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        values = dict(request.query)
        if request.content_type == "application/json":
            values.update(await request.json())
        else:
            values.update(parse_qsl(body.decode(), keep_blank_values=True))
        self.headers.append(request.headers.copy())
        self.bodies.append(body)
        behaviour = self.behaviours.pop(values.get("to", ""), self.answer)
        if behaviour is not None:
            response = await behaviour(request, values)
            if response is not None:
                return response
        self.taken.append(values)
        return web.json_response({"status": "ok", "id": f"gw-{values.get('ref', '')}"})


async def _cancel_the_rest() -> None:
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)


async def refuse(request: web.Request, values: Mapping[str, str]) -> web.StreamResponse:
    del request, values
    return web.json_response({"status": "error", "error": "unknown subscriber"}, status=400)


async def busy(request: web.Request, values: Mapping[str, str]) -> web.StreamResponse:
    del request, values
    return web.json_response({"error": "throttled"}, status=429)


def breaking(server: GatewayServer) -> Behaviour:
    async def behave(request: web.Request, values: Mapping[str, str]) -> web.StreamResponse:
        server.taken.append(dict(values))
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    return behave


def silent(server: GatewayServer) -> Behaviour:
    async def behave(request: web.Request, values: Mapping[str, str]) -> None:
        del request
        server.taken.append(dict(values))
        await asyncio.sleep(30)

    return behave


class HttpPeer(ChannelPeer):
    """The gateway of the conformance suite: form in, JSON out, a secret in a header."""

    transport = HttpTransport
    faults = frozenset(Fault)

    def __init__(self) -> None:
        self.server = GatewayServer()

    def settings(self) -> Mapping[str, Any]:
        return {
            "url": self.server.url,
            "headers": "Authorization: Bearer {{ token }}",
            "token": SECRET,
            "password": SECRET,
            "fields": "to={{ to }}\ntext={{ text }}\nref={{ ref }}\nreport={{ report_url }}"
            "\npassword={{ password }}",
            "success_path": "$.status",
            "success_pattern": "ok",
            "reference_path": "$.id",
            "total_seconds": 3,
            "connect_seconds": 5,
            "allow_private": True,
        }

    def received(self) -> Sequence[Received]:
        return [Received(one["to"], one["text"]) for one in self.server.taken]

    def misbehave(self, fault: Fault, address: str) -> None:
        if fault is Fault.AWAY:
            self.server.stop()
            return
        self.server.behaviours[address] = {
            Fault.REFUSED: refuse,
            Fault.BUSY: busy,
            Fault.BROKEN: breaking(self.server),
            Fault.SILENT: silent(self.server),
        }[fault]

    def recover(self) -> None:
        if self.server._runner is None:
            self.server.start()

    def report(
        self, line: Line, message: OutgoingMessage, result: SendResult, state: ReportState
    ) -> None:
        status = "DELIVRD" if state is ReportState.DELIVERED else "UNDELIV"
        query = {"ref": message.ref, "status": status, "id": result.references[0]}
        line.call(webhook("report", query))

    def text_in(self, line: Line, sender: str, body: str) -> None:
        line.call(webhook("inbound", {"from": sender, "text": body, "id": body[:5]}))

    def close(self) -> None:
        self.server.close()


def webhook(
    path: str,
    query: Mapping[str, str] | None = None,
    *,
    form: Mapping[str, str] | None = None,
    body: bytes = b"",
    content_type: str = "",
    method: str = "POST",
) -> WebhookRequest:
    return WebhookRequest(
        method=method,
        path=path,
        query=query or {},
        form=form or {},
        headers={"Content-Type": content_type} if content_type else {},
        body=body,
        remote_addr="127.0.0.1",
    )
