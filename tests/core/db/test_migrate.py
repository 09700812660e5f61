"""One history per owner: readable ids that fit, both directions, no drift, no child lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect, text

from core.app import import_models_of_core
from core.db import Base, Database
from core.db.migrate import (
    MAX_REVISION_LENGTH,
    MigrationError,
    Owner,
    current_revision,
    downgrade,
    drift,
    drop_owner,
    head_revision,
    make_revision,
    next_revision_id,
    owned_tables,
    revision_problems,
    script_directory,
    search_index_tables,
    upgrade,
)
from core.framework.discovery import discover
from core.framework.graph import resolve
from core.framework.lifecycle import CORE_OWNER, owner_of
from core.framework.loading import import_models
from core.framework.settings import Settings


def owners() -> list[Owner]:
    """The core and the bundled plugins, in an order in which they can be migrated."""
    found = discover(Settings({}))
    plan = resolve([plugin.manifest for plugin in found.values() if plugin.manifest])
    return [CORE_OWNER, *map(owner_of, plan.order)]


NAMES = [owner.name for owner in owners()]


@pytest.fixture
def empty(database_factories: Any, database_kind: str) -> Iterator[Database]:
    factory = database_factories(database_kind)
    url = factory.empty()
    database = Database(url)
    yield database
    database.dispose()
    factory.drop(url)


def tables(database: Database) -> set[str]:
    return set(inspect(database.engine).get_table_names())


@pytest.mark.parametrize("owner", owners(), ids=lambda owner: owner.name)
def test_ids_are_readable_and_fit_into_the_version_table(owner: Owner) -> None:
    assert revision_problems(owner) == []


def test_every_history_and_its_models_agree(empty: Database) -> None:
    import_models_of_core()
    import_models(p.manifest for p in discover(Settings({})).values() if p.manifest)
    for owner in owners():
        upgrade(empty, owner)
        assert drift(empty, owner, frozenset(NAMES)) == [], owner.name


def test_every_history_goes_back_to_nothing(empty: Database) -> None:
    for owner in owners():
        upgrade(empty, owner)
    for owner in reversed(owners()):
        downgrade(empty, owner, "base")
    assert {name for name in tables(empty) if not name.endswith("_alembic_version")} == set()


def test_upgrading_twice_changes_nothing(empty: Database) -> None:
    upgrade(empty, CORE_OWNER)
    before = tables(empty)
    upgrade(empty, CORE_OWNER)
    assert tables(empty) == before
    with empty.reading() as session:
        assert current_revision(session.connection(), CORE_OWNER) == head_revision(CORE_OWNER)


REVISION = """\
import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = {down}
branch_labels = None
depends_on = None


def upgrade():
{body}


def downgrade():
    pass
