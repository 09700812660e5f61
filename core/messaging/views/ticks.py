"""What became of an outgoing message, in words and as the mark at its right.

Templates call ``tick(facts)``, ``tick_mark``, ``tick_proof`` and ``state_word``; ``facts`` is
``MessageFacts``. Green ✓ "diterima", red ! "tidak dapat diterima", no mark while it waits or nobody
has reported. Hover, focus and screen readers get the proof and the times.

Not in a template: a conversation has fifty marks of ten lines each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup, escape

from core.hookspecs.channels import Evidence
from core.i18n import TranslationString, _
from core.messaging.states import State, Tick
from core.web.assets import icon
from core.web.formats import phone, wib, wib_full
from core.web.locale import current_locale, translate

if TYPE_CHECKING:
    from datetime import datetime

    from core.messaging.drafts import MessageFacts

__all__ = ["GLOBALS", "state_word", "tick", "tick_mark", "tick_proof"]

_STATES: Final[Mapping[State, TranslationString]] = {
    State.QUEUED: _("menunggu dikirim"),
    State.SENDING: _("sedang dikirim"),
    State.UNCERTAIN: _("belum pasti"),
    State.SENT: _("terkirim, belum ada laporan"),
    State.DELIVERED: _("diterima"),
    State.UNDELIVERED: _("tidak dapat diterima"),
    State.CANCELLED: _("dibatalkan"),
    State.EXPIRED: _("kedaluwarsa"),
    State.REJECTED: _("ditolak"),
    State.RECEIVED: _("pesan masuk"),
}
_UNKNOWABLE: Final = _("terkirim, penerimaan tidak dapat diketahui")

_EVIDENCE: Final[Mapping[Evidence, TranslationString]] = {
    Evidence.NONE: _("belum ada"),
    Evidence.UNKNOWABLE: _("saluran ini tidak dapat melaporkan penerimaan"),
    Evidence.GATEWAY: _("jawaban gateway SMS"),
    Evidence.NETWORK: _("laporan dari jaringan operator"),
    Evidence.HANDSET: _("laporan dari telepon penerima"),
}

_ENCODINGS: Final[Mapping[str, str]] = {"gsm7": "GSM-7", "ucs2": "Unicode"}

_STATUS: Final = _("Status:")
_PROOF: Final = _("Bukti:")
_REASON: Final = _("Alasan:")
_QUEUED: Final = _("Masuk antrean:")
_PLANNED: Final = _("Dijadwalkan:")
_SENT: Final = _("Dikirim:")
_REPORTED: Final = _("Dilaporkan:")
_CHANNEL: Final = _("Saluran:")
_ADDRESS: Final = _("Tujuan:")
_PARTS: Final = _("Bagian:")
_ATTEMPTS: Final = _("Percobaan:")
_LABELS: Final = (
    _STATUS,
    _PROOF,
    _REASON,
    _QUEUED,
    _PLANNED,
    _SENT,
    _REPORTED,
    _CHANNEL,
    _ADDRESS,
    _PARTS,
    _ATTEMPTS,
)
_NOT_YET: Final = _("belum")
_NO_CHANNEL: Final = _("belum dipilih")
_SIZE: Final = _("${n} SMS (${encoding})")


def state_word(facts: MessageFacts) -> str:
    """Say in which state a message is."""
    if facts.state is State.SENT and facts.evidence is Evidence.UNKNOWABLE:
        return translate(_UNKNOWABLE)
    return translate(_STATES[facts.state])


def tick(facts: MessageFacts, label: str | None = None, prefix: str = "") -> Markup:
    """Write the mark of a message with its proof.

    ``label`` (a time) stands before the mark; without label and mark only screen readers are told.
    ``prefix`` keeps ids apart where a dialog shows the message a second time.
    """
    name, state, mark = facts.tick.value, facts.state.value, tick_mark(facts)
    if not label and facts.tick is Tick.NONE:
        text = f'<span class="tick" data-tick="none" data-state="{state}">{mark}</span>'
        return Markup(text)  # noqa: S704 - names of an enumeration, and what was escaped
    shown = f'<span class="tick-label">{escape(label)}</span> ' if label else ""
    prefix = escape(prefix)
    proof = f"{prefix}proof-{facts.id}"
    return Markup(  # noqa: S704 - every part was escaped
        f'<span class="tick" data-tick="{name}" data-state="{state}">'
        f'<button type="button" class="tick-button" id="{prefix}tick-{facts.id}" '
        f'aria-describedby="{proof}">{shown}{mark}</button> '
        f'<span class="tick-proof" role="tooltip" id="{proof}">{tick_proof(facts)}</span></span>'
    )


def tick_mark(facts: MessageFacts) -> Markup:
    """Write the mark alone, with its word."""
    word = escape(state_word(facts))
    if facts.tick is Tick.RECEIVED:
        text = f'<span class="tick-mark tick-received">{icon("check-lg")} {word}</span>'
    elif facts.tick is Tick.FAILED:
        bang = '<span class="tick-bang" aria-hidden="true">!</span>'
        text = f'<span class="tick-mark tick-failed">{bang} {word}</span>'
    else:
        text = f'<span class="visually-hidden">{word}</span>'
    return Markup(text)  # noqa: S704 - the word was escaped


def tick_proof(facts: MessageFacts) -> Markup:
    """Write what is known about a message, a line for each fact."""
    heads = _heads(current_locale())
    lines = []
    for label, value in _lines(facts):
        # A reason may be a sentence with a full stop of its own.
        stop = "" if value.endswith(".") else '<span class="visually-hidden">.</span>'
        lines.append(f"{heads[label]}{escape(value)}{stop}</span>")
    return Markup("".join(lines))  # noqa: S704 - labels and values were escaped


@cache
def _heads(_locale: str) -> Mapping[str, str]:
    """Begin every line in a language, which is that of the page."""
    return {
        label: '<span class="proof-line"><span class="proof-label">'
        f"{escape(translate(label))}</span> "
        for label in _LABELS
    }


def _lines(facts: MessageFacts) -> Iterator[tuple[TranslationString, str]]:
    yield _STATUS, state_word(facts)
    yield _PROOF, translate(_EVIDENCE[facts.evidence])
    if facts.reason:
        yield _REASON, translate(facts.reason)
    yield _QUEUED, wib_full(facts.created_at)
    if facts.state is State.QUEUED and facts.due_at > facts.created_at:
        yield _PLANNED, wib(facts.due_at)
    yield _SENT, _moment(facts.sent_at)
    yield _REPORTED, _moment(facts.reported_at)
    yield _CHANNEL, facts.account_name or translate(_NO_CHANNEL)
    yield _ADDRESS, phone(facts.address)
    if facts.kind == "sms":
        encoding = _ENCODINGS.get(facts.encoding, "UTF-8")
        yield _PARTS, translate(_SIZE, {"n": facts.parts, "encoding": encoding})
    if facts.attempt_count > 1:
        yield _ATTEMPTS, str(facts.attempt_count)


def _moment(value: datetime | None) -> str:
    return translate(_NOT_YET) if value is None else wib_full(value)


GLOBALS: Final[Mapping[str, Any]] = {
    "state_word": state_word,
    "tick": tick,
    "tick_mark": tick_mark,
    "tick_proof": tick_proof,
}
"""What templates call."""
