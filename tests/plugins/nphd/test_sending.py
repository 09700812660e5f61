from __future__ import annotations

import json
import subprocess
import sys
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from sqlalchemy import func, select, update

from core.api.audit import entries
from core.api.messaging import (
    BrokenTextError,
    Message,
    MissingVariableError,
    Thread,
    list_texts,
    save_text,
)
from plugins.hibah import api as hibah
from plugins.nphd.models import Invitation, Invitee
from plugins.nphd.services.cancelling import cancel
from plugins.nphd.services.sending import SendResult, send
from plugins.nphd.subjects import invitation_subject

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.api.hooks import UserFacts
    from core.api.runtime import Runtime
    from tests.plugins.nphd.conftest import Bureau, InParallel, Statements

WIB = ZoneInfo("Asia/Jakarta")


def sent(runtime: Runtime, invitation_id: int, user: UserFacts) -> SendResult:
    with runtime.database.writing() as session:
        return send(session, {invitation_id: None}, user)[0]


def reason_of(result: SendResult) -> str:
    assert result.refused is not None
    return str(result.refused.interpolate())


def count(runtime: Runtime) -> int:
    with runtime.database.reading() as session:
        return session.scalar(select(func.count()).select_from(Message)) or 0


def test_each_institution_gets_the_text_in_its_own_conversation(
    bureau: Bureau, officer: UserFacts, runtime: Runtime, session: Session
) -> None:
    cases = [bureau.case(officer_id=officer.id) for _ in range(3)]
    with time_machine.travel(datetime(2018, 11, 29, 9, tzinfo=WIB), tick=False):
        day = date(2018, 12, 1)
        invitation_id = {bureau.invite(case, officer, day).invitation_id for case in cases}.pop()
        assert sent(runtime, invitation_id, officer).queued == 3

    rows = session.execute(
        select(Message.address, Message.body, Message.sender_id, Thread.subject)
        .join(Thread, Thread.id == Message.thread_id)
        .order_by(Message.id)
    ).all()
    assert [row.subject for row in rows] == [
        hibah.institution_subject(case.institution_id) for case in cases
    ]
    assert [row.address for row in rows] == [case.number for case in cases]
    assert rows[0].body == (
        f"Yth NUR SASMITA, {cases[0].name} ({cases[0].code}) diundang menandatangani NPHD pada "
        "Sabtu, 1 Desember 2018 pukul 09.00 WIB di Biro Kesejahteraan Rakyat, Jl. Pahlawan 110 "
        "Surabaya. Petugas: ANINDHITA. Terima kasih."
    )
    assert rows[0].sender_id is None, "the system writes, not the officer"


def test_a_call_expires_when_the_day_is_over_in_jakarta(
    bureau: Bureau, officer: UserFacts, runtime: Runtime, session: Session
) -> None:
    case = bureau.case(officer_id=officer.id)
    with time_machine.travel(datetime(2018, 11, 29, 9, tzinfo=WIB), tick=False):
        sent(runtime, bureau.invite(case, officer, date(2018, 12, 1)).invitation_id, officer)

    expires = session.scalar(select(Message.expires_at))
    assert expires == datetime(2018, 12, 2, 0, 0, tzinfo=WIB)


def test_a_repeated_proses_sends_nothing_twice(
    bureau: Bureau, officer: UserFacts, runtime: Runtime
) -> None:
    invitation_id = bureau.invite(bureau.case(officer_id=officer.id), officer).invitation_id
    sent(runtime, invitation_id, officer)
    again = sent(runtime, invitation_id, officer)

    assert again.queued == 0
    assert "sudah diberi tahu" in reason_of(again)
    assert count(runtime) == 1


