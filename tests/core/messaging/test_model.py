"""The life of messages in every order: answers, reports, crashes, time-outs and people.

A state machine draws what happens; what was really handed over and really reported is noted beside
it, and after every step the stored messages are compared with that.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import delete, func, select, update

from core.api.hooks import (
    DeliveryReport,
    Evidence,
    Outcome,
    OutgoingMessage,
    ReportState,
    SendResult,
)
from core.api.messaging import Draft, MessageFacts, State, add_account, message_facts
from core.api.messaging import queue_messages as put_into_queue
from core.db import utcnow
from core.framework.runtime import Runtime
from core.jobs.models import Lease
from core.messaging import dispatch
from core.messaging.intake import Intake
from core.messaging.mending import cancel_messages, resend, settle_uncertain
from core.messaging.models import Attempt, ChannelAccount, Message, Report, Segment, Thread
from core.messaging.reports import match_waiting
from core.messaging.states import RANK, Lane, tick_of
from core.messaging.sweeps import end_leases, expire
from core.messaging.threads import ensure_threads
from tests.core.messaging.conftest import number
from tests.core.messaging.line import Line, LinePlugin

LONG: Final = "Undangan penandatanganan NPHD. " * 12
LATER: Final = timedelta(minutes=10)
SURE: Final = frozenset({Outcome.TEMPORARY, Outcome.NOT_TRIED})
"""Answers after which a message may be handed over once more."""
RESENDABLE: Final = frozenset(
    {State.UNDELIVERED, State.REJECTED, State.EXPIRED, State.CANCELLED, State.UNCERTAIN}
)
_numbers = count()

reported = st.sampled_from(list(ReportState))
proofs = st.sampled_from([Evidence.GATEWAY, Evidence.NETWORK, Evidence.HANDSET])


class Died(BaseException):
    """The process ended here."""


@dataclass
class Known:
    """What is true of one message, whatever the tables say."""

    ref: str
    parts: int
    handed_over: int = 0
    allowed: int = 1
    """How many hand-overs there were reasons for."""
    reports: Counter[ReportState] = field(default_factory=Counter)
    """Reports by our own ref: they speak of the message and of no part."""
    delivered_parts: set[int] = field(default_factory=set)
    """Parts of which the channel's own reference was reported delivered."""
    settled: State | None = None
    seen: State = State.QUEUED


@dataclass(frozen=True)
class Turn:
    """How one turn of a worker goes."""

    answers: list[Outcome | None]
    """None: the channel says nothing about this message."""
    dies: str
    """Place at which the process ends, or empty."""
    reports_early: bool
    """Whether reports of delivery come in while the call is still open."""
    hangs: str
    """``slow``: its lease runs out meanwhile; ``overtaken``: and somebody else goes on."""
    raises: bool


turns = st.builds(
    Turn,
    answers=st.lists(st.sampled_from([*Outcome, None]), min_size=3, max_size=3),
    dies=st.sampled_from(["", "", "", "after_claim", "after_handover", "before_result"]),
    reports_early=st.booleans(),
    hangs=st.sampled_from(["", "", "slow", "overtaken"]),
    raises=st.sampled_from([False, False, True]),
)


