"""``abah user``: people, from the command line. The audit trail shows nobody as the actor."""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import click
from sqlalchemy import func, select

from core.accounts.models import Role, Team, TeamMember, User, UserRole, UserStatus
from core.accounts.passwords import check_password, hash_password
from core.accounts.services import (
    NewUser,
    change_password,
    create_team,
    create_user,
    find_user,
    grant_access,
    normal_email,
)
from core.errors import InvalidInputError, NotFoundError
from core.i18n import TranslationString, _

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.framework.runtime import Runtime

__all__ = ["group"]

_GENERATED_BYTES: Final = 12

F = Callable[..., None]


def _password_options(command: F) -> F:
    """Add the ways in which a password can be given."""
    generate = click.option(
        "--generate", is_flag=True, help=_("Buat sandi acak dan cetak satu kali.")
    )
    stdin = click.option(
        "--password-stdin", is_flag=True, help=_("Baca sandi dari baris pertama masukan baku.")
    )
    decorated: F = generate(stdin(command))
    return decorated


_roles = click.option(
    "--role",
    "roles",
    multiple=True,
    help=_("Peran (admin, petugas, pimpinan, atau peran plugin); boleh lebih dari satu kali."),
)
_teams = click.option("--team", "teams", multiple=True, help=_("Nama tim; dibuat bila belum ada."))


@click.group("user", help=_("Pemakai: membuat, memberi akses, mereset sandi."))
def group() -> None:
    """Hold the verbs."""


@group.command("create", help=_("Membuat akun; dengan --role langsung diberi akses."))
@click.argument("username")
@click.argument("email")
@click.option("--first-name", help=_("Nama depan; tanpa ini nama pemakai."))
@click.option("--last-name", default="", help=_("Nama belakang."))
@click.option("--nip", default="", help=_("NIP, 18 angka."))
@_roles
@_teams
@_password_options
@click.pass_obj
def create(  # noqa: PLR0913 - click gives every option by name
    runtime: Runtime,
    *,
    username: str,
    email: str,
    first_name: str | None,
    last_name: str,
    nip: str,
    roles: Sequence[str],
    teams: Sequence[str],
    generate: bool,
    password_stdin: bool,
) -> None:
    """Create an account, and let it in where a role is named."""
    new = NewUser(username, _email(email), first_name or username, last_name, nip)
    names = (username, email, first_name or "", last_name)
    password = _password(names, generate=generate, stdin=password_stdin)
    password_hash = hash_password(password)
    with runtime.database.writing() as session:
        user = create_user(session, new, password_hash=password_hash)
        if roles:
            _grant(session, user.id, roles, teams)
    if roles:
        _say(_("Akun ${name} dibuat dan diberi akses.", mapping={"name": user.username}))
    else:
        _say(_("Akun ${name} dibuat dan menunggu akses.", mapping={"name": user.username}))
    _show(password, generated=generate)


@group.command("grant", help=_("Memberi atau mengubah akses: peran dan tim yang disebut berlaku."))
@click.argument("name")
@_roles
@_teams
@click.pass_obj
def grant(runtime: Runtime, *, name: str, roles: Sequence[str], teams: Sequence[str]) -> None:
    """Let a person in with exactly these roles and teams."""
    with runtime.database.writing() as session:
        user = _find(session, name)
        _grant(session, user.id, roles, teams)
    _say(_("${name} sekarang memiliki akses.", mapping={"name": user.name}))


@group.command("reset-password", help=_("Mengganti sandi dan mengeluarkan semua peramban."))
@click.argument("name")
@_password_options
@click.pass_obj
def reset_password(runtime: Runtime, *, name: str, generate: bool, password_stdin: bool) -> None:
    """Replace a password and sign the person out everywhere."""
    with runtime.database.reading() as session:
        user = _find(session, name)
    names = (user.username, user.email, user.name, user.first_name)
    password = _password(names, generate=generate, stdin=password_stdin)
    password_hash = hash_password(password)
    with runtime.database.writing() as session:
        change_password(
            session,
            user.id,
            password_hash=password_hash,
            actor_id=None,
            action="user.reset_password",
        )
    _say(_("Sandi ${name} sudah diganti.", mapping={"name": user.username}))
    _show(password, generated=generate)


