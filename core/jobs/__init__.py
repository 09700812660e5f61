"""Background work: tasks by name, sweeps, and the broker that only wakes.

A task is declared with :func:`task` and collected; actors are made once per broker by
:class:`Jobs`. The database is the truth: a lost wake-up costs a sweep's interval and nothing else.
"""

from __future__ import annotations

from core.jobs.registry import Sweep, Task, sweep, task
from core.jobs.wake import enqueue

__all__ = ["Sweep", "Task", "enqueue", "sweep", "task"]
