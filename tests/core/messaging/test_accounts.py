"""Channel accounts: their settings, their secrets, and the transports that they open."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from core.api.messaging import add_account, list_accounts, set_account
from core.audit import AuditEntry
from core.errors import ConflictError, InvalidInputError, NotFoundError
from core.framework.runtime import Runtime
from core.messaging.accounts import UnknownTransportError, account_row
from core.messaging.channels import Channels
from core.messaging.models import ChannelAccount
from core.messaging.webhook_address import webhook_token
from tests.core.messaging.line import Line, LinePlugin, LineTransport


def opened(runtime: Runtime, account: int) -> LineTransport:
    with runtime.database.reading() as session:
        row = account_row(session, account)
    assert row is not None
    with runtime.component(Channels).use(row) as transport:
        assert isinstance(transport, LineTransport)
        return transport


def test_a_secret_is_encrypted_at_rest_and_open_for_its_transport(
    runtime: Runtime, account: int
) -> None:
    with runtime.database.reading() as session:
        stored = session.scalar(select(ChannelAccount.settings))
        audited = session.scalars(select(AuditEntry.details)).all()
    assert stored is not None
    assert "rahasia" not in str(stored)
    assert "rahasia" not in str(audited)
    assert opened(runtime, account).context.settings == {"token": "rahasia", "pace": 1}


def test_a_transport_is_opened_once_and_anew_when_settings_change(
    runtime: Runtime, account: int
) -> None:
    first = opened(runtime, account)
    assert opened(runtime, account) is first
    with runtime.database.writing() as session:
        set_account(session, "Utama", settings={"pace": "5"})
    second = opened(runtime, account)
    assert second is not first
    assert second.context.settings == {"token": "rahasia", "pace": 5}


def test_the_context_knows_the_webhook_address(runtime: Runtime, account: int) -> None:
    token = webhook_token(runtime, account)
    assert opened(runtime, account).context.webhook_url == (
        f"http://localhost/hook/{account}/{token}"
    )


@pytest.mark.parametrize(
    ("values", "field"),
    [({"pace": "cepat"}, "pace"), ({"unknown": "1"}, "unknown")],
)
def test_a_wrong_setting_is_named(
    runtime: Runtime, account: int, values: dict[str, str], field: str
) -> None:
    with runtime.database.session() as session:
        with pytest.raises(InvalidInputError) as caught:
            set_account(session, "Utama", settings=values)
        assert caught.value.field == field


def test_accounts_have_different_names_and_known_transports(runtime: Runtime, account: int) -> None:
    with runtime.database.session() as session:
        with pytest.raises(ConflictError):
            add_account(session, " Utama ", transport="line", settings={})
        with pytest.raises(UnknownTransportError, match="line"):
            add_account(session, "Lain", transport="pigeon", settings={})
        with pytest.raises(InvalidInputError):
            add_account(session, " ", transport="line", settings={})
        with pytest.raises(NotFoundError):
            set_account(session, "Tidak ada", settings={})


def test_the_list_shows_how_accounts_are_doing_and_no_secret(
    runtime: Runtime, account: int, plugin: LinePlugin, line: Line
) -> None:
    with runtime.database.reading() as session:
        (one,) = list_accounts(session)
    assert (one.name, one.transport, one.available, one.waiting) == ("Utama", "line", True, 0)
    assert "rahasia" not in repr(one)


def test_two_plugins_cannot_bring_the_same_transport(runtime: Runtime, plugin: LinePlugin) -> None:
    runtime.hooks.register("other", LinePlugin())
    assert runtime.component(Channels).transports["line"] is LineTransport
    assert runtime.hooks.stats("other", "register_transports").failures == 1
