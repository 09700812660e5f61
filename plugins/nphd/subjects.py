"""Keys under which other rooms keep what belongs to an invitation or to an institution on it."""

from __future__ import annotations

from typing import Final

__all__ = [
    "CALL",
    "CANCELLED",
    "call_origin",
    "cancel_origin",
    "invitation_subject",
    "invitee_id_of",
]

CALL: Final = "nphd.call"
"""Purpose and text of the notification."""
CANCELLED: Final = "nphd.cancelled"
"""Purpose and text of the notice that an invitation was cancelled."""

_CALL_ORIGIN: Final = "nphd.invitee:"
_CANCEL_ORIGIN: Final = "nphd.cancelled:"


def invitation_subject(invitation_id: int) -> str:
    """Return the subject of an invitation's trail: ``nphd.invitation:42``."""
    return f"nphd.invitation:{invitation_id}"


def call_origin(invitee_id: int) -> str:
    """Return the origin of the messages that call an invitee: ``nphd.invitee:7``."""
    return f"{_CALL_ORIGIN}{invitee_id}"


def cancel_origin(invitee_id: int) -> str:
    """Return the origin of the message that tells an invitee of the cancellation."""
    return f"{_CANCEL_ORIGIN}{invitee_id}"


def invitee_id_of(origin: str) -> int | None:
    """Return the invitee whose call has this origin, or None where it is something else."""
    number = origin.removeprefix(_CALL_ORIGIN)
    if number == origin or not (number.isascii() and number.isdecimal()):
        return None
    return int(number)
