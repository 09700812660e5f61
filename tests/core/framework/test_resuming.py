"""A process killed at any point of any operation leaves what can be named and carried on."""

from __future__ import annotations

import itertools
import json
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from sqlalchemy import URL, inspect, select, text, update

from core.app import open_runtime
from core.framework import lifecycle as operations_of
from core.framework import removal, steps
from core.framework.doctor import Severity, examine
from core.framework.graph import GraphError
from core.framework.journal import Operation, announce
from core.framework.lifecycle import DependentsError, Lifecycle
from core.framework.loading import PluginLoadError
from core.framework.models import LoadedData, PluginRow
from core.framework.registry import plugin_rows
from core.framework.removal import ExportExistsError, uninstall
from core.framework.resuming import interrupted, resume
from core.framework.runtime import Runtime
from core.i18n import plain
from core.testing.databases import DatabaseFactory
from core.testing.fixtures import test_settings as settings_for
from tests.core.conftest import Workshop

pytestmark = pytest.mark.plugins()

Deployment = Callable[..., Runtime]
Act = Callable[[Runtime], object]

FORK = multiprocessing.get_context("fork")


def states(runtime: Runtime) -> dict[str, str]:
    with runtime.database.reading() as session:
        return {name: row.state for name, row in plugin_rows(session).items()}


def tables(runtime: Runtime) -> set[str]:
    names = inspect(runtime.database.engine).get_table_names()
    return {name for name in names if name.startswith(("peta_", "dasar_"))}


def dies(act: Act, opened: Deployment, *, number: int, noted: bool) -> bool:
    """Run ``act`` in a process that is killed before or after its journal entry ``number``.

    False when it came to its end before.
    """

    def child() -> None:
        written = 0

        def counted(write: Callable[..., None]) -> Callable[..., None]:
            def wrapped(*arguments: Any) -> None:
                nonlocal written
                written += 1
                if written == number and not noted:
                    os.kill(os.getpid(), signal.SIGKILL)
                write(*arguments)
                if written == number:
                    os.kill(os.getpid(), signal.SIGKILL)

            return wrapped

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(Operation, "_write", counted(Operation._write))
            patched.setattr(operations_of, "announce", counted(announce))
            act(opened())
        os._exit(0)

    process = FORK.Process(target=child)
    process.start()
    process.join(60)
    assert process.exitcode in {0, -signal.SIGKILL}
    return process.exitcode != 0


@contextmanager
def fresh(deployment: Deployment) -> Iterator[Runtime]:
    runtime = deployment()
    yield runtime
    runtime.close()


def errors(runtime: Runtime) -> list[str]:
    return [plain(one.text) for one in examine(runtime) if one.severity is Severity.ERROR]


TEXT = '[[message_text]]\nkey = "peta.sapa"\ntitle = "Sapaan"\nbody = "Halo"\n'
ROWS = "INSERT INTO peta_thing (id, note) VALUES (1, 'satu'), (2, 'dua'), (3, 'tiga')"


class Case:
    """One operation: how it comes to it, what it does, how it must end."""

    def __init__(self, folder: Path) -> None:
        self.export = folder / "peta.zip"

    def prepare(self, runtime: Runtime) -> None:
        Lifecycle(runtime).install("peta")
        with runtime.database.writing() as session:
            session.execute(text(ROWS))

    def begin(self) -> None:
        """Take away what the time before left behind."""

    def act(self, runtime: Runtime) -> None:
        raise NotImplementedError

    def check(self, runtime: Runtime) -> None:
        raise NotImplementedError


class Install(Case):
    def prepare(self, runtime: Runtime) -> None:
        """Nothing is there before."""

    def act(self, runtime: Runtime) -> None:
        Lifecycle(runtime).install("peta")

    def check(self, runtime: Runtime) -> None:
        assert states(runtime) == {"dasar": "installed", "peta": "installed"}
        assert {"dasar_thing", "peta_thing"} <= tables(runtime)
        with runtime.database.reading() as session:
            query = select(LoadedData.external_id).where(LoadedData.owner == "peta")
            assert session.scalars(query).all() == ["peta.sapa:id"]


