"""Taking a gateway's call, whatever web server received it."""

from __future__ import annotations

import structlog

from core.db import utcnow
from core.errors import NotFoundError
from core.framework.runtime import Runtime
from core.hookspecs.channels import WebhookAnswer, WebhookRequest
from core.messaging.accounts import account_row
from core.messaging.channels import Channels
from core.messaging.intake import Intake
from core.messaging.reports import keep_unreadable
from core.messaging.webhook_address import is_webhook_token

__all__ = ["take_webhook"]

log = structlog.get_logger(__name__)

BROKEN = WebhookAnswer(status=500, body="this call could not be read; it was kept")


def take_webhook(
    runtime: Runtime, account_id: int, token: str, request: WebhookRequest
) -> WebhookAnswer:
    """Let the account's transport read a call, store what it brought, and return the answer.

    What came is committed when this returns, so that a gateway that hears "ok" may forget it.

    :raises NotFoundError: the address is not the account's secret one.
    """
    if not is_webhook_token(runtime, account_id, token):
        raise NotFoundError
    with runtime.database.reading() as session:
        account = account_row(session, account_id)
    channels = runtime.component(Channels)
    if account is None or account.transport not in channels.transports:
        raise NotFoundError
    try:
        with channels.use(account) as transport:
            answer = transport.webhook(request)
    except Exception as error:  # noqa: BLE001 - whatever was posted, the gateway gets an answer
        log.warning("webhook failed", account=account.name, error=type(error).__name__)
        with runtime.database.writing() as session:
            keep_unreadable(session, account_id, request.body.decode("utf-8", "replace"), utcnow())
        return BROKEN
    if answer.unreadable:
        with runtime.database.writing() as session:
            keep_unreadable(session, account_id, answer.unreadable, utcnow())
    runtime.component(Intake).store(account_id, [*answer.reports, *answer.inbound])
    return answer
