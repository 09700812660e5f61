"""Words for what the pages show of an invitation."""

from __future__ import annotations

from typing import Any, Final

from markupsafe import Markup, escape

from core.api.text import TranslationString, _
from core.api.web import icon, translate
from plugins.nphd.models import Notified

__all__ = ["NO_HOUR", "notified_words", "state_tag", "state_words"]

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


def state_tag(words: str, notified: int, invitees: int, *, cancelled: bool = False) -> Markup:
    """Write how far the notifications of a list went, as a tag with words."""
    if cancelled:
        kind, name = "tag", "x-circle"
    elif not notified:
        kind, name = "tag tag-warning", "hourglass"
    elif notified < invitees:
        kind, name = "tag tag-info", "hourglass-split"
    else:
        kind, name = "tag tag-success", "check2-all"
    text = f'<span class="{kind}">{icon(name)} {escape(translate(words))}</span>'
    return Markup(text)  # noqa: S704 - the words were escaped
