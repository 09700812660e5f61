"""Daftar: a wish for an account, and the proof of its e-mail address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import view_config

from core.accounts.limits import Limit, RateLimits, TooManyTriesError, address_key
from core.accounts.passwords import check_password, hash_password
from core.accounts.services import NewUser, check_nip, check_username
from core.i18n import _
from core.verification.forms import RegistrationForm, UsernameForm
from core.verification.services import (
    LinkOutcome,
    applicant_of,
    confirm_registration,
    start_registration,
)

if TYPE_CHECKING:
    from pyramid.request import Request

    from core.web.forms import Form

__all__ = ["BY_ADDRESS", "spend"]

BY_ADDRESS: Final = Limit("mail-address", 20, 60 * 60)
"""Registrations and wishes for a new password from one address; an office can share one."""


def spend(request: Request, form: Form, limit: Limit = BY_ADDRESS) -> bool:
    """Count a try of this address; False, and said on the form, when there were too many."""
    try:
        request.runtime.component(RateLimits).spend((limit, address_key(request.remote_addr)))
    except TooManyTriesError as error:
        form.refuse(None, error.explanation)
        request.response.status_int = 429
        request.response.headers["Retry-After"] = str(error.retry_after)
        return False
    return True


@view_config(
    route_name="verification.registration.create",
    renderer="verification/register.jinja2",
    permission=NO_PERMISSION_REQUIRED,
    once=False,
)
def register(request: Request) -> Any:
    """Take a registration; the answer is the same whether the address is known or not."""
    form = RegistrationForm(request)
    if form.submitted and form.validate():
        _check(form)
    if form.accepted and spend(request, form):
        new = NewUser(
            username=form.username.data or "",
            email=form.email.data or "",
            first_name=form.first_name.data or "",
            last_name=form.last_name.data or "",
            nip=form.nip.data or "",
        )
        # Hashed before the first query of the request's own transaction.
        password_hash = hash_password(form.password.data or "")
        start_registration(
            request.db, new, password_hash=password_hash, remote_addr=request.remote_addr or ""
        )
        return HTTPSeeOther(location=request.route_path("verification.registration.sent"))
    return {"form": form}


def _check(form: RegistrationForm) -> None:
    """Say what is wrong with the fields in themselves, all of it at once."""
    with form.refusals():
        check_username(form.username.data or "")
    with form.refusals():
        check_nip(form.nip.data or "")
    names = (
        form.username.data or "",
        form.email.data or "",
        form.first_name.data or "",
        form.last_name.data or "",
        f"{form.first_name.data} {form.last_name.data}",
    )
    with form.refusals():
        check_password(form.password.data or "", own_words=names)


@view_config(
    route_name="verification.registration.sent",
    renderer="verification/registration_sent.jinja2",
    permission=NO_PERMISSION_REQUIRED,
)
def registration_sent(_request: Request) -> dict[str, Any]:
    """Say that mail is on its way."""
    return {}


@view_config(
    route_name="verification.registration.confirm",
    renderer="verification/registration_confirm.jinja2",
    permission=NO_PERMISSION_REQUIRED,
)
def confirm(request: Request) -> Any:
    """Ask before the link is used: mail programs open links by themselves."""
    token = request.matchdict["token"]
    applicant = applicant_of(request.db, token)
    if applicant is None:
        request.response.status_int = 410
        return {"applicant": None, "form": None}
    form = UsernameForm(request, username=applicant.username)
    if not form.submitted:
        return {"applicant": applicant, "form": None}
    if not form.validate():
        return {"applicant": applicant, "form": form}
    outcome = LinkOutcome.DEAD
    with form.refusals():
        outcome = confirm_registration(request.db, token, username=form.username.data)
    if form.accepted and outcome is LinkOutcome.USERNAME_TAKEN:
        form.refuse(
            "username",
            _("Nama pemakai ini sudah dipakai orang lain. Pilih nama pemakai yang lain."),
        )
    if not form.accepted:
        return {"applicant": applicant, "form": form}
    # An address that has an account by now belongs to the same person: the answer says enough.
    return HTTPSeeOther(location=request.route_path("verification.registration.done"))


@view_config(
    route_name="verification.registration.done",
    renderer="verification/registration_done.jinja2",
    permission=NO_PERMISSION_REQUIRED,
)
def registration_done(_request: Request) -> dict[str, Any]:
    """Say that an Admin decides now."""
    return {}
