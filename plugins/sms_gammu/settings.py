"""The form of one modem."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from core.api.hooks import SettingField
from core.api.text import _

__all__ = ["FIELDS", "ModemConfig", "read_config"]

FIELDS: Final = (
    SettingField(
        "device",
        _("Perangkat"),
        hint=_("Misalnya /dev/ttyUSB0; sebaiknya nama tetap di /dev/serial/by-id/."),
        required=True,
    ),
    SettingField(
        "connection",
        _("Jenis sambungan"),
        "choice",
        "at115200",
        choices=(
            ("at115200", _("Modem AT, 115200 bps")),
            ("at19200", _("Modem AT, 19200 bps")),
            ("at", _("Modem AT, kecepatan otomatis")),
            ("none", _("Telepon tiruan Gammu (perangkat adalah folder)")),
        ),
    ),
    SettingField("pin", _("PIN kartu SIM"), "secret"),
    SettingField("reports", _("Minta laporan penerimaan"), "bool", default=True),
)
"""Everything an administrator can set for one account."""

_TRUE: Final = frozenset({"1", "true", "yes", "on", "ya"})


@dataclass(frozen=True, slots=True)
class ModemConfig:
    """Settings of one account, typed."""

    device: str
    connection: str
    pin: str = field(repr=False)
    reports: bool

    @property
    def gammu(self) -> dict[str, Any]:
        """What libGammu is told."""
        config: dict[str, Any] = {"Device": self.device, "Connection": self.connection}
        if self.connection == "none":
            config["Model"] = "dummy"
        return config


def read_config(settings: Mapping[str, Any]) -> ModemConfig:
    """Turn an account's settings into the configuration of a modem."""
    text = {one.key: str(settings.get(one.key, one.default)).strip() for one in FIELDS}
    return ModemConfig(
        device=text["device"],
        connection=text["connection"],
        pin=text["pin"],
        reports=text["reports"].lower() in _TRUE,
    )
