"""Stored telephone numbers (E.164) as people read them; every room may use it.

Reading what people type, and choosing what can receive an SMS, is the room ``contacts``.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberFormat

__all__ = ["format_number", "mask_number", "parse_stored"]

_MASK: Final = "*****"


def parse_stored(number: str) -> PhoneNumber | None:
    """Parse an E.164 number; None for what is none (a short code, an alphabetic sender)."""
    if not number.startswith("+"):
        return None
    try:
        return phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return None


@lru_cache(maxsize=256)
def format_number(number: str) -> str:
    """Write an E.164 number for a person to read: ``+62 812-3090-095``.

    What is no E.164 number (a short code, an alphabetic sender) comes back as it is. Reading one
    takes as long as writing a row of a list, and a page writes the same number several times.
    """
    parsed = parse_stored(number)
    if parsed is None:
        return number
    return phonenumbers.format_number(parsed, PhoneNumberFormat.INTERNATIONAL)


def mask_number(number: str) -> str:
    """Hide all but the calling code and the last four digits: ``+62*****0095``."""
    parsed = parse_stored(number)
    code = f"+{parsed.country_code}" if parsed is not None else ""
    return f"{code}{_MASK}{number[-4:]}"