class Upgrade(Case):
    def prepare(self, runtime: Runtime) -> None:
        super().prepare(runtime)
        Lifecycle(runtime).disable("peta")
        with runtime.database.writing() as session:
            session.execute(update(PluginRow).values(version="0.9"))

    def act(self, runtime: Runtime) -> None:
        Lifecycle(runtime).upgrade("peta", "dasar")

    def check(self, runtime: Runtime) -> None:
        assert states(runtime) == {"dasar": "installed", "peta": "disabled"}, "as it was before"
        with runtime.database.reading() as session:
            assert set(session.scalars(select(PluginRow.version))) == {"1.0"}


class Disable(Case):
    def act(self, runtime: Runtime) -> None:
        Lifecycle(runtime).disable("peta")

    def check(self, runtime: Runtime) -> None:
        assert states(runtime) == {"dasar": "installed", "peta": "disabled"}


class Enable(Disable):
    def prepare(self, runtime: Runtime) -> None:
        super().prepare(runtime)
        super().act(runtime)

    def act(self, runtime: Runtime) -> None:
        Lifecycle(runtime).enable("peta")

    def check(self, runtime: Runtime) -> None:
        assert states(runtime) == {"dasar": "installed", "peta": "installed"}


class Uninstall(Case):
    def begin(self) -> None:
        self.export.unlink(missing_ok=True)

    def act(self, runtime: Runtime) -> None:
        uninstall(runtime, "peta", export_to=self.export)

    def check(self, runtime: Runtime) -> None:
        assert states(runtime) == {"dasar": "installed"}
        assert "peta_thing" in tables(runtime), "its data stay"
        with ZipFile(self.export) as copy:
            assert len(copy.read("peta_thing.jsonl").splitlines()) == 4


class Purge(Case):
    def begin(self) -> None:
        self.export.unlink(missing_ok=True)

    def act(self, runtime: Runtime) -> None:
        uninstall(runtime, "peta", export_to=self.export, purge=True)

    def check(self, runtime: Runtime) -> None:
        assert states(runtime) == {"dasar": "installed"}
        assert not {name for name in tables(runtime) if name.startswith("peta_")}
        with ZipFile(self.export) as copy:
            lines = copy.read("peta_thing.jsonl").splitlines()
        assert [json.loads(line)[1] for line in lines] == ["note", "satu", "dua", "tiga"]


class ReadBack(Case):
    def prepare(self, runtime: Runtime) -> None:
        super().prepare(runtime)
        uninstall(runtime, "peta", export_to=self.export, purge=True)

    def act(self, runtime: Runtime) -> None:
        Lifecycle(runtime).install("peta", export=self.export)

    def check(self, runtime: Runtime) -> None:
        assert states(runtime) == {"dasar": "installed", "peta": "installed"}
        with runtime.database.reading() as session:
            notes = session.scalars(text("SELECT note FROM peta_thing ORDER BY id")).all()
        assert notes == ["satu", "dua", "tiga"]


def die(*_arguments: object) -> None:
    raise KeyboardInterrupt


@pytest.fixture
def pair(workshop: Workshop) -> Workshop:
    workshop.plugin("dasar", files=workshop.migration("dasar", "dasar_thing"))
    workshop.plugin(
        "peta",
        toml='data = ["data/a.toml"]\n[depends]\ndasar = ""\n',
        files={**workshop.migration("peta", "peta_thing"), "data/a.toml": TEXT},
    )
    return workshop


