"""Lupa sandi: a link by e-mail, and a new password behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import view_config

from core.accounts.passwords import check_password, hash_password
from core.i18n import _
from core.verification.forms import NewPasswordForm, ResetForm
from core.verification.services import LinkOutcome, finish_reset, reset_owner, start_reset
from core.verification.views.registration import spend

if TYPE_CHECKING:
    from pyramid.request import Request

__all__: list[str] = []


@view_config(
    route_name="verification.reset.request",
    renderer="verification/reset_request.jinja2",
    permission=NO_PERMISSION_REQUIRED,
    once=False,
)
def request_reset(request: Request) -> Any:
    """Take the wish; the answer is the same whether the address is known or not."""
    form = ResetForm(request)
    if form.submitted and form.validate() and spend(request, form):
        start_reset(request.db, form.email.data or "", remote_addr=request.remote_addr or "")
        return HTTPSeeOther(location=request.route_path("verification.reset.sent"))
    return {"form": form}


@view_config(
    route_name="verification.reset.sent",
    renderer="verification/reset_sent.jinja2",
    permission=NO_PERMISSION_REQUIRED,
)
def reset_sent(_request: Request) -> dict[str, Any]:
    """Say that mail is on its way."""
    return {}


@view_config(
    route_name="verification.reset.finish",
    renderer="verification/reset_finish.jinja2",
    permission=NO_PERMISSION_REQUIRED,
    once=False,
)
def finish(request: Request) -> Any:
    """Set the new password; the link works once."""
    token = request.matchdict["token"]
    with request.runtime.database.reading() as session:
        owner = reset_owner(session, token)
        words = () if owner is None else (owner.username, owner.email, owner.name, owner.first_name)
    if not words:
        request.response.status_int = 410
        return {"form": None}
    form = NewPasswordForm(request)
    if form.submitted and form.validate():
        with form.refusals():
            check_password(form.password.data or "", own_words=words)
    if not form.accepted:
        return {"form": form}
    # Hashed before the first query of the request's own transaction.
    password_hash = hash_password(form.password.data or "")
    if finish_reset(request.db, token, password_hash=password_hash) is LinkOutcome.DEAD:
        request.response.status_int = 410
        return {"form": None}
    request.session.flash(_("Sandi baru sudah disimpan. Silakan masuk."), "success")
    return HTTPSeeOther(location=request.route_path("accounts.session.create"))
