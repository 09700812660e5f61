"""Install, upgrade, enable, disable: in order, journalled, repeatable, refused with reasons."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from sqlalchemy import inspect, select, text

from core.db import Database
from core.errors import AbahError, InvalidInputError, RefusedError
from core.framework import lifecycle
from core.framework.datafiles import DataFileError
from core.framework.graph import GraphError
from core.framework.journal import unfinished
from core.framework.lifecycle import DependentsError, Lifecycle, NotInstalledError
from core.framework.loading import PluginLoadError
from core.framework.lock import lifecycle_lock
from core.framework.models import JournalEntry, PluginState
from core.framework.registry import plugin_rows, registry_number
from core.framework.runtime import Runtime
from tests.core.conftest import Workshop

pytestmark = pytest.mark.plugins()

Deployment = Callable[..., Runtime]


def states(runtime: Runtime) -> dict[str, str]:
    with runtime.database.reading() as session:
        return {name: row.state for name, row in plugin_rows(session).items()}


def number(runtime: Runtime) -> int:
    with runtime.database.reading() as session:
        return registry_number(session)


def tables(runtime: Runtime) -> set[str]:
    return set(inspect(runtime.database.engine).get_table_names())


def test_install_brings_dependencies_in_order_and_raises_the_number(
    deployment: Deployment, workshop: Workshop
) -> None:
    workshop.plugin("dasar", files=workshop.migration("dasar", "dasar_thing"))
    workshop.plugin("atas", toml='[depends]\ndasar = ">=1"\n')
    runtime = deployment()
    steps: list[tuple[str, str]] = []
    lifecycle = Lifecycle(runtime, actor="tester", progress=lambda *step: steps.append(step))
    planned = lifecycle.plan("atas")
    assert [(item.manifest.name, item.because) for item in planned] == [
        ("dasar", "atas"),
        ("atas", ""),
    ]
    assert states(runtime) == {}, "a plan changes nothing"
    lifecycle.install("atas")
    assert states(runtime) == {"atas": "installed", "dasar": "installed"}
    assert "dasar_thing" in tables(runtime)
    assert "dasar_alembic_version" in tables(runtime)
    assert number(runtime) == 2
    assert [step for plugin, step in steps if plugin == "dasar"] == [
        "check",
        "migrate",
        "dasar_0001_base",
        "data",
        "permissions",
        "mark",
    ]
    with runtime.database.reading() as session:
        entries = session.scalars(select(JournalEntry).order_by(JournalEntry.id)).all()
    assert {entry.actor for entry in entries} == {"tester"}
    assert [(e.step, e.outcome) for e in entries if e.plugin == "atas"][-1] == ("operation", "done")


def test_install_again_finds_nothing_to_do(deployment: Deployment, workshop: Workshop) -> None:
    workshop.plugin("peta")
    runtime = deployment()
    Lifecycle(runtime).install("peta")
    assert Lifecycle(runtime).install("peta") == []
    assert number(runtime) == 1


def test_a_missing_dependency_refuses_with_the_whole_chain_and_changes_nothing(
    deployment: Deployment, workshop: Workshop
) -> None:
    workshop.plugin("atas", toml='[depends]\ntengah = ""\n')
    workshop.plugin("tengah", toml='[depends]\nhilang = ""\n')
    runtime = deployment()
    with pytest.raises(GraphError) as caught:
        Lifecycle(runtime).install("atas")
    assert caught.value.chain == ("atas", "tengah", "hilang")
    assert states(runtime) == {}


def test_a_plugin_that_nobody_knows_or_that_is_broken_is_refused(
    deployment: Deployment, workshop: Workshop
) -> None:
    workshop.plugin("rusak", toml="salah = 1\n")
    lifecycle = Lifecycle(deployment())
    with pytest.raises(AbahError, match="tidak ditemukan"):
        lifecycle.install("tak_ada")
    with pytest.raises(AbahError, match="salah"):
        lifecycle.install("rusak")


def test_a_broken_dependency_names_the_chain_and_what_is_wrong_with_it(
    deployment: Deployment, workshop: Workshop
) -> None:
    workshop.plugin("atas", toml='[depends]\ntengah = ""\n')
    workshop.plugin("tengah", toml='[depends]\nrusak = ""\n')
    workshop.plugin("rusak", toml="salah = 1\n")
    with pytest.raises(GraphError, match="salah") as caught:
        Lifecycle(deployment()).install("atas")
    assert caught.value.chain == ("atas", "tengah", "rusak")
    assert "atas → tengah → rusak" in str(caught.value)


def test_a_conflict_with_something_enabled_is_refused(
    deployment: Deployment, workshop: Workshop
) -> None:
    workshop.plugin("satu")
    workshop.plugin("dua", toml='conflicts = ["satu"]\n')
    lifecycle = Lifecycle(deployment())
    lifecycle.install("satu")
    with pytest.raises(GraphError, match="satu"):
        lifecycle.install("dua")


def test_auto_install_comes_when_everything_it_needs_is_there(
    deployment: Deployment, workshop: Workshop
) -> None:
    workshop.plugin("satu")
    workshop.plugin("dua")
    workshop.plugin("jembatan", toml='auto_install = true\n[depends]\nsatu = ""\ndua = ""\n')
    runtime = deployment()
    Lifecycle(runtime).install("satu")
    assert "jembatan" not in states(runtime)
    Lifecycle(runtime).install("dua")
    assert states(runtime)["jembatan"] == "installed"
    Lifecycle(runtime).disable("jembatan")
    Lifecycle(runtime).install("satu")
    assert states(runtime)["jembatan"] == "disabled", "what somebody disabled stays so"


def test_code_that_does_not_import_marks_the_plugin_failed_and_touches_no_table(
    deployment: Deployment, workshop: Workshop
) -> None:
    home = workshop.plugin("peta", code="1 / 0", files=workshop.migration("peta", "peta_x"))
    runtime = deployment()
    with pytest.raises(PluginLoadError, match="ZeroDivisionError"):
        Lifecycle(runtime).install("peta")
    assert states(runtime) == {"peta": "failed"}
    assert "peta_x" not in tables(runtime)
    workshop.write(home / "plugin.py", "")
    sys.modules.pop("plugins.peta.plugin", None)
    Lifecycle(runtime).install("peta")
    assert states(runtime) == {"peta": "installed"}


TWO_PAGES = """
from core.api.hooks import hookimpl
from pyramid.response import Response

