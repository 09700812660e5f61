"""Which rows a bulk action means: the checked ones, or all of the list as it was filtered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlsplit

from core.errors import AbahError
from core.i18n import _

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = [
    "MAX_CHOSEN",
    "NothingChosenError",
    "Selection",
    "TooManyChosenError",
    "is_local",
    "list_state",
]

MAX_CHOSEN: Final = 10_000
"""Most rows that one action takes."""


class NothingChosenError(AbahError):
    """An action on rows was asked for without any row."""

    explanation = _(
        "Belum ada baris yang dipilih. Kembali ke daftar, centang baris yang dimaksud, lalu pilih "
        "aksinya lagi."
    )


class TooManyChosenError(AbahError):
    """More rows were chosen than one action may take."""

    explanation = _(
        "Terlalu banyak baris yang dipilih untuk satu kali aksi. Persempit daftar dengan Filter, "
        "lalu ulangi."
    )


@dataclass(frozen=True, slots=True)
class Selection:
    """The rows that were chosen, all of them readable by the person."""

    keys: Sequence[Any]
    fields: Sequence[tuple[str, str]]
    """Hidden fields that carry the choice through the confirmation."""
    back_url: str
    """The list they were chosen in."""

    @property
    def count(self) -> int:
        """How many rows."""
        return len(self.keys)


def is_local(url: str) -> bool:
    """Tell whether an address stays here: a path, nothing that a browser takes for a host."""
    return url.startswith("/") and not url.startswith(("//", "/\\")) and url.isprintable()


def list_state(address: str) -> Mapping[str, str]:
    """Read the filters out of the address of a list."""
    return dict(parse_qsl(urlsplit(address).query))


def convert_keys(texts: Iterable[str], kind: type[Any]) -> list[Any]:
    """Turn posted keys into the key's type and drop what is none."""
    found: list[Any] = []
    for text in texts:
        if kind is not int:
            found.append(text)
        elif text.isascii() and text.isdigit() and len(text) < 19:  # noqa: PLR2004 - 64 bits
            found.append(int(text))
    return found
