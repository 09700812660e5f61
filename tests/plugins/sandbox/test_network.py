from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from core.api.db import Database, utcnow
from core.api.hooks import DeliveryReport, InboundMessage, Outcome, ReportState, TransportContext
from core.testing.channels import Line, outgoing
from plugins.sandbox.behaviours import Behaviour
from plugins.sandbox.channel import SandboxTransport
from plugins.sandbox.models import Delivery, LogEntry, Rule
from plugins.sandbox.services import handset, network
from tests.plugins.sandbox.network_peer import sandbox_database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NUMBER, OTHER = "+6281230900951", "+6281230900952"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Database]:
    database = sandbox_database(tmp_path)
    yield database
    database.dispose()


def opened(store: Database, account_id: int = 1, seconds: int = 0) -> Line:
    collected: list[DeliveryReport | InboundMessage] = []
    context = TransportContext(
        account_id,
        "Telepon percobaan",
        {"delivery_seconds": seconds},
        "",
        collected.extend,
        extra={"database": store},
    )
    return Line(SandboxTransport(context), collected)


@pytest.fixture
def line(store: Database) -> Iterator[Line]:
    line = opened(store)
    yield line
    line.close()


def rule(
    store: Database,
    behaviour: Behaviour,
    *,
    address: str = "",
    seconds: int = 0,
    remaining: int | None = None,
) -> int:
    with store.writing() as session:
        return handset.add_rule(
            session, address=address, behaviour=behaviour, seconds=seconds, remaining=remaining
        )


def shown(store: Database, address: str = NUMBER) -> list[str]:
    with store.reading() as session:
        return [one.body for one in handset.bubbles(session, address)]


def test_without_a_rule_a_message_arrives_and_is_reported(store: Database, line: Line) -> None:
    assert line.send(outgoing("r1", NUMBER, "Halo"))["r1"].outcome is Outcome.ACCEPTED
    assert shown(store) == ["Halo"]
    (report,) = line.poll()
    assert isinstance(report, DeliveryReport)
    assert (report.ref, report.state) == ("r1", ReportState.DELIVERED)
    assert line.poll() == []


def test_a_message_is_on_the_handset_only_when_its_time_has_come(
    store: Database, line: Line
) -> None:
    rule(store, Behaviour.DELIVER, seconds=1)
    line.send(outgoing("r1", NUMBER, "Halo"))
    assert shown(store) == []
    assert line.poll() == []
    time.sleep(1.1)
    assert shown(store) == ["Halo"]
    assert len(line.poll()) == 1


def test_a_lost_message_never_arrives_and_is_reported_so(store: Database, line: Line) -> None:
    rule(store, Behaviour.LOSE)
    assert line.send(outgoing("r1", NUMBER))["r1"].outcome is Outcome.ACCEPTED
    (report,) = line.poll()
    assert isinstance(report, DeliveryReport)
    assert report.state is ReportState.UNDELIVERED
    assert shown(store) == []


def test_a_doubled_report_comes_twice_and_no_more(store: Database, line: Line) -> None:
    rule(store, Behaviour.DOUBLE)
    line.send(outgoing("r1", NUMBER))
    assert [len(line.poll()) for _time in range(3)] == [1, 1, 0]


def test_an_early_report_is_stored_before_the_answer_is_given(store: Database) -> None:
    rule(store, Behaviour.EARLY, seconds=1)
    line = opened(store)

    async def watch() -> tuple[int, Outcome]:
        sending = asyncio.ensure_future(line.transport.send([outgoing("r1", NUMBER)]))  # type: ignore[arg-type]
        await asyncio.sleep(0.5)
        before = len(line.collected)
        assert not sending.done()
        results = await sending
        return before, results[0].outcome

    assert line.loop.run_until_complete(watch()) == (1, Outcome.ACCEPTED)
    assert line.poll() == []
    line.close()


@pytest.mark.parametrize(
    ("behaviour", "outcome"),
    [(Behaviour.REFUSE, Outcome.PERMANENT), (Behaviour.BUSY, Outcome.TEMPORARY)],
)
def test_what_the_network_does_not_take_never_arrives(
    store: Database, line: Line, behaviour: Behaviour, outcome: Outcome
) -> None:
    rule(store, behaviour)
    result = line.send(outgoing("r1", NUMBER))["r1"]
    assert result.outcome is outcome
    assert result.reason
    assert shown(store) == []
    assert line.poll() == []


def test_a_silent_network_delivers_and_never_reports(store: Database, line: Line) -> None:
    rule(store, Behaviour.SILENT)
    line.send(outgoing("r1", NUMBER, "Halo"))
    assert shown(store) == ["Halo"]
    assert line.poll() == []


def test_a_network_that_hangs_leaves_the_sender_uncertain(store: Database, line: Line) -> None:
    rule(store, Behaviour.HANG, seconds=1)
    begun = time.monotonic()
    assert line.send(outgoing("r1", NUMBER, "Halo"))["r1"].outcome is Outcome.UNCERTAIN
    assert time.monotonic() - begun >= 1
    assert shown(store) == ["Halo"]
    assert line.poll() == []


def test_a_message_that_is_sent_twice_is_seen_twice(store: Database, line: Line) -> None:
    for _time in range(2):
        line.send(outgoing("r1", NUMBER, "Halo"))
    assert shown(store) == ["Halo", "Halo"]


