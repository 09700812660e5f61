"""Translatable text: sentences are written in Indonesian and translated on render.

The msgid of every text is the Indonesian sentence itself, so the application reads well without
any catalogue; other languages are catalogues of the one domain ``abah``.
"""

from __future__ import annotations

from translationstring import TranslationString, TranslationStringFactory

__all__ = ["DOMAIN", "TranslationString", "_"]

DOMAIN = "abah"
"""The gettext domain that the core and every plugin share."""

_ = TranslationStringFactory(DOMAIN)
