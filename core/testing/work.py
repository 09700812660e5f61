"""A worker for tests: everything that waits is done in the calling thread, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from core.jobs.runner import Jobs

if TYPE_CHECKING:
    from core.framework.runtime import Runtime

__all__ = ["Worker"]

ROUNDS: Final = 100
"""After so many rounds something enqueues itself for ever, and the test should say so."""


class Worker:
    """Runs queued tasks and sweeps synchronously."""

    def __init__(self, runtime: Runtime) -> None:
        """Work for one runtime."""
        self._runtime = runtime
        self._jobs = runtime.component(Jobs)

    def run(self, *, sweeps: bool = True) -> None:
        """Do everything that is queued; look once around with the sweeps, and do what they found.

        :raises RuntimeError: work never ended.
        """
        self._drain()
        if sweeps:
            for _owner, sweep in self._jobs.sweeps():
                sweep.run(self._runtime)
            self._drain()

    def _drain(self) -> None:
        for _round in range(ROUNDS):
            waiting = self._jobs.take_waiting()
            if not waiting:
                return
            for name, arguments in waiting:
                self._jobs.run(name, *arguments)
        message = f"still queued after {ROUNDS} rounds: {waiting}"
        raise RuntimeError(message)
