"""The transports of this process: which there are, and one open instance per account.

Async transports share one event loop in a thread of its own, so that their connections live on
between chunks.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import threading
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog
import uvloop

from core.errors import AbahError
from core.framework.runtime import Runtime
from core.hookspecs.channels import (
    DeliveryReport,
    InboundMessage,
    Transport,
    TransportContext,
)
from core.i18n import _
from core.messaging.intake import Intake
from core.messaging.stopping import MustStop
from core.messaging.webhook_address import webhook_url

__all__ = [
    "AccountRow",
    "Channels",
    "DoubleTransportError",
    "LoopThread",
    "open_settings",
    "seal_settings",
]

T = TypeVar("T")

log = structlog.get_logger(__name__)

CLOSING_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class AccountRow:
    """What opening a transport needs from the account's row."""

    id: int
    name: str
    transport: str
    settings: Mapping[str, Any]
    version: int


@dataclass(slots=True)
class _Open:
    """An open transport and how many use it just now."""

    version: int
    transport: Transport
    users: int = 0
    is_old: bool = False
    """Another one has taken its place; whoever uses it last closes it."""


class DoubleTransportError(AbahError):
    """Two plugins bring a transport of the same name."""

    def __init__(self, name: str) -> None:
        """Remember the name."""
        self.name = name
        super().__init__(
            _("Jenis kanal ${name} sudah dibawa oleh plugin lain.", mapping={"name": name})
        )


class LoopThread:
    """An event loop that lives as long as the process, in a thread of its own."""

    def __init__(self) -> None:
        """Start the thread."""
        self.loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="abah-loop", daemon=True)
        self._thread.start()

    def run(self, awaitable: Awaitable[T], timeout: float) -> T:
        """Run on the loop and wait for the result.

        :raises TimeoutError: it took longer than ``timeout`` seconds; it was cancelled.
        """
        future: Future[T] = asyncio.run_coroutine_threadsafe(_as_coroutine(awaitable), self.loop)
        try:
            return future.result(timeout)
        except TimeoutError:
            future.cancel()
            raise

    def close(self) -> None:
        """Let what is closing on the loop end, stop it, and wait for its thread."""
        with contextlib.suppress(TimeoutError):
            self.run(_others_done(), CLOSING_SECONDS)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(CLOSING_SECONDS)

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_forever()
        finally:
            self.loop.close()


