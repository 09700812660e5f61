"""Background work of plugins: tasks by name and sweeps. Declared with hooks, never with a broker."""

from __future__ import annotations

from core.jobs import Sweep, Task, enqueue, sweep, task

__all__ = ["Sweep", "Task", "enqueue", "sweep", "task"]
