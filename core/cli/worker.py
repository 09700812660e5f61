"""``abah worker``: run background work in a process of its own."""

from __future__ import annotations

import os
from typing import Final

import click

from core.cli.state import CliState, pass_state
from core.errors import AbahError
from core.i18n import _

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
    from core.live import run_worker  # noqa: PLC0415

    state.verbose = True
    runtime = state.runtime()
    if runtime.component(Jobs).in_memory:
        raise AbahError(
            _(
                "abah.jobs.broker = memory: pekerjaan latar berjalan di dalam proses web. "
                "Pakai redis:// atau amqp:// untuk proses worker tersendiri."
            )
        )
    # Without a supervisor what follows is the business of what starts this process, as systemd.
    run_worker(runtime, threads=threads, alone=os.environ.get(SUPERVISED) != "1")
