"""``abah serve``: the web server and its workers as one service that looks after itself."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from sqlalchemy.exc import SQLAlchemyError

from core.api.cli import errors, in_words, say
from core.cli.state import CliState, pass_state
from core.cli.supervisor import Child, Supervisor
from core.cli.web import open_sockets
from core.cli.worker import SUPERVISED
from core.db import Database
from core.errors import AbahError
from core.framework.registry import has_tables, registry_numbers
from core.framework.secrets import Secrets
from core.framework.settings import Settings
from core.i18n import _

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["command"]

DRAIN_SECONDS: Final = 160
"""A little longer than the worker itself waits for a chunk that is under way."""


@click.command("serve", help=_("Menjalankan dan menjaga server web serta worker."))
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "-w",
    "--workers",
    type=click.IntRange(0, 32),
    default=1,
    show_default=True,
    help=_("Banyaknya proses worker bila abah.jobs.broker bukan memory."),
)
@click.option(
    "--drain",
    type=click.IntRange(1, 3600),
    default=DRAIN_SECONDS,
    show_default=True,
    help=_("Detik menunggu pekerjaan selesai sebelum proses dihentikan paksa."),
)
@pass_state
def command(state: CliState, file: Path | None, workers: int, drain: int) -> int:
    """Supervise until SIGTERM; exit code 0 then, 1 when no process can be kept alive."""
    if file is not None:
        state.config = file
    path = state.config_path
    settings = Settings(state.settings())
    state.verbose = True
    state.configure_logging(settings)
    # Said once and here, not by every process that cannot start.
    Secrets(settings.required("abah.secret"))
    with ExitStack() as open_until_the_end:
        database = Database(settings.required("sqlalchemy.url"))
        open_until_the_end.callback(database.dispose)
        _refuse_unready(database)
        sockets = [open_until_the_end.enter_context(opened) for opened in open_sockets(path)]
        if settings.text("abah.base_url"):
            say(_("Buka ${url} di peramban.", mapping={"url": settings.text("abah.base_url")}))
            # The children write to the same place by themselves.
            sys.stdout.flush()
        supervisor = Supervisor(
            _children(settings, path, workers, [opened.fileno() for opened in sockets]),
            environment={SUPERVISED: "1"},
            drain_seconds=drain,
            changed=_registry_watch(database),
        )
        code = supervisor.run()
    if supervisor.gave_up:
        text = _(
            "Proses ${name} berulang kali gagal dijalankan; pesan kesalahannya ada di atas.",
            mapping={"name": supervisor.gave_up},
        )
        errors().print(in_words(text), markup=False, style="red")
    else:
        say(_("Semua proses telah berhenti."))
    return code


def _children(
    settings: Settings, path: Path, workers: int, sockets: Sequence[int]
) -> Iterator[Child]:
    web = (sys.executable, "-m", "core.cli.web", str(path), *map(str, sockets))
    yield Child("web", web, sockets=sockets, overlap=bool(sockets))
    if settings.text("abah.jobs.broker", "memory") not in {"", "memory"}:
        verb = (sys.executable, "-m", "core.cli", "-c", str(path), "worker")
        yield from (Child(f"worker {number}", verb) for number in range(1, workers + 1))


def _refuse_unready(database: Database) -> None:
    with database.reading() as session:
        ready = has_tables(session)
    if not ready:
        raise AbahError(_("Basis data belum disiapkan. Jalankan: abah setup"))


def _registry_watch(database: Database) -> Callable[[], bool]:
    """Give a function that tells whether processes have to be replaced since its last call."""
    seen: list[Any] = [None]

    def changed() -> bool:
        try:
            with database.reading() as session:
                _number, replaced = registry_numbers(session)
        except SQLAlchemyError:
            # The database is away for a moment; the children tell it better than we could.
            return False
        before, seen[0] = seen[0], replaced
        return before is not None and replaced != before

    return changed
