"""The journal grows for ever; what is told of it does not cost more for that."""

from __future__ import annotations

import pytest
from sqlalchemy import event

from core.db import Database
from core.framework.journal import Operation, announce, unfinished
from core.framework.models import JournalEntry, Outcome

pytestmark = pytest.mark.plugins()


def fail(operation: Operation, step: str) -> None:
    with pytest.raises(ZeroDivisionError), operation.whole(), operation.step(step):
        raise ZeroDivisionError


def test_only_the_last_operation_of_a_plugin_counts_and_no_ended_one_is_read(
    database: Database,
) -> None:
    def operation(plugin: str, name: str = "upgrade") -> Operation:
        return Operation(database, plugin, name, "")

    for plugin in ("peta", "dasar", "atas"):
        with operation(plugin, "install").whole(), operation(plugin, "install").step("mark"):
            pass
    fail(operation("peta"), "migrate")
    fail(operation("dasar"), "data")
    with operation("dasar").whole():
        pass
    # As a process leaves them that is killed in the second of two plans.
    first, second = operation("atas", "install"), operation("rusak", "install")
    announce(database, [(first, {}), (second, {"done": ["check"]})])
    with first.going():
        pass
    second._write("migrate", Outcome.DONE, {})
    fail(operation("peta"), "mark")

    read: list[str] = []

    def note(entry: JournalEntry, _context: object) -> None:
        read.append(entry.plugin)

    event.listen(JournalEntry, "load", note)
    try:
        with database.reading() as session:
            found = unfinished(session)
    finally:
        event.remove(JournalEntry, "load", note)
    assert [(one.plugin, one.step, one.done, one.failed) for one in found] == [
        ("rusak", "migrate", ("check", "migrate"), False),
        ("peta", "mark", (), True),
    ]
    assert sorted(read) == ["peta"] * 4 + ["rusak"] * 2
