"""The transport: chunks out over HTTP, reports and texts in by webhook."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from typing import TYPE_CHECKING, ClassVar, Final

import aiohttp

from core.api.hooks import (
    Capabilities,
    Health,
    Outcome,
    OutgoingMessage,
    SendResult,
    SettingField,
    Transport,
    TransportContext,
    WebhookAnswer,
    WebhookRequest,
)
from core.api.text import TranslationString, _
from plugins.sms_http.answers import judge
from plugins.sms_http.client import BrokenError, Client, NotWrittenError
from plugins.sms_http.gateway import Gateway, SettingsError, read_gateway
from plugins.sms_http.incoming import MalformedError, raw_text, read_webhook
from plugins.sms_http.requests import RequestBuilder, TextError
from plugins.sms_http.settings import FIELDS
from plugins.sms_http.targets import PrivateTargetError, is_public

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["HttpTransport"]

log = logging.getLogger(__name__)

LEASE_SECONDS: Final = 180.0
MARGIN_SECONDS: Final = 10.0
"""Left over at the end of the lease for writing the results."""


class HttpTransport(Transport):
    """One HTTP gateway, described by the settings of its account."""

    name: ClassVar[str] = "sms_http"
    title: ClassVar[TranslationString] = _("Gateway SMS lewat HTTP")
    capabilities: ClassVar[Capabilities] = Capabilities(
        kinds=frozenset({"sms"}),
        reports=True,
        inbound=True,
        concurrency=3,
        chunk=500,
        lease_seconds=LEASE_SECONDS,
    )
    settings_form: ClassVar[Sequence[SettingField]] = FIELDS

    def __init__(self, context: TransportContext) -> None:
        """Read the settings; a mistake is told by ``health`` and keeps the messages waiting."""
        super().__init__(context)
        self._client: Client | None = None
        self._problem: SettingsError | None = None
        try:
            self._gateway: Gateway = read_gateway(context.settings)
            self._builder = RequestBuilder(self._gateway, context.webhook_url)
        except SettingsError as problem:
            self._problem = problem

    async def send(self, messages: Sequence[OutgoingMessage]) -> Sequence[SendResult]:
        """Post every message, as many at once as the account has connections."""
        if self._problem is not None:
            reason = self._problem.explanation
            return [
                SendResult(m.ref, Outcome.TEMPORARY, code=self._problem.key, reason=reason)
                for m in messages
            ]
        chunk = _Chunk(self.context, self._gateway, self._builder, self._connected(), messages)
        return await chunk.run()

    def webhook(self, request: WebhookRequest) -> WebhookAnswer:
        """Read a report (``…/report``) or an incoming text (``…/inbound``)."""
        if self._problem is not None:
            return WebhookAnswer(status=503, body="the account's settings cannot be used")
        try:
            return read_webhook(self._gateway, request)
        except MalformedError as error:
            raw = raw_text(self._gateway, request)
            return WebhookAnswer(status=400, body=str(error), unreadable=raw)

    def health(self) -> Health:
        """Tell whether the gateway's port takes a connection."""
        if self._problem is not None:
            return Health(ok=False, detail=self._problem.explanation)
        host, port = self._gateway.host, self._gateway.port
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            if not self._gateway.allow_private and not all(is_public(str(a[4][0])) for a in found):
                return Health(ok=False, detail=PRIVATE)
            with socket.create_connection((host, port), timeout=2):
                return Health(ok=True)
        except OSError as error:
            return Health(
                ok=False,
                detail=_(
                    "Gateway ${host} tidak dapat dihubungi: ${reason}",
                    mapping={"host": host, "reason": error.strerror or type(error).__name__},
                ),
            )

    def close(self) -> None:
        """Give back the connections."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _connected(self) -> Client:
        """Return the client of the running loop; one of an earlier loop is given back."""
        if self._client is None or self._client.loop is not asyncio.get_running_loop():
            self.close()
            self._client = Client(self._gateway)
        return self._client


PRIVATE: Final = _(
    "Alamat gateway berada di jaringan lokal, dan itu tidak diizinkan. Nyalakan setelan Izinkan "
    "alamat jaringan lokal bila gateway memang milik Anda."
)
_UNWRITTEN: Final = _("Belum dikirim karena gateway tidak menjawab pesan-pesan sebelumnya.")


class _Chunk:
    """One chunk under way."""

    def __init__(
        self,
        context: TransportContext,
        gateway: Gateway,
        builder: RequestBuilder,
        client: Client,
        messages: Sequence[OutgoingMessage],
    ) -> None:
        self._must_stop = context.must_stop
        self._gateway = gateway
        self._builder = builder
        self._client = client
        self._messages = messages
        self._results: list[SendResult] = []
        self._unreachable = 0
        self._deadline = (
            time.monotonic()
            + LEASE_SECONDS
            - MARGIN_SECONDS
            - gateway.connect_seconds
            - gateway.total_seconds
        )

    async def run(self) -> Sequence[SendResult]:
        """Let a fixed number of workers share the messages: cheaper than a task for each."""
        waiting = iter(self._messages)
        count = min(self._gateway.connections, len(self._messages))
        await asyncio.gather(*(self._work(waiting) for _worker in range(count)))
        return self._results

    async def _work(self, waiting: Iterator[OutgoingMessage]) -> None:
        for message in waiting:
            async with self._client.slots:
                self._results.append(await self._one(message))

    async def _one(self, message: OutgoingMessage) -> SendResult:
        if self._unreachable >= max(3, self._gateway.connections):
            return SendResult(message.ref, Outcome.NOT_TRIED, code="waiting", reason=_UNWRITTEN)
        if time.monotonic() > self._deadline or self._must_stop():
            return SendResult(message.ref, Outcome.NOT_TRIED)
        try:
            request = self._builder.build(message)
        except TextError as error:
            return SendResult(
                message.ref,
                Outcome.PERMANENT,
                code=str(error),
                reason=_("Pesan tidak dapat diisikan ke dalam permintaan gateway."),
            )
        try:
            answer = await self._client.send(request)
        except NotWrittenError as error:
            self._unreachable += 1
            return self._not_written(message.ref, error.cause)
        except BrokenError as error:
            return SendResult(
                message.ref,
                Outcome.UNCERTAIN,
                code=str(error),
                reason=_("Gateway tidak memberi jawaban setelah pesan dikirimkan."),
            )
        self._unreachable = 0
        return judge(self._gateway, message.ref, answer)

    def _not_written(self, ref: str, cause: BaseException) -> SendResult:
        inner = getattr(cause, "os_error", None) or cause
        if isinstance(inner, PrivateTargetError):
            return SendResult(ref, Outcome.TEMPORARY, code="private", reason=PRIVATE)
        # The exception's own text holds the whole address, with its secrets.
        code = getattr(inner, "strerror", None) or type(inner).__name__
        if isinstance(cause, aiohttp.ConnectionTimeoutError):
            code = "connect-timeout"
        log.warning("gateway %s is out of reach: %s", self._gateway.host, type(inner).__name__)
        return SendResult(
            ref,
            Outcome.TEMPORARY,
            code=code[:64],
            reason=_(
                "Gateway ${host} tidak dapat dihubungi (${reason}).",
                mapping={"host": self._gateway.host, "reason": code},
            ),
        )
