"""An upgrade is tried on a copy, told whole, and leaves the real database as it was."""

from __future__ import annotations

import fcntl
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, Connection, MetaData, func, inspect, select, text

from core.audit import AuditEntry, record
from core.db import Database
from core.framework import copying, rehearsal, restore
from core.framework import lifecycle as operations
from core.framework.copying import CopyRefusedError, temporary_copy
from core.framework.lifecycle import Lifecycle
from core.framework.lock import LockedError, lifecycle_lock
from core.framework.rehearsal import Rehearsal, RehearsedPart, rehearse
from core.framework.runtime import Runtime
from core.i18n import plain
from core.messaging.models import MessageText
from core.testing.databases import DatabaseFactory
from core.testing.fixtures import test_settings as settings_for
from tests.core.conftest import Workshop

pytestmark = pytest.mark.plugins()

Deployment = Callable[..., Runtime]

TOML = """
    data = ["data/a.toml"]
    [[permissions]]
    name = "peta.PERMISSION"
    title = "Melihat"
"""
CODE = """
    from pyramid.response import Response
    from sqlalchemy import text

    from core.api.hooks import SettingField, SettingsSection, hookimpl
    from core.api.text import _


    @hookimpl
    def include_web(config):
        config.add_route("peta.ROUTE", "/ROUTE")
        config.add_view(lambda request: Response("ada"), route_name="peta.ROUTE")


    @hookimpl
    def register_settings():
        return SettingsSection(_("Peta"), [SettingField("ROUTE_warna", _("Warna"))])
"""
TEXT = """
[[message_text]]
key = "peta.{key}"
title = "Sapaan"
body = "{body}"
"""
HOOKS = """

    @hookimpl
    def before_upgrade(session, version):
        session.execute(text("INSERT INTO peta_thing (id, note) VALUES (3, 'sebelum')"))


    @hookimpl
    def after_upgrade(session, version):
        session.execute(text("INSERT INTO peta_more (id) VALUES (1)"))
"""
PAGE = "{{% block isi %}}{{% endblock %}}{{% block {block} %}}{{% endblock %}}"
NO_BLOCKS = "{# {% block catatan %} #}{% raw %}{% block contoh %}{% endraw %}"
NEXT = """
    import time

    import sqlalchemy as sa
    from alembic import op

    revision = "NAME_0002_next"
    down_revision = "NAME_0001_base"


    def upgrade():
        op.create_table("NAME_more", sa.Column("id", sa.Integer, primary_key=True))
        WORK


    def downgrade():
        op.drop_table("NAME_more")
"""
WORK = 'op.execute("DELETE FROM peta_thing WHERE id = 1")'
BREAKS = "op.execute(\"INSERT INTO peta_thing (id, note) VALUES (2, 'x')\")"
SLEEPS = 'print("sekarang tidur", flush=True); time.sleep(120)'


def forget(name: str) -> None:
    """Let the code of a plugin be imported anew, as another process would."""
    for module in [one for one in sys.modules if one.startswith(f"plugins.{name}")]:
        del sys.modules[module]


def old(workshop: Workshop) -> None:
    workshop.plugin(
        "peta",
        toml=TOML.replace("PERMISSION", "lihat"),
        code=CODE.replace("ROUTE", "lama"),
        files={
            **workshop.migration("peta", "peta_thing"),
            "data/a.toml": "".join(TEXT.format(key=key, body="Halo") for key in "abc"),
            "templates/peta/a.jinja2": PAGE.format(block="samping"),
            "templates/peta/b.jinja2": "",
        },
    )