@hookimpl
def include_web(config):
    config.add_route("{route}", "/ruang")
"""


def test_pages_are_tried_beside_those_that_are_there(
    deployment: Deployment, workshop: Workshop
) -> None:
    """Alone each is sound; together they are not, and the one that runs goes on."""
    workshop.plugin("peta", code=TWO_PAGES.format(route="ruang"))
    workshop.plugin("denah", code=TWO_PAGES.format(route="ruang"))
    home = workshop.plugin("rusak", code=TWO_PAGES.format(route="rusak"))
    runtime = deployment()
    Lifecycle(runtime).install("peta", "rusak")
    workshop.write(home / "plugin.py", "1 / 0")
    sys.modules.pop("plugins.rusak.plugin")
    with pytest.raises(AbahError, match=r"denah .* route ruang sudah ada pada peta"):
        Lifecycle(deployment()).install("denah")
    assert states(runtime) == {"denah": "failed", "peta": "installed", "rusak": "installed"}
    workshop.write(workshop.folder / "denah" / "plugin.py", TWO_PAGES.format(route="denah"))
    sys.modules.pop("plugins.denah.plugin", None)
    Lifecycle(deployment()).install("denah")
    assert states(runtime)["denah"] == "installed", "one that is broken anyway is nobody's fault"


def test_a_menu_that_leads_nowhere_is_refused(deployment: Deployment, workshop: Workshop) -> None:
    menu = '[[menus]]\nid = "peta"\nlabel = "Peta"\nroute = "{route}"\n'
    code = TWO_PAGES.format(route="ruang")
    home = workshop.plugin("peta", toml=menu.format(route="rumah"), code=code)
    with pytest.raises(InvalidInputError, match="rumah"):
        Lifecycle(deployment()).install("peta")
    manifest = home / "plugin.toml"
    workshop.write(manifest, manifest.read_text().replace("rumah", "ruang"))
    Lifecycle(deployment()).install("peta")


def test_a_menu_is_looked_at_beside_broken_pages_too(
    deployment: Deployment, workshop: Workshop
) -> None:
    home = workshop.plugin("rusak", code=TWO_PAGES.format(route="rusak"))
    Lifecycle(deployment()).install("rusak")
    workshop.write(home / "plugin.py", TWO_PAGES.format(route="rusak") + "    1 / 0\n")
    sys.modules.pop("plugins.rusak.plugin")
    menu = '[[menus]]\nid = "peta"\nlabel = "Peta"\nroute = "rumah"\n'
    workshop.plugin("peta", toml=menu)
    with pytest.raises(InvalidInputError, match="rumah"):
        Lifecycle(deployment()).install("peta")


def test_what_is_disabled_follows_its_code_with_what_it_needs_and_beside_its_rival(
    deployment: Deployment, workshop: Workshop
) -> None:
    menu = '[[menus]]\nid = "peta"\nlabel = "Peta"\nroute = "ruang"\n'
    needs = menu + '[depends]\ndasar = ""\n'
    workshop.plugin("dasar")
    workshop.plugin("peta", toml=needs, code=TWO_PAGES.format(route="ruang"))
    lifecycle = Lifecycle(deployment())
    lifecycle.install("peta")
    for name in ("peta", "dasar"):
        lifecycle.disable(name)
    workshop.plugin("rival", toml='conflicts = ["peta"]\n')
    lifecycle.install("rival")
    workshop.plugin("peta", version="2.0", toml=needs, code=TWO_PAGES.format(route="ruang"))
    workshop.plugin("rival", version="2.0", toml='conflicts = ["peta"]\n')
    assert set(lifecycle.outdated()) == {"peta", "rival"}
    assert set(lifecycle.upgrade("peta", "rival")) == {"peta", "rival"}
    assert states(deployment()) == {"dasar": "disabled", "peta": "disabled", "rival": "installed"}
    assert lifecycle.outdated() == []


def test_a_migration_that_fails_leaves_nothing_half_made(
    deployment: Deployment, workshop: Workshop
) -> None:
    ((path, good),) = workshop.migration("peta", "peta_x").items()
    bad = good.replace(
        "\n\n\ndef downgrade", "\n    op.execute('SELECT * FROM tidak_ada')\n\n\ndef downgrade"
    )
    home = workshop.plugin("peta", files={path: bad})
    runtime = deployment()
    with pytest.raises(Exception, match="tidak_ada"):
        Lifecycle(runtime).install("peta")
    assert "peta_x" not in tables(runtime), "the failed migration was rolled back"
    assert states(runtime) == {"peta": "failed"}
    workshop.write(home / path, good)
    Lifecycle(runtime).install("peta")
    assert "peta_x" in tables(runtime)


def test_an_install_that_was_killed_is_named_and_running_it_again_finishes_it(
    deployment: Deployment, workshop: Workshop
) -> None:
    workshop.plugin("peta", files=workshop.migration("peta", "peta_x"))
    runtime = deployment()

    class Killed(BaseException):
        """As a signal that ends the process: no handler of ours sees it."""

    def die(_plugin: str, step: str) -> None:
        if step == "data":
            raise Killed

    with pytest.raises(Killed):
        Lifecycle(runtime, progress=die).install("peta")
    assert states(runtime) == {"peta": "installing"}
    with runtime.database.reading() as session:
        (broken_off,) = unfinished(session)
    assert (broken_off.plugin, broken_off.operation, broken_off.step) == (
        "peta",
        "install",
        "migrate",
    )
    assert broken_off.done == ("check", "migrate")
    Lifecycle(runtime).install("peta")
    assert states(runtime) == {"peta": "installed"}
    with runtime.database.reading() as session:
        assert unfinished(session) == []


def test_disable_keeps_everything_and_is_refused_while_enabled_plugins_need_it(
    deployment: Deployment, workshop: Workshop
) -> None:
    workshop.plugin("dasar", files=workshop.migration("dasar", "dasar_x"))
    workshop.plugin("atas", toml='[depends]\ndasar = ""\n')
    runtime = deployment()
    lifecycle = Lifecycle(runtime)
    lifecycle.install("atas")
    with pytest.raises(DependentsError) as caught:
        lifecycle.disable("dasar")
    assert caught.value.dependents == ("atas",)
    lifecycle.disable("atas")
    lifecycle.disable("dasar")
    assert set(states(runtime).values()) == {"disabled"}
    assert "dasar_x" in tables(runtime)
    with pytest.raises(GraphError) as missing:
        lifecycle.enable("atas")
    assert missing.value.chain == ("atas", "dasar")
    lifecycle.enable("dasar")
    lifecycle.enable("atas")
    assert set(states(runtime).values()) == {"installed"}
    assert number(runtime) == 6


def test_enable_and_disable_of_what_is_not_installed_are_refused(
    deployment: Deployment, workshop: Workshop
) -> None:
    workshop.plugin("peta")
    lifecycle = Lifecycle(deployment())
    for act in (lifecycle.enable, lifecycle.disable):
        with pytest.raises(NotInstalledError):
            act("peta")


def test_a_new_version_is_brought_in_by_upgrade(deployment: Deployment, workshop: Workshop) -> None:
    workshop.plugin("peta")
    runtime = deployment()
    lifecycle = Lifecycle(runtime)
    lifecycle.install("peta")
    workshop.plugin("peta", version="1.1", files=workshop.migration("peta", "peta_x"))
    assert [item.operation for item in lifecycle.plan("peta")] == ["upgrade"]
    assert lifecycle.upgrade() == ["peta"]
    with runtime.database.reading() as session:
        assert plugin_rows(session)["peta"].version == "1.1"
    assert "peta_x" in tables(runtime)


def test_upgrade_leaves_a_disabled_plugin_disabled(
    deployment: Deployment, workshop: Workshop
) -> None:
    workshop.plugin("peta")
    runtime = deployment()
    lifecycle = Lifecycle(runtime)
    lifecycle.install("peta")
    lifecycle.disable("peta")
    workshop.plugin("peta", version="1.1")
    lifecycle.upgrade()
    assert states(runtime) == {"peta": str(PluginState.DISABLED)}


def test_a_wrong_data_file_fails_the_install_and_names_the_key(
    deployment: Deployment, workshop: Workshop
) -> None:
    workshop.plugin(
        "peta", toml='data = ["data/texts.toml"]\n', files={"data/texts.toml": "[[salah]]\nx = 1\n"}
    )
    runtime = deployment()
    with pytest.raises(DataFileError, match="salah"):
        Lifecycle(runtime).install("peta")
    assert states(runtime) == {"peta": "failed"}


def test_the_journal_cannot_be_rewritten(deployment: Deployment, workshop: Workshop) -> None:
    workshop.plugin("peta")
    runtime = deployment()
    Lifecycle(runtime).install("peta")
    for statement in (
        "DELETE FROM abah_plugin_journal",
        "UPDATE abah_plugin_journal SET step = 'x'",
    ):
        with pytest.raises(Exception, match="append-only"), runtime.database.writing() as session:
            session.execute(text(statement))


STEPS_OF_ITS_OWN = """
    from sqlalchemy import text

    from core.api.errors import RefusedError
    from core.api.hooks import hookimpl


    @hookimpl
    def before_upgrade(session, version):
        if session.scalar(text("SELECT count(*) FROM peta_thing WHERE note = 'tolak'")):
            raise RefusedError("Masih ada catatan yang tolak.")
        session.execute(text("UPDATE peta_thing SET note = :note"), {"note": f"dari {version}"})


    @hookimpl
    def after_upgrade(session, version):
        session.execute(text("UPDATE peta_more SET id = 7"))
