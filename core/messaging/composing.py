"""What the composer in the browser needs to count along: the tables of :mod:`core.messaging.text`.

The browser gets the same alphabet and limits that the server counts with, so that there is one
truth; what it shows is a preview.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from core.db import utcnow
from core.framework.runtime import runtime_of
from core.messaging.channels import Channels
from core.messaging.routing import candidates
from core.messaging.text import (
    GSM_BASIC,
    GSM_EXTENSION,
    GSM_MULTI,
    GSM_SINGLE,
    PLAIN_FORMS,
    UCS2_MULTI,
    UCS2_SINGLE,
)
from core.messaging.writing import MOST_PARTS

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

__all__ = ["composer_rules", "cost_per_part"]


def composer_rules(session: Session) -> str:
    """Return as JSON how texts are counted, and what a part costs on the usual channel."""
    return json.dumps({**_tables(), "cost": cost_per_part(session)}, ensure_ascii=False)


def cost_per_part(session: Session) -> int:
    """Return rupiah per part on the channel used by default; 0 where nobody knows."""
    transports = runtime_of(session).component(Channels).transports
    for candidate in candidates(session, utcnow()):
        account = candidate.facts
        if candidate.by_default and account.healthy and "sms" in account.kinds:
            return transports[account.transport].capabilities.cost_per_part
    return 0


@cache
def _tables() -> dict[str, Any]:
    return {
        "basic": "".join(sorted(GSM_BASIC)),
        "extension": "".join(sorted(GSM_EXTENSION)),
        "gsm7": [GSM_SINGLE, GSM_MULTI],
        "ucs2": [UCS2_SINGLE, UCS2_MULTI],
        "plain": PLAIN_FORMS,
        "most": MOST_PARTS,
    }
