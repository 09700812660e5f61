"""Which routes can match the same address: only the first of them is ever asked."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

__all__ = ["overlap"]

_FIELD: Final = re.compile(r"\{\w+(?::((?:[^{}]|\{[^{}]*\})+))?\}")
_ANY: Final = "[^/]+"


def overlap(one: str, other: str) -> bool:
    """Tell whether an address can match two patterns of routes.

    Two fields with conditions of their own count as if it could: nothing says that they exclude
    each other.
    """
    first, second = _parts(one), _parts(other)
    for left, right in zip(first, second, strict=False):
        if "*" in {left, right}:
            return True
        if not _meet(left, right):
            return False
    longer = max(first, second, key=len)[min(len(first), len(second)) :]
    return not longer or longer[0] == "*"


@lru_cache(maxsize=10_000)
def _parts(pattern: str) -> tuple[str | re.Pattern[str], ...]:
    """Split a pattern at its slashes: words, conditions, and ``*`` for whatever follows."""
    fields: list[str] = []

    def keep(found: re.Match[str]) -> str:
        fields.append(found[1] or _ANY)
        return "\0"

    path, _star, rest = _FIELD.sub(keep, pattern).strip("/").partition("*")
    given = iter(fields)
    parts: list[str | re.Pattern[str]] = []
    for word in path.split("/"):
        if "\0" in word:
            words = [re.escape(piece) for piece in word.split("\0")]
            text = words[0] + "".join(f"(?:{next(given)}){piece}" for piece in words[1:])
            parts.append(re.compile(text))
        elif word or not rest:
            parts.append(word)
    return (*parts, "*") if rest else tuple(parts)


def _meet(left: str | re.Pattern[str], right: str | re.Pattern[str]) -> bool:
    if isinstance(left, str):
        if isinstance(right, str):
            return left == right
        return right.fullmatch(left) is not None
    return not isinstance(right, str) or left.fullmatch(right) is not None
