"""``abah worker``: run background work in a process of its own."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING, Final

import click

from core.cli.state import CliState, pass_state
from core.errors import AbahError
from core.i18n import _

if TYPE_CHECKING:
    from core.framework.runtime import Runtime

__all__ = ["SUPERVISED", "command"]

SUPERVISED: Final = "ABAH_SUPERVISED"
"""Environment variable that ``abah serve``, which watches the registry, sets for its children."""


@click.command("worker", help=_("Menjalankan pekerjaan latar: pengiriman, jadwal, penyapu."))
@click.option(
    "-t",
    "--threads",
    type=click.IntRange(1, 64),
    help=_("Banyaknya utas; tanpa ini abah.jobs.threads."),
)
@pass_state
def command(state: CliState, threads: int | None) -> None:
    """Work until SIGTERM or SIGINT, then finish what is under way."""
    from core.jobs.runner import Jobs  # noqa: PLC0415 - dramatiq is slow to import
    from core.jobs.worker import WorkerProcess  # noqa: PLC0415
    from core.live import Follower  # noqa: PLC0415

    state.verbose = True
    runtime = state.runtime()
    if runtime.component(Jobs).in_memory:
        raise AbahError(
            _(
                "abah.jobs.broker = memory: pekerjaan latar berjalan di dalam proses web. "
                "Pakai redis:// atau amqp:// untuk proses worker tersendiri."
            )
        )
    ended = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_signal: ended.set())

    def retire(old: Runtime) -> None:
        # The worker first: its tasks use the other components.
        old.component(WorkerProcess).stop()
        old.close(keep_database=True)

    def switch(new: Runtime) -> None:
        new.component(WorkerProcess).start(threads=threads)
        retire(follower.runtime)

    # Without a supervisor what follows is the business of what starts this process, as systemd.
    alone = os.environ.get(SUPERVISED) != "1"
    follower = Follower(runtime, switch, must_end=ended.set if alone else None)
    runtime.component(WorkerProcess).start(threads=threads)
    follower.start()
    ended.wait()
    follower.stop()
    retire(follower.runtime)
