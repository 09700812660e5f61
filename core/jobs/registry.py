"""Declaring background work without touching a broker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

__all__ = ["Sweep", "Task", "sweep", "sweep_of", "task", "task_of"]

F = TypeVar("F", bound=Callable[..., None])

_TASK: Final = "abah_task"
_SWEEP: Final = "abah_sweep"


@dataclass(frozen=True, slots=True)
class Task:
    """A named function that a worker runs: ``run(runtime, *ids)``. Safe to run twice."""

    name: str
    run: Callable[..., None]

    @property
    def queue(self) -> str:
        """The owner's own queue: only queues of enabled plugins are consumed."""
        return self.name.split(".", 1)[0]


@dataclass(frozen=True, slots=True)
class Sweep:
    """Work that is looked for at regular intervals by whichever process holds the lease."""

    name: str
    run: Callable[..., None]
    every: float
    """Seconds between two runs."""


def task(name: str) -> Callable[[F], F]:
    """Mark a function as the task ``owner.name``; it gets the runtime and ids only."""

    def mark(function: F) -> F:
        setattr(function, _TASK, Task(name=name, run=function))
        return function

    return mark


def sweep(name: str, *, every: float) -> Callable[[F], F]:
    """Mark a function as the sweep ``owner.name``, run every ``every`` seconds with the runtime."""

    def mark(function: F) -> F:
        setattr(function, _SWEEP, Sweep(name=name, run=function, every=every))
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
