"""Gateways call us at an address of their own; nobody else can."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from webtest import TestApp

from core.app import build_wsgi
from core.framework.runtime import Runtime
from core.messaging.models import Message, Report
from core.messaging.webhook_address import webhook_token, webhook_url
from tests.core.messaging.conftest import number
from tests.core.messaging.line import LinePlugin


@pytest.fixture
def browser(runtime: Runtime, account: int) -> TestApp:
    """A gateway that calls us."""
    return TestApp(build_wsgi(runtime))


@pytest.mark.parametrize("rest", ["", "/inbound", "/a/b"])
def test_what_a_gateway_posts_is_committed_when_it_is_answered(
    browser: TestApp, runtime: Runtime, account: int, rest: str
) -> None:
    path = webhook_url(runtime, account).removeprefix("http://localhost")
    answer = browser.post(f"{path}{rest}", {"from": number(1), "text": "HADIR", "id": "7"})
    assert (answer.status_int, answer.text) == (200, "ok")
    with runtime.database.reading() as session:
        assert session.scalars(select(Message.body)).all() == ["HADIR"]
    browser.post(f"{path}{rest}", {"from": number(1), "text": "HADIR", "id": "7"})
    with runtime.database.reading() as session:
        assert session.scalars(select(Message.body)).all() == ["HADIR"]


def test_a_guessed_address_is_not_found(browser: TestApp, runtime: Runtime, account: int) -> None:
    token = webhook_token(runtime, account)
    for path in (
        f"{account}/x",
        f"{account + 1}/{token}",
        f"{account}/{token[:-1]}x",
        f"99/{token}",
    ):
        browser.post(f"/hook/{path}/inbound", {"from": number(1), "text": "x"}, status=404)
    with runtime.database.reading() as session:
        assert session.scalars(select(Message.id)).all() == []


def test_a_call_over_which_the_channel_fails_is_kept_and_may_come_again(
    browser: TestApp, runtime: Runtime, account: int
) -> None:
    path = webhook_url(runtime, account).removeprefix("http://localhost")
    browser.post(path, {"nothing": "useful"}, status=500)
    with runtime.database.reading() as session:
        assert session.scalars(select(Report.raw)).all() == ["nothing=useful"]


def test_a_call_that_is_too_large_is_refused(
    browser: TestApp, runtime: Runtime, account: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.messaging.webhooks.MOST_BYTES", 100)
    path = webhook_url(runtime, account).removeprefix("http://localhost")
    browser.post(path, {"from": number(1), "text": "x" * 200}, status=413)


def test_an_account_whose_plugin_went_away_is_not_found(
    browser: TestApp, runtime: Runtime, account: int, plugin: LinePlugin
) -> None:
    runtime.hooks.unregister("line")
    path = webhook_url(runtime, account).removeprefix("http://localhost")
    browser.post(path, {"from": number(1), "text": "x"}, status=404)
