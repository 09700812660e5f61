"""Words for what the pages show of an invitation."""

from __future__ import annotations

from typing import Any, Final

from core.api.text import TranslationString, _
from plugins.nphd.models import Notified

__all__ = ["NO_HOUR", "notified_words", "state_words"]

NO_HOUR: Final = _("Tulis jam sebagai jam.menit, misalnya 09.00 atau 13.30.")
"""For what is typed as an hour and is none."""


def state_words(state: Notified, notified: int, invitees: int) -> TranslationString:
    """Say how far the notifications went."""
    if state is Notified.NONE:
        return _("Belum dikirim")
    if state is Notified.SOME:
        return _(
            "Sebagian dikirim (${n} dari ${total})", mapping={"n": notified, "total": invitees}
        )
    return _("Semua dikirim")


def notified_words(row: Any) -> TranslationString:
    """Say in a row of the list how far the notifications went, or that it was cancelled."""
    if row.cancelled_at is not None:
        return _("Dibatalkan")
    state = Notified.of(row.invitees, row.notified)
    return state_words(state, row.notified, row.invitees)
