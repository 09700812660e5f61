"""Translatable text: sentences are written in Indonesian and translated on render.

The msgid of every text is the Indonesian sentence itself, so the application reads well without
any catalogue; other languages are catalogues of the one domain ``abah``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from translationstring import TranslationString, TranslationStringFactory

__all__ = ["DOMAIN", "TranslationString", "_", "plain", "stored", "unstored"]

DOMAIN = "abah"
"""The gettext domain that the core and every plugin share."""

_ = TranslationStringFactory(DOMAIN)


def plain(text: str) -> str:
    """Give a sentence in Indonesian with its placeholders filled in, for logs and stored reasons.

    What fills a placeholder may be a translatable sentence itself.
    """
    mapping = getattr(text, "mapping", None)
    if not isinstance(text, TranslationString) or not mapping:
        return str(text)
    values = {
        name: plain(value) if isinstance(value, str) else value for name, value in mapping.items()
    }
    return str(TranslationString(str(text), domain=DOMAIN, mapping=values).interpolate())


def stored(text: str) -> dict[str, Any]:
    """Give a sentence as JSON can hold it, still to be put into the language of its reader."""
    mapping = getattr(text, "mapping", None) or {}
    return {
        "text": str(text),
        "with": {
            name: stored(value) if isinstance(value, TranslationString) else str(value)
            for name, value in mapping.items()
        },
    }


def unstored(value: Mapping[str, Any]) -> TranslationString:
    """Return the sentence of :func:`stored`."""
    mapping = {
        name: unstored(inner) if isinstance(inner, Mapping) else inner
        for name, inner in value["with"].items()
    }
    return TranslationString(value["text"], domain=DOMAIN, mapping=mapping)
