"""Proofs of telephone numbers: a code by SMS that comes back."""

from __future__ import annotations

from core.verification.services import (
    Confirmation,
    Confirmed,
    PendingPhone,
    Sending,
    Started,
    cancel_phone,
    confirm_phone,
    pending_phone,
    resend_phone,
    start_phone,
)

__all__ = [
    "Confirmation",
    "Confirmed",
    "PendingPhone",
    "Sending",
    "Started",
    "cancel_phone",
    "confirm_phone",
    "pending_phone",
    "resend_phone",
    "start_phone",
]
