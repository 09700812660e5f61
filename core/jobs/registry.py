"""Declaring background work without touching a broker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

__all__ = [
    "CORE",
    "Sweep",
    "Task",
    "core_sweeps",
    "core_tasks",
    "is_sweep",
    "is_task",
    "queue_of",
    "sweep",
    "sweep_of",
    "task",
    "task_of",
]

F = TypeVar("F", bound=Callable[..., None])

_TASK: Final = "abah_task"
_SWEEP: Final = "abah_sweep"
CORE: Final = "core"
"""Owner of the tasks and sweeps of the core's rooms."""


@dataclass(frozen=True, slots=True)
class Task:
    """A named function that a worker runs: ``run(runtime, *ids)``. Safe to run twice."""

    name: str
    run: Callable[..., None]

    @property
    def owner(self) -> str:
        """``core`` or the plugin: only queues of enabled plugins are consumed."""
        return self.name.partition(".")[0]

    @property
    def queue(self) -> str:
        """Where wake-ups wait; see :func:`queue_of`."""
        return queue_of(self.name)


@dataclass(frozen=True, slots=True)
class Sweep:
    """Work that is looked for at regular intervals by whichever process holds the lease."""

    name: str
    run: Callable[..., None]
    every: float
    """Seconds between two runs."""


_core_tasks: dict[str, Task] = {}
_core_sweeps: dict[str, Sweep] = {}


def queue_of(name: str) -> str:
    """Return the queue of a task: its name without the last word, ``owner`` or ``owner.queue``."""
    return name.rpartition(".")[0]


def task(name: str) -> Callable[[F], F]:
    """Mark a function as the task ``owner.name``; it gets the runtime and ids only.

    The tasks of all owners share the worker's threads. Those named ``owner.queue.name`` have a few
    of their own instead: slow ones hold up nobody then, and urgent ones wait for nobody. A plugin
    names its tasks in ``register_tasks``; those of the core's rooms are known once imported.
    """

    def mark(function: F) -> F:
        declared = Task(name=name, run=function)
        setattr(function, _TASK, declared)
        if declared.owner == CORE:
            _core_tasks[name] = declared
        return function

    return mark


def sweep(name: str, *, every: float) -> Callable[[F], F]:
    """Mark a function as the sweep ``owner.name``, run every ``every`` seconds with the runtime."""

    def mark(function: F) -> F:
        declared = Sweep(name=name, run=function, every=every)
        setattr(function, _SWEEP, declared)
        if name.split(".", 1)[0] == CORE:
            _core_sweeps[name] = declared
        return function

    return mark


def task_of(function: Any) -> Task:
    """Return what :func:`task` noted on a function.

    :raises AttributeError: the function was not marked.
    """
    found: Task = getattr(function, _TASK)
    return found


def sweep_of(function: Any) -> Sweep:
    """Return what :func:`sweep` noted on a function.

    :raises AttributeError: the function was not marked.
    """
    found: Sweep = getattr(function, _SWEEP)
    return found


def is_task(function: object) -> bool:
    """Tell whether :func:`task` marked a function."""
    return hasattr(function, _TASK)


def is_sweep(function: object) -> bool:
    """Tell whether :func:`sweep` marked a function."""
    return hasattr(function, _SWEEP)


def core_tasks() -> dict[str, Task]:
    """Return the tasks of the core's rooms that were imported, by name."""
    return dict(_core_tasks)


def core_sweeps() -> list[Sweep]:
    """Return the sweeps of the core's rooms that were imported."""
    return list(_core_sweeps.values())
