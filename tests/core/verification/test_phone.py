"""Codes to telephones: one live code a number, few tries, short life, caps, no traces."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.accounts.models import User
from core.accounts.services import user_subject
from core.audit import entries
from core.contacts import InvalidNumberError
from core.db import Database
from core.messaging.models import Message
from core.messaging.services import Lane
from core.testing.people import People, Person
from core.verification import phone
from core.verification.models import Proof
from core.verification.services import (
    MAX_TRIES,
    Confirmation,
    Sending,
    cancel_phone,
    confirm_phone,
    pending_phone,
    resend_phone,
    start_phone,
)
from tests.core.verification.post import bodies, last_code, wrong

pytestmark = pytest.mark.plugins()

NUMBER = "+628123090095"
OTHER = "+6281230900777"
NOON = datetime(2024, 8, 5, 5, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON, tick=False) as coordinates:
        yield coordinates


@pytest.fixture
def person(clock: time_machine.Traveller, people: People) -> Person:
    assert clock
    return people.petugas("BARU", phone=None)


def phone_of(session: Session, person: Person) -> str | None:
    return session.scalar(select(User.phone).where(User.id == person.id))


def test_the_right_code_puts_the_number_into_force(session: Session, person: Person) -> None:
    started = start_phone(session, person.id, "08123090095")
    assert (started.sending, started.number) == (Sending.SENT, NUMBER)
    assert phone_of(session, person) is None
    confirmed = confirm_phone(session, person.id, last_code(session, NUMBER))
    assert (confirmed.outcome, confirmed.number) == (Confirmation.CONFIRMED, NUMBER)
    assert phone_of(session, person) == NUMBER
    assert pending_phone(session, person.id) is None


def test_the_code_goes_out_in_the_fastest_lane_and_dies_with_its_proof(
    session: Session, person: Person
) -> None:
    start_phone(session, person.id, NUMBER)
    message = session.scalars(select(Message)).one()
    assert (message.lane, message.purpose, message.thread_id) == (
        Lane.CODE,
        "verification.code",
        None,
    )
    assert message.expires_at == NOON + timedelta(minutes=10)


def test_the_code_can_be_read_nowhere(
    session: Session, person: Person, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    start_phone(session, person.id, NUMBER)
    code = last_code(session, NUMBER)
    proof = session.scalars(select(Proof)).one()
    message = session.scalars(select(Message)).one()
    assert message.is_secret
    assert code not in message.body
    assert code not in (proof.secret_hash, message.title, message.origin)
    assert len(proof.secret_hash) == 64
    noted = [str(entry.details) for entry in entries(session, user_subject(person.id))]
    assert not any(code in details for details in noted)
    assert not any(NUMBER in details for details in noted)
    assert f"verifikasi ABAH Anda {code}" not in caplog.text


def test_codes_have_four_digits_and_are_no_series(session: Session, people: People) -> None:
    persons = [people.petugas(f"BARU {n}", phone=None) for n in range(20)]
    codes = []
    for number, each in enumerate(persons):
        start_phone(session, each.id, f"08123090{number:04d}")
        codes.append(last_code(session, f"+628123090{number:04d}"))
    assert len(set(codes)) > 10
    assert all(len(code) == 4 for code in codes)


@pytest.mark.parametrize(
    "spelling", ["{0} ", " {0[0]} {0[1]} {0[2]} {0[3]}", "{0[0]}{0[1]}-{0[2]}{0[3]}"]
)
def test_a_code_may_be_copied_with_spaces(session: Session, person: Person, spelling: str) -> None:
    start_phone(session, person.id, NUMBER)
    code = spelling.format(last_code(session, NUMBER))
    assert confirm_phone(session, person.id, code).outcome is Confirmation.CONFIRMED


@pytest.mark.parametrize("code", ["", "123", "12345", "abcd", "12a4", "١٢٣٤"])
def test_what_is_no_code_costs_no_try(session: Session, person: Person, code: str) -> None:
    start_phone(session, person.id, NUMBER)
    confirmed = confirm_phone(session, person.id, code)
    assert (confirmed.outcome, confirmed.tries_left) == (Confirmation.MALFORMED, MAX_TRIES)


def test_five_wrong_codes_kill_it(session: Session, person: Person) -> None:
    start_phone(session, person.id, NUMBER)
    code = last_code(session, NUMBER)
    outcomes = [
        confirm_phone(session, person.id, wrong(code, step)) for step in range(1, MAX_TRIES + 1)
    ]
    assert [each.tries_left for each in outcomes] == [4, 3, 2, 1, 0]
    assert [each.outcome for each in outcomes] == [*[Confirmation.WRONG] * 4, Confirmation.LOCKED]
    assert confirm_phone(session, person.id, code).outcome is Confirmation.LOCKED
    assert phone_of(session, person) is None
    pending = pending_phone(session, person.id)
    assert pending is not None
    assert not pending.is_live


def test_tries_are_not_forgotten_by_a_new_transaction(database: Database, person: Person) -> None:
    with database.writing() as session:
        start_phone(session, person.id, NUMBER)
        code = last_code(session, NUMBER)
    left = []
    for step in (1, 2, 3):
        with database.writing() as session:
            left.append(confirm_phone(session, person.id, wrong(code, step)).tries_left)
    assert left == [4, 3, 2]


def test_guessing_at_once_counts_every_guess(database: Database, person: Person) -> None:
    with database.writing() as session:
        start_phone(session, person.id, NUMBER)
        code = last_code(session, NUMBER)
    found: list[Confirmation] = []

    def guess(step: int) -> None:
        with database.writing() as session:
            found.append(confirm_phone(session, person.id, wrong(code, step)).outcome)

    threads = [threading.Thread(target=guess, args=(step,)) for step in range(1, 13)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert found.count(Confirmation.WRONG) == MAX_TRIES - 1
    assert found.count(Confirmation.LOCKED) == 12 - MAX_TRIES + 1
    with database.reading() as session:
        assert session.scalar(select(Proof.tries)) == MAX_TRIES


def test_a_code_lives_ten_minutes(
    session: Session, person: Person, clock: time_machine.Traveller
) -> None:
    start_phone(session, person.id, NUMBER)
    code = last_code(session, NUMBER)
    clock.shift(timedelta(minutes=10))
    assert confirm_phone(session, person.id, code).outcome is Confirmation.EXPIRED
    pending = pending_phone(session, person.id)
    assert pending is not None
    assert (pending.is_live, pending.wait()) == (False, 0)


def test_a_code_works_once(session: Session, person: Person) -> None:
    start_phone(session, person.id, NUMBER)
    code = last_code(session, NUMBER)
    confirm_phone(session, person.id, code)
    again = confirm_phone(session, person.id, code)
    assert (again.outcome, again.number) == (Confirmation.USED, NUMBER)


def test_without_a_wish_there_is_nothing_to_confirm(session: Session, person: Person) -> None:
    assert confirm_phone(session, person.id, "0000").outcome is Confirmation.NOTHING_PENDING
    assert resend_phone(session, person.id) is None


def test_a_new_code_replaces_the_one_before(
    session: Session, person: Person, clock: time_machine.Traveller
) -> None:
    start_phone(session, person.id, NUMBER)
    old = last_code(session, NUMBER)
    clock.shift(61)
    resend_phone(session, person.id)
    new = last_code(session, NUMBER)
    if old != new:
        assert confirm_phone(session, person.id, old).outcome is Confirmation.REPLACED
    assert confirm_phone(session, person.id, new).outcome is Confirmation.CONFIRMED


def test_a_replaced_code_that_has_not_left_does_not_leave(
    session: Session, person: Person, clock: time_machine.Traveller
) -> None:
    start_phone(session, person.id, NUMBER)
    clock.shift(61)
    resend_phone(session, person.id)
    session.expire_all()
    messages = session.scalars(select(Message).order_by(Message.id)).all()
    assert [message.state for message in messages] == ["cancelled", "queued"]


def test_the_cool_down_keeps_the_code_and_says_how_long(
    session: Session, person: Person, clock: time_machine.Traveller
) -> None:
    start_phone(session, person.id, NUMBER)
    code = last_code(session, NUMBER)
    clock.shift(20)
    answer = resend_phone(session, person.id)
    assert answer is not None
    assert (answer.sending, answer.wait) == (Sending.COOLING_DOWN, 40)
    pending = pending_phone(session, person.id)
    assert pending is not None
    assert pending.wait() == 40
    assert len(bodies(session, NUMBER)) == 1
    assert confirm_phone(session, person.id, code).outcome is Confirmation.CONFIRMED


def test_a_mistyped_number_can_be_mended_at_once(session: Session, person: Person) -> None:
    start_phone(session, person.id, OTHER)
    code = last_code(session, OTHER)
    assert start_phone(session, person.id, NUMBER).sending is Sending.SENT
    pending = pending_phone(session, person.id)
    assert pending is not None
    assert pending.number == NUMBER
    if code != last_code(session, NUMBER):
        assert confirm_phone(session, person.id, code).outcome is Confirmation.WRONG


def test_one_code_is_live_for_a_number_whoever_asks(
    session: Session, person: Person, people: People, clock: time_machine.Traveller
) -> None:
    session.rollback()
    second = people.petugas("KEDUA", phone=None)
    start_phone(session, person.id, NUMBER)
    first_code = last_code(session, NUMBER)
    clock.shift(61)
    start_phone(session, second.id, NUMBER)
    assert confirm_phone(session, person.id, first_code).outcome is Confirmation.NOTHING_PENDING
    live = select(func.count()).where(Proof.ended_at.is_(None), Proof.used_at.is_(None))
    assert session.scalar(live) == 1
    if first_code != last_code(session, NUMBER):
        assert confirm_phone(session, second.id, first_code).outcome is Confirmation.WRONG


def test_somebody_else_s_code_is_worthless(session: Session, people: People) -> None:
    first, second = (people.petugas(name, phone=None) for name in ("SATU", "DUA"))
    start_phone(session, first.id, NUMBER)
    start_phone(session, second.id, OTHER)
    code = last_code(session, NUMBER)
    if code != last_code(session, OTHER):
        assert confirm_phone(session, second.id, code).outcome is Confirmation.WRONG
    assert phone_of(session, second) is None


def test_a_number_gets_five_codes_a_day(
    session: Session, person: Person, clock: time_machine.Traveller
) -> None:
    for _ in range(phone.PER_NUMBER):
        assert start_phone(session, person.id, NUMBER).sending is Sending.SENT
        clock.shift(61)
    assert start_phone(session, person.id, NUMBER).sending is Sending.NUMBER_CAP
    assert start_phone(session, person.id, OTHER).sending is Sending.SENT
    clock.shift(timedelta(days=1))
    assert start_phone(session, person.id, NUMBER).sending is Sending.SENT


def test_a_person_gets_ten_codes_a_day(session: Session, person: Person) -> None:
    for number in range(phone.PER_USER):
        start_phone(session, person.id, f"08123090{number:04d}")
    assert start_phone(session, person.id, NUMBER).sending is Sending.USER_CAP


def test_an_address_gets_so_many_codes_a_day(
    session: Session, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(phone, "PER_ADDRESS", 3)
    persons = [people.petugas(f"BARU {n}", phone=None) for n in range(5)]
    answers = [
        start_phone(session, each.id, f"08123090{n:04d}", remote_addr="192.0.2.1").sending
        for n, each in enumerate(persons)
    ]
    assert answers == [Sending.SENT] * 3 + [Sending.ADDRESS_CAP] * 2
    elsewhere = start_phone(session, persons[4].id, NUMBER, remote_addr="192.0.2.2")
    assert elsewhere.sending is Sending.SENT


def test_the_old_number_stays_until_the_new_one_is_confirmed(
    session: Session, people: People
) -> None:
    person = people.petugas("LAMA", phone="+6281230900001")
    start_phone(session, person.id, NUMBER)
    assert phone_of(session, person) == "+6281230900001"
    confirm_phone(session, person.id, last_code(session, NUMBER))
    assert phone_of(session, person) == NUMBER
    newest = entries(session, user_subject(person.id))[0]
    assert newest.details == {"before": "+6281230900001", "after": NUMBER}


def test_a_change_can_be_given_up(session: Session, people: People) -> None:
    person = people.petugas("LAMA", phone="+6281230900001")
    start_phone(session, person.id, NUMBER)
    code = last_code(session, NUMBER)
    cancel_phone(session, person.id)
    assert pending_phone(session, person.id) is None
    assert confirm_phone(session, person.id, code).outcome is Confirmation.NOTHING_PENDING
    assert phone_of(session, person) == "+6281230900001"


def test_the_country_reads_local_spellings(session: Session, person: Person) -> None:
    assert start_phone(session, person.id, "012-345 6789", region="MY").number == "+60123456789"


def test_a_number_that_is_none_sends_nothing(session: Session, person: Person) -> None:
    with pytest.raises(InvalidNumberError):
        start_phone(session, person.id, "021 555 1234")
    assert session.scalar(select(func.count()).select_from(Message)) == 0


def test_a_wish_that_is_rolled_back_sends_nothing(database: Database, person: Person) -> None:
    session = database.session()
    start_phone(session, person.id, NUMBER)
    session.rollback()
    session.close()
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Message)) == 0
        assert session.scalar(select(func.count()).select_from(Proof)) == 0
