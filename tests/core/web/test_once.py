"""A form that is sent twice is carried out once."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from core.db import utcnow
from core.web.models import FormKey
from core.web.once import KEPT, forget_old_keys
from tests.core.web import pages
from tests.core.web.world import SIGNED_IN, person

if TYPE_CHECKING:
    from webtest import TestApp

    from core.framework.runtime import Runtime
    from tests.core.web.conftest import Browser

pytestmark = pytest.mark.usefixtures("both")


@pytest.fixture
def app(browser: Browser) -> TestApp:
    return browser(pages.includeme)


def names(runtime: Runtime) -> list[str]:
    with runtime.database.reading() as session:
        return list(session.scalars(select(person.c.name)))


def keys(runtime: Runtime) -> int:
    with runtime.database.reading() as session:
        return session.scalar(select(func.count()).select_from(FormKey)) or 0


def test_the_second_submission_gets_the_first_answer(app: TestApp, web_runtime: Runtime) -> None:
    form = app.get("/pendek", headers=SIGNED_IN).forms["try"]
    form["name"] = "NUR SASMITA"
    first = form.submit(headers=SIGNED_IN)
    second = form.submit(headers=SIGNED_IN)
    assert (first.status_int, second.status_int) == (303, 303)
    assert first.location == second.location
    assert names(web_runtime) == ["NUR SASMITA"]


def test_a_refused_form_can_be_corrected_and_sent(app: TestApp, web_runtime: Runtime) -> None:
    form = app.get("/pendek", headers=SIGNED_IN).forms["try"]
    assert form.submit(headers=SIGNED_IN, status=422)
    assert keys(web_runtime) == 0
    form["name"] = "NUR SASMITA"
    assert form.submit(headers=SIGNED_IN).status_int == 303
    assert names(web_runtime) == ["NUR SASMITA"]


def test_the_same_content_sent_from_two_forms_is_two_submissions(
    app: TestApp, web_runtime: Runtime
) -> None:
    for _time in range(2):
        form = app.get("/pendek", headers=SIGNED_IN).forms["try"]
        form["name"] = "NUR SASMITA"
        form.submit(headers=SIGNED_IN)
    assert len(names(web_runtime)) == 2


def test_two_submissions_at_the_same_moment_do_the_work_once(
    browser: Browser, web_runtime: Runtime
) -> None:
    first = browser(pages.includeme)
    form = first.get("/pendek", headers=SIGNED_IN).forms["try"]
    form["name"] = "SERENTAK"
    fields = form.submit_fields()
    cookies = {"Cookie": "; ".join(f"{name}={value}" for name, value in first.cookies.items())}
    gate = threading.Barrier(4)
    answers: list[tuple[int, str]] = []

    def send() -> None:
        from webtest import TestApp as Browser_  # noqa: PLC0415

        mine = Browser_(first.app, extra_environ={"REMOTE_ADDR": "127.0.0.1"})
        gate.wait()
        answer = mine.post("/pendek", fields, headers={**SIGNED_IN, **cookies}, status="*")
        answers.append((answer.status_int, answer.location or ""))

    threads = [threading.Thread(target=send) for _number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(answers) == 4
    assert set(answers) == {(303, "http://localhost/daftar")}
    assert names(web_runtime) == ["SERENTAK"]


def test_a_key_means_nothing_for_another_address(app: TestApp) -> None:
    form = app.get("/pendek", headers=SIGNED_IN).forms["try"]
    form["name"] = "NUR SASMITA"
    form.submit(headers=SIGNED_IN)
    fields = dict(form.submit_fields())
    answer = app.post("/isian", fields, headers=SIGNED_IN, status="*")
    assert answer.status_int == 422


def test_a_failed_transaction_gives_the_key_back(app: TestApp, web_runtime: Runtime) -> None:
    token = app.get("/pendek", headers=SIGNED_IN).forms["try"]["csrf_token"].value
    posted = {"csrf_token": token, "once": "kunci"}
    app.post("/rusak", posted, headers=SIGNED_IN, status=500)
    assert keys(web_runtime) == 0
    assert names(web_runtime) == []


def test_a_form_without_a_key_is_served_as_before(app: TestApp, web_runtime: Runtime) -> None:
    token = app.get("/pendek", headers=SIGNED_IN).forms["try"]["csrf_token"].value
    for _time in range(2):
        app.post("/pendek", {"csrf_token": token, "name": "BUDI"}, headers=SIGNED_IN, status=303)
    assert names(web_runtime) == ["BUDI", "BUDI"]
    assert keys(web_runtime) == 0


def test_old_keys_are_forgotten_and_new_ones_kept(web_runtime: Runtime) -> None:
    with web_runtime.database.writing() as session:
        session.add_all(
            [
                FormKey(digest="lama", created_at=utcnow() - KEPT - timedelta(minutes=1)),
                FormKey(digest="baru", created_at=utcnow()),
            ]
        )
    with web_runtime.database.writing() as session:
        forget_old_keys(session)
    with web_runtime.database.reading() as session:
        assert list(session.scalars(select(FormKey.digest))) == ["baru"]
