"""When a chunk has to end before all of it was handed over."""

from __future__ import annotations

import threading
import time
from typing import Final

from sqlalchemy import select

from core.db import utcnow
from core.framework.runtime import Runtime
from core.hookspecs.channels import Capabilities
from core.jobs.runner import Jobs
from core.messaging.models import SENDING, Message, is_due
from core.messaging.states import Lane

__all__ = ["MustStop"]

LOOK_SECONDS: Final = 0.5
"""How long a no is good for: a fast transport asks before every message."""


class MustStop:
    """Tells a transport to end its chunk: the process stops, or a code waits for the only slot.

    Where an account has several slots one is kept for codes, so that nothing has to make room.
    """

    def __init__(self, runtime: Runtime, account_id: int, can: Capabilities) -> None:
        """Watch one account."""
        self._runtime = runtime
        self._account_id = account_id
        self._single = can.concurrency == 1
        self._guard = threading.Lock()
        self._asked = float("-inf")

    def __call__(self) -> bool:
        """Tell whether ``send`` should end now."""
        if self._runtime.component(Jobs).stopping.is_set():
            return True
        if not self._single:
            return False
        with self._guard:
            if time.monotonic() - self._asked < LOOK_SECONDS:
                return False
            if self._code_waits():
                return True
            self._asked = time.monotonic()
            return False

    def _code_waits(self) -> bool:
        """Tell whether a code waits while the slot is busy with something else."""
        codes = Message.lane == Lane.CODE
        waiting = is_due(utcnow(), self._account_id, codes)
        of_account = SENDING, Message.account_id == self._account_id, codes
        on_its_way = select(Message.id).where(*of_account).exists()
        with self._runtime.database.reading() as session:
            return bool(session.scalar(select(waiting & ~on_its_way)))