def new(workshop: Workshop, work: str) -> None:
    """Write the next version over the old one."""
    bodies = {"a": "Pagi", "b": "Pagi", "d": "Halo"}
    workshop.plugin(
        "peta",
        version="1.1",
        toml=TOML.replace("PERMISSION", "ubah"),
        code=CODE.replace("ROUTE", "baru") + HOOKS,
        files={
            "migrations/peta_0002_next.py": NEXT.replace("NAME", "peta").replace("WORK", work),
            "data/a.toml": "".join(TEXT.format(key=key, body=body) for key, body in bodies.items()),
            "templates/peta/a.jinja2": PAGE.format(block="bawah") + NO_BLOCKS,
        },
    )
    (workshop.folder / "peta" / "templates" / "peta" / "b.jinja2").unlink()
    forget("peta")


@pytest.fixture
def installed(deployment: Deployment, workshop: Workshop) -> Runtime:
    old(workshop)
    runtime = deployment()
    Lifecycle(runtime).install("peta")
    with runtime.database.writing() as session:
        session.execute(text("INSERT INTO peta_thing (id, note) VALUES (1, 'a'), (2, 'b')"))
        edited = session.scalars(select(MessageText).where(MessageText.key == "peta.b")).one()
        edited.body = "Salam"
    return runtime


def everything(runtime: Runtime) -> dict[str, list[str]]:
    return everything_in(runtime.database)


def everything_in(database: Database) -> dict[str, list[str]]:
    metadata = MetaData()
    with database.reading() as session:
        metadata.reflect(session.connection())
        return {
            name: sorted(map(repr, session.execute(select(table))))
            for name, table in metadata.tables.items()
        }


def copies(runtime: Runtime) -> list[str]:
    """Name the copies of a database that lie about."""
    url = runtime.database.url
    if url.get_backend_name() == "sqlite":
        path = Path(str(url.database))
        return [str(one) for one in path.parent.glob(f".{path.name}-rehearsal-*")]
    with runtime.database.reading() as session:
        names = session.scalars(text("SELECT datname FROM pg_database")).all()
    return [name for name in names if name.startswith(f"{url.database}_rehearsal_")]


def part_of(found: Rehearsal, name: str) -> RehearsedPart:
    (part,) = [one for one in found.parts if one.name == name]
    return part


def test_everything_that_would_change_is_told_and_nothing_does(
    installed: Runtime, workshop: Workshop
) -> None:
    new(workshop, WORK)
    before = everything(installed)
    heard: list[tuple[str, str]] = []
    found = rehearse(installed, progress=lambda *step: heard.append(step))
    assert everything(installed) == before
    assert copies(installed) == []
    assert ("peta", "peta_0002_next") in heard
    assert not found.broke
    part = part_of(found, "peta")
    assert (part.old, part.new) == ("1.0", "1.1")
    ((number, seconds),) = part.migrations
    assert number == "peta_0002_next"
    assert 0 < seconds < part.seconds
    assert part.data is not None
    assert part.data.created == ["message_text:peta.d:id"]
    assert part.data.updated == ["message_text:peta.a:id"]
    assert part.data.kept == ["message_text:peta.b:id"]
    assert part.data.orphaned == ["message_text:peta.c:id"]
    assert part.added == {
        "permissions": ["peta.ubah"],
        "data": ["message_text:peta.d:id"],
        "settings": ["baru_warna"],
        "routes": ["peta.baru"],
        "blocks": ["peta/a.jinja2: bawah"],
    }
    assert part.removed == {
        "permissions": ["peta.lihat"],
        "data": ["message_text:peta.c:id"],
        "settings": ["lama_warna"],
        "routes": ["peta.lama"],
        "templates": ["peta/b.jinja2"],
        "blocks": ["peta/a.jinja2: samping"],
    }
    rows = {table: (was, now) for table, was, now in found.rows}
    # The plugin's own steps were taken too, on the copy.
    assert rows["peta_thing"] == (2, 2)
    assert rows["peta_more"] == (None, 1)
    texts = rows["abah_message_text"]
    assert texts[1] == (texts[0] or 0) + 1
    # What the real upgrade does then is what was told.
    Lifecycle(installed).upgrade("peta")
    with installed.database.reading() as session:
        assert session.scalar(text("SELECT count(*) FROM peta_thing")) == 2


