"""A fair lock: whoever waited longest goes next.

SQLite lets one writer in at a time and wakes waiting ones by polling, so that a busy worker starves
the web pages of the same process. Within the process this lock orders the writers first come, first
served; between processes SQLite's own busy timeout remains.
"""

from __future__ import annotations

import threading
from collections import deque

__all__ = ["FairLock"]


class FairLock:
    """A mutual exclusion lock with a first-in, first-out queue of waiting threads."""

    def __init__(self) -> None:
        """Begin unlocked."""
        self._guard = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()
        self._held = False

    def acquire(self, timeout: float) -> bool:
        """Wait at most ``timeout`` seconds for the lock and tell whether it is held now."""
        with self._guard:
            if not self._held:
                self._held = True
                return True
            gate = threading.Lock()
            gate.acquire()
            self._waiting.append(gate)
        if gate.acquire(timeout=timeout):
            return True
        with self._guard:
            if gate in self._waiting:
                self._waiting.remove(gate)
                return False
        # Handed over in the moment the time ran out: it is ours.
        return True

    def release(self) -> None:
        """Hand the lock to the thread that waited longest, or open it."""
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._held = False
