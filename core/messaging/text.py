"""What a text costs on the air: encodings and parts (3GPP TS 23.038 and 23.040).

A text of the GSM 7 bit default alphabet and its extension table counts in septets: 160 fit into one
part, 153 into each part of several, because the header that puts parts together takes seven.
Everything else is UCS-2: 70 and 67 units of 16 bits. Neither an escape sequence nor a surrogate
pair is ever split.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

__all__ = ["Measure", "mask_secret", "measure", "plain_form", "split_parts"]

GSM_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""3GPP TS 23.038, 6.2.1, without the escape itself."""
GSM_EXTENSION: Final = frozenset("\f^{}\\[~]|€")
"""3GPP TS 23.038, 6.2.1.1: an escape and a septet, so two units each."""
GSM_ALL: Final = GSM_BASIC | GSM_EXTENSION

GSM_SINGLE: Final = 160
GSM_MULTI: Final = 153
UCS2_SINGLE: Final = 70
UCS2_MULTI: Final = 67
BMP_END: Final = 0xFFFF

PLAIN_FORMS: Final[dict[str, str | None]] = {
    "\u2018": "'",
    "\u2019": "'",
    "\u201a": ",",
    "\u201b": "'",
    "\u2032": "'",
    "\u00b4": "'",
    "`": "'",
    "\u201c": '"',
    "\u201d": '"',
    "\u201e": '"',
    "\u2033": '"',
    "\u00ab": '"',
    "\u00bb": '"',
    "\u2039": "<",
    "\u203a": ">",
    "\u2010": "-",
    "\u2011": "-",
    "\u2012": "-",
    "\u2013": "-",
    "\u2014": "-",
    "\u2015": "-",
    "\u2212": "-",
    "\u2026": "...",
    "\u2022": "*",
    "\u00b7": ".",
    "\u00a0": " ",
    "\u2002": " ",
    "\u2003": " ",
    "\u2007": " ",
    "\u2009": " ",
    "\u202f": " ",
    "\t": " ",
    "\u00ad": None,
    "\u200b": None,
    "\u200c": None,
    "\u200d": None,
    "\u200e": None,
    "\u200f": None,
    "\u2060": None,
    "\ufe0e": None,
    "\ufe0f": None,
    "\ufeff": None,
}
"""Characters that word processors put in, and the plain ones that mean the same."""
"""Characters that word processors put in, and the plain ones that mean the same."""
_PLAIN: Final = str.maketrans(PLAIN_FORMS)

_URL: Final = re.compile(r"(https?://[^\s/?#]+)[^\s]*")
_DIGIT_WORD: Final = re.compile(r"[^\s:]*\d[^\s]*")
_LONG_WORD: Final = re.compile(r"[^\s/:.•]{20,}")


@dataclass(frozen=True, slots=True)
class Measure:
    """How a text travels."""

    encoding: str
    """``gsm7`` or ``ucs2``."""
    units: int
    """Septets, or units of 16 bits."""
    parts: int
    remaining: int
    """Units that still fit into the last part."""


def measure(body: str) -> Measure:
    """Tell encoding, units and parts of an SMS text. An empty text is one part."""
    characters = set(body)
    if characters <= GSM_ALL:
        extended = sum(map(body.count, characters & GSM_EXTENSION))
        units = len(body) + extended
        if units <= GSM_SINGLE:
            return Measure("gsm7", units, 1, GSM_SINGLE - units)
        parts, last = _fill(body, GSM_MULTI, GSM_EXTENSION) if extended else _even(units, GSM_MULTI)
        return Measure("gsm7", units, parts, GSM_MULTI - last)
    wide = frozenset(character for character in characters if ord(character) > BMP_END)
    units = len(body) + sum(map(body.count, wide))
    if units <= UCS2_SINGLE:
        return Measure("ucs2", units, 1, UCS2_SINGLE - units)
    parts, last = _fill(body, UCS2_MULTI, wide) if wide else _even(units, UCS2_MULTI)
    return Measure("ucs2", units, parts, UCS2_MULTI - last)


def split_parts(body: str) -> list[str]:
    """Cut a text into the parts that :func:`measure` counts. Joined they give the text again."""
    found = measure(body)
    if found.parts == 1:
        return [body]
    limit = GSM_MULTI if found.encoding == "gsm7" else UCS2_MULTI
    parts: list[str] = []
    begin = used = 0
    for index, character in enumerate(body):
        cost = _cost(character, found.encoding)
        if used + cost > limit:
            parts.append(body[begin:index])
            begin, used = index, 0
        used += cost
    parts.append(body[begin:])
    return parts


def plain_form(body: str) -> str | None:
    """Return a cheaper text that reads the same, or None when there is none.

    Cheaper is: fewer parts, or as many parts with more room in them.

    Typographic quotes, dashes, ellipses and spaces become plain ones, invisible characters go.
    """
    plain = body.translate(_PLAIN)
    if plain == body:
        return None
    return plain if _weight(measure(plain)) < _weight(measure(body)) else None


def mask_secret(body: str) -> str:
    """Return what may stay readable of a secret text: codes, links and other tokens become dots."""
    masked = _URL.sub(r"\1/••••", body)
    masked = _DIGIT_WORD.sub(lambda found: _dots(found.group()), masked)
    return _LONG_WORD.sub("••••", masked)


def _weight(found: Measure) -> tuple[int, int]:
    """Order texts by what they cost: parts, then bits on the air."""
    return found.parts, found.units * (7 if found.encoding == "gsm7" else 16)


def _dots(word: str) -> str:
    """Mask a word's letters and digits but keep a sentence's punctuation; hide how long it was."""
    tail = word[len(word.rstrip(".,;!?)")) :]
    return f"••••{tail}"


def _even(units: int, limit: int) -> tuple[int, int]:
    parts = -(-units // limit)
    return parts, units - (parts - 1) * limit


def _fill(body: str, limit: int, double: frozenset[str]) -> tuple[int, int]:
    """Fill parts one after the other; a character of two units never lies across a border."""
    parts, used = 1, 0
    for character in body:
        cost = 2 if character in double else 1
        if used + cost > limit:
            parts += 1
            used = 0
        used += cost
    return parts, used


def _cost(character: str, encoding: str) -> int:
    if encoding == "gsm7":
        return 2 if character in GSM_EXTENSION else 1
    return 2 if ord(character) > BMP_END else 1
