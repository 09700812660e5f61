"""Every hook of the workflow is asked by the grants module; see ``test_each_hook.py``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from webtest import TestApp

from core.api.hooks import GrantAction
from core.api.text import _
from core.app import build_wsgi
from core.framework.runtime import Runtime
from core.testing.people import People
from plugins.hibah.models import Grant, Institution
from plugins.hibah.services.grants import change_states
from plugins.hibah.services.institutions import set_institution_contact
from plugins.hibah.workflow import State
from tests.core.framework.listening import answer, heard
from tests.plugins.hibah.conftest import ROWS, import_rows

pytestmark = pytest.mark.plugins("hibah")

NUMBER = "+6281230900950"


@pytest.fixture
def grant(runtime: Runtime, people: People) -> int:
    people.petugas("DANU MAHARDIKA", username="danu")
    with runtime.database.writing() as session:
        import_rows(session, ROWS[:1])
        return session.scalars(select(Grant.id)).one()


def move(runtime: Runtime, grant: int, people: People) -> Any:
    """Take the grant one step on, as an Admin."""
    admin = people.facts(people.admin())
    with runtime.database.writing() as session:
        state = State(session.get_one(Grant, grant).state)
        after = list(State)[list(State).index(state) + 1]
        return change_states(session, [grant], after, user=admin)


def test_hook_check_transition_refuses_with_its_reason(
    runtime: Runtime, grant: int, people: People
) -> None:
    answer(runtime, check_transition=lambda: _("Berkas belum lengkap."))
    assert str(move(runtime, grant, people).refused[grant]) == "Berkas belum lengkap."


def test_hook_grants_changed_hears_of_a_new_state(
    runtime: Runtime, grant: int, people: People
) -> None:
    calls = heard(runtime, "grants_changed", "changes")
    result = move(runtime, grant, people)
    assert not result.refused
    ((change,),) = calls
    assert change.grant.id == grant
    assert change.before != change.after


def test_hook_contacts_changed_hears_of_an_institutions_new_contact(
    runtime: Runtime, grant: int
) -> None:
    calls = heard(runtime, "contacts_changed", "changes")
    with runtime.database.writing() as session:
        institution = session.scalars(select(Institution.id)).one()
        set_institution_contact(session, institution, name="SITI", number=NUMBER, actor_id=None)
    ((change,),) = calls
    assert (change.institution_id, change.number) == (institution, NUMBER)


def test_hook_register_grant_actions_adds_an_action_to_the_card(
    runtime: Runtime, grant: int, people: People, sign_in: Callable[[TestApp, int], None]
) -> None:
    action = GrantAction(
        key="uji.cetak_peta",
        label=_("Cetak Peta"),
        order=5,
        permission="hibah.grant.read",
        url=lambda _request, facts: f"/p/uji/{facts.id}",
    )
    answer(runtime, register_grant_actions=lambda: [action])
    browser = TestApp(build_wsgi(runtime), extra_environ={"REMOTE_ADDR": "127.0.0.1"})
    sign_in(browser, people.admin().id)
    page = browser.get("/hibah/cari", {"q": "LPTQ"})
    assert f"/p/uji/{grant}" in page.text
    assert "Cetak Peta" in page.text


def test_plugins_that_fail_in_register_grant_actions_take_nothing_along(
    runtime: Runtime, grant: int, people: People, sign_in: Callable[[TestApp, int], None]
) -> None:
    answer(runtime, "angka", register_grant_actions=lambda: [1])
    answer(runtime, "patah", register_grant_actions=lambda: [1 / 0])
    browser = TestApp(build_wsgi(runtime), extra_environ={"REMOTE_ADDR": "127.0.0.1"})
    sign_in(browser, people.admin().id)
    assert f"/hibah/{grant}/cetak" in browser.get("/hibah/cari", {"q": "LPTQ"}).text
    failed = {key for key, stats in runtime.hooks.all_stats().items() if stats.failures}
    assert failed == {(name, "register_grant_actions") for name in ("angka", "patah")}
