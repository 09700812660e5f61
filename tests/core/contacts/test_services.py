"""Contacts: one current person and number a subject, a history, and the wish for silence."""

from __future__ import annotations

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from core.audit import entries
from core.contacts import (
    Contact,
    InvalidNumberError,
    NewContact,
    contact_history,
    contacts_of,
    opt_in,
    opt_out,
    opted_out,
    set_contact,
    set_contacts,
    subjects_of_numbers,
)
from core.errors import ConflictError, InvalidInputError

pytestmark = pytest.mark.plugins()

MOSQUE = "test.institution:1"
SCHOOL = "test.institution:2"


def test_a_contact_is_stored_as_e164(session: Session) -> None:
    contact = set_contact(
        session, MOSQUE, name="  NUR   SASMITA ", number="0812-3090-095", actor_id=None
    )
    assert contact.id
    assert (contact.name, contact.number) == ("NUR SASMITA", "+628123090095")
    assert contacts_of(session, [MOSQUE, SCHOOL]) == {MOSQUE: contact}


def test_a_new_contact_leaves_the_old_one_in_the_history(session: Session) -> None:
    old = set_contact(session, MOSQUE, name="NUR", number="081230900101", actor_id=None)
    new = set_contact(session, MOSQUE, name="SITI", number="081230900102", actor_id=None)
    session.refresh(old)
    assert not old.is_current
    assert contact_history(session, MOSQUE) == [new, old]
    assert contacts_of(session, [MOSQUE])[MOSQUE] is new


def test_the_same_contact_again_changes_nothing(session: Session) -> None:
    first = set_contact(session, MOSQUE, name="NUR", number="081230900101", actor_id=None)
    again = set_contact(session, MOSQUE, name="NUR", number="+62 812-3090-0101", actor_id=None)
    assert again.id == first.id
    assert len(contact_history(session, MOSQUE)) == 1
    assert len(entries(session, MOSQUE)) == 1


def test_every_change_is_in_the_audit_trail(session: Session) -> None:
    set_contact(session, MOSQUE, name="NUR", number="081230900101", actor_id=None)
    set_contact(session, MOSQUE, name="SITI", number="081230900102", actor_id=None)
    newest = entries(session, MOSQUE)[0]
    assert newest.action == "contact.set"
    assert newest.details == {
        "name": "SITI",
        "number": "+6281230900102",
        "previous_name": "NUR",
        "previous_number": "+6281230900101",
    }


def test_roles_have_contacts_of_their_own(session: Session) -> None:
    head = set_contact(session, MOSQUE, name="NUR", number="081230900101", actor_id=None)
    treasurer = set_contact(
        session, MOSQUE, name="ANI", number="081230900102", actor_id=None, role="bendahara"
    )
    assert contacts_of(session, [MOSQUE])[MOSQUE] is head
    assert contacts_of(session, [MOSQUE], role="bendahara")[MOSQUE] is treasurer


def test_a_bad_number_or_name_sets_nothing(session: Session) -> None:
    with pytest.raises(InvalidNumberError):
        set_contacts(
            session,
            [NewContact(MOSQUE, "NUR", "081230900101"), NewContact(SCHOOL, "ANI", "021555")],
            actor_id=None,
        )
    with pytest.raises(InvalidInputError):
        set_contact(session, MOSQUE, name=" ", number="081230900101", actor_id=None)
    with pytest.raises(InvalidInputError):
        set_contact(session, MOSQUE, name="x" * 121, number="081230900101", actor_id=None)
    assert contacts_of(session, [MOSQUE, SCHOOL]) == {}


def test_many_contacts_cost_a_fixed_number_of_statements(session: Session) -> None:
    counts = []
    for start, amount in ((0, 10), (100, 90)):
        statements: list[str] = []

        def note(_c: object, _cur: object, statement: str, *_rest: object) -> None:
            statements.append(statement)  # noqa: B023 - used within this turn

        engine = session.get_bind()
        event.listen(engine, "before_cursor_execute", note)
        set_contacts(
            session,
            [
                NewContact(f"test.many:{n}", "NUR", f"08123090{n:04d}")
                for n in range(start, start + amount)
            ],
            actor_id=None,
        )
        session.flush()
        event.remove(engine, "before_cursor_execute", note)
        counts.append(len(statements))
    # The first turn also begins the transaction.
    assert counts[1] <= counts[0]


def test_of_two_for_one_subject_the_last_counts(session: Session) -> None:
    set_contacts(
        session,
        [NewContact(MOSQUE, "NUR", "081230900101"), NewContact(MOSQUE, "ANI", "081230900102")],
        actor_id=None,
    )
    assert [contact.name for contact in contact_history(session, MOSQUE)] == ["ANI"]


def test_two_current_contacts_are_impossible(session: Session) -> None:
    set_contact(session, MOSQUE, name="NUR", number="081230900101", actor_id=None)
    with pytest.raises(ConflictError):
        _race(session)
    current = select(func.count()).where(Contact.subject == MOSQUE, Contact.is_current)
    assert session.scalar(current) == 1


def _race(session: Session) -> None:
    """Set a contact as if the other one had not been seen: somebody else was quicker."""
    from core.contacts import services  # noqa: PLC0415

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(services, "_current", lambda *_: {})
        set_contact(session, MOSQUE, name="ANI", number="081230900102", actor_id=None)


def test_numbers_lead_to_their_subjects(session: Session) -> None:
    set_contact(session, MOSQUE, name="NUR", number="081230900101", actor_id=None)
    set_contact(session, SCHOOL, name="NUR", number="081230900101", actor_id=None)
    assert subjects_of_numbers(session, ["+6281230900101", "+6281230900199"]) == {
        "+6281230900101": [MOSQUE, SCHOOL]
    }
    set_contact(session, MOSQUE, name="ANI", number="081230900102", actor_id=None)
    assert subjects_of_numbers(session, ["+6281230900101"]) == {"+6281230900101": [SCHOOL]}


def test_the_wish_for_silence_belongs_to_the_number(session: Session) -> None:
    number = "+6281230900101"
    set_contact(session, MOSQUE, name="NUR", number=number, actor_id=None)
    assert opt_out(session, number) == 1
    assert opt_out(session, number) == 0
    later = set_contact(session, SCHOOL, name="NUR", number=number, actor_id=None)
    assert later.opted_out_at is not None
    assert opted_out(session, [number, "+6281230900102"]) == {number}
    assert opt_in(session, number) == 2
    assert opted_out(session, [number]) == set()
