"""What the network of the sandbox can do with a message."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from core.api.text import TranslationString, _

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["BEHAVIOURS", "LONGEST_SECONDS", "Behaviour", "Description"]

LONGEST_SECONDS: Final = 300


class Behaviour(enum.StrEnum):
    """One thing that can happen between us and a handset."""

    DELIVER = "deliver"
    LOSE = "lose"
    DOUBLE = "double"
    EARLY = "early"
    REFUSE = "refuse"
    BUSY = "busy"
    SILENT = "silent"
    HANG = "hang"


@dataclass(frozen=True, slots=True)
class Description:
    """How a behaviour is shown."""

    label: TranslationString
    seconds: int
    """What the seconds are when nobody says so."""


BEHAVIOURS: Final[Mapping[Behaviour, Description]] = {
    Behaviour.DELIVER: Description(_("Sampai setelah n detik"), 5),
    Behaviour.LOSE: Description(_("Hilang: dilaporkan tidak dapat diterima setelah n detik"), 2),
    Behaviour.DOUBLE: Description(_("Sampai, dan laporannya datang dua kali"), 1),
    Behaviour.EARLY: Description(_("Laporan datang n detik sebelum jawaban jaringan"), 2),
    Behaviour.REFUSE: Description(_("Ditolak jaringan"), 0),
    Behaviour.BUSY: Description(_("Jaringan sibuk: coba lagi nanti"), 0),
    Behaviour.SILENT: Description(_("Sampai, tetapi tidak pernah dilaporkan"), 1),
    Behaviour.HANG: Description(
        _("Macet: sampai, tetapi jaringan tidak menjawab selama n detik"), 10
    ),
}
"""Every behaviour in the order in which it is offered."""