"""
MORE = """
    import sqlalchemy as sa
    from alembic import op

    revision = "peta_0002_more"
    down_revision = "peta_0001_base"


    def upgrade():
        op.create_table("peta_more", sa.Column("id", sa.Integer), sa.Column("note", sa.Text))
        op.execute("INSERT INTO peta_more SELECT id, note FROM peta_thing")
"""


def test_a_table_of_a_longer_name_is_somebody_elses(
    deployment: Deployment, workshop: Workshop
) -> None:
    workshop.plugin("peta", files=workshop.migration("peta", "peta_luas_thing"))
    workshop.plugin("peta_luas")
    with pytest.raises(AbahError, match="peta_luas_thing, yang bukan miliknya"):
        Lifecycle(deployment()).install("peta")


def test_an_error_is_kept_without_the_data_that_it_names(
    deployment: Deployment, workshop: Workshop
) -> None:
    base = """
    revision = "peta_0001_base"
    down_revision = None


    def upgrade():
        raise ValueError("nomor 081230000099 sandi=rahasia budi@contoh.example")
    """
    workshop.plugin("peta", files={"migrations/peta_0001_base.py": base})
    runtime = deployment()
    with pytest.raises(AbahError, match="0812"):
        Lifecycle(runtime).install("peta")
    with runtime.database.reading() as session:
        kept = [str(entry.detail) for entry in session.scalars(select(JournalEntry))]
        kept.append(plugin_rows(session)["peta"].error)
    told = " ".join(kept)
    assert "peta_0001_base" in told
    assert [word for word in ("081230000099", "rahasia", "budi@") if word in told] == []


def test_what_was_decided_before_it_was_alone_does_not_count(
    deployment: Deployment, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else disables it just before the lock is free."""
    workshop.plugin("peta")
    runtime, other = deployment(), deployment()
    Lifecycle(runtime).install("peta")
    lock = lifecycle_lock

    def waits(database: Database, purpose: str) -> AbstractContextManager[None]:
        monkeypatch.undo()
        Lifecycle(other).disable("peta")
        return lock(database, purpose)

    monkeypatch.setattr(lifecycle, "lifecycle_lock", waits)
    Lifecycle(runtime).upgrade("peta")
    assert states(runtime) == {"peta": "disabled"}


