"""Roles, and permissions that come and go with plugins."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from core.accounts.models import Role, RolePermission
from core.accounts.permissions import (
    UnknownRoleError,
    install_permissions,
    remove_permissions,
    role_titles,
    roles_by_name,
)
from core.framework.datafiles import DataFileError, load_files
from core.framework.manifest import Permission
from core.testing.people import People

pytestmark = pytest.mark.plugins()

SEND = Permission("choir.song.send", "Mengirim lagu", ("petugas",))
READ = Permission("choir.song.read", "Membaca lagu", ("petugas", "pimpinan"))


def granted(session: Session, owner: str = "choir") -> set[tuple[str, str]]:
    query = (
        select(Role.name, RolePermission.permission)
        .join(RolePermission, RolePermission.role_id == Role.id)
        .where(RolePermission.owner == owner)
    )
    return {(row.name, row.permission) for row in session.execute(query)}


def test_set_up_brings_three_roles(session: Session) -> None:
    assert set(roles_by_name(session)) == {"admin", "petugas", "pimpinan"}


def test_an_admin_has_every_permission_that_there_is(session: Session, people: People) -> None:
    admin = people.admin()
    install_permissions(session, "choir", [SEND, READ])
    session.commit()
    everything = set(session.scalars(select(RolePermission.permission)))
    assert people.facts(admin).permissions == everything


def test_officers_do_their_work_and_heads_read_everything(people: People) -> None:
    officer = people.facts(people.petugas())
    head = people.facts(people.pimpinan())
    assert {"abah.signed_in", "messages.read", "messages.send"} <= officer.permissions
    assert "messages.read_all" not in officer.permissions
    assert "messages.read_all" in head.permissions
    assert "messages.send" not in head.permissions
    for facts in (officer, head):
        assert not any(name.endswith(".manage") for name in facts.permissions)


def test_a_permission_goes_to_the_roles_that_it_names(session: Session) -> None:
    assert install_permissions(session, "choir", [SEND, READ]) == [SEND.name, READ.name]
    assert granted(session) == {
        ("admin", SEND.name),
        ("petugas", SEND.name),
        ("admin", READ.name),
        ("petugas", READ.name),
        ("pimpinan", READ.name),
    }


def test_an_upgrade_gives_back_nothing_that_was_taken(session: Session) -> None:
    install_permissions(session, "choir", [SEND])
    petugas = roles_by_name(session)["petugas"]
    session.execute(delete(RolePermission).where(RolePermission.role_id == petugas))
    assert install_permissions(session, "choir", [SEND, READ]) == [READ.name]
    assert ("petugas", SEND.name) not in granted(session)
    assert ("petugas", READ.name) in granted(session)


def test_a_permission_that_is_no_longer_brought_goes(session: Session) -> None:
    install_permissions(session, "choir", [SEND, READ])
    install_permissions(session, "choir", [READ])
    assert {name for _role, name in granted(session)} == {READ.name}


def test_a_purge_leaves_nothing_and_touches_nobody_else(session: Session) -> None:
    install_permissions(session, "choir", [SEND])
    install_permissions(session, "band", [Permission("band.play", "Bermain", ())])
    assert remove_permissions(session, "choir") == 2
    assert granted(session) == set()
    assert granted(session, "band") == {("admin", "band.play")}


def test_a_role_bears_the_name_of_its_plugin(session: Session, tmp_path: Path) -> None:
    file = tmp_path / "roles.toml"
    for name in ("band.singer", "singer", "choir.Singer", "choir." + "a" * 40):
        file.write_text(f'[[role]]\nname = "{name}"\ntitle = "Penyanyi"\n')
        with pytest.raises(DataFileError):
            load_files(session, "choir", [file])
    assert len(role_titles(session)) == 3


def test_a_role_is_renamed_by_a_later_version_and_comes_after_the_cores(
    session: Session, tmp_path: Path
) -> None:
    file = tmp_path / "roles.toml"
    for title in ("Penyanyi", "Biduan"):
        file.write_text(f'[[role]]\nname = "choir.singer"\ntitle = "{title}"\n')
        load_files(session, "choir", [file])
    titles = {name: str(title) for name, title in role_titles(session).items()}
    assert list(titles)[:3] == ["admin", "petugas", "pimpinan"]
    assert titles["choir.singer"] == "Biduan"


def test_an_unknown_role_is_named(session: Session) -> None:
    with pytest.raises(UnknownRoleError, match="dirigent") as caught:
        install_permissions(session, "choir", [Permission("choir.lead", "Memimpin", ("dirigent",))])
    assert caught.value.roles == ("dirigent",)
