"""The state machine of messages: by its table, and by whatever order things happen in."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import func, select, update

from core.api.hooks import DeliveryReport, Evidence, Outcome, ReportState, SendResult
from core.api.messaging import Draft, Lane, Tick, cancel_messages, settle_uncertain
from core.db import utcnow
from core.framework.runtime import Runtime
from core.messaging.dispatch import dispatch_chunk
from core.messaging.intake import Intake
from core.messaging.models import ChannelAccount, Message, Segment, Thread
from core.messaging.queue import queue_messages
from core.messaging.states import (
    FAILED,
    FINAL,
    RANK,
    Cause,
    State,
    may_move,
    reported_state,
    stronger,
    tick_of,
)
from core.messaging.sweeps import sweep_messages
from core.messaging.threads import ensure_threads
from tests.core.messaging.conftest import number
from tests.core.messaging.line import Line, LinePlugin

OUTGOING = [state for state in State if state is not State.RECEIVED]


def test_a_report_only_ever_raises_the_rank() -> None:
    for before in OUTGOING:
        for report in ReportState:
            after = reported_state(report)
            if may_move(before, after, Cause.REPORT):
                assert RANK[after] > RANK[before]
                assert before is not State.SENDING, "reports wait while a worker holds the message"


def test_what_is_delivered_stays_delivered() -> None:
    for after in OUTGOING:
        for cause in Cause:
            assert not may_move(State.DELIVERED, after, cause)


def test_nobody_but_a_person_puts_an_uncertain_message_back() -> None:
    causes = {cause for cause in Cause if may_move(State.UNCERTAIN, State.QUEUED, cause)}
    # RESULT: the answer of the very hand-over came late and says that it surely failed.
    assert causes == {Cause.PERSON, Cause.RESULT}


def test_final_states_are_left_by_reports_alone() -> None:
    for before in FINAL:
        for after in OUTGOING:
            for cause in set(Cause) - {Cause.REPORT}:
                assert not may_move(before, after, cause), (before, after, cause)


def test_an_incoming_message_never_changes() -> None:
    for after in State:
        for cause in Cause:
            assert not may_move(State.RECEIVED, after, cause)


def test_every_state_has_a_mark_and_only_one_is_green() -> None:
    marks = {state: tick_of(state) for state in State}
    assert [state for state, mark in marks.items() if mark is Tick.RECEIVED] == [State.DELIVERED]
    assert {state for state, mark in marks.items() if mark is Tick.FAILED} == {
        State.UNDELIVERED,
        State.REJECTED,
    }


def test_stronger_evidence_wins_in_any_order() -> None:
    for first in Evidence:
        for second in Evidence:
            assert stronger(first, second) in {first, second}
            assert stronger(Evidence.HANDSET, first) is Evidence.HANDSET
            assert stronger(first, Evidence.NONE) is first


class Life(RuleBasedStateMachine):
    """A few messages to which everything happens that can, in any order."""

    def __init__(self, runtime: Runtime, line: Line, account: int) -> None:
        super().__init__()
        self.runtime, self.line, self.account = runtime, line, account
        line.seen.clear()
        with runtime.database.writing() as session:
            subject = f"uji.hidup:{utcnow().timestamp()}"
            self.thread = ensure_threads(session, {subject: "Hidup"})[subject]
            self.ids = queue_messages(
                session,
                [
                    Draft(number(i), f"{subject} {'panjang ' * 30 * i}", "uji",
                          thread_id=self.thread, lane=Lane.PERSON)
                    for i in range(3)
                ],
            )  # fmt: skip
        self.before = self.states()
        self.requeued: Counter[str] = Counter()
        self.untried: Counter[str] = Counter()
        self.spoken_of_whole: set[str] = set()

    def states(self) -> dict[str, State]:
        with self.runtime.database.reading() as session:
            rows = session.execute(
                select(Message.ref, Message.state).where(Message.id.in_(self.ids))
            )
            return {row.ref: State(row.state) for row in rows}

    def report(self, ref: str, state: ReportState, part: int | None) -> None:
        if not part:
            # Taken before anybody knew of parts, it counts for the whole.
            self.spoken_of_whole.add(ref)
        reference = f"{ref}/{part}" if part else ""
        report = DeliveryReport(state, ref="" if part else ref, reference=reference)
        self.runtime.component(Intake).store(self.account, [report])

    @rule(
        outcome=st.sampled_from([*Outcome, None]),
        early=st.none() | st.sampled_from(ReportState),
        slow=st.booleans(),
    )
    def hand_over(self, outcome: Outcome | None, early: ReportState | None, slow: bool) -> None:
        """A worker takes what is due; reports may overtake the answer, the lease may run out."""
        with self.runtime.database.writing() as session:
            session.execute(update(Message).where(Message.id.in_(self.ids)).values(due_at=utcnow()))
            session.execute(update(ChannelAccount).values(open_until=None))

        def behave(message: Any) -> SendResult | None:
            if early is not None:
                self.report(message.ref, early, None)
            if slow:
                with self.runtime.database.writing() as session:
                    past = utcnow() - timedelta(seconds=1)
                    session.execute(update(Message).values(lease_until=past))
                sweep_messages(self.runtime)
            if outcome is None:
                return None
            if outcome is Outcome.NOT_TRIED:
                self.untried[message.ref] += 1
            references = tuple(f"{message.ref}/{part}" for part in range(1, message.parts + 1))
            return SendResult(message.ref, outcome, references=references)

        self.line.behave = behave
        dispatch_chunk(self.runtime, self.account)
        if outcome is Outcome.TEMPORARY:
            self.requeued.update(ref for ref, now in self.states().items() if now is State.QUEUED)

    @rule(
        which=st.integers(0, 2),
        state=st.sampled_from(ReportState),
        part=st.none() | st.integers(1, 3),
    )
    def hear(self, which: int, state: ReportState, part: int | None) -> None:
        """A report arrives."""
        self.report(list(self.before)[which], state, part)

    @rule(which=st.integers(0, 2), state=st.sampled_from([State.SENT, State.QUEUED]))
    def settle(self, which: int, state: State) -> None:
        """A person decides about an uncertain message."""
        with self.runtime.database.writing() as session:
            changed = settle_uncertain(session, [self.ids[which]], state, actor_id=None)
        if changed and state is State.QUEUED:
            self.requeued[list(self.before)[which]] += 1

    @rule(which=st.integers(0, 2))
    def cancel(self, which: int) -> None:
        """A person takes a message back."""
        with self.runtime.database.writing() as session:
            cancel_messages(session, [self.ids[which]])

    @rule()
    def look_around(self) -> None:
        """The sweeper passes."""
        sweep_messages(self.runtime)

    @invariant()
    def ranks_fall_only_back_into_the_queue(self) -> None:
        now = self.states()
        for ref, state in now.items():
            if RANK[state] < RANK[self.before[ref]]:
                assert state is State.QUEUED
                assert self.before[ref] in {State.UNCERTAIN, State.SENDING}
        self.before = now

    @invariant()
    def nothing_is_handed_over_without_a_reason(self) -> None:
        for ref, times in self.line.counted.items():
            assert times - self.untried[ref] <= 1 + self.requeued[ref]

    @invariant()
    def green_means_every_part(self) -> None:
        with self.runtime.database.reading() as session:
            lost = session.scalar(
                select(func.count())
                .select_from(Segment)
                .join(Message, Message.id == Segment.message_id)
                .where(
                    Message.id.in_(self.ids),
                    Message.state == State.DELIVERED,
                    Segment.attempt == Message.attempt_count,
                    Segment.state != "delivered",
                    Message.ref.not_in(self.spoken_of_whole),
                )
            )
        assert not lost

    @invariant()
    def counters_are_what_a_count_would_give(self) -> None:
        states = list(self.states().values())
        with self.runtime.database.reading() as session:
            row = session.execute(
                select(Thread.message_count, Thread.failed_count, Thread.uncertain_count).where(
                    Thread.id == self.thread
                )
            ).one()
        assert tuple(row) == (
            3,
            sum(state in FAILED for state in states),
            states.count(State.UNCERTAIN),
        )


def test_no_order_of_events_makes_a_message_lie(
    runtime: Runtime, account: int, line: Line, plugin: LinePlugin
) -> None:
    run_state_machine_as_test(
        lambda: Life(runtime, line, account),  # type: ignore[arg-type]
        settings=settings(
            max_examples=15,
            stateful_step_count=12,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
