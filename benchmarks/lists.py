"""Our list pages beside a bare Pyramid + Jinja page that runs the same SQL and prints the rows.

Both answer in this process, over the same database file, taking turns. The bare page has no sign-in,
menu, slots, forms or translations: the ratio is what the framework costs.
"""

from __future__ import annotations

import logging
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import structlog
from pyramid.config import Configurator
from pyramid.renderers import render_to_response
from pyramid.request import Request
from sqlalchemy import event
from webtest import TestApp

from benchmarks.rows import Row
from core.app import build_wsgi, open_runtime, prepare
from core.testing.people import People, sign_in_as
from plugins.hibah import demo

if TYPE_CHECKING:
    from pyramid.response import Response
    from pyramid.router import Router

    from core.framework.runtime import Runtime

__all__ = ["run"]

PAGES: Final = {
    "lists.grants.sqlite": "/hibah/",
    "lists.institutions.sqlite": "/hibah/lembaga",
    "lists.search.sqlite": "/hibah/cari?q=masjid",
}
GOAL: Final = 3.0
WARM: Final = 10
ROUNDS: Final = 80

BARE: Final = """<!doctype html>
<html lang="id"><head><title>Daftar</title></head><body><h1>Daftar</h1>
{% for rows in results %}<table>
{% for row in rows %}<tr>{% for value in row %}<td>{{ value }}</td>{% endfor %}</tr>
{% endfor %}</table>{% endfor %}
</body></html>
"""

_CLIENT: Final = {"REMOTE_ADDR": "127.0.0.1"}

Statement = tuple[str, Any]


def run() -> list[Row]:
    """Measure and return milliseconds per page beside the bare page's."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory() as folder:
        runtime = _deploy(Path(folder) / "lists.db")
        try:
            ours = TestApp(build_wsgi(runtime), extra_environ=_CLIENT, lint=False)
            sign_in_as(runtime, ours, People(runtime).pimpinan().id)
            return [_measure(runtime, ours, name, path) for name, path in PAGES.items()]
        finally:
            runtime.close()


def _deploy(file: Path) -> Runtime:
    """Set up a deployment with the demo's 2,000 grants."""
    settings = {
        "sqlalchemy.url": f"sqlite:///{file}",
        "abah.secret": "only-for-measuring-0123456789abcdef",
        "abah.base_url": "http://localhost",
        "abah.cookie_secure": "false",
        "abah.jobs.broker": "memory",
        "abah.embedded_worker": "false",
    }
    empty = open_runtime(settings, plugins=())
    prepare(empty, ["hibah", "nphd"])
    empty.close()
    runtime = open_runtime(settings)
    with runtime.database.writing() as session:
        demo.load(session, lambda _text: None)
    return runtime


def _measure(runtime: Runtime, ours: TestApp, name: str, path: str) -> Row:
    ours.get(path)
    with _statements(runtime) as statements:
        ours.get(path)
    bare = TestApp(_bare(runtime, statements), lint=False)
    times: dict[Any, list[float]] = {ours: [], bare: []}
    for number in range(WARM + ROUNDS):
        for app, found in times.items():
            begun = time.perf_counter()
            app.get(path)
            if number >= WARM:
                found.append(time.perf_counter() - begun)
    return Row(
        name=name,
        value=statistics.median(times[ours]) * 1000,
        unit="ms",
        reference=statistics.median(times[bare]) * 1000,
        goal=GOAL,
        at_most=True,
    )


@contextmanager
def _statements(runtime: Runtime) -> Iterator[list[Statement]]:
    """Record what a block reads from the database."""
    found: list[Statement] = []

    def note(_c: object, _cursor: object, text: str, values: Any, *_rest: object) -> None:
        if text.startswith(("SELECT", "WITH")):
            found.append((text, values))

    event.listen(runtime.database.engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(runtime.database.engine, "before_cursor_execute", note)


def _bare(runtime: Runtime, statements: Sequence[Statement]) -> Router:
    """Build an application of one view that runs ``statements`` and prints every row."""
    folder = Path(tempfile.mkdtemp(prefix="abah-bare-"))
    (folder / "bare.jinja2").write_text(BARE, encoding="utf-8")
    engine = runtime.database.engine.execution_options(abah_mode="read")

    def page(request: Request) -> Response:
        with engine.connect() as connection:
            results = [
                connection.exec_driver_sql(text, values).all() for text, values in statements
            ]
        return render_to_response("bare.jinja2", {"results": results}, request=request)

    config = Configurator()
    config.include("pyramid_jinja2")
    config.add_jinja2_search_path(str(folder))
    config.add_route("page", "/*rest")
    config.add_view(page, route_name="page")
    app: Router = config.make_wsgi_app()
    return app
