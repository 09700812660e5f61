"""The conversation that the tests of its pages look at, and what they read of it."""

from __future__ import annotations

from sqlalchemy import func, select, update

from core.framework.runtime import Runtime
from core.messaging.models import Message, Thread
from core.messaging.states import State

SUBJECT = "uji.lembaga:1"
ABOUT = f"/pesan/tentang/{SUBJECT}"
NUMBER = "+628123090095"
HX = {"HX-Request": "true"}


def thread_id(runtime: Runtime) -> int:
    with runtime.database.reading() as session:
        found = session.scalar(select(Thread.id).where(Thread.subject == SUBJECT))
    assert found is not None
    return found


def count(runtime: Runtime) -> int:
    with runtime.database.reading() as session:
        return session.scalar(select(func.count()).select_from(Message)) or 0


def set_state(runtime: Runtime, message_id: int, state: State, **more: object) -> None:
    counter = {State.UNCERTAIN: "uncertain_count"}.get(state, "failed_count")
    with runtime.database.writing() as session:
        session.execute(update(Message).where(Message.id == message_id).values(state=state, **more))
        session.execute(
            update(Thread)
            .where(Thread.subject == SUBJECT)
            .values({counter: getattr(Thread, counter) + 1})
        )


def text_of(response: object) -> str:
    return " ".join(response.html.get_text(" ").split())  # type: ignore[attr-defined]
