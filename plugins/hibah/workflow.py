"""The life of a grant: its states, what follows what, and everything that can be done to it.

States carry their legal Indonesian names, which are also what the screen shows. Every action of the
manual is declared here, in the manual's order; one without a page is declared and not shown.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final

from core.api.hooks import GrantAction
from core.api.text import TranslationString, _

__all__ = [
    "ACTIONS",
    "AFTER_NPHD",
    "INVITABLE_STATES",
    "TRANSITIONS",
    "State",
    "explain_refusal",
]


class State(enum.StrEnum):
    """Where a grant stands. The value is stored and shown."""

    REQUESTED = "PERMOHONAN"
    DECREED = "SK PENETAPAN"
    SIGNED = "NPHD"
    SPP = "SPP"
    DISBURSED = "PENCAIRAN"
    MONITORED_FIRST = "MONEV TAHAP I"
    MONITORED_SECOND = "MONEV TAHAP II"
    REFUNDED = "STS"
    ACCOUNTED = "SPJ"
    DONE = "SELESAI"


TRANSITIONS: Final[Mapping[State, frozenset[State]]] = {
    State.REQUESTED: frozenset({State.DECREED}),
    State.DECREED: frozenset({State.SIGNED}),
    State.SIGNED: frozenset({State.SPP}),
    State.SPP: frozenset({State.DISBURSED}),
    State.DISBURSED: frozenset({State.MONITORED_FIRST}),
    State.MONITORED_FIRST: frozenset({State.MONITORED_SECOND, State.REFUNDED, State.ACCOUNTED}),
    State.MONITORED_SECOND: frozenset({State.REFUNDED, State.ACCOUNTED}),
    State.REFUNDED: frozenset({State.ACCOUNTED}),
    State.ACCOUNTED: frozenset({State.DONE}),
    State.DONE: frozenset(),
}
"""What may follow each state. STS (money given back) comes before the accounts are accepted."""

AFTER_NPHD: Final = frozenset(State) - {State.REQUESTED, State.DECREED}
"""States that are reached only with a signed NPHD: from here on an institution needs a contact."""

INVITABLE_STATES: Final = frozenset({State.DECREED.value})
"""States in which one is called to sign the NPHD: named by a decree, nothing signed yet."""

_SIGNED_AND_LATER: Final = frozenset(AFTER_NPHD - {State.DONE})


_FOR_ARCHIVED: Final = frozenset(
    {"view", "institution", "print", "contact", "messages", "note", "log"}
)
"""Actions that change nothing about the grant itself, and so remain in Data Arsip."""


def _declared(
    key: str,
    label: TranslationString,
    order: int,
    permission: str,
    states: frozenset[State] | None = None,
) -> GrantAction:
    """Declare an action that has no page yet."""
    return GrantAction(
        key=f"hibah.{key}",
        label=label,
        order=order,
        permission=f"hibah.{permission}",
        states=None if states is None else frozenset(state.value for state in states),
        archived=key in _FOR_ARCHIVED,
    )


ACTIONS: Final = (
    _declared("view", _("Lihat"), 10, "grant.read"),
    _declared("institution", _("Lembaga"), 20, "grant.read"),
    _declared("form", _("Form"), 30, "grant.edit"),
    _declared("print", _("Cetak"), 40, "grant.print"),
    _declared("assign_team", _("Tugaskan Tim"), 50, "grant.assign_team"),
    _declared("assign_officer", _("Tugaskan kepada"), 60, "grant.assign_officer"),
    _declared("contact", _("Kontak"), 70, "contact.edit"),
    # 80 is Undangan NPHD, which the plugin nphd gives.
    _declared("unlock", _("Buka kunci"), 90, "grant.unlock"),
    _declared("pending", _("Pending"), 100, "grant.process"),
    _declared("spp", _("SPP"), 110, "grant.process", frozenset({State.SIGNED, State.SPP})),
    _declared(
        "monev_first",
        _("Monev Tahap I"),
        120,
        "grant.process",
        frozenset({State.DISBURSED, State.MONITORED_FIRST}),
    ),
    _declared(
        "monev_second",
        _("Monev Tahap II"),
        130,
        "grant.process",
        frozenset({State.MONITORED_FIRST, State.MONITORED_SECOND}),
    ),
    _declared(
        "sts",
        _("STS"),
        140,
        "grant.process",
        frozenset({State.MONITORED_FIRST, State.MONITORED_SECOND, State.REFUNDED}),
    ),
    _declared("spj", _("SPJ"), 150, "grant.process", _SIGNED_AND_LATER - {State.SIGNED, State.SPP}),
    _declared("archive", _("Arsip"), 160, "grant.archive"),
    _declared("messages", _("Pesan"), 170, "grant.read"),
    _declared("note", _("Tambah Catatan"), 180, "note.add"),
    _declared("log", _("Log"), 190, "log.read"),
)
"""The manual's actions in the manual's order; ``plugin`` adds the pages to those that have one."""


def explain_refusal(before: str, after: str) -> TranslationString | None:
    """Say why a grant may not go from one state to another, or return None where it may."""
    allowed = TRANSITIONS[State(before)]
    if after in allowed:
        return None
    if not allowed:
        return _(
            "Hibah berstatus ${before} sudah selesai dan tidak dapat diubah lagi.",
            mapping={"before": before},
        )
    return _(
        "Hibah berstatus ${before} tidak dapat langsung menjadi ${after}. "
        "Status berikutnya: ${allowed}.",
        mapping={
            "before": before,
            "after": after,
            "allowed": ", ".join(state for state in State if state in allowed),
        },
    )
