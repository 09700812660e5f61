"""Demo data: a made-up workbook, imported as the bureau imports its own, and lived in a little."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core.api.db import utcnow
from core.api.web import WIB
from plugins.hibah.models import Grant
from plugins.hibah.services.importing import plan_import, write_import
from plugins.hibah.workbook.generate import ACTIVE_YEAR, SHOWCASE, write_generated
from plugins.hibah.workbook.reader import read_sheet
from plugins.hibah.workbook.rows import check_rows
from plugins.hibah.workflow import State

__all__ = ["load"]

ROWS: Final = 2000
SEED: Final = 1

_LATER: Final = (
    State.SIGNED,
    State.SPP,
    State.DISBURSED,
    State.MONITORED_FIRST,
    State.MONITORED_SECOND,
    State.ACCOUNTED,
)
"""States that some grants of the present year have reached."""


def load(session: Session, progress: Callable[[str], None]) -> None:
    """Fill an empty grants module; where there are grants already, nothing is done."""
    if session.scalar(select(Grant.id).limit(1)) is not None:
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "hibah.xlsx"
        write_generated(path, rows=ROWS, seed=SEED)
        sheet = read_sheet(path)
    rows, _problems = check_rows(sheet)
    plan = plan_import(session, rows, sheet.columns)
    result = write_import(session, plan, actor_id=None)
    _live(session)
    progress(f"{result.created} hibah dari {result.new_institutions} lembaga rekaan")


def _live(session: Session) -> None:
    """Put former years into Data Arsip and let a part of the present year's grants move on."""
    of_year = Grant.code.startswith(f"{ACTIVE_YEAR}-")
    session.execute(
        update(Grant)
        .where(~of_year)
        .values(archived_at=utcnow(), state=State.DONE.value, locked=True)
        .execution_options(synchronize_session=False)
    )
    session.execute(
        update(Grant)
        .where(Grant.code == SHOWCASE)
        .values(created_at=datetime(ACTIVE_YEAR, 1, 31, 13, 41, tzinfo=WIB))
        .execution_options(synchronize_session=False)
    )
    for step, state in enumerate(_LATER, start=1):
        session.execute(
            update(Grant)
            .where(
                of_year,
                Grant.state == State.DECREED.value,
                Grant.code != SHOWCASE,
                # One in seventeen for each state: most institutions still wait to be invited.
                Grant.id % 17 == step,
            )
            .values(state=state.value)
            .execution_options(synchronize_session=False)
        )
