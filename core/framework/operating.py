"""Running lifecycle operations for a page: in a process of their own, by the command line's verbs.

The process that serves pages never installs anything itself. Its code is of the moment when it
started, it may be replaced in the middle, and a page must not wait for a migration. What the other
process does is read from the journal.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Final

import structlog
from sqlalchemy import event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from core.db import Database
from core.errors import AbahError
from core.framework.datafiles import CORE
from core.framework.journal import RUN_VARIABLE
from core.framework.runs import ACTOR_VARIABLE, begin_run, end_run_of_gone
from core.framework.runtime import Runtime
from core.framework.settings import CONFIG_VARIABLE
from core.i18n import _, unstored

__all__ = ["OperationError", "can_operate", "preview", "start"]

VERBS: Final = {
    "install": ("install", "--yes"),
    "upgrade": ("upgrade", "--yes"),
    "enable": ("enable",),
    "disable": ("disable",),
    "uninstall": ("uninstall", "--yes"),
    "resume": ("resume", "--yes"),
}
PREVIEW_SECONDS: Final = 60

log = structlog.get_logger(__name__)


class OperationError(AbahError):
    """The other process refused, or said nothing that could be understood."""


def can_operate(runtime: Runtime) -> bool:
    """Tell whether there is a configuration file that another process could read."""
    return bool(runtime.settings.text("__file__"))


def preview(runtime: Runtime, operation: str, name: str) -> list[dict[str, Any]]:
    """Tell what an install or upgrade of a plugin would do, as ``abah plugins preview --json``.

    :raises OperationError: it is not possible; the explanation is that of the other process.
    """
    which = ["--upgrade"] if operation == "upgrade" else []
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter, a plugin's name
            _command("preview", "--json", *which, name),
            env=_environment(runtime),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            timeout=PREVIEW_SECONDS,
            check=False,
        )
        answer = json.loads(done.stdout)
    except subprocess.TimeoutExpired as error:
        raise OperationError(_("Proses tidak menjawab. Coba lagi.")) from error
    except ValueError as error:
        raise OperationError(_UNEXPECTED) from error
    if done.returncode != 0:
        raise OperationError(unstored(answer["refused"]))
    found: list[dict[str, Any]] = answer
    return found


def start(
    session: Session,
    runtime: Runtime,
    operation: str,
    *arguments: str,
    plugin: str = CORE,
    actor: str,
) -> str:
    """Start an operation in a process of its own, and return the id of the start.

    The process starts when the caller's transaction is committed;
    :func:`core.framework.runs.progress` tells how far it is. ``arguments`` are those of the verb;
    ``plugin`` is what it is about.
    """
    run = begin_run(session, plugin, operation, actor)
    command = _command(*VERBS[operation], *arguments)
    environment = _environment(runtime) | {ACTOR_VARIABLE: actor, RUN_VARIABLE: run}
    worker = threading.Thread(
        target=_work,
        args=[command, environment, runtime.database, run],
        name=f"operation-{run}",
        daemon=True,
    )

    def launch(committed: Session) -> None:
        # After a savepoint the transaction may still roll back.
        if not committed.in_nested_transaction() and worker.ident is None:
            worker.start()

    event.listen(session, "after_commit", launch)
    return run


_UNEXPECTED: Final = _(
    "Proses yang menjalankannya berakhir tanpa penjelasan. Rinciannya ada di log server."
)


def _command(*arguments: str) -> Sequence[str]:
    return [sys.executable, "-m", "core.cli", "plugins", *arguments]


def _environment(runtime: Runtime) -> dict[str, str]:
    return {**os.environ, CONFIG_VARIABLE: runtime.settings.required("__file__")}


def _work(
    command: Sequence[str], environment: Mapping[str, str], database: Database, run: str
) -> None:
    """Run the process, and end a start that it could not end itself."""
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter, names of plugins
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            # It outlives the process that serves pages: an install replaces that one.
            start_new_session=True,
            check=False,
        )
        log.info("process of an operation ended", run=run, code=done.returncode)
    except OSError:
        log.exception("process of an operation did not start", run=run)
    try:
        end_run_of_gone(database, run, _UNEXPECTED)
    except SQLAlchemyError:
        log.exception("the end of an operation could not be noted", run=run)