class Messages(RuleBasedStateMachine):
    """One account, one conversation."""

    runtime: Runtime
    line: Line
    patch: pytest.MonkeyPatch

    @initialize()
    def begin(self) -> None:
        """Open an account and a conversation that no other run has used."""
        self.known: dict[int, Known] = {}
        self.posted = 0
        self.twice: list[str] = []
        self.died_at = ""
        key = next(_numbers)
        with self.runtime.database.writing() as session:
            self.account = add_account(session, f"Jalur {key}", transport="line", settings={})
            self.thread = ensure_threads(session, {f"uji:{key}": "Yayasan Uji"})[f"uji:{key}"]
        self.patch.setattr(dispatch, "fault", self._die)

    def _die(self, _runtime: Runtime, place: str) -> None:
        if place == self.died_at:
            raise Died

    @rule(parts=st.sampled_from([1, 1, 3]), lane=st.sampled_from(list(Lane)), hurry=st.booleans())
    def queue(self, parts: int, lane: Lane, hurry: bool) -> None:
        """Write a message."""
        body = LONG if parts == 3 else "Pesan"
        key = next(_numbers)
        draft = Draft(
            number(key % 10_000),
            f"{body}{key}",
            "uji",
            lane=lane,
            thread_id=self.thread,
            account_id=self.account,
            expires_at=utcnow() + timedelta(hours=1) if hurry else None,
        )
        with self.runtime.database.writing() as session:
            (made,) = put_into_queue(session, [draft])
        one = self._facts()[made]
        self.known[made] = Known(one.ref, parts=one.parts)

    @rule(turn=turns)
    def work(self, turn: Turn) -> None:
        """Let a worker hand over whatever may be, and perhaps die over it."""
        given: dict[int, Outcome | None] = {}
        self.line.behave = lambda message: self._behave(turn, given, message)
        self.died_at = turn.dies
        self._make_due()
        try:
            dispatch.dispatch_chunk(self.runtime, self.account)
        except Died:
            return
        if turn.raises:
            return
        for key, outcome in given.items():
            if outcome in SURE:
                self.known[key].allowed = self.known[key].handed_over + 1

    def _behave(
        self, turn: Turn, given: dict[int, Outcome | None], message: OutgoingMessage
    ) -> SendResult | None:
        key = next(key for key, one in self.known.items() if one.ref == message.ref)
        one = self.known[key]
        outcome = given[key] = turn.answers[len(given) % len(turn.answers)]
        if outcome is not Outcome.NOT_TRIED:
            self._note_handover(one)
        if turn.reports_early and outcome is Outcome.ACCEPTED:
            self._report(one, ReportState.DELIVERED, Evidence.NETWORK)
        if turn.hangs and len(given) == 1:
            claimed = {at for at, found in self._facts().items() if found.state is State.SENDING}
            self.leases_run_out()
            for other, found in self._facts().items():
                self.known[other].seen = found.state
        if turn.hangs == "overtaken" and len(given) == 1:
            # A person lets it be sent again, and that is done, while the first worker still waits.
            self.settle(State.QUEUED)
            for other in claimed - set(given):
                # The first worker still has these in its hands: that is why they were uncertain.
                self.known[other].allowed += 1
            behave, self.line.behave = self.line.behave, self._accept
            self._make_due()
            dispatch.dispatch_chunk(self.runtime, self.account)
            self.line.behave = behave
        if turn.raises:
            raise OSError
        if outcome is None:
            return None
        references = tuple(f"{message.ref}/{part}" for part in range(1, message.parts + 1))
        taken = references if outcome is Outcome.ACCEPTED else ()
        return SendResult(message.ref, outcome, references=taken, reason="uji")

    def _accept(self, message: OutgoingMessage) -> SendResult:
        self._note_handover(next(one for one in self.known.values() if one.ref == message.ref))
        return SendResult(message.ref, Outcome.ACCEPTED, references=(f"{message.ref}/again",))

    def _note_handover(self, one: Known) -> None:
        one.handed_over += 1
        if one.handed_over > one.allowed:
            # Not raised here: the engine would take it for an error of the channel.
            self.twice.append(one.ref)

    def _make_due(self) -> None:
        """Let the pauses after failures pass."""
        with self.runtime.database.writing() as session:
            mine = Message.account_id == self.account
            session.execute(update(Message).where(mine).values(due_at=utcnow()))
            session.execute(
                update(ChannelAccount)
                .where(ChannelAccount.id == self.account)
                .values(open_until=None, failure_count=0)
            )

    @rule()
    def leases_run_out(self) -> None:
        """Find, long after, what nobody finished."""
        with self.runtime.database.writing() as session:
            session.execute(delete(Lease).where(Lease.name.like(f"dispatch:{self.account}:%")))
            end_leases(session, utcnow() + LATER)

    @precondition(lambda self: self.known)
    @rule(data=st.data(), state=reported, proof=proofs, times=st.sampled_from([1, 1, 2]))
    def report(self, data: Any, state: ReportState, proof: Evidence, times: int) -> None:
        """Let reports come in for a message, whatever became of it."""
        one = self.known[data.draw(st.sampled_from(sorted(self.known)))]
        for _time in range(times):
            self._report(one, state, proof)

    @precondition(lambda self: self.known)
    @rule(data=st.data(), state=reported, proof=proofs)
    def report_part(self, data: Any, state: ReportState, proof: Evidence) -> None:
        """Let a report come in that knows only the channel's own reference of a part."""
        one = self.known[data.draw(st.sampled_from(sorted(self.known)))]
        part = data.draw(st.integers(1, one.parts))
        self._store(DeliveryReport(state, reference=f"{one.ref}/{part}", evidence=proof))
        if state is ReportState.DELIVERED:
            one.delivered_parts.add(part)
        if one.parts == 1:
            one.reports[state] += 1

    @rule(state=reported)
    def report_of_nothing(self, state: ReportState) -> None:
        """Let a report come in that belongs to nobody."""
        self._store(DeliveryReport(state, ref="tidakadadimanapun"))

    def _report(self, one: Known, state: ReportState, proof: Evidence) -> None:
        self._store(DeliveryReport(state, ref=one.ref, evidence=proof))
        one.reports[state] += 1

    def _store(self, report: DeliveryReport) -> None:
        self.runtime.component(Intake).store(self.account, [report])
        self.posted += 1

    @rule(state=st.sampled_from([State.QUEUED, State.SENT, State.DELIVERED, State.UNDELIVERED]))
    def settle(self, state: State) -> None:
        """Let a person decide about everything that is uncertain."""
        with self.runtime.database.writing() as session:
            changed = settle_uncertain(session, list(self.known), state, actor_id=None)
        for message_id in changed:
            one = self.known[message_id]
            assert one.seen is State.UNCERTAIN
            one.settled = state
            one.seen = state
            if state is State.QUEUED:
                one.allowed = one.handed_over + 1

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def cancel(self, data: Any) -> None:
        """Let a person take a message back."""
        chosen = data.draw(st.sampled_from(sorted(self.known)))
        with self.runtime.database.writing() as session:
            cancelled = cancel_messages(session, [chosen])
        assert cancelled == ([chosen] if self.known[chosen].seen is State.QUEUED else [])

    @rule()
    def time_is_over(self) -> None:
        """Let what waits reach its last moment."""
        with self.runtime.database.writing() as session:
            expire(session, utcnow() + timedelta(hours=2))

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def send_again(self, data: Any) -> None:
        """Let a person send a failed message anew."""
        facts = self._facts()
        failed = [
            key
            for key, one in facts.items()
            if one.state in RESENDABLE and one.superseded_by_id is None
        ]
        if not failed:
            return
        chosen = data.draw(st.sampled_from(sorted(failed)))
        with self.runtime.database.writing() as session:
            made = resend(session, chosen, actor_id=None, account_id=self.account)
        one = self._facts()[made]
        self.known[made] = Known(one.ref, parts=one.parts)

    def _facts(self) -> dict[int, MessageFacts]:
        with self.runtime.database.reading() as session:
            mine = select(Message.id).where(Message.account_id == self.account)
            found: dict[int, MessageFacts] = message_facts(session, session.scalars(mine).all())
        return found

    @invariant()
    def nothing_goes_backwards(self) -> None:
        """What is known about a message only grows, except where somebody decided."""
        for key, one in self._facts().items():
            known = self.known[key]
            backwards = RANK[one.state] < RANK[known.seen]
            # A claim that came to nothing, and a late answer that nothing was sent.
            given_back = one.state is State.QUEUED and known.allowed > known.handed_over
            assert not backwards or given_back, (known.seen, one.state)
            known.seen = one.state

    @invariant()
    def the_tick_agrees_with_what_was_proved(self) -> None:
        """Green has a report or a person behind it, and a report of delivery always shows."""
        for key, one in self._facts().items():
            known = self.known[key]
            assert one.tick is tick_of(one.state)
            if one.state is State.SENDING:
                continue
            if known.parts > 1:
                whole = len(known.delivered_parts) == known.parts and known.handed_over == 1
                if whole and self._is_known_to_channel(key):
                    assert one.state is State.DELIVERED
                continue
            delivered = known.reports[ReportState.DELIVERED]
            if one.state is State.DELIVERED:
                assert delivered or known.settled is State.DELIVERED
            elif delivered:
                # Only reports by the channel's own reference may still look for their message.
                assert not self._is_known_to_channel(key), (one.state, known.reports)

    def _is_known_to_channel(self, key: int) -> bool:
        """Tell whether the channel's references are stored: before, reports by them wait."""
        with self.runtime.database.reading() as session:
            found = session.scalar(select(func.count()).where(Segment.message_id == key))
        return bool(found)

    @invariant()
    def nothing_is_sent_twice(self) -> None:
        """No message was handed over again without an answer or a person that allowed it."""
        assert not self.twice

    @invariant()
    def nothing_is_lost(self) -> None:
        """Every report is kept, and every hand-over has its attempt on record."""
        with self.runtime.database.reading() as session:
            kept = session.scalar(select(func.count()).where(Report.account_id == self.account))
            rows = session.execute(
                select(Attempt.message_id, func.count())
                .where(Attempt.account_id == self.account)
                .group_by(Attempt.message_id)
            )
            attempts = dict(rows.all())
        assert kept == self.posted
        for key, one in self.known.items():
            assert attempts.get(key, 0) >= one.handed_over

    @invariant()
    def the_counters_are_right(self) -> None:
        """The conversation's kept counters are what counting would give."""
        with self.runtime.database.reading() as session:
            row = session.execute(
                select(Thread.message_count, Thread.failed_count, Thread.uncertain_count).where(
                    Thread.id == self.thread
                )
            ).one()
        facts = list(self._facts().values())
        current = [one for one in facts if one.superseded_by_id is None]
        failed = {State.UNDELIVERED, State.REJECTED, State.EXPIRED}
        assert row.message_count == len(facts)
        assert row.failed_count == sum(one.state in failed for one in current)
        assert row.uncertain_count == sum(one.state is State.UNCERTAIN for one in facts)

    def teardown(self) -> None:
        """Find the messages of reports that still wait: that changes nothing that was proved."""
        if hasattr(self, "account"):
            with self.runtime.database.writing() as session:
                match_waiting(session, utcnow(), age=timedelta(hours=1))
            self.the_tick_agrees_with_what_was_proved()


def test_whatever_happens_a_message_tells_the_truth(
    runtime: Runtime, plugin: LinePlugin, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = type("Machine", (Messages,), {"runtime": runtime, "line": line, "patch": monkeypatch})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=15,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
