"""The states of a message, their ranks, and who may move it from which to which.

Every writer of ``Message.state`` asks :func:`may_move`; nothing else decides. Ranks order what is
known about a message: a delivery report may raise the rank and never lowers it, so that a late
"sent" cannot overwrite "delivered". Moves back (``sending`` to ``queued`` after a refusal that is
certain) belong to the process that holds the message, never to a report.
"""

from __future__ import annotations

import enum
from typing import Final

from core.hookspecs.channels import Evidence, ReportState

__all__ = [
    "EVIDENCE_RANK",
    "FAILED",
    "FINAL",
    "RANK",
    "Cause",
    "Direction",
    "Lane",
    "SegmentState",
    "State",
    "Tick",
    "may_move",
    "reported_state",
    "stronger",
    "tick_of",
]


class Direction(enum.StrEnum):
    """Which way a message went."""

    OUT = "out"
    IN = "in"


class Lane(enum.IntEnum):
    """Order in which waiting messages are taken: a lower lane always goes first."""

    CODE = 0
    PERSON = 1
    WORKFLOW = 2
    BULK = 3


class State(enum.StrEnum):
    """Where a message is on its way."""

    QUEUED = "queued"
    SENDING = "sending"
    """Claimed by a worker and perhaps handed over; nobody else may touch it."""
    UNCERTAIN = "uncertain"
    """Handed over or not: nobody can tell. Never sent again blindly."""
    SENT = "sent"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REJECTED = "rejected"
    RECEIVED = "received"
    """The one state of an incoming message."""


class SegmentState(enum.StrEnum):
    """What is known about one part of a message (3GPP TS 23.040)."""

    SENT = "sent"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"


class Tick(enum.StrEnum):
    """The mark at the right of a message."""

    NONE = "none"
    RECEIVED = "received"
    """Green: the recipient's device has it."""
    FAILED = "failed"
    """Red: it was sent and could not be received."""


class Cause(enum.StrEnum):
    """Who wants to change a state."""

    CLAIM = "claim"
    """A worker that takes the message to hand it over."""
    RESULT = "result"
    """The transport's answer to the hand-over under way."""
    LATE_RESULT = "late-result"
    """The transport's answer to an earlier hand-over."""
    LEASE = "lease"
    """The sweeper, because the worker's lease ran out."""
    REPORT = "report"
    """A delivery report."""
    PERSON = "person"
    CLOCK = "clock"
    """The sweeper, because the message's time is over or it may never be sent."""


RANK: Final[dict[State, int]] = {
    State.QUEUED: 0,
    State.SENDING: 1,
    State.UNCERTAIN: 2,
    State.SENT: 3,
    State.CANCELLED: 4,
    State.EXPIRED: 4,
    State.REJECTED: 4,
    State.UNDELIVERED: 5,
    State.DELIVERED: 6,
}
"""How much is known, for outgoing messages."""

EVIDENCE_RANK: Final[dict[Evidence, int]] = {
    Evidence.NONE: 0,
    Evidence.UNKNOWABLE: 1,
    Evidence.GATEWAY: 2,
    Evidence.NETWORK: 3,
    Evidence.HANDSET: 4,
}

FAILED: Final = frozenset({State.UNDELIVERED, State.REJECTED, State.EXPIRED})
"""States that a thread counts as failed until the message is sent again."""

FINAL: Final = FAILED | {State.DELIVERED, State.CANCELLED}
"""States that nothing but a report leaves."""

_MOVES: Final[dict[Cause, frozenset[tuple[State, State]]]] = {
    Cause.CLAIM: frozenset({(State.QUEUED, State.SENDING)}),
    Cause.RESULT: frozenset(
        (before, after)
        for before in (State.SENDING, State.UNCERTAIN)
        for after in (State.SENT, State.REJECTED, State.QUEUED, State.UNCERTAIN)
        if before is not after
    ),
    # An answer that comes after the lease ran out still proves that the message left.
    Cause.LATE_RESULT: frozenset(
        {
            (State.QUEUED, State.SENT),
            (State.SENDING, State.SENT),
            (State.UNCERTAIN, State.SENT),
        }
    ),
    Cause.LEASE: frozenset({(State.SENDING, State.UNCERTAIN), (State.SENDING, State.QUEUED)}),
    Cause.PERSON: frozenset(
        {
            (State.QUEUED, State.CANCELLED),
            (State.UNCERTAIN, State.QUEUED),
            (State.UNCERTAIN, State.SENT),
            (State.UNCERTAIN, State.DELIVERED),
            (State.UNCERTAIN, State.UNDELIVERED),
        }
    ),
    Cause.CLOCK: frozenset(
        {(State.QUEUED, State.EXPIRED), (State.QUEUED, State.REJECTED)},
    ),
}

_REPORTED: Final[dict[ReportState, State]] = {
    ReportState.ACCEPTED: State.SENT,
    ReportState.DELIVERED: State.DELIVERED,
    ReportState.UNDELIVERED: State.UNDELIVERED,
    ReportState.REJECTED: State.UNDELIVERED,
    ReportState.EXPIRED: State.UNDELIVERED,
}


def may_move(before: State, after: State, cause: Cause) -> bool:
    """Tell whether ``cause`` may move a message from ``before`` to ``after``.

    A report may do whatever raises the rank, except from ``sending``: while a worker holds the
    message, reports wait for its result.
    """
    if cause is Cause.REPORT:
        if before in {State.SENDING, State.RECEIVED} or after not in _REPORTED.values():
            return False
        return RANK[after] > RANK[before]
    return (before, after) in _MOVES[cause]


def reported_state(report: ReportState) -> State:
    """Return the state that a report about a whole message speaks of."""
    return _REPORTED[report]


def stronger(first: Evidence, second: Evidence) -> Evidence:
    """Return the evidence that proves more."""
    return second if EVIDENCE_RANK[second] > EVIDENCE_RANK[first] else first


def tick_of(state: State) -> Tick:
    """Return the mark that a person sees for a state."""
    if state is State.DELIVERED:
        return Tick.RECEIVED
    if state in {State.UNDELIVERED, State.REJECTED}:
        return Tick.FAILED
    return Tick.NONE
