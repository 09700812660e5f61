"""Asking before doing: one page, and dialog, for every confirmation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.i18n import _

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Confirmation", "confirmation"]


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What ``partials/confirm.jinja2`` shows."""

    title: str
    question: str
    cancel_url: str
    action: str = ""
    """Where the answer is posted; empty for the page's own address."""
    fields: Sequence[tuple[str, str]] = ()
    """Hidden fields that the answer carries."""
    detail: str = ""
    items: Sequence[str] = ()
    """What it will happen to, where a list says more than a number."""
    items_title: str = ""
    """What the list is, where the question alone does not say so."""
    warnings: Sequence[str] = ()
    """What somebody should know before the answer."""
    ok: str = _("Ya")
    cancel: str = _("Tidak")
    danger: bool = False
    """It can't be undone: the button is red and the focus is on the way back."""


def confirmation(title: str, question: str, cancel_url: str, **more: Any) -> dict[str, Any]:
    """Return the variables for the renderer ``partials/confirm.jinja2``.

    ``more`` are fields of :class:`Confirmation`. The question names what will happen and to how
    many: "Kirim undangan ke 12 lembaga untuk 1 Desember 2018?".
    """
    return {"confirm": Confirmation(title, question, cancel_url, **more)}
