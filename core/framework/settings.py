"""Settings of the deployment: the ini file, read once and typed at the place of use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from core.errors import ConfigurationError
from core.i18n import _

__all__ = ["CONFIG_VARIABLE", "Settings"]

CONFIG_VARIABLE = "ABAH_CONFIG"
"""Environment variable from which the command line learns the configuration file."""

_TRUE = frozenset({"1", "true", "yes", "on", "ya"})
_FALSE = frozenset({"0", "false", "no", "off", "tidak", ""})


class Settings(Mapping[str, Any]):
    """Read-only settings with typed access. Keys of abah begin with ``abah.``."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        """Copy ``values``."""
        self._values = dict(values)

    def __getitem__(self, key: str) -> Any:
        """Return the raw value.

        :raises KeyError: nothing was set.
        """
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the keys."""
        return iter(self._values)

    def __len__(self) -> int:
        """Count the keys."""
        return len(self._values)

    def text(self, key: str, default: str = "") -> str:
        """Return a setting as stripped text."""
        return str(self._values.get(key, default)).strip()

    def required(self, key: str) -> str:
        """Return a setting that must be there.

        :raises ConfigurationError: it is missing or empty.
        """
        value = self.text(key)
        if not value:
            raise ConfigurationError(
                _("Pengaturan ${key} belum diisi di berkas konfigurasi.", mapping={"key": key})
            )
        return value

    def flag(self, key: str, *, default: bool = False) -> bool:
        """Return a setting as a truth value.

        :raises ConfigurationError: it is neither yes nor no.
        """
        value = self.text(key, "yes" if default else "no").lower()
        if value in _TRUE:
            return True
        if value in _FALSE:
            return False
        raise ConfigurationError(
            _(
                "Pengaturan ${key} harus true atau false, bukan ${value}.",
                mapping={"key": key, "value": value},
            )
        )

    def number(self, key: str, default: int) -> int:
        """Return a setting as a whole number.

        :raises ConfigurationError: it is not one.
        """
        value = self.text(key, str(default))
        try:
            return int(value)
        except ValueError:
            raise ConfigurationError(
                _(
                    "Pengaturan ${key} harus berupa bilangan bulat, bukan ${value}.",
                    mapping={"key": key, "value": value},
                )
            ) from None

    def words(self, key: str) -> tuple[str, ...]:
        """Return a setting as words, separated by white space or commas."""
        return tuple(self.text(key).replace(",", " ").split())
