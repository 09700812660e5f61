"""Every hook is asked by the part of the application that its contract names.

One test per hook, named ``test_hook_<name>…``; ``tests/contracts/test_hook_docs.py`` finds a hook
that has none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click
import pytest
from sqlalchemy import select
from webtest import TestApp

from core.api.contacts import set_contact
from core.api.errors import NotFoundError
from core.api.hooks import (
    InboundMessage,
    ResendReview,
    SettingField,
    SettingsSection,
    SubjectFacts,
    UserFacts,
)
from core.api.jobs import enqueue, sweep, task
from core.api.messaging import Draft, add_account, message_facts, queue_messages
from core.api.text import _
from core.app import build_wsgi
from core.cli.root import _ask_plugins
from core.cli.state import CliState
from core.framework.lifecycle import Lifecycle
from core.framework.runtime import Runtime
from core.messaging.channels import Channels
from core.messaging.intake import Intake
from core.messaging.models import Thread
from core.messaging.reading.inbox import Tab, inbox
from core.messaging.threads import ensure_threads
from core.messaging.writing import (
    Letter,
    Mending,
    RefusedResendError,
    mend_and_resend,
    write_message,
)
from core.testing.people import People, sign_in_as
from core.testing.work import Worker
from tests.core.conftest import Workshop
from tests.core.framework.listening import answer, heard
from tests.core.messaging.line import LinePlugin, LineTransport

pytestmark = pytest.mark.plugins()

SUBJECT = "uji.lembaga:1"
NUMBER = "+6281230900950"

Deployment = Callable[..., Runtime]


# The system.


def test_hook_register_commands_gives_verbs_of_the_command_line(runtime: Runtime) -> None:
    @click.command("sapa")
    def greet() -> None:
        """Greet."""

    answer(runtime, register_commands=lambda: [greet])
    state = CliState()
    state._runtime = runtime
    assert _ask_plugins(state)["sapa"] is greet


def test_hook_register_tasks_gives_functions_that_the_worker_runs(runtime: Runtime) -> None:
    ran: list[int] = []

    @task("uji.kerja")
    def work(_runtime: Runtime, number: int) -> None:
        ran.append(number)

    answer(runtime, register_tasks=lambda: [work])
    with runtime.database.writing() as session:
        enqueue(session, "uji.kerja", 7)
        assert ran == []
    Worker(runtime).run(sweeps=False)
    assert ran == [7]


def test_hook_register_sweeps_gives_functions_that_run_at_intervals(runtime: Runtime) -> None:
    ran: list[Runtime] = []

    @sweep("uji.sapu", every=60)
    def look(own: Runtime) -> None:
        ran.append(own)

    answer(runtime, register_sweeps=lambda: [look])
    Worker(runtime).run()
    assert ran == [runtime]


def test_hook_register_settings_declares_what_can_be_read(runtime: Runtime) -> None:
    section = SettingsSection(
        title=_("Uji"), fields=(SettingField("jam", _("Jam"), default="09:00"),)
    )
    answer(runtime, register_settings=lambda: section)
    assert runtime.plugin_settings("uji") == {"jam": "09:00"}


# The web.

WEB = """
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED

from core.api.hooks import HelpChapter, Slot, hookimpl
from core.api.text import _


@hookimpl
def include_web(config):
    config.add_route("peta.halo", "/halo")
    config.add_view(
        lambda request: Response("halo"), route_name="peta.halo", permission=NO_PERMISSION_REQUIRED
    )


@hookimpl
def register_slots():
    return [Slot("frame.notice", "peta/notice.jinja2")]


@hookimpl
def register_help():
    return [HelpChapter("peta", _("Membaca peta"), "peta/bab.jinja2")]
"""

TEMPLATES = {
    "templates/peta/notice.jinja2": "<p>Peta sedang diperbarui.</p>",
    "templates/peta/bab.jinja2": "<p>Cara membaca peta.</p>",
}


@pytest.fixture
def browser(deployment: Deployment, workshop: Workshop) -> TestApp:
    """An Admin's browser on an application with the plugin ``peta``."""
    workshop.plugin("peta", code=WEB, files=TEMPLATES)
    Lifecycle(deployment()).install("peta")
    runtime = deployment()
    browser = TestApp(build_wsgi(runtime), extra_environ={"REMOTE_ADDR": "127.0.0.1"})
    sign_in_as(runtime, browser, People(runtime).admin().id)
    return browser


def test_hook_include_web_adds_routes_below_the_plugins_prefix(browser: TestApp) -> None:
    assert browser.get("/p/peta/halo").text == "halo"


def test_hook_register_slots_fills_a_place_of_another_page(browser: TestApp) -> None:
    assert "Peta sedang diperbarui." in browser.get("/bantuan").text