@group.command("list", help=_("Daftar pemakai."))
@click.option(
    "--status",
    type=click.Choice([str(status) for status in UserStatus]),
    help=_("Hanya status ini."),
)
@click.option("--json", "as_json", is_flag=True, help=_("Keluaran JSON untuk dibaca program."))
@click.pass_obj
def list_users(runtime: Runtime, *, status: str | None, as_json: bool) -> None:
    """List people with what they may do."""
    with runtime.database.reading() as session:
        rows = _rows(session, status)
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2, default=str))
        return
    if not rows:
        _say(_("Tidak ada pemakai."))
    for row in rows:
        marks = [row["status"], *row["roles"], *row["teams"]]
        click.echo(f"{row['username']:<20} {row['name']:<30} {', '.join(marks)}")


def _rows(session: Session, status: str | None) -> list[dict[str, Any]]:
    roles = (
        select(func.aggregate_strings(Role.name, "\n"))
        .join(UserRole, UserRole.role_id == Role.id)
        .where(UserRole.user_id == User.id)
        .scalar_subquery()
    )
    teams = (
        select(func.aggregate_strings(Team.name, "\n"))
        .join(TeamMember, TeamMember.team_id == Team.id)
        .where(TeamMember.user_id == User.id)
        .scalar_subquery()
    )
    query = select(
        User.id,
        User.username,
        User.first_name,
        User.last_name,
        User.email,
        User.nip,
        User.phone,
        User.status,
        User.created_at,
        roles.label("roles"),
        teams.label("teams"),
    ).order_by(User.username)
    if status is not None:
        query = query.where(User.status == status)
    return [
        {
            "id": row.id,
            "username": row.username,
            "name": f"{row.first_name} {row.last_name}".strip(),
            "email": row.email,
            "nip": row.nip,
            "phone": row.phone,
            "status": row.status,
            "roles": sorted((row.roles or "").split()),
            "teams": sorted((row.teams or "").splitlines()),
            "created_at": row.created_at,
        }
        for row in session.execute(query)
    ]


def _grant(session: Session, user_id: int, roles: Sequence[str], teams: Sequence[str]) -> None:
    team_ids = [create_team(session, team, actor_id=None) for team in teams]
    grant_access(session, user_id, roles=roles, team_ids=team_ids, actor_id=None)


def _find(session: Session, name: str) -> User:
    user = find_user(session, name)
    if user is None:
        raise NotFoundError(
            _("Tidak ada pemakai dengan nama atau alamat email ${name}.", mapping={"name": name})
        )
    return user


def _email(text: str) -> str:
    email = normal_email(text)
    local, at, domain = email.partition("@")
    if not (local and at and "." in domain.strip(".")) or any(char.isspace() for char in email):
        raise InvalidInputError(
            field="email",
            explanation=_("${email} bukan alamat email yang lengkap.", mapping={"email": text}),
        )
    return email


def _password(own_words: Sequence[str], *, generate: bool, stdin: bool) -> str:
    """Take the password in the way that was chosen; it is checked like everybody's."""
    if generate:
        return secrets.token_urlsafe(_GENERATED_BYTES)
    if stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = click.prompt(
            _("Sandi baru").interpolate(), hide_input=True, confirmation_prompt=True, err=True
        )
    check_password(password, own_words=own_words)
    return str(password)


def _show(password: str, *, generated: bool) -> None:
    if generated:
        click.echo(_("Sandi: ${password}", mapping={"password": password}).interpolate())


def _say(sentence: TranslationString) -> None:
    click.echo(sentence.interpolate(), err=True)
