"""What roles may do: the core's own permissions, and those that plugins bring."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from core.accounts.models import Role, RolePermission
from core.errors import AbahError
from core.framework.manifest import Permission
from core.framework.steps import on_core_setup, on_forget, on_permissions
from core.i18n import TranslationString, _
from core.web.security import SIGNED_IN

__all__ = [
    "ADMIN",
    "CORE_PERMISSIONS",
    "PETUGAS",
    "PIMPINAN",
    "ROLE_TITLES",
    "SIGNED_IN",
    "UnknownRoleError",
    "ensure_roles",
    "install_permissions",
    "remove_permissions",
    "roles_by_name",
]

CORE: Final = "core"

ADMIN: Final = "admin"
PETUGAS: Final = "petugas"
PIMPINAN: Final = "pimpinan"

ROLE_TITLES: Final[Mapping[str, TranslationString]] = {
    ADMIN: _("Admin"),
    PETUGAS: _("Petugas"),
    PIMPINAN: _("Pimpinan"),
}
"""The roles that the core brings, in the order in which they are shown."""


CORE_PERMISSIONS: Final[Sequence[Permission]] = (
    Permission(SIGNED_IN, "Memakai aplikasi", (PETUGAS, PIMPINAN)),
    Permission("accounts.manage", "Mengelola pemakai"),
    Permission("audit.read", "Membaca jejak audit", (PIMPINAN,)),
    Permission("channels.manage", "Mengelola kanal"),
    Permission("messages.read", "Membaca percakapan", (PETUGAS, PIMPINAN)),
    Permission("messages.read_all", "Membaca semua percakapan", (PIMPINAN,)),
    Permission("messages.resend", "Mengirim ulang pesan", (PETUGAS,)),
    Permission("messages.send", "Mengirim pesan", (PETUGAS,)),
    Permission("plugins.manage", "Mengelola aplikasi"),
    Permission("settings.manage", "Mengubah pengaturan"),
    Permission("texts.manage", "Mengubah teks pesan"),
)
"""Permissions of the core's pages. An Admin has every permission there is."""


class UnknownRoleError(AbahError):
    """A role was named that does not exist."""

    def __init__(self, roles: Iterable[str]) -> None:
        """Name the roles that do not exist."""
        self.roles = tuple(sorted(roles))
        super().__init__(
            _(
                "Peran ${roles} tidak dikenal. Pilih dari: ${known}.",
                mapping={"roles": ", ".join(self.roles), "known": ", ".join(ROLE_TITLES)},
            )
        )


def ensure_roles(session: Session) -> None:
    """Create the core's roles. Safe to repeat."""
    known = set(session.scalars(select(Role.name)))
    session.add_all(
        Role(name=name, title=str(title))
        for name, title in ROLE_TITLES.items()
        if name not in known
    )
    session.flush()


def install_permissions(
    session: Session, owner: str, permissions: Sequence[Permission]
) -> list[str]:
    """Grant an owner's permissions to the roles that they name, and return those that were new.

    An Admin gets each of them. A permission that was installed before stays as it is, because it
    may have been taken from a role since; one that its owner no longer brings is taken away.

    :raises UnknownRoleError: a permission names a role that does not exist.
    """
    ensure_roles(session)
    wanted = {permission.name: permission for permission in permissions}
    roles = roles_by_name(session)
    unknown = {role for new in permissions for role in new.roles} - set(roles)
    if unknown:
        raise UnknownRoleError(unknown)
    known = set(
        session.scalars(
            select(RolePermission.permission).where(RolePermission.owner == owner).distinct()
        )
    )
    gone = known - set(wanted)
    if gone:
        session.execute(
            delete(RolePermission).where(
                RolePermission.owner == owner, RolePermission.permission.in_(sorted(gone))
            )
        )
    added = [name for name in wanted if name not in known]
    session.add_all(
        RolePermission(role_id=roles[role], permission=name, owner=owner)
        for name in added
        for role in sorted({ADMIN, *wanted[name].roles})
    )
    session.flush()
    return added


def remove_permissions(session: Session, owner: str) -> int:
    """Take away what an owner's permissions granted, and return how many grants went."""
    gone = session.execute(
        delete(RolePermission)
        .where(RolePermission.owner == owner)
        .returning(RolePermission.role_id)
    )
    return len(gone.all())


def roles_by_name(session: Session) -> dict[str, int]:
    """Return the id of every role."""
    return {row.name: row.id for row in session.execute(select(Role.name, Role.id))}


@on_core_setup
def _set_up(session: Session) -> None:
    install_permissions(session, CORE, CORE_PERMISSIONS)


@on_permissions
def _grant(session: Session, owner: str, permissions: tuple[Permission, ...]) -> None:
    install_permissions(session, owner, permissions)


@on_forget
def _forget(session: Session, owner: str) -> None:
    remove_permissions(session, owner)
