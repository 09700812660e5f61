"""``abah user``."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from core.accounts.cli import group
from core.accounts.models import UserStatus
from core.accounts.passwords import verify_password
from core.accounts.permissions import UnknownRoleError
from core.accounts.services import find_user, roles_and_teams, teams
from core.accounts.sessions import SessionRules, find_session, open_session
from core.db import Database
from core.errors import InvalidInputError, NotFoundError
from core.framework.runtime import Runtime
from core.testing.people import People

pytestmark = [pytest.mark.plugins(), pytest.mark.usefixtures("quick_hashing")]

PASSWORD = "kuda lumping biru"


@pytest.fixture
def run(runtime: Runtime) -> Any:
    def call(*args: str, given: str = "") -> Result:
        result = CliRunner().invoke(group, args, obj=runtime, input=given)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return call


def test_create_lets_the_first_admin_in(run: Any, database: Database) -> None:
    result = run(
        "create",
        "ketua",
        "Ketua@contoh.go.id",
        *("--first-name", "KETUA", "--role", "admin", "--team", "Tim 1", "--password-stdin"),
        given=f"{PASSWORD}\n",
    )
    assert result.exit_code == 0
    assert PASSWORD not in result.output
    with database.reading() as session:
        user = find_user(session, "ketua@contoh.go.id")
        assert user is not None
        assert user.status == UserStatus.ACTIVE
        assert verify_password(user.password_hash, PASSWORD)
        assert roles_and_teams(session, user.id)[0] == {"admin"}
        assert [name for _id, name in teams(session)] == ["Tim 1"]


def test_create_without_a_role_waits(run: Any, database: Database) -> None:
    result = run("create", "baru", "baru@contoh.go.id", "--generate")
    password = result.stdout.removeprefix("Sandi: ").strip()
    assert len(password) >= 16
    with database.reading() as session:
        user = find_user(session, "baru")
        assert user is not None
        assert user.status == UserStatus.PENDING
        assert verify_password(user.password_hash, password)


def test_the_password_is_asked_for_twice(run: Any) -> None:
    result = run(
        "create", "baru", "baru@contoh.go.id", given=f"{PASSWORD}\nother\n{PASSWORD}\n{PASSWORD}\n"
    )
    assert result.exit_code == 0
    assert PASSWORD not in result.output


@pytest.mark.parametrize(
    ("args", "given"),
    [
        (("baru", "baru@contoh.go.id"), "pendek"),
        (("baru", "no address"), PASSWORD),
        (("b", "baru@contoh.go.id"), PASSWORD),
        (("baru", "baru@contoh.go.id", "--nip", "12"), PASSWORD),
    ],
)
def test_what_is_wrong_creates_nobody(
    run: Any, database: Database, args: tuple[str, ...], given: str
) -> None:
    with pytest.raises(InvalidInputError):
        run("create", *args, "--password-stdin", given=f"{given}\n")
    with database.reading() as session:
        assert find_user(session, "baru") is None


def test_grant_sets_exactly_the_roles_and_teams_that_are_named(
    run: Any, people: People, database: Database
) -> None:
    person = people.make(None, "BARU", username="baru", status="pending")
    run("grant", "baru", "--role", "petugas", "--role", "pimpinan", "--team", "Tim 1")
    with database.reading() as session:
        roles, team_ids = roles_and_teams(session, person.id)
    assert roles == {"petugas", "pimpinan"}
    assert len(team_ids) == 1
    run("grant", "baru@example.test", "--role", "petugas")
    with database.reading() as session:
        assert roles_and_teams(session, person.id) == (frozenset({"petugas"}), frozenset())


def test_grant_needs_a_role_and_a_person(run: Any, people: People) -> None:
    people.petugas("ADA", username="ada")
    with pytest.raises(InvalidInputError):
        run("grant", "ada")
    with pytest.raises(NotFoundError, match="hantu"):
        run("grant", "hantu", "--role", "petugas")
    with pytest.raises(UnknownRoleError, match="raja"):
        run("grant", "ada", "--role", "raja")


def test_reset_password_signs_out_everywhere(
    run: Any, people: People, database: Database, runtime: Runtime
) -> None:
    person = people.petugas("LUPA", username="lupa")
    rules = runtime.component(SessionRules)
    with database.writing() as session:
        token = open_session(session, person.id, rules=rules)
    run("reset-password", "lupa", "--password-stdin", given=f"{PASSWORD}\n")
    with database.reading() as session:
        user = find_user(session, "lupa")
        assert user is not None
        assert verify_password(user.password_hash, PASSWORD)
        assert find_session(session, token, rules=rules) is None


def test_list_is_read_by_people_and_programs(run: Any, people: People) -> None:
    people.petugas("DANU MAHARDIKA", username="danu", team="Tim 1")
    people.make(None, "BARU", username="baru", status="pending", phone=None)
    rows = json.loads(run("list", "--json").stdout)
    assert [row["username"] for row in rows] == ["baru", "danu"]
    assert rows[1]["roles"] == ["petugas"]
    assert rows[1]["teams"] == ["Tim 1"]
    assert "password" not in json.dumps(rows)
    assert [
        row["username"] for row in json.loads(run("list", "--json", "--status", "pending").stdout)
    ] == ["baru"]
    assert "DANU MAHARDIKA" in run("list").stdout