def test_an_institution_added_later_gets_its_own(
    bureau: Bureau, officer: UserFacts, runtime: Runtime, session: Session
) -> None:
    first, later = (bureau.case(officer_id=officer.id) for _ in range(2))
    invitation_id = bureau.invite(first, officer).invitation_id
    sent(runtime, invitation_id, officer)
    bureau.invite(later, officer)

    assert sent(runtime, invitation_id, officer).queued == 1
    assert session.scalars(select(Message.address).order_by(Message.id)).all() == [
        first.number,
        later.number,
    ]


def test_proses_from_two_threads_at_once_sends_nothing_twice(
    bureau: Bureau,
    officer: UserFacts,
    runtime: Runtime,
    in_parallel: InParallel,
) -> None:
    invitation_id = bureau.list_of(5, officer)

    results = in_parallel([lambda: sent(runtime, invitation_id, officer)] * 4)

    assert sorted(result.queued for result in results) == [0, 0, 0, 5]
    assert count(runtime) == 5


PROCESS = """
import json, sys
from core.app import open_runtime
from core.api.accounts import facts_of
from plugins.nphd.services.sending import send
settings, invitation_id, user_id = json.loads(sys.argv[1])
runtime = open_runtime(settings)
with runtime.database.reading() as session:
    user = facts_of(session, user_id)
print("ready", flush=True)
sys.stdin.readline()
with runtime.database.writing() as session:
    print(send(session, {invitation_id: None}, user)[0].queued, flush=True)
runtime.close()
"""


def test_proses_from_two_processes_at_once_sends_nothing_twice(
    bureau: Bureau, officer: UserFacts, settings: dict[str, Any], runtime: Runtime
) -> None:
    invitation_id = bureau.list_of(5, officer)
    argument = json.dumps([settings, invitation_id, officer.id])

    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROCESS, argument],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = [process.communicate(timeout=60)[0].splitlines()[-1] for process in processes]

    assert sorted(answers) == ["0", "5"]
    assert count(runtime) == 5


def test_the_date_is_looked_at_again_when_it_is_sent(
    bureau: Bureau, officer: UserFacts, runtime: Runtime
) -> None:
    case = bureau.case(officer_id=officer.id)
    with time_machine.travel(datetime(2018, 12, 1, 23, 59, 59, tzinfo=WIB), tick=False):
        invitation_id = bureau.invite(case, officer, date(2018, 12, 1)).invitation_id
    with time_machine.travel(datetime(2018, 12, 2, 0, 0, 0, tzinfo=WIB), tick=False):
        late = sent(runtime, invitation_id, officer)
    assert "1 Desember 2018, sudah lewat" in reason_of(late)
    assert count(runtime) == 0

    with time_machine.travel(datetime(2018, 12, 1, 23, 59, 59, tzinfo=WIB), tick=False):
        assert sent(runtime, invitation_id, officer).queued == 1


def test_a_cancelled_list_is_not_sent(
    bureau: Bureau, officer: UserFacts, admin: UserFacts, runtime: Runtime
) -> None:
    invitation_id = bureau.invite(bureau.case(officer_id=officer.id), officer).invitation_id
    with runtime.database.writing() as own:
        cancel(own, {invitation_id: None}, admin, tell=False)

    assert "sudah dibatalkan" in reason_of(sent(runtime, invitation_id, officer))
    assert count(runtime) == 0


def test_an_empty_list_is_not_sent(bureau: Bureau, officer: UserFacts, session: Session) -> None:
    session.add(
        Invitation(
            officer_id=officer.id,
            held_on=bureau.tomorrow,
            held_at=datetime(2018, 1, 1, 9).time(),  # noqa: DTZ001 - an hour of the wall
            place="Aula",
        )
    )
    session.flush()
    invitation_id = session.scalars(select(Invitation.id)).one()
    result = send(session, {invitation_id: None}, officer)[0]
    assert "belum ada lembaga" in reason_of(result)


def test_a_list_that_does_not_exist_is_refused(session: Session, officer: UserFacts) -> None:
    assert send(session, {404: None}, officer)[0].refused is not None