@pytest.fixture
def outdated(deployment: Deployment, workshop: Workshop) -> Runtime:
    """A plugin of version 1.0 with a row, whose code is of version 2.0 by now."""
    files = workshop.migration("peta", "peta_thing")
    workshop.plugin("peta", code=STEPS_OF_ITS_OWN, files=files)
    runtime = deployment()
    steps: list[str] = []
    lifecycle = Lifecycle(runtime, progress=lambda _plugin, step: steps.append(step))
    lifecycle.install("peta")
    lifecycle.upgrade("peta")
    assert not {"before", "after"} & set(steps), "there is no other version to come from"
    with runtime.database.writing() as session:
        session.execute(text("INSERT INTO peta_thing (id, note) VALUES (1, 'tolak')"))
    files["migrations/peta_0002_more.py"] = MORE
    workshop.plugin("peta", version="2.0", code=STEPS_OF_ITS_OWN, files=files)
    return runtime


def test_hook_before_upgrade_refuses_what_the_migrations_could_not_take_along(
    outdated: Runtime,
) -> None:
    with pytest.raises(RefusedError, match="tolak"):
        Lifecycle(outdated).upgrade("peta")
    assert "peta_more" not in tables(outdated)
    with outdated.database.reading() as session:
        row = plugin_rows(session)["peta"]
        assert (row.version, row.state) == ("1.0", "failed")
        assert "tolak" in row.error


def test_hook_after_upgrade_sees_the_new_tables_and_what_was_done_before(
    outdated: Runtime,
) -> None:
    with outdated.database.writing() as session:
        session.execute(text("UPDATE peta_thing SET note = 'boleh'"))
    steps: list[str] = []
    Lifecycle(outdated, progress=lambda _plugin, step: steps.append(step)).upgrade("peta")
    assert steps == [
        "check",
        "before",
        "migrate",
        "peta_0002_more",
        "data",
        "after",
        "permissions",
        "mark",
    ]
    with outdated.database.reading() as session:
        row = session.execute(text("SELECT id, note FROM peta_more")).one()
    assert tuple(row) == (7, "dari 1.0")
