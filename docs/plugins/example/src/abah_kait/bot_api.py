"""The bot API over HTTP. Every failure says whether the messages may have left."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, Final
from urllib.parse import urlsplit

from abah_kait.settings import Bot, wrong_address
from core.api.text import TranslationString, _

__all__ = ["Answer", "BotApi", "NoAnswerError", "NotReachedError"]

LIMIT: Final = 1_000_000
"""Bytes of an answer that are read."""


class NotReachedError(Exception):
    """No connection was made, so nothing was sent; ``explanation`` says why."""

    def __init__(self, explanation: TranslationString) -> None:
        """Keep the sentence for a person."""
        self.explanation = explanation
        super().__init__(explanation)


class NoAnswerError(Exception):
    """The request was, or may have been, sent, and no answer came. Holds no address, no secret."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, and the document that came with it (empty where there was none)."""

    status: int
    document: Mapping[str, Any]


class BotApi:
    """Calls methods of the API as one bot, each over a connection of its own.

    A chunk is one call, so nothing is gained by keeping a connection, and a server that closes an
    idle one in the wrong moment would leave messages uncertain.
    """

    def __init__(self, bot: Bot) -> None:
        """Speak for this bot."""
        self._bot = bot

    def call(self, method: str, document: Mapping[str, Any]) -> Answer:
        """Post a document to ``<url>/bot/<method>`` and read the answer.

        :raises NotReachedError: nothing was sent.
        :raises NoAnswerError: it was sent, or nobody can tell.
        """
        connection = self._connected()
        # The token is a header and no part of the address, which proxies write into their logs.
        headers = {
            "Authorization": f"Bot {self._bot.token}",
            "Content-Type": "application/json",
            "User-Agent": "abah-kait",
        }
        path = f"{urlsplit(self._bot.url).path}/bot/{method}"
        try:
            connection.request("POST", path, json.dumps(document).encode(), headers)
            response = connection.getresponse()
            return Answer(response.status, _document(response.read(LIMIT)))
        except (OSError, HTTPException) as error:
            raise NoAnswerError(type(error).__name__) from None
        finally:
            connection.close()

    def _connected(self) -> HTTPConnection:
        problem = wrong_address(self._bot.url)
        if problem is not None:
            raise NotReachedError(problem)
        parts = urlsplit(self._bot.url)
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        connection = kind(str(parts.hostname), parts.port, timeout=self._bot.seconds)
        try:
            connection.connect()
        except OSError as error:
            mapping = {"reason": error.strerror or type(error).__name__}
            raise NotReachedError(
                _("Kait tidak dapat dihubungi: ${reason}.", mapping=mapping)
            ) from None
        return connection


def _document(content: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}
