"""What proofs offer to pages, tasks and other rooms, in one place."""

from __future__ import annotations

from core.verification.links import (
    Applicant,
    LinkOutcome,
    applicant_of,
    confirm_registration,
    finish_reset,
    reset_owner,
    start_registration,
    start_reset,
)
from core.verification.mail import link_to, send_mail
from core.verification.phone import (
    CODE_LENGTH,
    COOL_DOWN,
    MAX_TRIES,
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
from core.verification.purge import purge_proofs

__all__ = [
    "CODE_LENGTH",
    "COOL_DOWN",
    "MAX_TRIES",
    "Applicant",
    "Confirmation",
    "Confirmed",
    "LinkOutcome",
    "PendingPhone",
    "Sending",
    "Started",
    "applicant_of",
    "cancel_phone",
    "confirm_phone",
    "confirm_registration",
    "finish_reset",
    "link_to",
    "pending_phone",
    "purge_proofs",
    "resend_phone",
    "reset_owner",
    "send_mail",
    "start_phone",
    "start_registration",
    "start_reset",
]
