"""The addresses at which gateways call us."""

from __future__ import annotations

from typing import Final

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED

from core.hookspecs.channels import WebhookAnswer, WebhookRequest
from core.messaging.webhook import take_webhook

__all__ = ["includeme", "webhook"]

MOST_BYTES: Final = 1_000_000
"""Gateways post reports and texts, not files."""


def includeme(config: Configurator) -> None:
    """Add the routes and their view."""
    config.add_route("messaging.webhook", r"/hook/{account_id:\d+}/{token}/{rest:.*}")
    # The same address without a trailing slash, as it stands in TransportContext.webhook_url.
    config.add_route("messaging.webhook.bare", r"/hook/{account_id:\d+}/{token}")
    for name in ("messaging.webhook", "messaging.webhook.bare"):
        config.add_view(
            webhook, route_name=name, permission=NO_PERMISSION_REQUIRED, require_csrf=False
        )


def webhook(request: Request) -> Response:
    """Hand a gateway's call to its account; it is committed before it is answered."""
    if (request.content_length or 0) > MOST_BYTES:
        return Response(status=413, text="too large", content_type="text/plain")
    # request.db stays closed: the intake commits in a transaction of its own.
    answer: WebhookAnswer = take_webhook(
        request.runtime,
        int(request.matchdict["account_id"]),
        request.matchdict["token"],
        WebhookRequest(
            method=request.method,
            path=request.matchdict.get("rest", ""),
            query=dict(request.GET),
            form=_form(request),
            headers={name.title(): value for name, value in request.headers.items()},
            body=request.body,
            remote_addr=request.remote_addr or "",
        ),
    )
    return Response(
        body=answer.body.encode(),
        status=answer.status,
        content_type=answer.content_type,
        charset="utf-8",
    )


def _form(request: Request) -> dict[str, str]:
    """Return the text fields of a form; files are left out."""
    return {name: value for name, value in request.POST.items() if isinstance(value, str)}
