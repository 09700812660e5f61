from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from core.api.contacts import contact_history, set_contact
from core.api.errors import ForbiddenError
from core.api.hooks import ResendReview
from core.api.messaging import Draft, NotResendableError, ensure_threads, queue_messages
from core.framework.runtime import Runtime
from core.i18n import _
from core.messaging.models import Message, Thread
from core.messaging.states import State
from core.messaging.writing import (
    Letter,
    Mending,
    RefusedResendError,
    StaleMendingError,
    mend_and_resend,
    settle,
    write_message,
)
from core.testing.people import People
from tests.core.messaging.owner import OwnerPlugin

SUBJECT = "uji.lembaga:1"
NUMBER = "+628123090095"

T = TypeVar("T")


@pytest.fixture
def owner(runtime: Runtime) -> OwnerPlugin:
    plugin = OwnerPlugin(seen={SUBJECT})
    runtime.hooks.register("uji", plugin)
    with runtime.database.writing() as session:
        set_contact(session, SUBJECT, name="NUR SASMITA", number=NUMBER, actor_id=None)
    return plugin


def at_once(runtime: Runtime, work: Callable[[Session], T], times: int = 4) -> list[T]:
    """Run ``work`` in so many transactions that begin at the same moment."""
    barrier = threading.Barrier(times)
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            barrier.wait()
            with runtime.database.writing() as session:
                results.append(work(session))
        except BaseException as error:  # noqa: BLE001 - shown by the assertion below
            errors.append(error)

    threads = [threading.Thread(target=run) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    return results


def messages(runtime: Runtime) -> int:
    with runtime.database.reading() as session:
        return session.scalar(select(func.count()).select_from(Message)) or 0


@pytest.mark.usefixtures("owner")
def test_one_form_sent_by_several_requests_at_once_is_one_message(
    runtime: Runtime, people: People
) -> None:
    officer = people.facts(people.petugas())
    letter = Letter("Mohon datang besok.", "kunci-1", NUMBER)
    written = at_once(runtime, lambda s: write_message(s, officer, SUBJECT, letter))
    assert sorted(each.fresh for each in written) == [False, False, False, True]
    assert len({each.message_id for each in written}) == 1
    assert messages(runtime) == 1
    with runtime.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Thread)) == 1


@pytest.mark.usefixtures("owner")
def test_a_failed_message_mended_by_several_requests_at_once_is_sent_again_once(
    runtime: Runtime, people: People
) -> None:
    officer = people.facts(people.petugas())
    with runtime.database.writing() as session:
        thread_id = ensure_threads(session, {SUBJECT: "LEMBAGA 1"})[SUBJECT]
        failed = queue_messages(session, [Draft(NUMBER, "halo", "uji", thread_id=thread_id)])[0]
        session.execute(update(Message).where(Message.id == failed).values(state=State.UNDELIVERED))
        session.execute(update(Thread).values(failed_count=1))
    mending = Mending(thread_id, failed, "SITI AMINAH", "+6281230900123")
    sent = at_once(runtime, lambda s: mend_and_resend(s, officer, mending))
    assert len(set(sent)) == 1
    assert messages(runtime) == 2
    with runtime.database.reading() as session:
        assert session.scalar(select(Thread.failed_count)) == 0
        assert [each.name for each in contact_history(session, SUBJECT)] == [
            "SITI AMINAH",
            "NUR SASMITA",
        ]


@pytest.mark.usefixtures("owner")
def test_what_arrived_is_not_sent_again(runtime: Runtime, people: People) -> None:
    officer = people.facts(people.petugas())
    with runtime.database.writing() as session:
        thread_id = ensure_threads(session, {SUBJECT: "LEMBAGA 1"})[SUBJECT]
        done = queue_messages(session, [Draft(NUMBER, "halo", "uji", thread_id=thread_id)])[0]
        session.execute(update(Message).values(state=State.DELIVERED))
    mending = Mending(thread_id, done, "SITI", "+6281230900123")
    with pytest.raises(NotResendableError), runtime.database.writing() as session:
        mend_and_resend(session, officer, mending)
    with runtime.database.reading() as session:
        assert [each.number for each in contact_history(session, SUBJECT)] == [NUMBER]
    assert messages(runtime) == 1


@pytest.mark.usefixtures("owner")
def test_a_settled_message_is_not_settled_again(runtime: Runtime, people: People) -> None:
    officer = people.facts(people.petugas())
    with runtime.database.writing() as session:
        thread_id = ensure_threads(session, {SUBJECT: "LEMBAGA 1"})[SUBJECT]
        open_ = queue_messages(session, [Draft(NUMBER, "halo", "uji", thread_id=thread_id)])[0]
        session.execute(update(Message).values(state=State.UNCERTAIN))
        session.execute(update(Thread).values(uncertain_count=1))
    with runtime.database.writing() as session:
        assert settle(session, officer, thread_id, open_, State.DELIVERED)
    with runtime.database.writing() as session:
        assert not settle(session, officer, thread_id, open_, State.QUEUED)
    with runtime.database.reading() as session:
        assert session.scalar(select(Message.state)) == State.DELIVERED


