"""What a gateway's answer means: accepted, refused for good or for now, or nobody can tell."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from core.api.hooks import Outcome, SendResult
from core.api.text import TranslationString, _
from plugins.sms_http.paths import first_group

if TYPE_CHECKING:
    from plugins.sms_http.gateway import Finder, Gateway

__all__ = ["Answer", "judge"]

OK: Final = 200
REDIRECT: Final = 300
SERVER_ERROR: Final = 500

TEMPORARY_STATUSES: Final = frozenset({401, 402, 407, 408, 425, 429, 503})
"""Statuses that say nothing about this message: too many, not now, or the account itself (wrong
password, no credit). Nothing was taken, and the administrator mends it, so the messages wait
instead of being lost."""

_SHOWN: Final = 160
"""Characters of an answer that a person sees as the reason."""

_TAGS: Final = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^>]*>", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, read as far as the limit allows."""

    status: int
    text: str
    whole: bool = True
    """False when it broke off or was longer than we read."""

    @property
    def ok(self) -> bool:
        """Tell whether the status is one of success (RFC 9110, 15.3)."""
        return OK <= self.status < REDIRECT


def judge(gateway: Gateway, ref: str, answer: Answer) -> SendResult:
    """Say what happened to the message ``ref``."""
    listed = gateway.codes.get(f"http:{answer.status}")
    if listed is not None and listed is not Outcome.ACCEPTED:
        return _refused(gateway, ref, answer, listed, f"http:{answer.status}")
    document = _document(answer.text)
    if answer.ok or listed is Outcome.ACCEPTED:
        if _succeeded(gateway.success, document, answer.text):
            found = _found(gateway.reference, document, answer.text)
            return SendResult(ref, Outcome.ACCEPTED, tuple(dict.fromkeys(found)))
        return _error_inside(gateway, ref, answer, document)
    code = _first(_found(gateway.code, document, answer.text))
    outcome = gateway.codes.get(code.casefold()) if code else None
    if outcome is None or outcome is Outcome.ACCEPTED:
        outcome = _by_status(gateway, answer.status)
    return _refused(gateway, ref, answer, outcome, code or f"http:{answer.status}")


def _error_inside(gateway: Gateway, ref: str, answer: Answer, document: Any) -> SendResult:
    """Judge an answer 2xx that does not carry the sign of success."""
    code = _first(_found(gateway.code, document, answer.text))
    if code:
        outcome = gateway.codes.get(code.casefold(), Outcome.PERMANENT)
        if outcome is Outcome.ACCEPTED:
            found = _found(gateway.reference, document, answer.text)
            return SendResult(ref, outcome, tuple(dict.fromkeys(found)))
        return _refused(gateway, ref, answer, outcome, code)
    return _refused(gateway, ref, answer, gateway.other_answers, f"http:{answer.status}")


def _by_status(gateway: Gateway, status: int) -> Outcome:
    if status in TEMPORARY_STATUSES:
        return Outcome.TEMPORARY
    if status >= SERVER_ERROR:
        return gateway.server_errors
    # Redirects too: not followed, since they would lead the text and its secrets elsewhere.
    return Outcome.PERMANENT


def _succeeded(success: Finder, document: Any, text: str) -> bool:
    if success.path is not None:
        values = success.path.texts(document) if document is not None else ()
        if success.pattern is None:
            return bool(values) and values[0] not in {"false", "0"}
        return bool(values) and all(success.pattern.fullmatch(value) for value in values)
    return success.pattern is None or success.pattern.search(text) is not None


def _found(finder: Finder, document: Any, text: str) -> tuple[str, ...]:
    if finder.path is not None:
        values = finder.path.texts(document) if document is not None else ()
        if finder.pattern is None:
            return values
        return tuple(group for value in values for group in first_group(finder.pattern, value))
    return first_group(finder.pattern, text) if finder.pattern is not None else ()


def _first(values: tuple[str, ...]) -> str:
    return values[0].strip()[:64] if values else ""


def _document(text: str) -> Any:
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _refused(gateway: Gateway, ref: str, answer: Answer, outcome: Outcome, code: str) -> SendResult:
    return SendResult(ref, outcome, code=code, reason=_reason(gateway, answer, outcome))


def _reason(gateway: Gateway, answer: Answer, outcome: Outcome) -> TranslationString:
    shown = " ".join(gateway.masked(_TAGS.sub(" ", answer.text[:4000])).split())[:_SHOWN]
    mapping = {"status": answer.status, "text": shown or "-"}
    if outcome is Outcome.UNCERTAIN:
        return _(
            "Jawaban gateway tidak dapat dipastikan (HTTP ${status}): ${text}", mapping=mapping
        )
    if outcome is Outcome.TEMPORARY:
        return _("Gateway belum dapat menerima (HTTP ${status}): ${text}", mapping=mapping)
    return _("Gateway menolak pesan (HTTP ${status}): ${text}", mapping=mapping)