def test_what_breaks_is_named_and_the_others_are_tried_all_the_same(
    installed: Runtime, workshop: Workshop
) -> None:
    workshop.plugin("atas", toml='[depends]\npeta = ""\n')
    workshop.plugin("lain", files=workshop.migration("lain", "lain_thing"))
    Lifecycle(installed).install("atas", "lain")
    new(workshop, BREAKS)
    workshop.plugin("atas", version="2.0", toml='[depends]\npeta = ""\n')
    workshop.plugin("lain", version="2.0")
    before = everything(installed)
    found = rehearse(installed)
    assert found.broke
    part = part_of(found, "peta")
    assert part.step == "peta_0002_next"
    assert "peta_0002_next" in plain(part.error)
    assert "peta" in plain(part_of(found, "atas").error)
    assert part_of(found, "lain").error == ""
    assert [one["name"] for one in found.as_dict(plain)["parts"] if one["error"]] == [
        "peta",
        "atas",
    ]
    assert everything(installed) == before
    assert copies(installed) == []
    with lifecycle_lock(installed.database, "install x"), pytest.raises(LockedError):
        rehearse(installed)


def test_the_core_comes_first_where_it_is_behind(
    installed: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = operations.CORE_OWNER
    folder = tmp_path / "migrations"
    shutil.copytree(own.versions, folder)
    script = NEXT.replace("NAME", "abah").replace("WORK", "")
    Workshop.write(folder / "abah_0002_next.py", textwrap.dedent(script))
    for module in (operations, rehearsal, restore):
        monkeypatch.setattr(module, "CORE_OWNER", type(own)(own.name, folder))
    found = rehearse(installed)
    assert [part.name for part in found.parts] == ["core"]
    assert [number for number, _seconds in part_of(found, "core").migrations] == ["abah_0002_next"]
    assert ("abah_more", None, 0) in found.rows
    assert not inspect(installed.database.engine).has_table("abah_more")


def test_without_the_right_to_create_a_database_the_way_out_is_told(
    database_factories: Callable[[str], DatabaseFactory],
) -> None:
    factory = database_factories("postgresql")
    url = factory.copy(())
    role = f"terbatas_{url.database}"
    factory.server.execute(f"CREATE ROLE {role} LOGIN IN ROLE pg_read_all_data")
    runtime = Runtime(settings_for(url.set(username=role)))
    with pytest.raises(CopyRefusedError, match=f"ALTER ROLE {role} CREATEDB"):
        rehearse(runtime)
    assert copies(runtime) == []
    runtime.close()
    factory.drop(url)
    factory.server.execute(f"DROP ROLE {role}")


def strangers(runtime: Runtime) -> list[str]:
    """Make what is called as a copy, or nearly, and is none."""
    url = runtime.database.url
    if url.get_backend_name() == "sqlite":
        path = Path(str(url.database))
        folder = path.with_name(f".{path.name}-rehearsal-0123abcd")
        folder.mkdir()
        (folder / "copy.db").touch()
        return [str(folder)]
    made = {
        f"{url.database}_rehearsal_2026": f"abah rehearsal of {url.database}",
        f"{url.database}_rehearsal_0123abcd": "",
        f"{url.database}_rehearsal_4567cdef": "abah rehearsal of another",
    }
    for name, comment in made.items():
        with runtime.database.engine.connect() as connection:
            own = connection.execution_options(isolation_level="AUTOCOMMIT")
            own.execute(text(f"CREATE DATABASE {name}"))
            own.execute(text(f"COMMENT ON DATABASE {name} IS '{comment}'"))
    return sorted(made)


def test_only_a_copy_that_was_made_here_is_taken_for_one(installed: Runtime) -> None:
    others = strangers(installed)
    with temporary_copy(installed):
        assert len(copies(installed)) == len(others) + 1
    assert sorted(copies(installed)) == others
    if installed.database.dialect == "postgresql":
        with installed.database.engine.connect() as connection:
            own = connection.execution_options(isolation_level="AUTOCOMMIT")
            for name in others:
                own.execute(text(f"DROP DATABASE {name}"))


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_a_copy_that_is_being_made_is_not_taken_for_one_that_was_left_in_a_file(
    installed: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = fcntl.flock

    def another_comes_first(held: Any, how: int) -> None:
        monkeypatch.setattr(fcntl, "flock", take)
        with temporary_copy(installed):
            pass
        take(held, how)

    monkeypatch.setattr(fcntl, "flock", another_comes_first)
    with temporary_copy(installed) as copy, copy.reading() as session:
        assert session.scalar(text("SELECT count(*) FROM peta_thing")) == 2
    assert copies(installed) == []


@pytest.mark.parametrize("database_kind", ["postgresql"])
def test_a_copy_that_is_being_made_is_not_taken_for_one_that_was_left_on_a_server(
    installed: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = copying._create
    found: list[BaseException] = []

    def stop(*_arguments: object) -> None:
        raise ZeroDivisionError

    def come_too() -> None:
        try:
            with temporary_copy(installed):
                pass
        except ZeroDivisionError as error:
            found.append(error)

    another = threading.Thread(target=come_too)

    def create_while_another_comes(connection: Connection, name: str) -> None:
        create(connection, name)
        # The other one ends when it has cleaned up.
        monkeypatch.setattr(copying, "_create", stop)
        another.start()
        waits = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        while another.is_alive() and not connection.scalar(waits):
            time.sleep(0.01)

    monkeypatch.setattr(copying, "_create", create_while_another_comes)
    with temporary_copy(installed) as copy:
        another.join(60)
        assert len(found) == 1
        with copy.reading() as session:
            assert session.scalar(text("SELECT count(*) FROM peta_thing")) == 2
    assert copies(installed) == []


def test_a_copy_is_whole_and_leaves_nothing_outside_the_database(
    source: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    before = everything(source)
    with temporary_copy(source) as copy:
        assert everything_in(copy) == before
        with copy.writing() as session:
            record(session, actor_id=1, action="baru", subject="uji:2")
            session.flush()
            ids = session.scalars(select(AuditEntry.id).order_by(AuditEntry.id)).all()
            assert ids[-1] == ids[-2] + 1


@pytest.fixture
def command(
    database_url: URL, workshop: Workshop, tmp_path: Path
) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Give a rehearsal in a process of its own that has come to a migration and stays there."""
    settings = settings_for(database_url, abah__plugins_path=str(workshop.folder))
    ini = tmp_path / "uji.ini"
    lines = [f"{key} = {value}".replace("%", "%%") for key, value in settings.items()]
    ini.write_text("\n".join(["[app:main]", "use = egg:abah", *lines, ""]), encoding="utf-8")
    started: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        words = ["-c", str(ini), "plugins", "upgrade", "--rehearse"]
        process = subprocess.Popen(
            [sys.executable, "-u", "-m", "core.cli", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # Whoever runs the tests in the background ignores Ctrl-C for all of them.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
        )
        started.append(process)
        assert process.stdout is not None
        assert any("sekarang tidur" in line for line in process.stdout), "it never came so far"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_the_copy_goes_with_ctrl_c_and_one_that_was_left_by_a_kill_the_next_time(
    installed: Runtime, workshop: Workshop, command: Callable[[], subprocess.Popen[str]]
) -> None:
    new(workshop, SLEEPS)
    interrupted = command()
    assert len(copies(installed)) == 1
    interrupted.send_signal(signal.SIGINT)
    assert interrupted.wait(60) == 130
    assert copies(installed) == []
    killed = command()
    with temporary_copy(installed) as beside:
        assert len(copies(installed)) == 2, "one that is in use stays"
        with beside.reading() as session:
            assert session.scalar(select(func.count()).select_from(MessageText))
    killed.kill()
    killed.wait(60)
    assert len(copies(installed)) == 1
    with temporary_copy(installed):
        assert len(copies(installed)) == 1
    assert copies(installed) == []
