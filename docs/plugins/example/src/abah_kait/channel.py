"""The transport: a chunk out in one call, reports and texts in by signed webhook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, Final

from abah_kait.bot_api import Answer, BotApi, NoAnswerError, NotReachedError
from abah_kait.settings import FIELDS, LONGEST_SECONDS, Bot, read_bot
from abah_kait.webhook import ForgedError, UnreadableError, read_update
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

__all__ = ["KaitTransport"]

OK: Final = 200
NOT_NOW: Final = frozenset({401, 402, 403, 429, 503})
"""Statuses of a whole call that took nothing: wrong token, no credit, too many, maintenance."""
REFUSED: Final = range(400, 500)

BUSY: Final = "throttled"
"""The one error of a single message that may pass."""

SHOWN: Final = 160
"""Characters of the API's own words that a person sees."""


class KaitTransport(Transport):
    """One bot of Kait."""

    name: ClassVar[str] = "kait"
    title: ClassVar[TranslationString] = _("Bot Kait")
    capabilities: ClassVar[Capabilities] = Capabilities(
        kinds=frozenset({"sms"}),
        reports=True,
        inbound=True,
        concurrency=2,
        chunk=100,
        # Connecting and answering may each take the longest time, and some is left over.
        lease_seconds=3.0 * LONGEST_SECONDS,
    )
    settings_form: ClassVar[Sequence[SettingField]] = FIELDS

    def __init__(self, context: TransportContext) -> None:
        """Read the settings."""
        super().__init__(context)
        self._bot: Bot = read_bot(context.settings)
        self._api = BotApi(self._bot)

    def send(self, messages: Sequence[OutgoingMessage]) -> Sequence[SendResult]:
        """Hand the whole chunk over in one call, and read what was said of each message."""
        if not messages:
            return []
        document = {
            "callback": self.context.webhook_url,
            "messages": [{"ref": m.ref, "to": m.address, "text": m.body} for m in messages],
        }
        try:
            answer = self._api.call("send", document)
        except NotReachedError as error:
            # Nothing was sent, so all of it may be sent again.
            result = partial(SendResult, outcome=Outcome.TEMPORARY, reason=error.explanation)
        except NoAnswerError as error:
            # All of it may have been sent: a person decides, or a report that still comes.
            reason = _("Kait tidak memberi jawaban setelah pesan dikirimkan.")
            result = partial(SendResult, outcome=Outcome.UNCERTAIN, code=str(error), reason=reason)
        else:
            return self._judged(messages, answer)
        return [result(message.ref) for message in messages]

    def webhook(self, request: WebhookRequest) -> WebhookAnswer:
        """Read a signed call of Kait. What is not signed is refused and not kept."""
        try:
            return read_update(self._bot, request)
        except ForgedError:
            return WebhookAnswer(status=403, body="the signature does not fit")
        except UnreadableError as error:
            text = self._bot.masked(request.body.decode("utf-8", errors="replace"))
            return WebhookAnswer(status=400, body=str(error), unreadable=text)

    def health(self) -> Health:
        """Ask the API who we are: it must be there, and know the token."""
        try:
            answer = self._api.call("me", {})
        except NotReachedError as error:
            return Health(ok=False, detail=error.explanation)
        except NoAnswerError:
            return Health(ok=False, detail=_("Kait tidak memberi jawaban."))
        if answer.status == OK:
            return Health(ok=True)
        return Health(ok=False, detail=self._refusal(answer))

    def _judged(self, messages: Sequence[OutgoingMessage], answer: Answer) -> Sequence[SendResult]:
        """Say of each message what the answer means for it."""
        code = str(answer.status)
        if answer.status == OK:
            told = {str(one.get("ref")): one for one in _objects(answer.document.get("results"))}
            return [self._result(message.ref, told.get(message.ref)) for message in messages]
        if answer.status in NOT_NOW:
            outcome, reason = Outcome.TEMPORARY, self._refusal(answer)
        elif answer.status in REFUSED:
            outcome, reason = Outcome.PERMANENT, self._refusal(answer)
        else:
            outcome = Outcome.UNCERTAIN
            reason = _("Jawaban Kait tidak dapat dipastikan (${code}).", mapping={"code": code})
        return [SendResult(m.ref, outcome, code=code, reason=reason) for m in messages]

    def _result(self, ref: str, told: Mapping[str, Any] | None) -> SendResult:
        """Say what happened to one message; ``told`` is what the answer says of it."""
        if told is None:
            reason = _("Kait tidak menyebut pesan ini di dalam jawabannya.")
            return SendResult(ref, Outcome.UNCERTAIN, reason=reason)
        if told.get("id"):
            return SendResult(ref, Outcome.ACCEPTED, (str(told["id"]),))
        error = str(told.get("error") or "-")
        outcome = Outcome.TEMPORARY if error == BUSY else Outcome.PERMANENT
        shown = self._bot.masked(error)[:SHOWN]
        reason = _("Kait tidak menerima pesan ini: ${text}", mapping={"text": shown})
        return SendResult(ref, outcome, code=shown[:64], reason=reason)

    def _refusal(self, answer: Answer) -> TranslationString:
        text = self._bot.masked(str(answer.document.get("error") or "-"))[:SHOWN]
        mapping = {"code": answer.status, "text": text}
        return _("Kait menolak panggilan (${code}): ${text}", mapping=mapping)


def _objects(value: Any) -> list[Mapping[str, Any]]:
    """Keep the objects of a list; anything else counts as not said."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