"""


class History:
    """The history of an invented plugin."""

    def __init__(self, folder: Path, name: str = "peta") -> None:
        self.owner = Owner(name, folder)
        folder.mkdir(exist_ok=True)
        self._last: str | None = None

    def add(self, revision: str, *statements: str) -> None:
        body = "\n".join(f"    {line}" for line in statements)
        text = REVISION.format(revision=revision, down=repr(self._last), body=body)
        (self.owner.versions / f"{revision}.py").write_text(text)
        self._last = revision


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "peta")


PARENT = 'op.create_table("peta_parent", sa.Column("id", sa.Integer, primary_key=True), {note})'
CHILD = (
    'op.create_table("peta_child", sa.Column("id", sa.Integer, primary_key=True), '
    'sa.Column("parent_id", sa.Integer, sa.ForeignKey("peta_parent.id", ondelete="CASCADE")))'
)
FAMILY = (
    PARENT.format(note='sa.Column("note", sa.Text)'),
    CHILD,
    'op.execute("INSERT INTO peta_parent (id) VALUES (1)")',
    'op.execute("INSERT INTO peta_child (id, parent_id) VALUES (1, 1)")',
)


def test_rebuilding_a_parent_table_deletes_no_child(empty: Database, history: History) -> None:
    history.add("peta_0001_base", *FAMILY)
    history.add(
        "peta_0002_note",
        'with op.batch_alter_table("peta_parent") as batch:',
        '    batch.alter_column("note", existing_type=sa.Text, nullable=True, server_default="-")',
    )
    upgrade(empty, history.owner)
    with empty.reading() as session:
        assert session.execute(text("SELECT count(*) FROM peta_child")).scalar_one() == 1
        if empty.dialect == "sqlite":
            assert session.execute(text("PRAGMA foreign_keys")).scalar_one() == 1


def test_a_migration_that_leaves_orphans_is_taken_back(empty: Database, history: History) -> None:
    history.add("peta_0001_base", *FAMILY)
    upgrade(empty, history.owner)
    history.add("peta_0002_orphan", 'op.execute("UPDATE peta_child SET parent_id = 7")')
    expected = MigrationError if empty.dialect == "sqlite" else Exception
    with pytest.raises(expected):
        upgrade(empty, history.owner)
    with empty.reading() as session:
        assert session.execute(text("SELECT parent_id FROM peta_child")).scalar_one() == 1
        assert current_revision(session.connection(), history.owner) == "peta_0001_base"


def test_the_version_table_of_one_owner_says_nothing_about_another(
    empty: Database, history: History, tmp_path: Path
) -> None:
    other = History(tmp_path / "luas", "peta_luas")
    history.add("peta_0001_base", *FAMILY)
    other.add(
        "peta_luas_0001_base",
        'op.create_table("peta_luas_thing", sa.Column("id", sa.Integer, primary_key=True))',
    )
    upgrade(empty, history.owner)
    upgrade(empty, other.owner)
    names = frozenset({"peta", "peta_luas"})
    with empty.reading() as session:
        connection = session.connection()
        assert owned_tables(connection, other.owner, names) == [
            "peta_luas_alembic_version",
            "peta_luas_thing",
        ]
    drop_owner(empty, history.owner, names)
    assert tables(empty) == {"peta_luas_alembic_version", "peta_luas_thing"}


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_a_search_index_goes_with_its_owner(empty: Database, history: History) -> None:
    history.add(
        "peta_0001_base",
        'op.execute("CREATE VIRTUAL TABLE peta_search USING fts5(body, tokenize=trigram)")',
        'op.create_table("peta_thing", sa.Column("id", sa.Integer, primary_key=True))',
    )
    upgrade(empty, history.owner)
    with empty.reading() as session:
        assert "peta_search_data" in search_index_tables(session.connection())
    assert drift(empty, history.owner, frozenset({"peta"})) == ["remove_table peta_thing"]
    drop_owner(empty, history.owner, frozenset({"peta"}))
    assert tables(empty) == set()


@pytest.mark.parametrize(
    ("message", "revision"),
    [
        ("base", "peta_0001_base"),
        ("Add the Tranches!", "peta_0001_add_the_tranches"),
        ("a very long message that says far too much", "peta_0001_a_very_long_message_th"),
    ],
)
def test_an_id_is_made_from_the_message_and_fits(
    history: History, message: str, revision: str
) -> None:
    made = next_revision_id(history.owner, message)
    assert made == revision
    assert len(made) <= MAX_REVISION_LENGTH


def test_numbers_rise(history: History) -> None:
    history.add("peta_0001_base", "pass")
    history.add("peta_0002_more", "pass")
    assert next_revision_id(history.owner, "third") == "peta_0003_third"


@pytest.mark.parametrize("revision", ["peta_0001_" + "x" * 30, "Peta 1", "peta-1"])
def test_an_id_that_would_not_fit_is_refused(
    empty: Database, history: History, revision: str
) -> None:
    with pytest.raises(MigrationError):
        make_revision(empty, history.owner, "x", revision)


def test_mistakes_in_a_history_are_named(history: History) -> None:
    history.add("lain_0001_base", "pass")
    history.add("peta_0002_" + "x" * 30, "pass")
    problems = revision_problems(history.owner)
    assert len(problems) == 2
    assert "lain_0001_base" in problems[0] + problems[1]
    assert script_directory(history.owner).get_current_head() is not None


def test_table_names_begin_with_their_owner() -> None:
    import_models_of_core()
    import_models(p.manifest for p in discover(Settings({})).values() if p.manifest)
    prefixes = tuple(f"{owner.prefix}_" for owner in owners())
    assert [name for name in Base.metadata.tables if not name.startswith(prefixes)] == []
