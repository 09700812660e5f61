"""Telling the page Aplikasi, which started this process, that it works and how it ended."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from core.cli.state import CliState
from core.db import Database
from core.errors import AbahError
from core.framework.journal import RUN_VARIABLE
from core.framework.runs import end_run, join_run
from core.framework.settings import Settings

__all__ = ["noted_run"]


@contextmanager
def noted_run(explain: Callable[[Exception], Any]) -> Iterator[None]:
    """Note that this process works for the start in its environment, and how the block ended.

    ``explain`` makes a translatable sentence of an error. What cannot be noted because there is no
    database is noted by who started the process, and told by the block itself.
    """
    run = os.environ.get(RUN_VARIABLE, "")
    if not run:
        yield
        return
    _note(join_run)
    try:
        yield
    except Exception as error:
        reason = explain(error)
        _note(lambda database: end_run(database, run, reason))
        raise
    _note(lambda database: end_run(database, run))


def _note(note: Callable[[Database], object]) -> None:
    with suppress(AbahError, SQLAlchemyError):
        # The configuration file stands in the environment too: nothing was read yet.
        settings = Settings(CliState().settings())
        database = Database(settings.required("sqlalchemy.url"))
        try:
            note(database)
        finally:
            database.dispose()
