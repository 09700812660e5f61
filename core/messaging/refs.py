"""References of messages: opaque, unique for ever, safe in URLs and in narrow gateway fields."""

from __future__ import annotations

import base64
import os
from typing import Final

__all__ = ["new_refs"]

_BYTES: Final = 15


def new_refs(count: int) -> list[str]:
    """Make references: 120 random bits each, as 24 lower-case letters and digits."""
    noise = os.urandom(_BYTES * count)
    return [
        base64.b32encode(noise[begin : begin + _BYTES]).decode().lower()
        for begin in range(0, len(noise), _BYTES)
    ]
