"""Profilku: what a person may see and change about himself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.view import view_config

from core.accounts.forms import PasswordForm, ProfileForm
from core.accounts.limits import TooManyTriesError
from core.accounts.passwords import check_password, hash_password
from core.accounts.security import sign_in
from core.accounts.services import (
    change_password,
    check_own_password,
    get_user,
    set_locale,
    update_profile,
)
from core.i18n import TranslationString, _
from core.web.security import SIGNED_IN

if TYPE_CHECKING:
    from pyramid.config import Configurator
    from pyramid.request import Request

    from core.web.locale import LocaleChosen

__all__ = ["ProfileTab", "add_profile_tab", "profile_tabs", "remember_locale"]

_TABS: Final = "abah.profile_tabs"


@dataclass(frozen=True, slots=True)
class ProfileTab:
    """A tab of Profilku; its page extends ``accounts/profile_page.jinja2``."""

    label: TranslationString
    route: str
    order: int
    permission: str


def add_profile_tab(
    config: Configurator,
    label: TranslationString,
    route: str,
    *,
    order: int = 50,
    permission: str = SIGNED_IN,
) -> None:
    """Add a tab to Profilku for those who have a permission. Directive of the configurator."""
    tabs = config.registry.setdefault(_TABS, {})
    tabs[route] = ProfileTab(label, route, order, permission)


def profile_tabs(request: Request) -> list[ProfileTab]:
    """Return the tabs that a person may open, in order. Method of the request."""
    tabs: dict[str, ProfileTab] = request.registry[_TABS]
    allowed = (tab for tab in tabs.values() if request.has_permission(tab.permission))
    return sorted(allowed, key=lambda tab: (tab.order, tab.route))


@view_config(
    route_name="accounts.profile.edit", renderer="accounts/profile.jinja2", permission=SIGNED_IN
)
def edit_profile(request: Request) -> Any:
    """Show the account and change the names."""
    user = get_user(request.db, request.identity.id)
    form = ProfileForm(request, obj=user)
    if form.submitted and form.validate():
        with form.refusals():
            update_profile(
                request.db,
                user.id,
                first_name=form.first_name.data or "",
                last_name=form.last_name.data or "",
                actor_id=user.id,
            )
    if form.accepted:
        request.session.flash(_("Profil Anda sudah diperbarui."), "success")
        return HTTPSeeOther(location=request.route_path("accounts.profile.edit"))
    return {"form": form, "user": user}


@view_config(
    route_name="accounts.profile.password",
    renderer="accounts/password.jinja2",
    permission=SIGNED_IN,
    once=False,
)
def edit_password(request: Request) -> Any:
    """Replace the password; every other browser is signed out."""
    form = PasswordForm(request)
    response = _replace(request, form) if form.submitted and form.validate() else None
    if response is not None:
        return response
    return {"form": form}


def _replace(request: Request, form: PasswordForm) -> HTTPSeeOther | None:
    identity = request.identity
    new = form.password.data or ""
    # Checked and hashed before the first query of the request's own transaction.
    with form.refusals():
        check_password(new, own_words=(identity.username, identity.email, identity.name))
    if not form.accepted or not _knows_password(request, form):
        return None
    password_hash = hash_password(new)
    change_password(
        request.db,
        identity.id,
        password_hash=password_hash,
        actor_id=identity.id,
        action="user.change_password",
    )
    response = HTTPSeeOther(location=request.route_path("accounts.profile.password"))
    sign_in(request, identity.id, response)
    request.session.flash(
        _("Sandi Anda sudah diganti. Peramban lain yang sedang masuk telah dikeluarkan."), "success"
    )
    return response


def _knows_password(request: Request, form: PasswordForm) -> bool:
    try:
        known = check_own_password(request.runtime, request.identity.id, form.current.data or "")
    except TooManyTriesError as error:
        form.refuse(None, error.explanation)
        request.response.status_int = 429
        request.response.headers["Retry-After"] = str(error.retry_after)
        return False
    if not known:
        form.refuse("current", _("Sandi sekarang tidak cocok. Ketik ulang sandi Anda."))
    return known


def remember_locale(event: LocaleChosen) -> None:
    """Store the language that a signed-in person chose with the account."""
    identity = event.request.identity
    if identity is not None and identity.locale != event.locale:
        set_locale(event.request.db, identity.id, event.locale)
