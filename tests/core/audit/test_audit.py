"""The audit trail is added to in the transaction of what it tells, and never changed."""

from __future__ import annotations

import pytest
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from core.audit import Act, entries, record, record_many
from core.audit.services import REMOTE_ADDR
from core.db import Database

pytestmark = pytest.mark.plugins()


def test_entries_of_a_subject_come_newest_first(session: Session) -> None:
    for action in ("hibah.create", "hibah.edit", "hibah.archive"):
        record(session, actor_id=7, action=action, subject="hibah.grant:42", details={"n": 1})
    record(session, actor_id=None, action="hibah.create", subject="hibah.grant:4")
    found = entries(session, "hibah.grant:42")
    assert [entry.action for entry in found] == ["hibah.archive", "hibah.edit", "hibah.create"]
    assert found[0].actor_id == 7
    assert found[0].details == {"n": 1}
    assert found[0].at.tzinfo is not None
    assert len(entries(session, "hibah.grant:42", limit=1)) == 1


def test_the_address_of_a_request_is_kept(session: Session) -> None:
    session.info[REMOTE_ADDR] = "192.0.2.7"
    record(session, actor_id=1, action="user.sign_in", subject="abah.user:1")
    assert entries(session, "abah.user:1")[0].remote_addr == "192.0.2.7"


def test_an_entry_vanishes_with_a_transaction_that_rolls_back(database: Database) -> None:
    with database.session() as session:
        record(session, actor_id=1, action="x", subject="uji:1")
        session.flush()
        session.rollback()
    with database.reading() as session:
        assert entries(session, "uji:1") == []


@pytest.mark.parametrize(
    "statement", ["UPDATE abah_audit SET action = 'y'", "DELETE FROM abah_audit"]
)
def test_the_database_itself_refuses_to_change_an_entry(database: Database, statement: str) -> None:
    with database.writing() as session:
        record(session, actor_id=1, action="x", subject="uji:1")
    with pytest.raises(Exception, match="append-only"), database.writing() as session:
        session.execute(text(statement))
    with database.reading() as session:
        assert [entry.action for entry in entries(session, "uji:1")] == ["x"]


def test_many_entries_are_written_without_a_statement_each(database: Database) -> None:
    statements: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *a: statements.append(str(a[2])))
    acts = [Act("x", f"uji:{number}", {"n": number}) for number in range(500)]
    with database.writing() as session:
        record_many(session, acts, actor_id=1)
        record_many(session, [], actor_id=1)
    assert sum("INSERT" in statement for statement in statements) < 3
    with database.reading() as session:
        assert entries(session, "uji:499")[0].details == {"n": 499}
