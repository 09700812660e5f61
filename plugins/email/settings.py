"""The form of one mail account, and its values typed and checked once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from core.api.hooks import SettingField
from core.api.text import TranslationString, _
from plugins.email.addresses import InvalidAddressError, split_address

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FIELDS", "Mailbox", "SettingsError", "read_mailbox"]

FIELDS: Final = (
    SettingField("host", _("Server SMTP"), required=True),
    SettingField("port", _("Port"), "int", 587),
    SettingField(
        "security",
        _("Pengamanan sambungan"),
        "choice",
        "starttls",
        choices=(
            ("starttls", "STARTTLS (587)"),
            ("ssl", "TLS (465)"),
            ("none", _("Tanpa pengamanan (hanya jaringan sendiri)")),
        ),
    ),
    SettingField(
        "verify",
        _("Periksa sertifikat server"),
        "bool",
        default=True,
        hint=_("Matikan hanya untuk server sendiri yang bersertifikat buatan sendiri."),
    ),
    SettingField("username", _("Nama pengguna"), hint=_("Kosong: tanpa masuk.")),
    SettingField("password", _("Sandi"), "secret"),
    SettingField("sender_address", _("Alamat email pengirim"), required=True),
    SettingField("sender_name", _("Nama pengirim"), default="SMS Center"),
    SettingField("reply_to", _("Alamat email untuk balasan")),
    SettingField("connect_seconds", _("Batas waktu menyambung (detik)"), "int", 10),
    SettingField("answer_seconds", _("Batas waktu menunggu jawaban (detik)"), "int", 30),
)
"""Everything an administrator can set for one account."""

_TRUE: Final = frozenset({"1", "true", "yes", "on", "ya"})


class SettingsError(Exception):
    """A setting that cannot be used; ``key`` names it, ``explanation`` says why."""

    def __init__(self, key: str, explanation: TranslationString) -> None:
        """Keep both."""
        self.key = key
        self.explanation = explanation
        super().__init__(explanation.interpolate())


@dataclass(frozen=True, slots=True)
class Mailbox:
    """Settings of one account, typed."""

    host: str
    port: int
    security: str
    verify: bool
    username: str
    password: str = field(repr=False)
    sender_address: str
    sender_name: str
    reply_to: str
    connect_seconds: float
    answer_seconds: float

    @property
    def domain(self) -> str:
        """Domain of the sender, the right side of our message ids."""
        return self.sender_address.rpartition("@")[2]


def read_mailbox(settings: Mapping[str, Any]) -> Mailbox:
    """Turn an account's settings into a mailbox.

    :raises SettingsError: a setting is missing or makes no sense.
    """
    text = {one.key: str(settings.get(one.key, one.default)).strip() for one in FIELDS}
    if not text["host"]:
        msg = "host"
        raise SettingsError(msg, _("Server SMTP belum diisi."))
    if text["security"] not in {"starttls", "ssl", "none"}:
        msg = "security"
        raise SettingsError(msg, _("Pilih STARTTLS, TLS, atau tanpa pengamanan."))
    for key in ("sender_address", "reply_to"):
        if key == "sender_address" or text[key]:
            try:
                split_address(text[key])
            except InvalidAddressError:
                raise SettingsError(
                    key, _("Alamat email ini tidak sah. Contoh: biro@example.go.id")
                ) from None
    return Mailbox(
        host=text["host"],
        port=int(_number(text, "port", 1, 65535)),
        security=text["security"],
        verify=text["verify"].lower() in _TRUE,
        username=text["username"],
        password=text["password"],
        sender_address=text["sender_address"],
        sender_name=text["sender_name"],
        reply_to=text["reply_to"],
        connect_seconds=_number(text, "connect_seconds", 0.05, 60),
        answer_seconds=_number(text, "answer_seconds", 0.05, 60),
    )


def _number(text: Mapping[str, str], key: str, low: float, high: float) -> float:
    try:
        number = float(text[key].replace(",", "."))
    except ValueError:
        number = low - 1
    if not low <= number <= high:
        raise SettingsError(
            key,
            _("Isi dengan angka antara ${low} dan ${high}.", mapping={"low": low, "high": high}),
        )
    return number
