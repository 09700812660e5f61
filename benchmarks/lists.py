"""Every list page beside a bare Pyramid + Jinja page of the same statements and the same rows.

Both are asked in this process as a server asks them, over the same database file, taking turns.
The bare page runs what the real one ran through SQLAlchemy Core and prints the same values and
links with the stock renderer (``benchmarks/bare``); it has no sign-in, session, form token, menu,
slots, filters, sorting or translations. The ratio is what the framework costs.
"""

from __future__ import annotations

import logging
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import structlog
from pyramid.config import Configurator
from pyramid.renderers import render_to_response
from pyramid.request import Request
from sqlalchemy import event
from webtest import TestApp

from benchmarks.bureau import deploy
from benchmarks.rows import Row
from core.api.web import phone, rupiah, tanggal, wib_pendek
from core.app import build_wsgi
from core.testing.people import sign_in_as
from core.web.formats import ago

if TYPE_CHECKING:
    from pyramid.response import Response
    from pyramid.router import Router

    from core.framework.runtime import Runtime

__all__ = ["PAGES", "asker", "run", "sign_in"]

GOAL: Final = 3.0
WARM: Final = 10
ROUNDS: Final = 200

FILTERS: Final = {
    "ago": ago,
    "day": tanggal,
    "moment": wib_pendek,
    "phone": phone,
    "rupiah": rupiah,
}


@dataclass(frozen=True, slots=True)
class Page:
    """A page that lists rows."""

    path: str
    mark: str
    """A value that only the statement of the rows has."""
    size: int = 25
    """Rows that it shows of those that were read."""
    also: str = ""
    """The same as ``mark`` for a second list, whose rows are all shown."""


PAGES: Final = {
    "grants": Page("/hibah/", "code"),
    "institutions": Page("/hibah/lembaga", "address"),
    "search": Page("/hibah/cari?q=masjid", "code", 10),
    "invitations": Page("/hibah/undangan", "notified"),
    "invitees": Page("/hibah/undangan/1", "person", 30, "body"),
    "users": Page("/pemakai", "created_at"),
    "texts": Page("/teks", "variables"),
    "inbox": Page("/pesan", "last_text"),
    "conversation": Page("/pesan/1", "body", 50, "last_text"),
}
"""By name: that of the figure and of the bare page's template."""

Statement = tuple[Any, Any]
Ask = Callable[[], bytes]


def run() -> list[Row]:
    """Measure and return processor time per page beside the bare page's; SQLite's is part of it."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory() as folder:
        runtime, admin_id = deploy(Path(folder) / "lists.db")
        try:
            app = build_wsgi(runtime)
            cookie = sign_in(runtime, app, admin_id)
            return [_measure(runtime, app, cookie, name) for name in PAGES]
        finally:
            runtime.close()


def sign_in(runtime: Runtime, app: Router, user_id: int) -> str:
    """Sign somebody in and return what the browser sends from then on."""
    browser = TestApp(app, extra_environ={"REMOTE_ADDR": "127.0.0.1"})
    sign_in_as(runtime, browser, user_id)
    browser.get("/")
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.cookiejar)


def _measure(runtime: Runtime, app: Router, cookie: str, name: str) -> Row:
    page = PAGES[name]
    ours = asker(app, page.path, cookie)
    ours()
    with _statements(runtime) as statements:
        ours()
    bare = asker(_bare(runtime, statements, name), page.path)
    times: dict[Ask, list[float]] = {ours: [], bare: []}
    for number in range(WARM + ROUNDS):
        for ask, found in times.items():
            # Time of the processor: a busy neighbour interrupts the longer page more often.
            begun = time.process_time()
            ask()
            if number >= WARM:
                found.append(time.process_time() - begun)
    return Row(
        name=f"lists.{name}.sqlite",
        value=statistics.median(times[ours]) * 1000,
        unit="ms CPU",
        reference=statistics.median(times[bare]) * 1000,
        goal=GOAL,
    )


def asker(app: Router, path: str, cookie: str = "") -> Ask:
    """Return a function that asks for a page once and returns its body."""
    environ = Request.blank(path, environ={"REMOTE_ADDR": "127.0.0.1"}).environ
    if cookie:
        environ["HTTP_COOKIE"] = cookie

    def ask() -> bytes:
        statuses: list[str] = []
        body = b"".join(app(dict(environ), lambda status, *_rest: statuses.append(status)))
        if statuses != ["200 OK"]:
            message = f"{path}: {statuses}"
            raise RuntimeError(message)
        return body

    return ask


@contextmanager
def _statements(runtime: Runtime) -> Iterator[list[Statement]]:
    """Record what a block reads from the database."""
    found: list[Statement] = []

    def note(_c: object, statement: Any, many: Any, values: Any, _options: object) -> None:
        found.append((statement, values or many or None))

    event.listen(runtime.database.engine, "before_execute", note)
    try:
        yield found
    finally:
        event.remove(runtime.database.engine, "before_execute", note)


def _bare(runtime: Runtime, statements: Sequence[Statement], name: str) -> Router:
    """Build an application of one view that runs ``statements`` and prints the rows of the list."""
    page = PAGES[name]

    def view(request: Request) -> Response:
        lists: dict[str, Any] = {}
        with runtime.database.reading() as session:
            connection = session.connection()
            for statement, values in statements:
                result = connection.execute(statement, values)
                rows = result.all()
                lists.update(dict.fromkeys({page.mark, page.also} & set(result.keys()), rows))
        shown = {"rows": lists[page.mark][: page.size]}
        if page.also:
            shown["others"] = lists[page.also][: page.size]
        return render_to_response(f"{name}.jinja2", shown, request=request)

    config = Configurator()
    config.add_settings({"jinja2.filters": FILTERS})
    config.include("pyramid_jinja2")
    config.add_jinja2_search_path(str(Path(__file__).parent / "bare"))
    config.add_route("one", "/satu/{id}")
    config.add_route("two", "/satu/{id}/dua")
    config.add_route("institution", "/lembaga/{id}")
    config.add_route("messages", "/pesan/tentang/{id}")
    config.add_route("page", "/*rest")
    config.add_view(view, route_name="page")
    app: Router = config.make_wsgi_app()
    return app
