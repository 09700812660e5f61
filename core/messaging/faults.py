"""Places at which a test may kill the process, to prove what a crash there costs."""

from __future__ import annotations

import os
import signal
from typing import Final

from core.framework.runtime import Runtime

__all__ = ["FAULT_SETTING", "fault"]

FAULT_SETTING: Final = "abah.faults"
"""Setting that must be true for ``ABAH_FAULT`` to have any effect."""
_VARIABLE: Final = "ABAH_FAULT"


def fault(runtime: Runtime, place: str) -> None:
    """Die here (kill -9) if the environment asks for it and the settings allow it."""
    if os.environ.get(_VARIABLE) == place and runtime.settings.flag(FAULT_SETTING):
        os.kill(os.getpid(), signal.SIGKILL)
