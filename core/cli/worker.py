"""``abah worker``: run background work in a process of its own."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING, Final

import click
import structlog
from sqlalchemy.exc import SQLAlchemyError

from core.cli.state import CliState, pass_state
from core.errors import AbahError
from core.framework.loading import LoadedPlugins
from core.framework.registry import registry_number
from core.i18n import _

if TYPE_CHECKING:
    from core.framework.runtime import Runtime

__all__ = ["SUPERVISED", "command"]

SUPERVISED: Final = "ABAH_SUPERVISED"
"""Environment variable that ``abah serve``, which watches the registry, sets for its children."""

WATCH_SECONDS: Final = 2.0

log = structlog.get_logger(__name__)


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
    from core.jobs.worker import run_worker  # noqa: PLC0415

    state.verbose = True
    runtime = state.runtime()
    if runtime.component(Jobs).in_memory:
        raise AbahError(
            _(
                "abah.jobs.broker = memory: pekerjaan latar berjalan di dalam proses web. "
                "Pakai redis:// atau amqp:// untuk proses worker tersendiri."
            )
        )
    if os.environ.get(SUPERVISED) != "1":
        threading.Thread(target=_watch, args=(runtime,), daemon=True, name="registry").start()
    run_worker(runtime, threads=threads)


def _watch(runtime: Runtime) -> None:
    """End this process when plugins changed; what supervises it (systemd) starts it again."""
    built = LoadedPlugins.of(runtime).number
    pause = threading.Event()
    while not pause.wait(WATCH_SECONDS):
        try:
            with runtime.database.reading() as session:
                number = registry_number(session)
        except SQLAlchemyError:
            # The database is away for a moment; the next look will tell.
            continue
        if number != built:
            log.info("plugins changed, draining for a restart", number=number)
            os.kill(os.getpid(), signal.SIGTERM)
            return
