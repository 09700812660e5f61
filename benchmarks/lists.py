"""Our list pages beside a bare Pyramid + Jinja page that runs the same SQL and shows the same rows.

Both answer in this process, over the same database file, taking turns. The bare page prints the
same values and links with the stock renderer and a plain session; it has no sign-in, menu, slots,
forms, filters or translations. The ratio is what the framework costs.
"""

from __future__ import annotations

import logging
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import structlog
from pyramid.config import Configurator
from pyramid.renderers import render_to_response
from pyramid.request import Request
from sqlalchemy import event
from webtest import TestApp

from benchmarks.rows import Row
from core.api.web import phone, rupiah, wib_pendek
from core.app import build_wsgi, open_runtime, prepare
from core.testing.people import People, sign_in_as
from plugins.hibah import demo

if TYPE_CHECKING:
    from pyramid.response import Response
    from pyramid.router import Router

    from core.framework.runtime import Runtime

__all__ = ["run"]

GOAL: Final = 3.0
WARM: Final = 10
ROUNDS: Final = 200

_CLIENT: Final = {"REMOTE_ADDR": "127.0.0.1"}

_PAGE: Final = """<!doctype html>
<html lang="id"><head><title>{0}</title></head><body><h1>{0}</h1>{1}</body></html>
"""

_GRANTS: Final = """<p>{{ total }} hasil</p><table><thead><tr><th>Kode<th>Lembaga<th>Kabupaten/Kota
<th>Nominal<th>Status<th>Petugas<th>Dibuat</thead>{% for row in rows %}
<tr><td><a href="{{ request.route_path("grant", id=row.id) }}">{{ row.code }}</a></td>
<td><a href="{{ request.route_path("institution", id=row.institution_id) }}">
{{- row.institution }}</a></td>
<td>{{ row.regency }}</td><td>{{ row.amount | rupiah }}</td><td>{{ row.state }}</td>
<td>{{ row.officer }}</td><td>{{ row.created_at | moment }}</td></tr>{% endfor %}</table>"""

_INSTITUTIONS: Final = """<p>{{ total }} hasil</p><table><thead><tr><th>Lembaga<th>Alamat
<th>Kabupaten/Kota<th>Kontak<th>Data Aktif<th>Data Arsip<th>Pesan</thead>{% for row in rows %}
<tr><td><a href="{{ request.route_path("institution", id=row.id) }}">{{ row.name }}</a></td>
<td>{{ row.address }}</td><td>{{ row.regency }}</td>
<td>{% if row.contact %}{{ row.contact }}, {{ row.number | phone }}{% endif %}</td>
<td>{{ row.active }}</td><td>{{ row.archived }}</td>
<td><a href="{{ request.route_path("messages", id=row.id) }}">Pesan</a></td></tr>{% endfor %}
</table>"""

_SEARCH: Final = """<form><input name="q" value="masjid"></form>{% for row in rows %}<article><dl>
<dt>Kode:</dt><dd>{{ row.code }}</dd><dt>DPA:</dt><dd>{{ row.dpa }}</dd>
<dt>Lembaga:</dt><dd>{{ row.institution_name }}</dd>
<dt>Nominal:</dt><dd>{{ row.amount | rupiah }}</dd>
<dt>Status:</dt><dd>{{ row.state }}</dd><dt>Jenis:</dt><dd>{{ row.kind }}</dd>
<dt>SK:</dt><dd>{% if row.number %}Tahap {{ row.stage }}, {{ row.official }}, {{ row.number }}
{%- endif %}</dd>
<dt>Petugas:</dt><dd>{{ row.first_name }} {{ row.last_name }}</dd>
<dt>Rekomendasi:</dt><dd>{{ row.recommendation }}</dd>
<dt>Dibuat:</dt><dd>{{ row.created_at | moment }}</dd>
</dl><p><a href="{{ request.route_path("grant", id=row.id) }}">Lihat</a>
<a href="{{ request.route_path("institution", id=row.institution_id) }}">Lembaga</a>
<a href="{{ request.route_path("messages", id=row.institution_id) }}">Pesan</a>
<a href="{{ request.route_path("log", id=row.id) }}">Log</a></p></article>{% endfor %}"""

PAGES: Final = {
    # name of the figure: address, bare template, a value that only the list's own rows have
    "lists.grants.sqlite": ("/hibah/", _GRANTS, "code"),
    "lists.institutions.sqlite": ("/hibah/lembaga", _INSTITUTIONS, "address"),
    "lists.search.sqlite": ("/hibah/cari?q=masjid", _SEARCH, "code"),
}

Statement = tuple[str, Any]


def run() -> list[Row]:
    """Measure and return processor time per page beside the bare page's; SQLite's is part of it."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory() as folder:
        runtime = _deploy(Path(folder) / "lists.db")
        try:
            ours = TestApp(build_wsgi(runtime), extra_environ=_CLIENT, lint=False)
            sign_in_as(runtime, ours, People(runtime).pimpinan().id)
            return [_measure(runtime, ours, name, Path(folder)) for name in PAGES]
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


def _measure(runtime: Runtime, ours: TestApp, name: str, folder: Path) -> Row:
    path = PAGES[name][0]
    ours.get(path)
    with _statements(runtime) as statements:
        ours.get(path)
    bare = TestApp(_bare(runtime, statements, name, folder), lint=False)
    times: dict[Any, list[float]] = {ours: [], bare: []}
    for number in range(WARM + ROUNDS):
        for app, found in times.items():
            # Time of the processor: a busy neighbour interrupts the longer page more often.
            begun = time.process_time()
            app.get(path)
            if number >= WARM:
                found.append(time.process_time() - begun)
    return Row(
        name=name,
        value=statistics.median(times[ours]) * 1000,
        unit="ms CPU",
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


def _bare(runtime: Runtime, statements: Sequence[Statement], name: str, folder: Path) -> Router:
    """Build an application of one view that runs ``statements`` and prints the rows of the list."""
    _path, template, mark = PAGES[name]
    (folder / f"{name}.jinja2").write_text(_PAGE.format("Daftar", template), encoding="utf-8")

    def page(request: Request) -> Response:
        shown: Any = ()
        with runtime.database.reading() as session:
            connection = session.connection()
            for text, values in statements:
                result = connection.exec_driver_sql(text, values)
                rows = result.all()
                if mark in result.keys():  # noqa: SIM118 - the keys of a result are no mapping
                    shown = rows[:25]
        values = {"rows": shown, "total": len(shown)}
        return render_to_response(f"{name}.jinja2", values, request=request)

    config = Configurator()
    config.add_settings({"jinja2.filters": {"rupiah": rupiah, "moment": _moment, "phone": phone}})
    config.include("pyramid_jinja2")
    config.add_jinja2_search_path(str(folder))
    config.add_route("grant", "/hibah/{id}")
    config.add_route("log", "/hibah/{id}/log")
    config.add_route("institution", "/hibah/lembaga/{id}")
    config.add_route("messages", "/pesan/tentang/{id}")
    config.add_route("page", "/*rest")
    for route in ("grant", "page"):
        config.add_view(page, route_name=route)
    app: Router = config.make_wsgi_app()
    return app


def _moment(text: str) -> str:
    """Write a time as the driver gave it."""
    return wib_pendek(datetime.fromisoformat(text).replace(tzinfo=UTC))
