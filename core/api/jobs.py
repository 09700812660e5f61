"""Background work of plugins: tasks by name and sweeps, declared with hooks, never a broker."""

from __future__ import annotations

from core.jobs import Sweep, Task, enqueue, sweep, task
from core.jobs.temporary import working

__all__ = ["Sweep", "Task", "enqueue", "sweep", "task", "working"]