@pytest.mark.usefixtures("pair")
def test_a_purge_that_is_killed_again_and_again_keeps_its_export(
    deployment: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = deployment()
    case = Purge(tmp_path)
    case.prepare(runtime)
    for place in ("drop_owner", "_retire", "_forget"):
        with monkeypatch.context() as patched:
            patched.setattr(removal, place, die)
            left = interrupted(runtime)
            again = partial(resume, runtime, *left) if left else partial(case.act, runtime)
            with pytest.raises(KeyboardInterrupt):
                again()
    (operation,) = interrupted(runtime)
    assert "export" in operation.done
    resume(runtime, operation)
    case.check(runtime)
    case.prepare(runtime)
    with pytest.raises(ExportExistsError):
        case.act(runtime)


@pytest.mark.usefixtures("pair")
def test_carrying_on_asks_what_the_operation_itself_would_ask(deployment: Deployment) -> None:
    runtime = deployment()
    lifecycle = Lifecycle(runtime)
    lifecycle.install("peta")
    lifecycle.disable("peta")
    killed = Operation(runtime.database, "peta", "enable", "")
    announce(runtime.database, [(killed, {})])
    lifecycle.disable("dasar")
    (operation,) = interrupted(runtime)
    with pytest.raises(GraphError, match="dasar"):
        resume(runtime, operation)
    lifecycle.enable("dasar")
    resume(runtime, operation)
    assert states(runtime) == {"dasar": "installed", "peta": "installed"}
    lifecycle.disable("peta")
    resume(runtime, operation)
    assert states(runtime)["peta"] == "disabled", "somebody else had finished it"
    killed = Operation(runtime.database, "dasar", "disable", "")
    announce(runtime.database, [(killed, {})])
    lifecycle.enable("peta")
    (operation,) = interrupted(runtime)
    with pytest.raises(DependentsError, match="peta"):
        resume(runtime, operation)


def test_a_plan_whose_first_part_fails_again_is_not_finished_without_it(
    deployment: Deployment, pair: Workshop
) -> None:
    runtime = deployment()
    with pytest.raises(KeyboardInterrupt):
        Lifecycle(runtime, progress=die).install("peta")
    first, second = interrupted(runtime)
    assert (first.plugin, second.plugin) == ("dasar", "peta")
    pair.write(pair.folder / "dasar" / "plugin.py", "1 / 0")
    with pytest.raises(PluginLoadError):
        resume(runtime, first)
    with pytest.raises(GraphError, match="dasar"):
        resume(runtime, second)
    assert states(runtime)["dasar"] == "failed"
    # Nobody wants it any more: an uninstall closes what was announced.
    uninstall(runtime, "peta")
    assert interrupted(runtime) == []


@pytest.mark.slow
@pytest.mark.usefixtures("pair")
@pytest.mark.parametrize("noted", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("kind", [Install, Upgrade, Disable, Enable, Uninstall, Purge, ReadBack])
def test_a_kill_at_any_point_is_named_and_carried_on(
    database_factories: Callable[[str], DatabaseFactory],
    database_kind: str,
    workshop: Workshop,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: type[Case],
    noted: bool,
) -> None:
    # What pages are like is looked at elsewhere, and takes most of the time.
    monkeypatch.setattr(steps, "_checks", {})
    factory = database_factories(database_kind)
    case = kind(tmp_path)

    def opener(url: URL) -> Deployment:
        settings = settings_for(url, abah__plugins_path=str(workshop.folder))
        return partial(open_runtime, settings)

    prepared = factory.copy(())
    with fresh(opener(prepared)) as runtime:
        case.prepare(runtime)
    for number in itertools.count(1):
        url = factory.copy_of(prepared)
        case.begin()
        came_to_its_end = not dies(case.act, opener(url), number=number, noted=noted)
        if not came_to_its_end:
            carried_on(case, opener(url), noted=noted, first=number == 1)
        factory.drop(url)
        if came_to_its_end:
            break
    factory.drop(prepared)
    assert number > 2


def carried_on(case: Case, opened: Deployment, *, noted: bool, first: bool) -> None:
    """Do what the doctor says until the operation has come to its good end."""
    with fresh(opened) as runtime:
        operations = interrupted(runtime)
        assert operations or noted or first, "nothing was begun only before the first entry"
        named = " ".join(errors(runtime))
        for operation in operations:
            assert operation.plugin in named
            assert "abah plugins resume" in named
            resume(runtime, operation)
        if not operations and not noted:
            case.act(runtime)
    with fresh(opened) as runtime:
        case.check(runtime)
        assert errors(runtime) == []
        assert interrupted(runtime) == []
