"""The tasks of this process and the broker that wakes them."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import structlog
from dramatiq import Message

from core.jobs.brokers import MEMORY, delete_queues, make_broker
from core.jobs.registry import (
    CORE,
    Sweep,
    Task,
    core_sweeps,
    core_tasks,
    queue_of,
    sweep_of,
    task_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor

    from dramatiq import Broker

    from core.jobs.host import Host

__all__ = ["Jobs"]

log = structlog.get_logger(__name__)

T = TypeVar("T")
Wake = tuple[str, tuple[Any, ...]]


class Jobs:
    """Component of the runtime: sends wake-ups, and knows every task and sweep by name.

    The database is the truth. A wake-up that is lost, because the broker is away or the process
    dies, costs one interval of the sweeper.
    """

    def __init__(self, runtime: Host) -> None:
        """Read which broker is wanted; connect nothing."""
        self._runtime = runtime
        self.address = runtime.settings.text("abah.jobs.broker", MEMORY) or MEMORY
        self.stopping = threading.Event()
        """Set once this process drains: a task looks at it before it begins something new."""
        self._guard = threading.Lock()
        self._broker: Broker | None = None
        self._waiting: set[Wake] = set()
        self._substitute: Executor | None = None

    @property
    def in_memory(self) -> bool:
        """Whether tasks run inside the process that enqueues them."""
        return self.address == MEMORY

    @property
    def broker(self) -> Broker:
        """The broker, made at the first use."""
        with self._guard:
            if self._broker is None:
                self._broker = make_broker(self.address)
            return self._broker

    def tasks(self) -> dict[str, Task]:
        """Return the tasks of the core and of the enabled plugins, by name."""
        found = core_tasks()
        for plugin, task in self._declared("register_tasks", task_of):
            if task.owner == plugin and task.name not in found:
                found[task.name] = task
            else:
                log.error("task refused", plugin=plugin, task=task.name)
        return found

    def sweeps(self) -> list[tuple[str, Sweep]]:
        """Return the sweeps of the core and of the enabled plugins, each with its owner."""
        own = [("core", sweep) for sweep in core_sweeps()]
        return own + self._declared("register_sweeps", sweep_of)

    def send(self, name: str, *args: Any) -> None:
        """Ask a worker to run a task. A broker that is away is logged, never raised.

        In memory, a wake-up equal to one that still waits is dropped. A worker whose broker is away
        does itself what it would have asked for.
        """
        wake = (name, args)
        if self.in_memory:
            with self._guard:
                if wake in self._waiting:
                    return
                self._waiting.add(wake)
        queue = queue_of(name)
        message: Message[None] = Message(
            queue_name=queue, actor_name=name, args=args, kwargs={}, options={}
        )
        try:
            self.broker.declare_queue(queue)
            self.broker.enqueue(message)
        except Exception as error:  # noqa: BLE001 - every broker has errors of its own
            self._forget(wake)
            if not self._run_instead(wake):
                log.warning("wake-up lost, a sweep will find it", task=name, error=str(error))

    def substitute(self, threads: Executor | None) -> None:
        """Say which threads of this process work while the broker is away; None for none."""
        with self._guard:
            self._substitute = threads

    def run(self, name: str, *args: Any) -> None:
        """Run a task in this thread."""
        self._run(self.tasks()[name], *args)

    def take_waiting(self) -> list[Wake]:
        """Return what waits in memory and forget it, where no worker consumes it (tests)."""
        with self._guard:
            waiting, self._waiting = list(self._waiting), set()
            if self._broker is not None:
                self._broker.flush_all()
        return waiting

    def declare_actors(self) -> Sequence[str]:
        """Make an actor of every task on the broker and return the queues to consume."""
        tasks = self.tasks()
        declared: Mapping[str, Any] = self.broker.actors
        for task in tasks.values():
            if task.name not in declared:
                self._declare(task)
        return sorted({task.queue for task in tasks.values()})

    def forget_queues(self, owner: str, queues: Sequence[str]) -> None:
        """Take away an owner's queues with the wake-ups in them; one that is away is logged."""
        try:
            delete_queues(self.broker, {owner, *queues})
        except Exception as error:  # noqa: BLE001 - every broker has errors of its own
            log.warning("queues stay behind, the broker is away", owner=owner, error=str(error))

    def close(self) -> None:
        """Close the broker's connections."""
        with self._guard:
            if self._broker is not None:
                self._broker.close()
                self._broker = None

    def _declare(self, task: Task) -> None:
        # Here and not on top: the module would set a global RabbitMQ broker for every importer.
        from dramatiq import Actor  # noqa: PLC0415

        self.broker.declare_actor(
            Actor(
                partial(self._run, task),
                broker=self.broker,
                actor_name=task.name,
                queue_name=task.queue,
                priority=0,
                options={},
            )
        )

    def _run(self, task: Task, *args: Any) -> None:
        # Forgotten before it runs: what is enqueued from now on may not have been seen by this run.
        self._forget((task.name, args))
        if self.stopping.is_set():
            if not self.in_memory:
                # Taken in the very moment: another process can do it at once.
                self.send(task.name, *args)
            return
        # Of a task without ids the next start by the clock is soon enough. One with ids is
        # somebody's work, and may well succeed where that of another id failed.
        breaker = task.owner != CORE and not args
        fence = self._runtime.hooks.fence(task.owner, f"task {task.name}", breaker=breaker)
        with structlog.contextvars.bound_contextvars(task_args=args), fence as allowed:
            if allowed:
                task.run(self._runtime, *args)

    def _run_instead(self, wake: Wake) -> bool:
        """Run a task in this process's own threads, and tell whether it has any."""
        name, args = wake
        with self._guard:
            if self._substitute is None:
                return False
            if wake not in self._waiting:
                self._waiting.add(wake)
                self._substitute.submit(self.run, name, *args)
            return True

    def _forget(self, wake: Wake) -> None:
        with self._guard:
            self._waiting.discard(wake)

    def _declared(self, hook: str, read: Callable[[Any], T]) -> list[tuple[str, T]]:
        """Ask the plugins; one that gives something else than was asked for is left out."""
        declared: list[tuple[str, T]] = []
        hooks = self._runtime.hooks
        for plugin, implementation in hooks.implementations(hook):
            with hooks.fence(plugin, hook) as allowed:
                if allowed:
                    declared += [(plugin, read(each)) for each in implementation() or ()]
        return declared