def test_hook_register_help_adds_a_chapter_to_the_guide(browser: TestApp) -> None:
    assert "Membaca peta" in browser.get("/bantuan").text
    assert "Cara membaca peta." in browser.get("/bantuan/peta").text


# Channels and messages.


@pytest.fixture
def account(runtime: Runtime) -> int:
    runtime.hooks.register("line", LinePlugin())
    with runtime.database.writing() as session:
        return add_account(session, "Utama", transport="line", settings={"token": "x"})


@pytest.fixture
def officer(people: People) -> UserFacts:
    return people.facts(people.petugas("DANU MAHARDIKA"))


@pytest.fixture
def thread(runtime: Runtime, account: int) -> int:
    """A conversation with one text in it."""
    with runtime.database.writing() as session:
        made = ensure_threads(session, {SUBJECT: "Lembaga"})[SUBJECT]
        set_contact(session, SUBJECT, name="NUR SASMITA", number=NUMBER, actor_id=None)
        queue_messages(session, [Draft(NUMBER, "Pertama", "uji", thread_id=made)])
    Worker(runtime).run()
    return made


def test_hook_register_transports_gives_the_channels_that_accounts_can_use(
    runtime: Runtime,
) -> None:
    answer(runtime, register_transports=lambda: [LineTransport])
    assert runtime.component(Channels).transports["line"] is LineTransport


def test_hook_route_messages_names_the_account_of_a_message(runtime: Runtime, account: int) -> None:
    with runtime.database.writing() as session:
        other = add_account(session, "Cadangan", transport="line", settings={"token": "x"})
    asked: list[int] = []

    def route_messages(batch: Any, accounts: Any) -> dict[str, int]:
        asked.append(len(batch))
        assert {facts.id for facts in accounts} == {account, other}
        return {message.ref: other for message in batch if "penting" in message.body}

    answer(runtime, route_messages=route_messages)
    drafts = [Draft(NUMBER, "penting 1", "uji"), Draft(NUMBER, "penting 2", "uji")]
    with runtime.database.writing() as session:
        ids = queue_messages(session, drafts)
    assert asked == [2], "one call for the whole batch"
    Worker(runtime).run()
    with runtime.database.reading() as session:
        assert {facts.account_name for facts in message_facts(session, ids).values()} == {
            "Cadangan"
        }


def test_hook_messages_changed_hears_of_new_states(runtime: Runtime, account: int) -> None:
    calls = heard(runtime, "messages_changed", "changes")
    with runtime.database.writing() as session:
        (message,) = queue_messages(session, [Draft(NUMBER, "Halo", "uji", origin="uji:1")])
    Worker(runtime).run()
    changes = [change for batch in calls for change in batch]
    assert {(change.id, change.origin) for change in changes} == {(message, "uji:1")}
    assert changes[-1].after == "sent"


def test_hook_inbound_received_hears_of_texts_that_came_in(
    runtime: Runtime, account: int, thread: int
) -> None:
    calls = heard(runtime, "inbound_received", "messages")
    runtime.component(Intake).store(account, [InboundMessage(NUMBER, "HADIR")])
    ((fact,),) = calls
    assert (fact.thread_id, fact.sender, fact.body) == (thread, NUMBER, "HADIR")


def test_hook_readable_threads_opens_conversations_to_a_person(
    runtime: Runtime, thread: int, officer: UserFacts
) -> None:
    with runtime.database.reading() as session:
        assert inbox(session, officer).threads == []
    answer(runtime, readable_threads=lambda: [select(Thread.id).where(Thread.subject == SUBJECT)])
    with runtime.database.reading() as session:
        assert [row.id for row in inbox(session, officer).threads] == [thread]


def test_hook_own_threads_fills_the_tab_of_ones_own_conversations(
    runtime: Runtime, thread: int, officer: UserFacts
) -> None:
    every = select(Thread.id)
    answer(runtime, readable_threads=lambda: [every])
    with runtime.database.reading() as session:
        assert inbox(session, officer, tab=Tab.MINE).threads == []
    answer(runtime, "lain", own_threads=lambda: [every])
    with runtime.database.reading() as session:
        assert [row.id for row in inbox(session, officer, tab=Tab.MINE).threads] == [thread]


def describing(subjects: Any) -> dict[str, SubjectFacts]:
    return {
        subject: SubjectFacts(subject, "Lembaga Uji", "/p/uji/1")
        for subject in subjects
        if subject.startswith("uji.")
    }


@pytest.fixture
def writing(runtime: Runtime, account: int) -> None:
    """A subject with a contact and no conversation yet."""
    answer(runtime, "pemilik", describe_subjects=describing)
    with runtime.database.writing() as session:
        set_contact(session, SUBJECT, name="NUR SASMITA", number=NUMBER, actor_id=None)


