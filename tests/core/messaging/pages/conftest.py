"""Fixtures of the pages of conversations: one subject, its officer, and what is queued in it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from webtest import TestApp

from core.api.contacts import set_contact
from core.api.messaging import Draft, Lane, ensure_threads, queue_messages
from core.framework.runtime import Runtime
from core.testing.people import People, Person
from tests.core.messaging.owner import OwnerPlugin
from tests.core.messaging.pages.talk import NUMBER, SUBJECT


@pytest.fixture
def owner(runtime: Runtime) -> OwnerPlugin:
    plugin = OwnerPlugin(seen={SUBJECT})
    runtime.hooks.register("uji", plugin)
    return plugin


@pytest.fixture
def contact(runtime: Runtime) -> None:
    with runtime.database.writing() as session:
        set_contact(session, SUBJECT, name="NUR SASMITA", number=NUMBER, actor_id=None)


@pytest.fixture
def officer(
    owner: OwnerPlugin, people: People, app: TestApp, sign_in: Callable[[TestApp, int], None]
) -> Person:
    del owner
    person = people.petugas("DANU MAHARDIKA")
    sign_in(app, person.id)
    return person


@pytest.fixture
def put(runtime: Runtime) -> Callable[..., list[int]]:
    """Queue texts of the system in the conversation and return their ids."""

    def queue(*texts: str, **more: object) -> list[int]:
        with runtime.database.writing() as session:
            thread_id = ensure_threads(session, {SUBJECT: "LEMBAGA 1"})[SUBJECT]
            drafts = [
                Draft(NUMBER, text, "uji", thread_id=thread_id, lane=Lane.WORKFLOW, **more)  # type: ignore[arg-type]
                for text in texts
            ]
            return queue_messages(session, drafts)

    return queue
