"""Roles and what they may do: the core's own, and those that plugins bring."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from core.accounts.models import Role, RolePermission
from core.errors import AbahError
from core.framework.datafiles import DataFileError, DataKind, listed_data, register_data_kind
from core.framework.manifest import Manifest, ManifestError, Permission
from core.framework.runtime import Runtime
from core.framework.steps import on_check, on_core_setup, on_forget, on_permissions
from core.framework.tomltable import TomlTable, bad_value
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
    "check_roles",
    "ensure_roles",
    "install_permissions",
    "remove_permissions",
    "role_titles",
    "roles_by_name",
]

CORE: Final = "core"

MAX_ROLE_NAME: Final = 40
_ROLE_NAME: Final = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")

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

    def __init__(self, roles: Iterable[str], known: Iterable[str]) -> None:
        """Name the roles that do not exist, and those that do."""
        self.roles = tuple(sorted(roles))
        super().__init__(
            _(
                "Peran ${roles} tidak dikenal. Pilih dari: ${known}.",
                mapping={"roles": ", ".join(self.roles), "known": ", ".join(known)},
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
        raise UnknownRoleError(unknown, role_titles(session))
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


def role_titles(session: Session) -> dict[str, TranslationString]:
    """Return the word for every role: the core's in their order, then those of plugins by name."""
    rows = session.execute(select(Role.name, Role.title).order_by(Role.name))
    found = {row.name: _(row.title) for row in rows}
    return {name: title for name, title in ROLE_TITLES.items() if name in found} | {
        name: title for name, title in found.items() if name not in ROLE_TITLES
    }


class RoleKind(DataKind):
    """``[[role]]`` in a data file: ``name`` (begins with the plugin's and a dot) and ``title``.

    People keep the role while its plugin is disabled or uninstalled; a purge takes it from them.
    """

    def parse(self, table: TomlTable) -> tuple[str, Mapping[str, Any]]:
        """Read one role."""
        name = table.text("name", required=True)
        if not _ROLE_NAME.fullmatch(name) or len(name) > MAX_ROLE_NAME:
            raise bad_value(table, "name", name, _("nama peran yang diawali nama plugin dan titik"))
        return name, {"title": table.text("title", required=True)}

    def current(
        self, session: Session, external_ids: Sequence[str]
    ) -> Mapping[str, Mapping[str, Any]]:
        """Give the titles."""
        rows = session.execute(select(Role.name, Role.title).where(Role.name.in_(external_ids)))
        return {row.name: {"title": row.title} for row in rows}

    def write(self, session: Session, owner: str, entries: Mapping[str, Mapping[str, Any]]) -> None:
        """Create roles and rename those that are there."""
        known = {role.name: role for role in session.scalars(select(Role))}
        for name, values in entries.items():
            if not name.startswith(f"{owner}."):
                text = _(
                    "Peran ${name} tidak dapat dibawa oleh plugin ${owner}. Namanya harus diawali "
                    "nama plugin dan titik.",
                    mapping={"name": name, "owner": owner},
                )
                raise DataFileError(owner, name, text)
            if name in known:
                known[name].title = values["title"]
            else:
                session.add(Role(name=name, title=values["title"]))
        session.flush()

    def remove(self, session: Session, external_ids: Sequence[str]) -> None:
        """Delete roles; nobody has them any more."""
        session.execute(delete(Role).where(Role.name.in_(external_ids)))


register_data_kind("role", RoleKind())


@on_check
def check_roles(
    runtime: Runtime, manifests: Sequence[Manifest], manifest: Manifest
) -> dict[str, list[str]]:
    """Refuse a plugin whose permissions name roles that neither are here nor come with it.

    :raises ManifestError: they do.
    """
    del manifests
    with runtime.database.reading() as session:
        known = {*ROLE_TITLES, *roles_by_name(session)}
    kinds = (name.partition(":") for name in listed_data(manifest))
    known |= {role for kind, _colon, role in kinds if kind == "role"}
    for permission in manifest.permissions:
        unknown = sorted(set(permission.roles) - known)
        if unknown:
            file = f"{manifest.directory.name}/plugin.toml"
            text = _(
                "${file}: izin ${permission} menyebut peran ${role}, yang tidak ada. Peran yang "
                "ada: ${known}.",
                mapping={
                    "file": file,
                    "permission": permission.name,
                    "role": unknown[0],
                    "known": ", ".join(sorted(known)),
                },
            )
            raise ManifestError(file, "permissions.roles", text)
    return {}


@on_core_setup
def _set_up(session: Session) -> None:
    install_permissions(session, CORE, CORE_PERMISSIONS)


@on_permissions
def _grant(session: Session, owner: str, permissions: tuple[Permission, ...]) -> None:
    install_permissions(session, owner, permissions)


@on_forget
def _forget(session: Session, owner: str) -> None:
    remove_permissions(session, owner)