@pytest.mark.usefixtures("writing")
def test_hook_readable_subjects_decides_who_may_open_a_conversation(
    runtime: Runtime, officer: UserFacts
) -> None:
    letter = Letter("Halo", "kunci-1")
    with pytest.raises(NotFoundError), runtime.database.writing() as session:
        write_message(session, officer, SUBJECT, letter)
    answer(runtime, readable_subjects=lambda subjects: subjects)
    with runtime.database.writing() as session:
        assert write_message(session, officer, SUBJECT, letter).fresh


@pytest.mark.usefixtures("writing")
def test_hook_describe_subjects_names_the_conversation(
    runtime: Runtime, officer: UserFacts
) -> None:
    answer(runtime, readable_subjects=lambda subjects: subjects)
    with runtime.database.writing() as session:
        written = write_message(session, officer, SUBJECT, Letter("Halo", "kunci-1"))
        assert session.get_one(Thread, written.thread_id).title == "Lembaga Uji"


@pytest.mark.usefixtures("writing")
def test_hook_threads_opened_hears_of_a_first_message(runtime: Runtime, officer: UserFacts) -> None:
    answer(runtime, "izin", readable_subjects=lambda subjects: subjects)
    calls = heard(runtime, "threads_opened", "threads")
    with runtime.database.writing() as session:
        written = write_message(session, officer, SUBJECT, Letter("Halo", "kunci-1"))
    assert calls == [{SUBJECT: written.thread_id}]


def test_hook_subject_contacts_changed_hears_of_a_mended_number(
    runtime: Runtime, account: int, people: People
) -> None:
    admin = people.facts(people.admin())
    answer(runtime, "pemilik", describe_subjects=describing)
    calls = heard(runtime, "subject_contacts_changed", "changes")
    other = "+6281230900951"
    with runtime.database.writing() as session:
        thread = ensure_threads(session, {SUBJECT: "Lembaga"})[SUBJECT]
        set_contact(session, SUBJECT, name="NUR SASMITA", number=NUMBER, actor_id=None)
        (message,) = queue_messages(
            session, [Draft("+6281230900000", "Halo", "uji", thread_id=thread, kind="sms")]
        )
    undelivered(runtime, message)
    with runtime.database.writing() as session:
        mend_and_resend(session, admin, Mending(thread, message, "NUR SASMITA", other))
    ((change,),) = calls
    assert (change.subject, change.number, change.previous_number) == (SUBJECT, other, NUMBER)


@pytest.fixture
def failed(runtime: Runtime, account: int) -> Mending:
    """A message that did not arrive, about to be mended."""
    answer(runtime, "pemilik", describe_subjects=describing)
    with runtime.database.writing() as session:
        thread = ensure_threads(session, {SUBJECT: "Lembaga"})[SUBJECT]
        (message,) = queue_messages(
            session,
            [Draft("+6281230900000", "Halo", "uji", thread_id=thread, origin="uji:1")],
        )
    undelivered(runtime, message)
    return Mending(thread, message, "NUR SASMITA", NUMBER)


def test_hook_review_resends_refuses_or_renews_what_is_sent_again(
    runtime: Runtime, failed: Mending, people: People
) -> None:
    admin = people.facts(people.admin())
    reviews = [ResendReview(refusal=_("Sudah lewat.")), ResendReview(body="Halo lagi")]
    answer(
        runtime,
        review_resends=lambda resends: {each.message_id: reviews[0] for each in resends},
    )
    with pytest.raises(RefusedResendError), runtime.database.writing() as session:
        mend_and_resend(session, admin, failed)
    reviews.pop(0)
    with runtime.database.writing() as session:
        new = mend_and_resend(session, admin, failed)
        assert message_facts(session, [new])[new].body == "Halo lagi"


def test_hook_messages_resent_hears_of_what_was_sent_again(
    runtime: Runtime, failed: Mending, people: People
) -> None:
    calls = heard(runtime, "messages_resent", "resends")
    with runtime.database.writing() as session:
        new = mend_and_resend(session, people.facts(people.admin()), failed)
    (resends,) = calls
    assert (resends[new].origin, resends[new].number) == ("uji:1", NUMBER)


def undelivered(runtime: Runtime, message: int) -> None:
    """Send a message and let the network say that it never arrived."""
    from core.api.hooks import DeliveryReport, ReportState  # noqa: PLC0415 - used here alone
    from core.messaging.models import Message  # noqa: PLC0415

    Worker(runtime).run()
    with runtime.database.reading() as session:
        row = session.get_one(Message, message)
        account_id, ref = row.account_id, row.ref
    assert account_id is not None
    report = DeliveryReport(ReportState.UNDELIVERED, ref=ref)
    runtime.component(Intake).store(account_id, [report])
