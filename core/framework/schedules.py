"""Starting tasks by the clock, as manifests say under ``[[schedules]]``.

Each schedule is a row with the moment of its next start, so that a start that was missed while
nothing was running is caught up once, and no two processes start the same one. The task itself runs
in the plugin's queue.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from core.db import utcnow
from core.framework.manifest import Schedule
from core.framework.models import PluginRow, PluginState, ScheduledStart
from core.framework.runtime import Runtime
from core.jobs import enqueue, sweep

__all__ = ["JAKARTA", "forget_schedules", "next_start", "start_due"]

JAKARTA: Final = ZoneInfo("Asia/Jakarta")
LOOK_EVERY: Final = 10.0

log = structlog.get_logger(__name__)


def next_start(schedule: Schedule, after: datetime) -> datetime:
    """Return the first start of a schedule after a moment; both aware."""
    if schedule.every is not None:
        return after + timedelta(seconds=schedule.every)
    hour = time.fromisoformat(schedule.at or "00:00")
    local = after.astimezone(JAKARTA)
    start = datetime.combine(local.date(), hour, tzinfo=JAKARTA)
    return start if start > after else start + timedelta(days=1)


@sweep("core.schedules", every=LOOK_EVERY)
def start_due(runtime: Runtime) -> None:
    """Start every task whose time has come, and note when it comes again."""
    wanted = {
        (manifest.name, schedule.task): schedule
        for manifest in runtime.plugins
        for schedule in manifest.schedules
    }
    if not wanted:
        return
    now = utcnow()
    # A process that has not yet heard that a plugin was removed must not begin its schedule anew.
    installed = select(PluginRow.name).where(PluginRow.state == PluginState.INSTALLED)
    query = select(ScheduledStart).order_by(ScheduledStart.owner, ScheduledStart.task)
    with runtime.database.writing() as session:
        rows = {(row.owner, row.task): row for row in session.scalars(query.with_for_update())}
        running = set(session.scalars(installed))
        for (owner, task), schedule in wanted.items():
            if owner not in running:
                continue
            row = rows.get((owner, task))
            if row is None:
                # The first start is one interval after the plugin came, not at once.
                row = ScheduledStart(owner=owner, task=task, start_at=next_start(schedule, now))
                session.add(row)
            elif row.start_at <= now:
                enqueue(session, task)
                row.last_at = now
                row.start_at = next_start(schedule, now)
                log.info("task started by the clock", task=task)


def forget_schedules(session: Session, owner: str) -> None:
    """Delete the starts of an owner; its plugin goes."""
    session.execute(delete(ScheduledStart).where(ScheduledStart.owner == owner))
