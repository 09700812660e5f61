"""The transport: hands messages to the sandbox's own tables and asks them for what is due."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from sqlalchemy.exc import SQLAlchemyError

from core.api.hooks import (
    Capabilities,
    DeliveryReport,
    Health,
    InboundMessage,
    OutgoingMessage,
    SendResult,
    SettingField,
    Transport,
    TransportContext,
)
from core.api.text import TranslationString, _
from plugins.sandbox.services import network

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.api.db import Database

__all__ = ["SandboxTransport"]


class SandboxTransport(Transport):
    """The telephone on the page. Reaches nobody, so it is never chosen by itself in production."""

    name: ClassVar[str] = "sandbox"
    title: ClassVar[TranslationString] = _("Telepon percobaan")
    capabilities: ClassVar[Capabilities] = Capabilities(
        kinds=frozenset({"sms", "email"}),
        reports=True,
        inbound=True,
        concurrency=4,
        chunk=100,
        lease_seconds=60.0,
        production=False,
    )
    settings_form: ClassVar[Sequence[SettingField]] = (
        SettingField("delivery_seconds", _("Detik sampai pesan tiba di telepon"), "int", 1),
    )

    def __init__(self, context: TransportContext) -> None:
        """Take the process's database: it is the network of this channel."""
        super().__init__(context)
        self._database: Database = context.extra["database"]
        self._seconds = max(0.0, float(context.settings.get("delivery_seconds", 1) or 0))

    async def send(self, messages: Sequence[OutgoingMessage]) -> Sequence[SendResult]:
        """Give a chunk to the network and wait as long as its rules say."""
        crossings = await asyncio.to_thread(self._take, messages)
        early = [crossing.early for crossing in crossings if crossing.early is not None]
        if early:
            await asyncio.to_thread(self.context.intake, early)
        wait = max((crossing.wait for crossing in crossings), default=0.0)
        if wait:
            await asyncio.sleep(wait)
        return [crossing.result for crossing in crossings]

    def poll(self) -> Sequence[DeliveryReport | InboundMessage]:
        """Store what is due, then forget it here: a crash in between doubles and never loses."""
        with self._database.reading() as session:
            found = network.due(session, self.context.account_id)
        if found.items:
            self.context.intake(found.items)
            with self._database.writing() as session:
                network.given(session, found)
        return ()

    def health(self) -> Health:
        """Tell whether the tables can be read."""
        try:
            with self._database.reading() as session:
                network.due(session, self.context.account_id)
        except SQLAlchemyError as error:
            return Health(ok=False, detail=type(error).__name__)
        return Health(ok=True)

    def _take(self, messages: Sequence[OutgoingMessage]) -> list[network.Crossing]:
        if not messages:
            return []
        with self._database.writing() as session:
            return network.take(session, self.context.account_id, messages, seconds=self._seconds)