def test_a_list_that_changed_since_the_confirmation_is_refused(
    bureau: Bureau, officer: UserFacts, runtime: Runtime, session: Session
) -> None:
    invitation_id = bureau.invite(bureau.case(officer_id=officer.id), officer).invitation_id
    version = session.scalar(select(Invitation.version)) or 0
    session.rollback()
    bureau.invite(bureau.case(officer_id=officer.id), officer)

    result = send(session, {invitation_id: version}, officer)[0]
    assert "sudah berubah sejak halaman ini dibuka" in reason_of(result)
    assert count(runtime) == 0


def test_of_several_lists_those_that_can_be_sent_are_sent(
    bureau: Bureau, officer: UserFacts, session: Session
) -> None:
    good = bureau.invite(bureau.case(officer_id=officer.id), officer).invitation_id
    with time_machine.travel(datetime(2018, 11, 29, 9, tzinfo=WIB), tick=False):
        over = bureau.invite(
            bureau.case(officer_id=officer.id), officer, date(2018, 12, 1)
        ).invitation_id

    results = send(session, {over: None, good: None}, officer)
    assert [(r.invitation_id, r.queued, r.refused is None) for r in results] == [
        (over, 0, False),
        (good, 1, True),
    ]


def test_a_missing_variable_stops_the_batch_before_its_first_message(
    bureau: Bureau, officer: UserFacts, runtime: Runtime, session: Session
) -> None:
    invitations = [bureau.invite(bureau.case(officer_id=officer.id), officer) for _ in range(3)]
    session.execute(
        update(Invitee).where(Invitee.id == invitations[2].invitee_id).values(person="")
    )
    session.commit()

    with pytest.raises(MissingVariableError) as error:
        sent(runtime, invitations[0].invitation_id, officer)
    assert "kontak" in error.value.explanation.interpolate()
    assert count(runtime) == 0
    assert session.scalar(select(func.count(Invitee.notified_at))) == 0


def test_the_text_can_be_edited_but_not_with_variables_that_nobody_gives(
    bureau: Bureau, officer: UserFacts, admin: UserFacts, runtime: Runtime, session: Session
) -> None:
    text = next(text for text in list_texts(session) if text.key == "nphd.call")
    with pytest.raises(BrokenTextError):
        save_text(session, text.id, body="Bawa {{ materai }}", actor_id=admin.id)
    save_text(
        session, text.id, body="{{ lembaga }}: {{ tanggal }}, bawa materai", actor_id=admin.id
    )
    session.commit()

    case = bureau.case(officer_id=officer.id)
    sent(runtime, bureau.invite(case, officer).invitation_id, officer)
    body = session.scalar(select(Message.body)) or ""
    assert body.startswith(case.name)
    assert body.endswith("bawa materai")


def test_sending_is_in_the_audit_trail(
    bureau: Bureau, officer: UserFacts, runtime: Runtime, session: Session
) -> None:
    invitation_id = bureau.invite(bureau.case(officer_id=officer.id), officer).invitation_id
    sent(runtime, invitation_id, officer)
    actions = [entry.action for entry in entries(session, invitation_subject(invitation_id))]
    assert sorted(actions) == ["nphd.invitation.send", "nphd.invitee.add"]


def test_sending_costs_the_same_statements_whatever_the_list_holds(
    bureau: Bureau, officer: UserFacts, runtime: Runtime, statements: Statements
) -> None:
    def cost(size: int, day: date) -> int:
        invitation_id = bureau.list_of(size, officer, day)
        with statements() as counted:
            assert sent(runtime, invitation_id, officer).queued == size
        # SQLite takes rows one by one when their ids are wanted back, in the same transaction.
        return sum(not statement.startswith("INSERT") for statement in counted)

    few = cost(2, bureau.tomorrow)
    many = cost(12, bureau.tomorrow + timedelta(days=1))
    assert many == few
