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
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.db import Database
from core.errors import AbahError
from core.framework.journal import WHOLE, Operation
from core.framework.models import JournalEntry, Outcome
from core.framework.runtime import Runtime
from core.i18n import TranslationString, _

__all__ = [
    "ACTOR",
    "OperationError",
    "Progress",
    "as_ended",
    "can_operate",
    "preview",
    "progress",
    "start",
]

ACTOR: Final = "ABAH_ACTOR"
"""Environment variable that tells the command line for whom it acts."""

VERBS: Final = {
    "install": ("install", "--yes"),
    "upgrade": ("upgrade", "--yes"),
    "enable": ("enable",),
    "disable": ("disable",),
    "uninstall": ("uninstall", "--yes"),
    "resume": ("resume", "--yes"),
}
REFUSED: Final = 1
"""Exit code of the command line for what it explains in a sentence."""
PREVIEW_SECONDS: Final = 60
LONGEST_REASON: Final = 500

log = structlog.get_logger(__name__)


class OperationError(AbahError):
    """The other process refused; ``explanation`` is what it said."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the operations after a point of the journal are."""

    entries: Sequence[JournalEntry]
    """Oldest first; a step that is done or failed stands here once, as it ended."""
    finished: bool
    failed: bool


def can_operate(runtime: Runtime) -> bool:
    """Tell whether there is a configuration file that another process could read."""
    return bool(runtime.settings.text("__file__"))


def preview(runtime: Runtime, name: str, *, locale: str) -> list[dict[str, Any]]:
    """Tell what an install or upgrade of a plugin would do, as ``abah plugins preview --json``.

    :raises OperationError: it is not possible.
    """
    command = _command(runtime, ["preview", name, "--json"], locale)
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter, a plugin's name
            command, capture_output=True, text=True, timeout=PREVIEW_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise OperationError(_("Proses tidak menjawab. Coba lagi.")) from error
    if done.returncode != 0:
        raise OperationError(_said(done.returncode, done.stderr))
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def start(runtime: Runtime, operation: str, *names: str, actor: str, locale: str) -> int:
    """Start an operation in a process of its own; :func:`progress` tells how far it is.

    Returns the point of the journal after which its entries stand.
    """
    with runtime.database.reading() as session:
        mark = session.scalar(select(func.max(JournalEntry.id))) or 0
    process = subprocess.Popen(  # noqa: S603 - our own interpreter, names of plugins
        _command(runtime, [*VERBS[operation], *names], locale),
        env={**os.environ, ACTOR: actor},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        # It outlives the process that serves pages: an install replaces that one.
        start_new_session=True,
    )
    noted = Operation(runtime.database, " ".join(names) or "core", operation, actor)
    waiter = threading.Thread(
        target=_wait, args=[process, runtime.database, noted, mark], name="operation", daemon=True
    )
    waiter.start()
    return mark


def progress(session: Session, since: int) -> Progress:
    """Tell how far the operations are that began after a point of the journal."""
    statement = select(JournalEntry).where(JournalEntry.id > since).order_by(JournalEntry.id)
    latest = as_ended(session.scalars(statement))
    wholes = [entry for entry in latest if entry.step == WHOLE]
    return Progress(
        entries=latest,
        finished=bool(wholes) and all(one.outcome != Outcome.BEGUN for one in wholes),
        failed=any(one.outcome == Outcome.FAILED for one in wholes),
    )


def as_ended(entries: Iterable[JournalEntry]) -> list[JournalEntry]:
    """Keep one entry for each step: the later of its beginning and its end."""
    latest: dict[tuple[str, str], JournalEntry] = {}
    for entry in entries:
        latest[entry.operation_id, entry.step] = entry
    return list(latest.values())


def _command(runtime: Runtime, arguments: Sequence[str], locale: str) -> list[str]:
    config = runtime.settings.required("__file__")
    head = [sys.executable, "-m", "core.cli", "--lang", locale, "-c", config, "plugins"]
    return [*head, *arguments]


def _wait(
    process: subprocess.Popen[str], database: Database, operation: Operation, mark: int
) -> None:
    """Note what the other process refused before it came to write anything itself."""
    _out, said = process.communicate()
    if process.returncode == 0:
        return
    log.error("operation failed", operation=operation.name, plugin=operation.plugin, said=said)
    with database.writing() as session:
        if not progress(session, mark).failed:
            reason = str(_said(process.returncode, said))
            operation.add(session, WHOLE, Outcome.BEGUN, {})
            session.flush()
            operation.add(session, WHOLE, Outcome.FAILED, {"error": reason})


def _said(code: int, text: str) -> TranslationString:
    """Return what the command line said, which is a sentence in the reader's language."""
    if code != REFUSED:
        return _("Proses berakhir dengan kesalahan yang tidak terduga. Rinciannya ada di log.")
    lines = [line for line in text.splitlines() if line.strip()]
    return TranslationString(" ".join(lines)[-LONGEST_REASON:] or "-", domain=None)
