"""What an error of libGammu means: refused for good, refused for now, or nobody can tell.

libGammu says "unknown error" to nearly everything, and a modem's error may still mean that the
message left. Its trace of the conversation tells more: whether the message had been handed to the
modem at all, and the code of ``+CMS ERROR`` (3GPP TS 27.005, 3.2.5; below 128 the RP-cause of the
network, 3GPP TS 24.011, annex E).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import gammu

from core.api.hooks import Outcome
from core.api.text import TranslationString, _

__all__ = ["Fault", "explain", "is_lost_line"]

PERMANENT_CODES: Final = frozenset(
    {
        1,  # the number is not assigned
        28,  # the subscriber is not identified
        30,  # the subscriber is unknown
        95,  # semantically incorrect message
        96,
        97,
        304,  # invalid parameter of the message
        305,
    }
)
UNCERTAIN_CODES: Final = frozenset(
    {
        332,  # network time-out: the answer is missing, not the message
        340,
        500,  # unknown error
    }
)
"""Codes from 512 on are the manufacturer's own and count as uncertain too."""
MANUFACTURER: Final = 512

CMS_ERROR: Final = re.compile(r"CMS Error (\d+)")
PROMPT: Final = "Waiting for modem prompt"
HANDED_OVER: Final = "Sending SMS"


@dataclass(frozen=True, slots=True)
class Fault:
    """What went wrong with one part."""

    outcome: Outcome
    code: str
    reason: TranslationString


def explain(error: gammu.GSMError, trace: str) -> Fault:
    """Judge an error of sending; ``trace`` is what libGammu noted about this part."""
    name = type(error).__name__
    found = CMS_ERROR.findall(trace)
    if found:
        return _by_code(int(found[-1]))
    handed_over = HANDED_OVER in trace
    if PROMPT in trace and not handed_over:
        reason = _("Modem belum mau menerima pesan (${code}).", mapping={"code": name})
        return Fault(Outcome.TEMPORARY, name, reason)
    if isinstance(error, _BEFORE) and not handed_over:
        reason = _("Modem belum siap mengirim (${code}).", mapping={"code": name})
        return Fault(Outcome.TEMPORARY, name, reason)
    if isinstance(error, gammu.ERR_TIMEOUT):
        reason = _("Modem tidak memberi jawaban setelah pesan diserahkan.")
        return Fault(Outcome.UNCERTAIN, name, reason)
    reason = _(
        "Modem menjawab galat (${code}), tetapi pesan mungkin sudah terkirim.",
        mapping={"code": name},
    )
    return Fault(Outcome.UNCERTAIN, name, reason)


def is_lost_line(error: gammu.GSMError) -> bool:
    """Tell whether the connection had better be opened anew after this error."""
    return isinstance(error, (*_BEFORE, *_LINE))


def _by_code(code: int) -> Fault:
    shown = f"CMS {code}"
    mapping = {"code": shown}
    if code in PERMANENT_CODES:
        return Fault(
            Outcome.PERMANENT, shown, _("Jaringan menolak pesan (${code}).", mapping=mapping)
        )
    if code in UNCERTAIN_CODES or code >= MANUFACTURER:
        return Fault(
            Outcome.UNCERTAIN,
            shown,
            _(
                "Modem menjawab galat (${code}), tetapi pesan mungkin sudah terkirim.",
                mapping=mapping,
            ),
        )
    return Fault(
        Outcome.TEMPORARY, shown, _("Jaringan belum dapat menerima (${code}).", mapping=mapping)
    )


_BEFORE: Final = (
    gammu.ERR_BUSY,
    gammu.ERR_DEVICEBUSY,
    gammu.ERR_DEVICELOCKED,
    gammu.ERR_DEVICENODRIVER,
    gammu.ERR_DEVICENOPERMISSION,
    gammu.ERR_DEVICENOTEXIST,
    gammu.ERR_DEVICENOTWORK,
    gammu.ERR_DEVICEOPENERROR,
    gammu.ERR_EMPTYSMSC,
    gammu.ERR_GETTING_SMSC,
    gammu.ERR_NOSERVICE,
    gammu.ERR_NOSIM,
    gammu.ERR_NOTCONNECTED,
    gammu.ERR_PHONEOFF,
    gammu.ERR_SECURITYERROR,
)
"""Errors that come before a message is handed to the modem."""
_LINE: Final = (gammu.ERR_TIMEOUT, gammu.ERR_DEVICEREADERROR, gammu.ERR_DEVICEWRITEERROR)
