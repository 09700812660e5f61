"""Translatable text: sentences are written in Indonesian and translated on render.

The msgid of every text is the Indonesian sentence itself, so the application reads well without
any catalogue; other languages are catalogues of the one domain ``abah``.
"""

from __future__ import annotations

from translationstring import TranslationString, TranslationStringFactory

__all__ = ["DOMAIN", "TranslationString", "_", "plain"]

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