class Channels:
    """Component of the runtime: transports of the enabled plugins and their open instances."""

    def __init__(self, runtime: Runtime) -> None:
        """Open nothing yet."""
        self._runtime = runtime
        self._guard = threading.RLock()
        self._open: dict[int, _Open] = {}
        self._loop: LoopThread | None = None
        self._classes: tuple[object, dict[str, type[Transport]]] | None = None

    @property
    def loop(self) -> LoopThread:
        """The process's event loop for transports, started at the first use."""
        with self._guard:
            if self._loop is None:
                self._loop = LoopThread()
            return self._loop

    @property
    def transports(self) -> Mapping[str, type[Transport]]:
        """Transport classes by name, from the plugins that are enabled now."""
        hooks = self._runtime.hooks
        key = (hooks, tuple(hooks.plugins))
        with self._guard:
            if self._classes is None or self._classes[0] != key:
                self._classes = (key, self._collect())
            return self._classes[1]

    @contextlib.contextmanager
    def use(self, account: AccountRow) -> Iterator[Transport]:
        """Give the account's transport, opened anew when its settings or its plugin changed.

        The old one is closed when the last of those who still use it has finished.

        :raises KeyError: no enabled plugin brings the account's transport.
        :raises UnreadableSecretError: its secrets were encrypted with another key.
        """
        held = self._take(account)
        try:
            yield held.transport
        finally:
            with self._guard:
                held.users -= 1
                unused = held.is_old and not held.users
            if unused:
                self._close(held.transport)

    def call(self, answer: Any, timeout: float) -> Any:
        """Return a transport's answer, waiting on the loop when it is awaitable."""
        return self.loop.run(answer, timeout) if inspect.isawaitable(answer) else answer

    def close(self) -> None:
        """Close every transport, then the loop."""
        with self._guard:
            opened, self._open = list(self._open.values()), {}
        for held in opened:
            self._close(held.transport)
        with self._guard:
            loop, self._loop = self._loop, None
        if loop is not None:
            loop.close()

    def _take(self, account: AccountRow) -> _Open:
        wanted = self.transports[account.transport]
        unused: _Open | None = None
        try:
            with self._guard:
                held = self._open.get(account.id)
                # A sender that read the row before it was changed gets what is newer.
                if (
                    held is None
                    or held.version < account.version
                    or type(held.transport) is not wanted
                ):
                    old = self._open.pop(account.id, None)
                    if old is not None:
                        old.is_old = True
                        unused = None if old.users else old
                    held = _Open(account.version, wanted(self._context(account, wanted)))
                    self._open[account.id] = held
                held.users += 1
                return held
        finally:
            # Not under the guard: nobody else has to wait while a connection is given back.
            if unused is not None:
                self._close(unused.transport)

    def _collect(self) -> dict[str, type[Transport]]:
        found: dict[str, type[Transport]] = {}
        hooks = self._runtime.hooks
        for plugin, function in hooks.implementations("register_transports"):
            with hooks.fence(plugin, "register_transports") as allowed:
                if not allowed:
                    continue
                for transport in function() or ():
                    if transport.name in found:
                        # Counted against the plugin by the fence; what it gave before stays.
                        raise DoubleTransportError(transport.name)
                    found[transport.name] = transport
        return found

    def _context(self, account: AccountRow, transport: type[Transport]) -> TransportContext:
        intake = self._runtime.component(Intake)

        def store(items: Sequence[DeliveryReport | InboundMessage]) -> None:
            intake.store(account.id, items)

        return TransportContext(
            account_id=account.id,
            account_name=account.name,
            settings=open_settings(self._runtime, transport, account.settings),
            webhook_url=webhook_url(self._runtime, account.id),
            intake=store,
            must_stop=MustStop(self._runtime, account.id, transport.capabilities),
            extra=self._extra(transport),
        )

    def _extra(self, transport: type[Transport]) -> dict[str, Any]:
        # The database is there for a channel whose network is its own tables (the sandbox).
        extra: dict[str, Any] = {"database": self._runtime.database}
        if inspect.iscoroutinefunction(transport.send):
            extra["loop"] = self.loop.loop
        return extra

    def _close(self, transport: Transport) -> None:
        try:
            if not inspect.iscoroutinefunction(transport.send):
                transport.close()
                return

            async def close() -> None:
                answer: Any = transport.close()  # type: ignore[func-returns-value]
                if inspect.isawaitable(answer):
                    await answer

            self.loop.run(close(), CLOSING_SECONDS)
        except Exception:
            log.exception("transport did not close", transport=transport.name)


def open_settings(
    runtime: Runtime, transport: type[Transport], stored: Mapping[str, Any]
) -> dict[str, Any]:
    """Return an account's settings with defaults filled in and secrets decrypted."""
    values: dict[str, Any] = {}
    for setting in transport.settings_form:
        value = stored.get(setting.key, setting.default)
        if setting.kind == "secret" and setting.key in stored and value:
            value = runtime.secrets.decrypt(value)
        values[setting.key] = value
    return values


def seal_settings(
    runtime: Runtime, transport: type[Transport], values: Mapping[str, Any]
) -> dict[str, Any]:
    """Return settings as they are stored: secrets encrypted."""
    secret = {setting.key for setting in transport.settings_form if setting.kind == "secret"}
    return {
        key: runtime.secrets.encrypt(value) if key in secret and value else value
        for key, value in values.items()
    }


async def _others_done() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.gather(*others, return_exceptions=True)


async def _as_coroutine(awaitable: Awaitable[T]) -> T:
    return await awaitable
