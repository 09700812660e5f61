"""Pemakai: who waits, who is in, and letting people in or out. For Admins."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from pyramid.view import view_config
from sqlalchemy import String, func, literal, select

from core.accounts.forms import GrantForm
from core.accounts.models import Role, Team, TeamMember, User, UserRole, UserStatus
from core.accounts.permissions import role_titles
from core.accounts.services import (
    count_waiting,
    create_team,
    disable_user,
    get_user,
    grant_access,
    roles_and_teams,
    teams,
    user_subject,
)
from core.audit import entries
from core.errors import ConflictError
from core.i18n import TranslationString, _
from core.web.confirm import confirmation
from core.web.dialog import close_dialog
from core.web.locale import translate
from core.web.tables import ChoiceFilter, Column, Table, TextFilter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyramid.request import Request

__all__ = ["STATUS_WORDS", "waiting"]

MANAGE: Final = "accounts.manage"
_HISTORY: Final = 50

STATUS_WORDS: Final[Mapping[str, TranslationString]] = {
    UserStatus.PENDING: _("Menunggu persetujuan"),
    UserStatus.ACTIVE: _("Aktif"),
    UserStatus.DISABLED: _("Nonaktif"),
}

ACTION_WORDS: Final[Mapping[str, TranslationString]] = {
    "user.create": _("Akun dibuat"),
    "user.grant": _("Akses diberikan atau diubah"),
    "user.refuse": _("Pendaftaran ditolak"),
    "user.disable": _("Akun dinonaktifkan"),
    "user.change_password": _("Sandi diganti"),
    "user.reset_password": _("Sandi direset"),
    "user.update_profile": _("Profil diubah"),
    "user.set_phone": _("Nomor telepon dikonfirmasi"),
    "user.sign_in": _("Masuk"),
    "verification.send_code": _("Kode verifikasi dikirim"),
    "verification.locked": _("Kode verifikasi salah terlalu sering"),
}


@lru_cache(maxsize=8)
def _table(titles: tuple[tuple[str, TranslationString], ...], *, whole: bool) -> Table:
    """Describe the list, which is the same for every Admin; ``whole`` as a file has it."""
    roles = (
        select(func.aggregate_strings(Role.name, ", "))
        .join(UserRole, UserRole.role_id == Role.id)
        .where(UserRole.user_id == User.id)
        .scalar_subquery()
    )
    team_names = (
        select(func.aggregate_strings(Team.name, ", "))
        .join(TeamMember, TeamMember.team_id == Team.id)
        .where(TeamMember.user_id == User.id)
        .scalar_subquery()
    )
    name = (User.first_name + literal(" ", String) + User.last_name).label("name")
    statement: Any = select(
        User.id,
        name,
        User.username,
        User.nip,
        User.email,
        User.status,
        User.created_at,
        func.coalesce(roles, "").label("roles"),
        func.coalesce(team_names, "").label("teams"),
    )
    # On the page they stand below the names; a file has a column for each.
    apart = [
        Column("nip", _("NIP"), sort=True),
        Column("email", _("Alamat email"), sort=True),
    ]
    return Table(
        statement,
        key="id",
        columns=[
            Column("name", _("Nama"), sort=True, main=True),
            Column(
                "username",
                _("Nama pemakai"),
                sort=True,
                plain=True,
                below=lambda row: row.email,
            ),
            *(apart if whole else ()),
            Column("roles", _("Peran"), plain=True, value=lambda row: _words(row.roles, titles)),
            Column("teams", _("Tim"), plain=True),
            Column("status", _("Status"), sort=True, value=lambda row: STATUS_WORDS[row.status]),
            Column("created_at", _("Terdaftar"), sort=True, plain=True),
            Column("actions", _("Aksi"), export=False),
        ],
        filters=[
            TextFilter(
                "cari", _("Nama, NIP, atau email"), [name, User.username, User.nip, User.email]
            ),
            ChoiceFilter("status", _("Status"), User.status, list(STATUS_WORDS.items())),
            ChoiceFilter(
                "peran",
                _("Peran"),
                None,
                list(titles),
                condition=lambda role: User.id.in_(
                    select(UserRole.user_id)
                    .join(Role, Role.id == UserRole.role_id)
                    .where(Role.name == role)
                ),
            ),
        ],
        default_sort="-created_at",
        empty=_("Belum ada pemakai."),
        outer_joined=False,
        kept=True,
    )


def _words(names: str, titles: Sequence[tuple[str, TranslationString]]) -> str:
    """Write roles as they stand on the screen."""
    return ", ".join(translate(title) for name, title in titles if name in names.split(", "))


@view_config(route_name="accounts.user.list", renderer="accounts/users.jinja2", permission=MANAGE)
def list_users(request: Request) -> Any:
    """List everybody, with those who wait on top of the page."""
    titles = tuple(role_titles(request.db).items())
    found = _table(titles, whole="format" in request.GET).respond(request)
    if not isinstance(found, dict):
        return found
    return {**found, "waiting": count_waiting(request.db), "status_words": STATUS_WORDS}


@view_config(route_name="accounts.user.detail", renderer="accounts/user.jinja2", permission=MANAGE)
def show_user(request: Request) -> Any:
    """Show one person, what the person may do, and what was done."""
    user = get_user(request.db, int(request.matchdict["id"]))
    roles, team_ids = roles_and_teams(request.db, user.id)
    names = dict(teams(request.db))
    return {
        "user": user,
        "roles": [title for name, title in role_titles(request.db).items() if name in roles],
        "teams": [names[team] for team in sorted(team_ids)],
        "status_words": STATUS_WORDS,
        "action_words": ACTION_WORDS,
        "history": entries(request.db, user_subject(user.id), limit=_HISTORY),
        "is_self": user.id == request.identity.id,
    }


@view_config(route_name="accounts.user.grant", renderer="accounts/grant.jinja2", permission=MANAGE)
def grant(request: Request) -> Any:
    """Ask for roles and teams, and let the person in."""
    user = get_user(request.db, int(request.matchdict["id"]))
    known = teams(request.db)
    roles, team_ids = roles_and_teams(request.db, user.id)
    form = GrantForm(request, roles=sorted(roles), teams=sorted(team_ids))
    form.roles.choices = list(role_titles(request.db).items())
    form.teams.choices = known
    if form.submitted and form.validate():
        with form.refusals():
            _grant(request, form, user.id)
    if form.accepted:
        request.session.flash(
            _("${name} sekarang memiliki akses.", mapping={"name": user.name}), "success"
        )
        return close_dialog(request, request.route_path("accounts.user.list"))
    return {"form": form, "user": user, "status": form_status(request, user)}


def _grant(request: Request, form: GrantForm, user_id: int) -> None:
    chosen = set(form.teams.data or ())
    if form.new_team.data:
        chosen.add(create_team(request.db, form.new_team.data, actor_id=request.identity.id))
    grant_access(
        request.db,
        user_id,
        roles=form.roles.data or (),
        team_ids=chosen,
        actor_id=request.identity.id,
        expected=_seen(request),
    )


@view_config(
    route_name="accounts.user.disable",
    request_method="GET",
    renderer="partials/confirm.jinja2",
    permission=MANAGE,
)
def ask_disable(request: Request) -> Any:
    """Ask before a person is refused or shut out."""
    user = get_user(request.db, int(request.matchdict["id"]))
    facts = {"name": user.name, "email": user.email}
    back = request.route_path("accounts.user.detail", id=user.id)
    seen = [("seen", str(user.status))]
    if user.status == UserStatus.PENDING:
        return confirmation(
            _("Tolak pendaftaran"),
            _("Tolak pendaftaran ${name} (${email})?", mapping=facts),
            back,
            detail=_("Ia diberi tahu lewat email dan tidak dapat masuk."),
            fields=seen,
            ok=_("Ya, tolak"),
            danger=True,
        )
    return confirmation(
        _("Nonaktifkan akun"),
        _("Nonaktifkan akun ${name} (${email})?", mapping=facts),
        back,
        detail=_("Ia langsung dikeluarkan dari semua peramban dan tidak dapat masuk lagi."),
        fields=seen,
        ok=_("Ya, nonaktifkan"),
        danger=True,
    )


@view_config(route_name="accounts.user.disable", request_method="POST", permission=MANAGE)
def disable(request: Request) -> Any:
    """Refuse a person who waits, or shut out one who is in."""
    seen = _seen(request)
    user = disable_user(
        request.db, int(request.matchdict["id"]), actor_id=request.identity.id, expected=seen
    )
    facts = {"name": user.name}
    if seen is UserStatus.PENDING:
        request.session.flash(_("Pendaftaran ${name} ditolak.", mapping=facts), "success")
    else:
        request.session.flash(_("Akun ${name} dinonaktifkan.", mapping=facts), "success")
    return close_dialog(request, request.route_path("accounts.user.list"))


def form_status(request: Request, user: User) -> str:
    """Return the status that the form carries: what the Admin saw when it was first shown."""
    return str(request.POST.get("seen") or user.status)


def _seen(request: Request) -> UserStatus:
    try:
        return UserStatus(request.POST.get("seen", ""))
    except ValueError:
        raise ConflictError from None


def waiting(request: Request, _given: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Count who waits, for the dashboard; None while nobody does."""
    count = count_waiting(request.db)
    return {"count": count} if count else None
