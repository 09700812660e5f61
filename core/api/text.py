"""Translatable text."""

from __future__ import annotations

from core.i18n import DOMAIN, TranslationString, _

__all__ = ["DOMAIN", "TranslationString", "_"]
