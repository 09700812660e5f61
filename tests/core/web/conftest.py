"""The web room alone: real databases and templates, a policy and pages of the tests' own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPSeeOther
from sqlalchemy import insert
from webtest import TestApp

from core.db import Base, Database
from core.framework.runtime import Runtime
from core.testing.fixtures import test_settings
from core.web.layers import templates_of
from core.web.models import FormKey
from tests.core.web.world import MADE, Policy, metadata, paper, person

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

    from core.testing.databases import DatabaseFactory

Browser = Callable[..., TestApp]


@pytest.fixture
def both(database_kind: str) -> str:
    """Ask for this to run on SQLite and on PostgreSQL."""
    return database_kind


@contextmanager
def web_database(factory: DatabaseFactory) -> Iterator[URL]:
    """Make a database with the web's own table and the two of these tests."""
    url = factory.empty()
    database = Database(url)
    Base.metadata.create_all(database.engine, tables=[FormKey.__table__])  # type: ignore[list-item]
    metadata.create_all(database.engine)
    database.dispose()
    yield url
    factory.drop(url)


@pytest.fixture
def web_url(
    request: pytest.FixtureRequest,
    database_factories: Callable[[str], DatabaseFactory],
) -> Iterator[URL]:
    """A database of its own for the test; SQLite where it makes no difference."""
    chosen = request.getfixturevalue("both") if "both" in request.fixturenames else "sqlite"
    with web_database(database_factories(chosen)) as url:
        yield url


@pytest.fixture
def web_runtime(web_url: URL, request: pytest.FixtureRequest) -> Iterator[Runtime]:
    mark = request.node.get_closest_marker("settings")
    runtime = Runtime(test_settings(web_url, **(mark.kwargs if mark else {})))
    yield runtime
    runtime.close()


def add_papers(database: Database) -> int:
    """Write sixty papers: ties in title and amount, missing amounts, days and people."""
    people = [{"id": n, "name": f"Orang {n}"} for n in range(1, 4)]
    rows: list[dict[str, Any]] = [
        {
            "id": n,
            "title": f"Berkas {n % 7}",
            "state": "lama" if n % 3 else "baru",
            "amount": None if n % 5 == 0 else Decimal(n % 4) * 1000,
            "due": None if n % 6 == 0 else date(2018, 12, 1) + timedelta(days=n % 9),
            "made_at": MADE + timedelta(hours=n % 10),
            "person_id": None if n % 4 == 0 else n % 3 + 1,
        }
        for n in range(1, 61)
    ]
    with database.writing() as session:
        session.execute(insert(person), people)
        session.execute(insert(paper), rows)
    return len(rows)


@pytest.fixture
def papers(web_runtime: Runtime) -> int:
    """Sixty papers in the test's own database."""
    return add_papers(web_runtime.database)


@pytest.fixture
def browser(web_runtime: Runtime) -> Browser:
    """``browser(*includes)`` builds the application with more pages; returns a browser."""

    def build(*includes: Callable[[Configurator], None], **environ: str) -> TestApp:
        config = Configurator(settings=dict(web_runtime.settings), package="core")
        config.registry["runtime"] = web_runtime
        config.include("core.web")
        config.set_security_policy(Policy())
        config.add_route("sign_in", "/masuk")
        config.add_view(lambda _request: HTTPSeeOther("/"), route_name="sign_in", permission=None)
        config.set_sign_in_route("sign_in")
        templates_of(config.registry).loader.add("try", Path(__file__).parent / "templates")
        for include in includes:
            include(config)
        return TestApp(
            config.make_wsgi_app(), extra_environ={"REMOTE_ADDR": "127.0.0.1", **environ}
        )

    return build
