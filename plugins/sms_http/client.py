"""The HTTP side of one account: one session, kept on the loop it was made on."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import aiohttp
from aiohttp import ClientHandlerType, ClientRequest, ClientResponse

from plugins.sms_http.answers import REDIRECT, Answer
from plugins.sms_http.targets import guarded_socket

if TYPE_CHECKING:
    from plugins.sms_http.gateway import Gateway
    from plugins.sms_http.requests import Request

__all__ = ["BrokenError", "Client", "NotWrittenError"]

LIMIT = 65_536
"""Bytes of an answer that are read; the rest is dropped together with the connection."""

KEEP_SECONDS = 4.0
"""How long an idle connection is kept. Shorter than servers do (5 s is usual), because a request
written while the server closes the line cannot be told from one that was served."""


class NotWrittenError(Exception):
    """Nothing reached the gateway: no name, no connection, no TLS. ``cause`` says why."""

    def __init__(self, cause: BaseException) -> None:
        """Keep the cause; its text may hold the address with its secrets, so it is never shown."""
        self.cause = cause
        super().__init__(type(cause).__name__)


class BrokenError(Exception):
    """The request was, or may have been, written, and no whole answer came."""


class Client:
    """A connection pool on one event loop."""

    def __init__(self, gateway: Gateway) -> None:
        """Open the pool. Must be called on the loop that will use it."""
        self.loop = asyncio.get_running_loop()
        self.slots = asyncio.Semaphore(gateway.connections)
        connector = aiohttp.TCPConnector(
            limit=gateway.connections,
            keepalive_timeout=KEEP_SECONDS,
            socket_factory=None if gateway.allow_private else guarded_socket,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            # total ends an answer that trickles; being the sum, it never ends a connection attempt,
            # whose time-out must be known as such.
            timeout=aiohttp.ClientTimeout(
                connect=gateway.connect_seconds,
                sock_read=gateway.total_seconds,
                total=gateway.connect_seconds + gateway.total_seconds,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": "abah"},
            middlewares=() if gateway.method == "POST" else (_once,),
        )
        self._method = gateway.method

    async def send(self, request: Request) -> Answer:
        """Send one request and read its answer.

        :raises NotWrittenError: nothing was sent.
        :raises BrokenError: it was sent, or nobody can tell.
        """
        try:
            async with self._session.request(
                self._method,
                request.url,
                data=request.data,
                headers=request.headers,
                allow_redirects=False,
            ) as response:
                text, whole = await _bounded(response)
                return Answer(response.status, text, whole=whole)
        except (
            aiohttp.ClientConnectorError,
            aiohttp.ConnectionTimeoutError,
            aiohttp.InvalidURL,
        ) as error:
            raise NotWrittenError(error) from None
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise BrokenError(type(error).__name__) from None

    async def aclose(self) -> None:
        """Close every connection."""
        await self._session.close()

    def close(self) -> None:
        """Close from anywhere: another thread, the loop itself, or after the loop has gone."""
        if self.loop.is_closed():
            with contextlib.suppress(RuntimeError):
                self._session.detach()
        elif not self.loop.is_running():
            self.loop.run_until_complete(self.aclose())
        elif _running() is self.loop:
            task = self.loop.create_task(self.aclose())
            _closing.add(task)
            task.add_done_callback(_closing.discard)
        else:
            asyncio.run_coroutine_threadsafe(self.aclose(), self.loop).result(5)


_closing: set[asyncio.Task[None]] = set()


def _running() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


async def _once(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    """Keep aiohttp from sending a GET or PUT again when a kept connection breaks.

    It takes such methods for harmless to repeat (RFC 9110, 9.2.2); here each one is a text message.
    """
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise BrokenError(type(error).__name__) from None


async def _bounded(response: ClientResponse) -> tuple[str, bool]:
    """Read at most ``LIMIT`` bytes; tell whether that was all."""
    length = response.content_length
    if length is not None and length <= LIMIT and "Content-Encoding" not in response.headers:
        return _decoded(response, await response.read()), True
    chunks: list[bytes] = []
    size = 0
    try:
        async for chunk in response.content.iter_any():
            chunks.append(chunk)
            size += len(chunk)
            if size > LIMIT:
                response.close()
                return _decoded(response, b"".join(chunks)[:LIMIT]), False
    except (aiohttp.ClientError, TimeoutError):
        if response.status < REDIRECT:
            raise
        # A refusal is a refusal, whole or not.
        return _decoded(response, b"".join(chunks)), False
    return _decoded(response, b"".join(chunks)), True


def _decoded(response: ClientResponse, body: bytes) -> str:
    try:
        return body.decode(response.charset or "utf-8", errors="replace")
    except LookupError:
        return body.decode("utf-8", errors="replace")