def test_a_rule_is_used_up_by_the_messages_it_was_made_for(store: Database, line: Line) -> None:
    rule(store, Behaviour.REFUSE, remaining=2)
    results = line.send(*(outgoing(f"r{i}", NUMBER) for i in range(4)))
    outcomes = [results[f"r{i}"].outcome for i in range(4)]
    assert outcomes == [Outcome.PERMANENT] * 2 + [Outcome.ACCEPTED] * 2
    with store.reading() as session:
        assert handset.rules(session) == []


def test_a_rule_for_a_number_goes_before_one_for_any_and_touches_no_other(
    store: Database, line: Line
) -> None:
    rule(store, Behaviour.BUSY)
    rule(store, Behaviour.REFUSE, address=NUMBER)
    results = line.send(outgoing("a", NUMBER), outgoing("b", OTHER))
    assert results["a"].outcome is Outcome.PERMANENT
    assert results["b"].outcome is Outcome.TEMPORARY


def test_a_new_rule_takes_the_place_of_an_equal_one(store: Database) -> None:
    rule(store, Behaviour.LOSE, seconds=1)
    rule(store, Behaviour.LOSE, seconds=9)
    with store.reading() as session:
        assert [one.seconds for one in handset.rules(session)] == [9]


def test_a_rule_without_an_end_hides_no_newer_one(store: Database, line: Line) -> None:
    rule(store, Behaviour.DELIVER, address=NUMBER)
    rule(store, Behaviour.BUSY, address=NUMBER)
    rule(store, Behaviour.REFUSE, address=NUMBER, remaining=1)
    results = line.send(*(outgoing(f"r{i}", NUMBER) for i in range(2)))
    assert results["r0"].outcome is Outcome.PERMANENT
    assert results["r1"].outcome is Outcome.TEMPORARY


def test_a_reply_comes_in_once_through_the_account_that_wrote_last(store: Database) -> None:
    first, second = opened(store, 1), opened(store, 2)
    first.send(outgoing("r1", NUMBER))
    second.send(outgoing("r2", NUMBER))
    with store.writing() as session:
        handset.reply(session, NUMBER, " HADIR ")
    texts = [one for one in second.poll() if isinstance(one, InboundMessage)]
    assert [(one.sender, one.body) for one in texts] == [(NUMBER, "HADIR")]
    assert not [one for one in (*first.poll(), *second.poll()) if isinstance(one, InboundMessage)]
    first.close()
    second.close()


def test_nothing_is_forgotten_when_the_engine_cannot_store_it(store: Database) -> None:
    line = opened(store)
    line.send(outgoing("r1", NUMBER))

    def fail(_items: object) -> None:
        raise RuntimeError

    context = TransportContext(1, "", {}, "", fail, extra={"database": store})
    with pytest.raises(RuntimeError):
        SandboxTransport(context).poll()
    assert len(line.poll()) == 1
    line.close()


def test_every_process_sees_the_same_network(store: Database, line: Line) -> None:
    line.send(outgoing("r1", NUMBER, "Halo"))
    other = Database(store.url)
    try:
        elsewhere = opened(other)
        assert shown(other) == ["Halo"]
        assert len(elsewhere.poll()) == 1
        assert line.poll() == []
        elsewhere.close()
    finally:
        other.dispose()


def test_what_is_older_than_thirty_days_is_forgotten(store: Database, line: Line) -> None:
    line.send(outgoing("old", NUMBER, "Lama"), outgoing("new", NUMBER, "Baru"))
    rule(store, Behaviour.LOSE)
    long_ago = utcnow() - timedelta(days=31)
    with store.writing() as session:
        session.query(Delivery).filter(Delivery.ref == "old").update(
            {"created_at": long_ago, "arrives_at": long_ago}
        )
        session.query(Rule).update({"created_at": long_ago})
        assert network.forget_old(session) == 2
    assert shown(store) == ["Baru"]


def test_the_log_tells_what_crossed_and_nothing_that_lies_ahead(
    store: Database, line: Line
) -> None:
    rule(store, Behaviour.DELIVER, seconds=60)
    line.send(outgoing("r1", NUMBER))
    with store.reading() as session:
        assert [one.event for one in handset.log_rows(session)] == ["handed_over", "rule"]
        assert session.scalar(select(func.count()).select_from(LogEntry)) == 3


def test_the_version_changes_with_everything_that_is_shown(store: Database, line: Line) -> None:
    seen = set()

    def look() -> None:
        with store.reading() as session:
            version = handset.version(session, NUMBER)
        assert version not in seen
        seen.add(version)

    look()
    line.send(outgoing("r1", NUMBER))
    look()
    line.poll()
    look()
    with store.writing() as session:
        handset.reply(session, NUMBER, "HADIR")
    look()
    line.poll()
    look()
    rule_id = rule(store, Behaviour.LOSE, remaining=3)
    look()
    line.send(outgoing("r2", OTHER))
    look()
    with store.writing() as session:
        handset.remove_rule(session, rule_id)
    look()
    with store.writing() as session:
        handset.clear(session, NUMBER)
    look()
    with store.reading() as session:
        assert handset.version(session, NUMBER) in seen