@pytest.mark.usefixtures("owner")
def test_who_may_only_read_can_neither_write_nor_send_again(
    runtime: Runtime, people: People
) -> None:
    boss = people.facts(people.pimpinan())
    with runtime.database.writing() as session:
        with pytest.raises(ForbiddenError):
            write_message(session, boss, SUBJECT, Letter("halo", "k"))
        with pytest.raises(ForbiddenError):
            mend_and_resend(session, boss, Mending(1, 1, "A", NUMBER))
        with pytest.raises(ForbiddenError):
            settle(session, boss, 1, 1, State.DELIVERED)
    assert messages(runtime) == 0


def failed_message(runtime: Runtime, state: State = State.UNDELIVERED) -> tuple[int, int]:
    """Make a conversation with a message that did not arrive: ids of both."""
    with runtime.database.writing() as session:
        thread_id = ensure_threads(session, {SUBJECT: "LEMBAGA 1"})[SUBJECT]
        draft = Draft(NUMBER, "halo", "uji", thread_id=thread_id, origin="uji:1")
        failed = queue_messages(session, [draft])[0]
        session.execute(update(Message).values(state=state))
    return thread_id, failed


def test_a_stale_mending_with_another_number_is_refused(
    runtime: Runtime, owner: OwnerPlugin, people: People
) -> None:
    officer = people.facts(people.petugas())
    thread_id, failed = failed_message(runtime)
    first = Mending(thread_id, failed, "SITI AMINAH", "+6281230900123")
    with runtime.database.writing() as session:
        sent = mend_and_resend(session, officer, first)
    for name, number in (("SITI AMINAH", "+6281230900124"), ("BUDI", "+6281230900123")):
        with pytest.raises(StaleMendingError), runtime.database.writing() as session:
            mend_and_resend(session, officer, Mending(thread_id, failed, name, number))
    with runtime.database.writing() as session:
        assert mend_and_resend(session, officer, first) == sent
    assert messages(runtime) == 2


def test_the_owner_of_a_message_may_refuse_to_send_it_again(
    runtime: Runtime, owner: OwnerPlugin, people: People
) -> None:
    owner.answer = ResendReview(refusal=_("Sudah dibatalkan."))
    officer = people.facts(people.petugas())
    thread_id, failed = failed_message(runtime)
    mending = Mending(thread_id, failed, "SITI AMINAH", "+6281230900123")
    with pytest.raises(RefusedResendError), runtime.database.writing() as session:
        mend_and_resend(session, officer, mending)
    assert messages(runtime) == 1
    with runtime.database.reading() as session:
        assert [each.number for each in contact_history(session, SUBJECT)] == [NUMBER]


def test_the_owner_of_a_message_may_give_the_text_that_holds_now(
    runtime: Runtime, owner: OwnerPlugin, people: People
) -> None:
    owner.answer = ResendReview(body="halo lagi")
    officer = people.facts(people.petugas())
    thread_id, failed = failed_message(runtime)
    mending = Mending(thread_id, failed, "SITI AMINAH", "+6281230900123")
    with runtime.database.writing() as session:
        sent = mend_and_resend(session, officer, mending)
        assert session.get_one(Message, sent).body == "halo lagi"
    (plan,) = owner.planned
    assert (plan.origin, plan.name, plan.number) == ("uji:1", "SITI AMINAH", "+6281230900123")


@pytest.mark.parametrize(
    "answer", [ResendReview(refusal=_("Sudah dibatalkan.")), ResendReview(body="halo lagi")]
)
def test_an_uncertain_message_that_holds_no_longer_is_not_handed_over_once_more(
    runtime: Runtime, owner: OwnerPlugin, people: People, answer: ResendReview
) -> None:
    owner.answer = answer
    officer = people.facts(people.petugas())
    thread_id, unsure = failed_message(runtime, State.UNCERTAIN)
    with pytest.raises(RefusedResendError), runtime.database.writing() as session:
        settle(session, officer, thread_id, unsure, State.QUEUED)
    with runtime.database.writing() as session:
        assert settle(session, officer, thread_id, unsure, State.UNDELIVERED)


@pytest.mark.usefixtures("owner")
def test_what_may_have_arrived_is_settled_before_it_is_mended(
    runtime: Runtime, people: People
) -> None:
    officer = people.facts(people.petugas())
    thread_id, unsure = failed_message(runtime, State.UNCERTAIN)
    mending = Mending(thread_id, unsure, "SITI AMINAH", "+6281230900123")
    with pytest.raises(NotResendableError), runtime.database.writing() as session:
        mend_and_resend(session, officer, mending)
    assert messages(runtime) == 1
