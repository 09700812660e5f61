"""Masuk and Keluar."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import view_config

from core.accounts.forms import SignInForm
from core.accounts.limits import TooManyTriesError
from core.accounts.security import sign_in, sign_out
from core.accounts.services import SignIn, authenticate, note_sign_in
from core.i18n import TranslationString, _
from core.web.tables.selection import is_local

if TYPE_CHECKING:
    from pyramid.request import Request

__all__: list[str] = []

_REFUSALS: Final[dict[SignIn, TranslationString]] = {
    SignIn.REFUSED: _(
        "Nama pemakai atau sandi salah. Periksa keduanya, atau pilih “Lupa sandi” di bawah."
    ),
    SignIn.WAITING: _(
        "Pendaftaran Anda masih menunggu persetujuan Admin. Anda akan diberi tahu lewat email."
    ),
    SignIn.DISABLED: _("Akun Anda tidak aktif. Hubungi Admin bila menurut Anda ini keliru."),
}


@view_config(
    route_name="accounts.session.create",
    renderer="accounts/sign_in.jinja2",
    permission=NO_PERMISSION_REQUIRED,
    once=False,
)
def create_session(request: Request) -> Any:
    """Ask for name and password, and sign in."""
    there = request.params.get("next", "")
    there = there if is_local(there) else request.route_path("dashboard")
    if request.identity is not None and request.method == "GET":
        return HTTPSeeOther(location=there)
    form = SignInForm(request)
    if form.submitted and form.validate():
        response = _try(request, form, there)
        if response is not None:
            return response
    return {"form": form, "next": there}


def _try(request: Request, form: SignInForm, there: str) -> HTTPSeeOther | None:
    try:
        answer = authenticate(
            request.runtime,
            form.name.data or "",
            form.password.data or "",
            remote_addr=request.remote_addr,
        )
    except TooManyTriesError as error:
        form.refuse(None, error.explanation)
        request.response.status_int = 429
        request.response.headers["Retry-After"] = str(error.retry_after)
        return None
    if answer.outcome is not SignIn.OK or answer.user_id is None:
        form.refuse(None, _REFUSALS[answer.outcome])
        return None
    note_sign_in(request.db, answer.user_id, new_hash=answer.new_hash)
    response = HTTPSeeOther(location=there)
    sign_in(request, answer.user_id, response)
    return response


@view_config(
    route_name="accounts.session.delete",
    request_method="POST",
    permission=NO_PERMISSION_REQUIRED,
    once=False,
)
def delete_session(request: Request) -> HTTPSeeOther:
    """Sign this browser out."""
    response = HTTPSeeOther(location=request.route_path("accounts.session.create"))
    sign_out(request, response)
    request.session.invalidate()
    request.session.flash(_("Anda sudah keluar."), "success")
    return response
