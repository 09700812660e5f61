"""States, who may change them, and who hears of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pytest

from core.api.audit import entries
from core.api.cli import in_words as plain
from core.api.contacts import contacts_of
from core.api.errors import ConflictError, InvalidInputError, NotFoundError
from core.api.hooks import ContactChange, GrantChange, SubjectContactChange, hookimpl
from core.api.text import TranslationString, _
from plugins.hibah import api, plugin
from plugins.hibah.models import Grant, Institution
from plugins.hibah.services.grants import add_note, archive
from plugins.hibah.services.search import SearchQuery, search
from plugins.hibah.subjects import grant_subject, institution_subject
from plugins.hibah.views.actions import own_actions
from plugins.hibah.workflow import ACTIONS, TRANSITIONS, State, explain_refusal

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.api.hooks import UserFacts
    from core.api.runtime import Runtime

MANUAL = [
    "Lihat",
    "Lembaga",
    "Form",
    "Cetak",
    "Tugaskan Tim",
    "Tugaskan kepada",
    "Kontak",
    # Undangan NPHD comes from the plugin nphd.
    "Buka kunci",
    "Pending",
    "SPP",
    "Monev Tahap I",
    "Monev Tahap II",
    "STS",
    "SPJ",
    "Arsip",
    "Pesan",
    "Tambah Catatan",
    "Log",
]


class Listener:
    """A plugin that hears everything and refuses what it is told to."""

    def __init__(self) -> None:
        self.changes: list[GrantChange] = []
        self.contacts: list[ContactChange] = []
        self.refusal: TranslationString | None = None

    @hookimpl
    def check_transition(self, change: GrantChange) -> TranslationString | None:
        del change
        return self.refusal

    @hookimpl
    def grants_changed(self, changes: Sequence[GrantChange]) -> None:
        self.changes += changes

    @hookimpl
    def contacts_changed(self, changes: Sequence[ContactChange]) -> None:
        self.contacts += changes


@pytest.fixture
def listener(runtime: Runtime) -> Listener:
    found = Listener()
    runtime.hooks.register("listener", found)
    return found


def test_every_action_of_the_manual_is_declared_in_its_order() -> None:
    ordered = sorted(ACTIONS, key=lambda action: action.order)

    assert [str(action.label) for action in ordered] == MANUAL
    assert len({action.key for action in ACTIONS}) == len(ACTIONS)
    orders = [action.order for action in ordered]
    assert 80 not in orders
    assert orders == sorted(set(orders))


def test_only_actions_with_a_page_are_offered() -> None:
    with_page = {str(action.label) for action in own_actions() if action.url is not None}

    assert with_page == {
        "Cetak",
        "Kontak",
        "Lembaga",
        "Lihat",
        "Log",
        "Pesan",
        "Tambah Catatan",
    }


def test_every_state_has_a_way_on_but_the_last() -> None:
    assert set(TRANSITIONS) == set(State)
    reached = {State.REQUESTED}.union(*TRANSITIONS.values())
    assert reached == set(State)
    assert [state for state, after in TRANSITIONS.items() if not after] == [State.DONE]


def test_a_refusal_names_what_may_follow() -> None:
    assert explain_refusal(State.DECREED, State.SIGNED) is None
    skipped = explain_refusal(State.DECREED, State.ACCOUNTED)
    assert skipped is not None
    assert "Status berikutnya: NPHD." in plain(skipped)
    done = explain_refusal(State.DONE, State.DECREED)
    assert done is not None
    assert "sudah selesai" in plain(done)


def test_a_change_of_state_is_logged_told_and_raises_the_version(
    session: Session, bureau: dict[str, int], listener: Listener, officer: UserFacts
) -> None:
    grant_id = bureau["2018-HK-00005"]

    result = api.change_states(
        session, [grant_id], State.SIGNED, user=officer, versions={grant_id: 1}
    )

    assert [(facts.id, facts.state) for facts in result.changed] == [(grant_id, "NPHD")]
    grant = session.get_one(Grant, grant_id, populate_existing=True)
    assert (grant.state, grant.version) == ("NPHD", 2)
    assert [(c.before, c.after, c.actor_id) for c in listener.changes] == [
        ("SK PENETAPAN", "NPHD", officer.id)
    ]
    line = entries(session, grant_subject(grant_id))[0]
    assert line.actor_id == officer.id
    assert line.details["mapping"] == {"before": "SK PENETAPAN", "after": "NPHD"}


def test_refusals_are_returned_and_the_rest_goes_on(
    session: Session, bureau: dict[str, int], officer: UserFacts
) -> None:
    codes = ("2018-HK-00005", "2018-HK-00006", "2018-HK-00107", "2018-HK-00108", "2017-HK-00001")
    good, locked, pending, requested, archived = (bureau[code] for code in codes)
    session.get_one(Grant, locked).locked = True
    session.get_one(Grant, pending).pending = True
    session.flush()

    result = api.change_states(
        session, [good, locked, pending, requested, archived, 999], State.SIGNED, user=officer
    )

    assert [facts.id for facts in result.changed] == [good]
    reasons = {key: plain(text) for key, text in result.refused.items()}
    assert set(reasons) == {locked, pending, requested, archived, 999}
    assert "Buka kunci" in reasons[locked]
    assert "Pending" in reasons[pending]
    assert "PERMOHONAN" in reasons[requested]
    assert "Data Arsip" in reasons[archived]
    assert reasons[999] == plain(NotFoundError.explanation)


def test_a_stale_page_changes_nothing(
    session: Session, bureau: dict[str, int], officer: UserFacts
) -> None:
    grant_id = bureau["2018-HK-00005"]

    result = api.change_states(
        session, [grant_id], State.SIGNED, user=officer, versions={grant_id: 7}
    )

    assert result.refused == {grant_id: ConflictError.explanation}


def test_another_plugin_can_refuse_a_change(
    session: Session, bureau: dict[str, int], listener: Listener, officer: UserFacts
) -> None:
    grant_id = bureau["2018-HK-00005"]
    listener.refusal = _("Belum waktunya.")

    result = api.change_states(session, [grant_id], State.SIGNED, user=officer)

    assert result.refused == {grant_id: listener.refusal}
    assert listener.changes == []
    assert session.get_one(Grant, grant_id, populate_existing=True).state == "SK PENETAPAN"


def test_an_archived_grant_is_logged_once(session: Session, bureau: dict[str, int]) -> None:
    ids = [bureau["2018-HK-00005"], bureau["2017-HK-00001"]]

    assert archive(session, ids, actor_id=None) == 1
    assert archive(session, ids, actor_id=None) == 0


def test_notes_are_checked(session: Session, bureau: dict[str, int], officer: UserFacts) -> None:
    for body in ("   ", "x" * 2001):
        with pytest.raises(InvalidInputError) as caught:
            add_note(session, bureau["2018-HK-00005"], body=body, actor_id=officer.id)
        assert caught.value.field == "body"


def test_a_new_contact_is_told_once(
    session: Session, bureau: dict[str, int], listener: Listener
) -> None:
    institution_id = session.get_one(Grant, bureau["2018-HK-00005"]).institution_id

    for _time in range(2):
        api.set_institution_contact(
            session, institution_id, name="LAILA", number="0812 3090 0777", actor_id=None
        )

    assert [(c.institution_id, c.number, c.previous_number) for c in listener.contacts] == [
        (institution_id, "+6281230900777", "+628123090095")
    ]


def test_a_contact_mended_in_a_conversation_is_found_and_told(
    session: Session, bureau: dict[str, int], listener: Listener, admin: UserFacts
) -> None:
    institution_id = session.get_one(Grant, bureau["2018-HK-00005"]).institution_id
    subject = institution_subject(institution_id)
    contact = contacts_of(session, [subject])[subject]
    contact.number = "+6281230900777"
    session.flush()

    plugin.subject_contacts_changed(
        session,
        [
            SubjectContactChange(subject, contact.name, contact.number, "+628123090095", None),
            SubjectContactChange("uji.lain:1", "X", "+6281230900778", None, None),
        ],
    )

    assert [change.institution_id for change in listener.contacts] == [institution_id]
    assert search(session, admin, SearchQuery("081230900777")).active_total == 1


def test_conversations_follow_the_grants_that_a_person_sees(
    session: Session, bureau: dict[str, int], officer: UserFacts, colleague: UserFacts
) -> None:
    lptq = session.get_one(Grant, bureau["2018-HK-00005"]).institution_id
    mosque = session.get_one(Grant, bureau["2018-HK-00006"]).institution_id
    subjects = [institution_subject(lptq), institution_subject(mosque), "uji.lain:1"]

    assert plugin.readable_subjects(session, officer, subjects) == {subjects[0]}
    assert plugin.readable_subjects(session, colleague, subjects) == {subjects[1]}
    assert len(_ids(session, plugin.readable_threads(session, officer))) == 10
    assert len(_ids(session, plugin.own_threads(session, colleague))) == 1
    described = plugin.describe_subjects(session, subjects)
    assert set(described) == set(subjects[:2])
    assert described[subjects[0]].title == "LPTQ Kecamatan Tegalwarna"


def test_a_conversation_that_a_person_opened_is_remembered(
    session: Session, bureau: dict[str, int]
) -> None:
    institution_id = session.get_one(Grant, bureau["2018-HK-00005"]).institution_id
    thread = api.thread_for(session, institution_id)
    session.get_one(Institution, institution_id).thread_id = None
    session.flush()

    plugin.threads_opened(session, {thread.subject: thread.id, "uji.lain:1": 5})

    session.expire_all()
    assert session.get_one(Institution, institution_id).thread_id == thread.id
    with pytest.raises(NotFoundError):
        api.thread_for(session, 999)


def test_what_other_plugins_get(
    session: Session, bureau: dict[str, int], officer: UserFacts, colleague: UserFacts
) -> None:
    grant_id = bureau["2018-HK-00005"]

    facts = api.grant_facts(session, [grant_id, 999])
    assert set(facts) == {grant_id}
    assert facts[grant_id].institution_name == "LPTQ Kecamatan Tegalwarna"
    assert facts[grant_id].state in api.INVITABLE_STATES
    assert grant_id in set(session.scalars(api.visible_grants(session, officer)))
    assert grant_id not in set(session.scalars(api.visible_grants(session, colleague)))
    with pytest.raises(NotFoundError):
        api.check_grant_visible(session, colleague, grant_id)
    assert api.institution_id_of("hibah.institution:42") == 42
    assert api.institution_id_of("hibah.institution:x") is None
    assert api.institution_id_of("uji.lain:1") is None


def _ids(session: Session, queries: Sequence[Any]) -> set[int]:
    return {thread_id for query in queries for thread_id in session.scalars(query)}
