"""A table of a TOML file whose every value is checked and none is overlooked.

Used by manifests and data files: a misspelt key is an error that names file and key instead of a
setting that silently does nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from core.errors import AbahError
from core.i18n import TranslationString, _

__all__ = ["TomlTable", "bad_value"]

ErrorFactory = Callable[[str, str, TranslationString], AbahError]


class TomlTable:
    """Reads keys by their type; ``finish`` refuses what was not asked for."""

    def __init__(
        self, values: Mapping[str, Any], *, file: str, error: ErrorFactory, prefix: str = ""
    ) -> None:
        """Read ``values``; ``prefix`` is where the table lies in ``file``, as ``menus[2].``."""
        self.file = file
        self.error = error
        self.prefix = prefix
        self._values = values
        self._read: set[str] = set()

    def key(self, name: str) -> str:
        """Return the full name of a key, as a person finds it in the file."""
        return f"{self.prefix}{name}"

    def text(self, name: str, *, default: str = "", required: bool = False) -> str:
        """Read a text. One that is required may not be empty."""
        value = self._take(name)
        if value is None and required:
            explanation = _(
                "${file}: kunci ${key} wajib diisi.",
                mapping={"file": self.file, "key": self.key(name)},
            )
            raise self.error(self.file, self.key(name), explanation)
        if value is None:
            return default
        if not isinstance(value, str) or (required and not value.strip()):
            raise bad_value(self, name, value, _("teks"))
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Read true or false."""
        value = self._take(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise bad_value(self, name, value, _("true atau false"))
        return value

    def number(self, name: str, *, default: int) -> int:
        """Read a whole number."""
        value = self._take(name)
        if value is None:
            return default
        if not isinstance(value, int) or isinstance(value, bool):
            raise bad_value(self, name, value, _("bilangan bulat"))
        return value

    def seconds(self, name: str) -> float | None:
        """Read a positive number of seconds, or None where the key is missing."""
        value = self._take(name)
        if value is None:
            return None
        if not isinstance(value, int | float) or isinstance(value, bool) or value <= 0:
            raise bad_value(self, name, value, _("bilangan detik di atas nol"))
        return float(value)

    def texts(self, name: str) -> tuple[str, ...]:
        """Read a list of different texts."""
        value = self._take(name)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
            raise bad_value(self, name, value, _("daftar teks"))
        self.unique(name, value)
        return tuple(value)

    def mapping(self, name: str) -> Mapping[str, Any]:
        """Read a table whose keys are not known beforehand."""
        value = self._take(name)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise bad_value(self, name, value, _("sebuah tabel"))
        return value

    def table(self, name: str) -> TomlTable:
        """Read a table; an empty one where the key is missing."""
        return self._child(self.mapping(name), f"{self.key(name)}.")

    def tables(self, name: str) -> Sequence[TomlTable]:
        """Read a list of tables, as ``[[menus]]``."""
        value = self._take(name)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise bad_value(self, name, value, _("daftar tabel"))
        return [
            self._child(item, f"{self.key(name)}[{number}].")
            for number, item in enumerate(value, start=1)
        ]

    def unique(self, name: str, values: Sequence[str]) -> None:
        """Refuse a list that says the same thing twice."""
        for value in values:
            if values.count(value) > 1:
                explanation = _(
                    '${file}: "${value}" disebut dua kali pada kunci ${key}.',
                    mapping={"file": self.file, "key": self.key(name), "value": value},
                )
                raise self.error(self.file, self.key(name), explanation)

    def finish(self) -> None:
        """Refuse keys that nobody read: they are misspelt, or made for another version."""
        unknown = sorted(set(self._values) - self._read)
        if unknown:
            explanation = _(
                "${file}: kunci ${key} tidak dikenal. Kunci yang dikenal di sini: ${known}.",
                mapping={
                    "file": self.file,
                    "key": self.key(unknown[0]),
                    "known": ", ".join(sorted(self._read)),
                },
            )
            raise self.error(self.file, self.key(unknown[0]), explanation)

    def _take(self, name: str) -> Any:
        self._read.add(name)
        return self._values.get(name)

    def _child(self, values: Mapping[str, Any], prefix: str) -> TomlTable:
        return TomlTable(values, file=self.file, error=self.error, prefix=prefix)


def bad_value(table: TomlTable, name: str, value: object, wanted: TranslationString) -> AbahError:
    """Build the error for a value that is not what ``wanted`` says."""
    explanation = _(
        "${file}: nilai ${value} pada kunci ${key} salah; yang diharapkan: ${wanted}.",
        mapping={
            "file": table.file,
            "key": table.key(name),
            "value": repr(value),
            "wanted": wanted,
        },
    )
    return table.error(table.file, table.key(name), explanation)
