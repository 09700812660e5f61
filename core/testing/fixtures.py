"""Fixtures for tests of plugins and of abah itself; pytest finds them through its entry point.

``database`` comes once for SQLite and once for PostgreSQL, so every test that asks for it, directly
or through ``runtime``, ``session`` or ``app``, is two tests.
"""

from __future__ import annotations

import contextlib
import os
import pkgutil
import warnings
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from _pytest.assertion.rewrite import AssertionRewritingHook

from core.app import open_runtime, prepare
from core.testing.builds import Builds
from core.testing.databases import DatabaseFactory, run_folder
from core.testing.people import People, sign_in_as
from core.testing.places import adopt_folders, plugin_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy.engine import URL
    from sqlalchemy.orm import Session
    from webtest import TestApp

    from core.db import Database
    from core.framework.runtime import Runtime
    from core.testing.screens import Screens

_PLUGINS = import_module("plugins").__path__
BUNDLED = tuple(sorted(module.name for module in pkgutil.iter_modules(_PLUGINS)))

RUN_FOLDER: Final = "ABAH_TEST_DATABASES"
"""Environment variable with the folder that all processes of a test run share."""

MARKS: Final = (
    "grade(name): the grade that asks for a check of the conformance suite",
    "plugins(*names): plugins installed in this test's database (default: all bundled ones)",
    "settings(**more): settings added to those of the deployment under test (dots as __)",
)
"""Marks of the fixtures and of the conformance suite."""

TEST_SECRET = "only-for-tests-0123456789abcdefghijkl"  # noqa: S105


def pytest_configure(config: pytest.Config) -> None:
    """Make the folder of the run's databases before worker processes start."""
    _let_pyramid_find_files()
    for mark in MARKS:
        config.addinivalue_line("markers", mark)
    adopt_folders(config.args)
    if record := os.environ.get("ABAH_TEST_RECORD"):
        from core.testing.recording import SUITE_ELSEWHERE, Recorder  # noqa: PLC0415 - it needs us

        recorder = Recorder(Path(record), without_suite=SUITE_ELSEWHERE in os.environ)
        config.pluginmanager.register(recorder, "abah-recorder")
    if RUN_FOLDER not in os.environ and not hasattr(config, "workerinput"):
        run = contextlib.ExitStack()
        os.environ[RUN_FOLDER] = str(run.enter_context(run_folder()))
        run.callback(os.environ.pop, RUN_FOLDER)
        config.add_cleanup(run.close)


def _let_pyramid_find_files() -> None:
    """Tell the library behind asset specs about pytest's loader, which loads ``core`` in tests."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pkg_resources  # noqa: PLC0415 - importing it warns
    provider = pkg_resources.DefaultProvider
    pkg_resources.register_loader_type(AssertionRewritingHook, provider)


def test_settings(url: URL, **more: Any) -> dict[str, Any]:
    """Return the settings of a deployment on ``url``, with ``more`` (dots written as ``__``)."""
    settings = {
        "sqlalchemy.url": url.render_as_string(hide_password=False),
        "abah.secret": TEST_SECRET,
        "abah.base_url": "http://localhost",
        "abah.cookie_secure": "false",
        "abah.jobs.broker": "memory",
        "abah.embedded_worker": "false",
        **plugin_settings(),
    }
    return settings | {key.replace("__", "."): value for key, value in more.items()}


test_settings.__test__ = False  # type: ignore[attr-defined]


@pytest.fixture(scope="session")
def database_factories() -> Callable[[str], DatabaseFactory]:
    """Give the factory of databases of a kind (``sqlite``, ``postgresql``), one per process."""
    made: dict[str, DatabaseFactory] = {}
    folder = Path(os.environ[RUN_FOLDER])

    def factory(kind: str) -> DatabaseFactory:
        if kind not in made:
            made[kind] = DatabaseFactory(kind, folder, _prepare)
        return made[kind]

    return factory


def _prepare(url: URL, plugins: tuple[str, ...]) -> None:
    """Set a database up as a deployment does: by the migrations, then by installing plugins."""
    runtime = open_runtime(test_settings(url), plugins=())
    try:
        prepare(runtime, plugins)
    finally:
        runtime.close()


@pytest.fixture(scope="session")
def screens() -> Iterator[Screens]:
    """Give the one browser of the conformance suite; it starts when it is needed."""
    from core.testing.screens import Screens  # noqa: PLC0415 - few runs need it

    screens = Screens()
    yield screens
    screens.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_kind(request: pytest.FixtureRequest) -> str:
    """``sqlite`` and ``postgresql`` in turn."""
    kind: str = request.param
    return kind


@pytest.fixture
def plugin_names(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """Plugins of this test's database: those of the mark ``plugins``, else all bundled ones."""
    mark = request.node.get_closest_marker("plugins")
    return tuple(sorted(mark.args)) if mark else BUNDLED


@pytest.fixture
def database_url(
    database_kind: str,
    plugin_names: tuple[str, ...],
    database_factories: Callable[[str], DatabaseFactory],
) -> Iterator[URL]:
    """Address of a fresh database in which the plugins are installed."""
    factory = database_factories(database_kind)
    url = factory.copy(plugin_names)
    yield url
    factory.drop(url)


@pytest.fixture
def settings(database_url: URL, request: pytest.FixtureRequest) -> dict[str, Any]:
    """Give the settings of the deployment; ``@pytest.mark.settings(**more)`` adds to them."""
    mark = request.node.get_closest_marker("settings")
    return test_settings(database_url, **(mark.kwargs if mark else {}))


@pytest.fixture
def runtime(settings: dict[str, Any]) -> Iterator[Runtime]:
    """Give the runtime of one process, without a running worker (see ``worker``)."""
    runtime = open_runtime(settings)
    yield runtime
    runtime.close()


@pytest.fixture
def database(runtime: Runtime) -> Database:
    """Give the database under test."""
    return runtime.database


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    """Give a writing session; commit it where others must see what was done."""
    with database.session(write=True) as session:
        yield session


@pytest.fixture(scope="session")
def builds() -> Builds:
    """Give the applications that the tests of this process share."""
    return Builds()


@pytest.fixture
def app(runtime: Runtime, builds: Builds) -> Iterator[TestApp]:
    """Give a WebTest browser on the whole application."""
    from webtest import TestApp  # noqa: PLC0415

    with builds.serving(runtime) as router:
        yield TestApp(router, extra_environ={"REMOTE_ADDR": "127.0.0.1"})


@pytest.fixture
def people(runtime: Runtime) -> People:
    """Make users: ``people.admin()``, ``people.petugas()``, ``people.pimpinan()``."""
    return People(runtime)


@pytest.fixture
def sign_in(runtime: Runtime) -> Callable[[TestApp, int], None]:
    """Give ``sign_in(app, user_id)``: the browser is signed in without a password being typed."""

    def sign(app: TestApp, user_id: int) -> None:
        sign_in_as(runtime, app, user_id)

    return sign


@pytest.fixture
def worker(runtime: Runtime) -> Any:
    """Give ``worker.run()``: everything queued is done in this thread, sweeps included."""
    from core.testing.work import Worker  # noqa: PLC0415

    return Worker(runtime)
