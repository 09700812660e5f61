"""The form of one bot, and its values typed and checked once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from core.api.hooks import SettingField
from core.api.text import TranslationString, _

__all__ = ["FIELDS", "LONGEST_SECONDS", "Bot", "read_bot", "wrong_address"]

LONGEST_SECONDS: Final = 60


def wrong_address(url: str) -> TranslationString | None:
    """Say what is wrong with the address of the API, or give None."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if usable and url.isascii() and url.isprintable() and not set(url) & set(" ?#"):
        return None
    return _("Tulis alamat lengkap tanpa parameter, misalnya https://api.kait.example.")


FIELDS: Final = (
    SettingField("url", _("Alamat API Kait"), "url", required=True, check=wrong_address),
    SettingField("token", _("Token bot"), "secret", required=True),
    SettingField(
        "signing_key",
        _("Kunci tanda tangan"),
        "secret",
        hint=_("Dari halaman bot. Tanpa kunci ini laporan dan pesan masuk ditolak."),
        required=True,
    ),
    SettingField("seconds", _("Batas waktu menunggu jawaban (detik)"), "int", 20),
)
"""Everything that an administrator can set for one account."""


@dataclass(frozen=True, slots=True)
class Bot:
    """Settings of one account. Secrets stay out of its representation."""

    url: str
    token: str = field(repr=False)
    signing_key: str = field(repr=False)
    seconds: int

    def masked(self, text: str) -> str:
        """Take the secrets out of a text that will be kept or shown."""
        for secret in (self.token, self.signing_key):
            text = text.replace(secret, "•••") if secret else text
        return text


def read_bot(settings: Mapping[str, Any]) -> Bot:
    """Turn an account's settings into a bot; a wrong address is told when it is used."""
    seconds = int(settings.get("seconds") or 20)
    return Bot(
        url=str(settings.get("url", "")).rstrip("/"),
        token=str(settings.get("token", "")),
        signing_key=str(settings.get("signing_key", "")),
        seconds=min(max(seconds, 1), LONGEST_SECONDS),
    )
