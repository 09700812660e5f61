"""Text as the quick search sees it: without case, accents, spaces and punctuation.

Fields and search terms go through the same :func:`fold`, so "Al-Hidayah", "AL HIDAYAH" and
"alhidayah" are one thing, and so are 2018-HK-00005 and 2018hk00005. A term matches where its folded
form is a part of a folded field; several terms must all match.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable
from typing import Final

__all__ = ["SEPARATOR", "document", "fold", "identity_of", "phone_forms", "terms_of"]

SEPARATOR: Final = "|"
"""Stands between the fields of a document. No term has it, so none matches across fields."""

MAX_TERMS: Final = 8
MAX_TERM_LENGTH: Final = 60


def fold(text: str) -> str:
    """Reduce text to lower-case letters and digits: no accents, no spaces, no punctuation.

    Folding twice changes nothing. Digits of other scripts become ASCII digits.
    """
    # Decomposed before and after, as caseless matching needs it (Unicode 3.13, D146).
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(
        str(unicodedata.decimal(character)) if character.isdecimal() else character
        for character in plain
        if character.isalnum()
    )


def terms_of(text: str) -> tuple[str, ...]:
    """Split what a person typed at white space into folded terms, each once, in order.

    At most 8 terms of at most 60 characters count; nobody types more on purpose.
    """
    folded = (fold(word)[:MAX_TERM_LENGTH] for word in text.split())
    return tuple(dict.fromkeys(term for term in folded if term))[:MAX_TERMS]


def document(fields: Iterable[str]) -> str:
    """Join the folded fields of one document; empty and repeated ones are left out."""
    folded = (fold(field) for field in fields)
    return SEPARATOR.join(dict.fromkeys(field for field in folded if field))


def identity_of(name: str, regency_id: int, address: str) -> str:
    """Return what every spelling of one institution at one address shares (SHA-256, hex)."""
    text = SEPARATOR.join([fold(name), str(regency_id), fold(address)])
    return hashlib.sha256(text.encode()).hexdigest()


def phone_forms(number: str) -> tuple[str, ...]:
    """Give the spellings of an E.164 number that cannot be derived from each other by cutting.

    An Indonesian number is also typed with a leading zero instead of the country's code.
    """
    digits = fold(number)
    if digits.startswith("62"):
        return (digits, f"0{digits[2:]}")
    return (digits,) if digits else ()
