"""A bureau with full pages: the demo's grants, officers, invitations, and what was sent."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from core.api.messaging import Draft, add_account, queue_messages
from core.app import open_runtime, prepare
from core.messaging.models import Thread
from core.testing.people import People
from core.testing.work import Worker
from plugins.hibah import api as hibah
from plugins.hibah import demo
from plugins.nphd.days import today_in_jakarta
from plugins.nphd.services.inviting import Order, invite
from plugins.nphd.services.sending import send

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.orm import Session

    from core.api.hooks import UserFacts
    from core.framework.runtime import Runtime

__all__ = ["BUNDLED", "deploy"]

BUNDLED: Final = ("hibah", "nphd", "sandbox")
"""Plugins that are installed."""

OFFICERS: Final = 40
LISTS: Final = 40
"""Invitations, the first of them with many institutions."""
FIRST_LIST: Final = 30
MESSAGES: Final = 60
"""Written in the first conversation."""


def deploy(file: Path) -> tuple[Runtime, int]:
    """Set up a deployment in a new file; return its runtime and the id of its Admin."""
    settings = {
        "sqlalchemy.url": f"sqlite:///{file}",
        "abah.secret": "only-for-measuring-0123456789abcdef",
        "abah.base_url": "http://localhost",
        "abah.cookie_secure": "false",
        "abah.jobs.broker": "memory",
        "abah.embedded_worker": "false",
    }
    empty = open_runtime(settings, plugins=())
    prepare(empty, BUNDLED)
    empty.close()
    runtime = open_runtime(settings)
    people = People(runtime)
    for number in range(OFFICERS):
        people.petugas(f"PETUGAS {number}", team=f"Tim {number % 4}")
    admin = people.admin("KEPALA BIRO")
    with runtime.database.writing() as session:
        demo.load(session, lambda _text: None)
        add_account(session, "Telepon percobaan", transport="sandbox", settings={})
        _invite(session, people.facts(admin))
        thread_id = session.scalar(select(Thread.id).order_by(Thread.id))
        address = "+6281230900000"
        queue_messages(
            session,
            [
                Draft(
                    address, f"Mohon hadir, {n}.", "person", thread_id=thread_id, sender_id=admin.id
                )
                for n in range(MESSAGES)
            ],
        )
    Worker(runtime).run()
    return runtime, admin.id


def _invite(session: Session, admin: UserFacts) -> None:
    """Invite institutions for many days and send what was invited for the first ones."""
    rows = session.execute(
        select(hibah.Grant.id, hibah.Grant.institution_id)
        .where(
            hibah.Grant.state.in_(hibah.INVITABLE_STATES),
            hibah.Grant.archived_at.is_(None),
            hibah.Grant.pending.is_(False),
        )
        .order_by(hibah.Grant.id)
    )
    grants = list({row.institution_id: row.id for row in rows}.values())
    lists: dict[int, None] = {}
    for number, grant_id in enumerate(grants[: FIRST_LIST + LISTS]):
        day = today_in_jakarta() + timedelta(days=2 + max(0, number - FIRST_LIST))
        order = Order(grant_id, f"+62812309{number:05d}", "NUR SASMITA", day, f"key-{number}")
        lists[invite(session, order, admin).invitation_id] = None
    send(session, dict.fromkeys(list(lists)[: LISTS // 2]), admin)
