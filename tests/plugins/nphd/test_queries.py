"""No page that lists rows asks the database more often because it has more of them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from core.api.messaging import Draft, queue_messages
from plugins.nphd.services.sending import send

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from webtest import TestApp

    from core.api.hooks import UserFacts
    from core.api.runtime import Runtime
    from core.testing.people import People
    from tests.plugins.nphd.conftest import Bureau, Statements

PAGES = {
    "/": "tile",
    "/pemakai": "<tr",
    "/teks": "<tr",
    "/pesan": "data-thread=",
    "/pesan/1": 'class="bubble-row',
    "/hibah/": "<tr",
    "/hibah/1/log": "<tr",
    "/hibah/lembaga": "<tr",
    "/hibah/lembaga/1": "grant-card",
    "/hibah/cari?q=masjid": "grant-card",
    "/hibah/undangan": "<tr",
    "/hibah/undangan/1": "list-group-item",
}
"""Address, and what each of its rows begins with."""

FIXED = {"/", "/teks", "/hibah/1/log"}
"""Those whose rows this test does not add to."""


def test_more_rows_are_no_more_queries(
    app: TestApp,
    sign_in: Callable[[TestApp, int], None],
    runtime: Runtime,
    bureau: Bureau,
    people: People,
    admin: UserFacts,
    statements: Statements,
    worker: Any,
    channel: int,
) -> None:
    del channel  # It carries what is sent.
    sign_in(app, admin.id)

    def fill(size: int, day: int) -> None:
        first = bureau.case(officer_id=admin.id, institution_id=None if day == 1 else 1)
        cases = [first, *(bureau.case(officer_id=admin.id) for _ in range(size))]
        for number, case in enumerate(cases):
            people.petugas(f"PETUGAS {day} {number}")
            if case is first and day > 1:
                continue
            bureau.invite(case, admin, bureau.tomorrow)
            bureau.invite(case, admin, bureau.tomorrow + timedelta(days=day + number), again=True)
        with runtime.database.writing() as session:
            send(session, {1: None}, admin)
            drafts = [
                Draft(first.number, f"Pesan {n}.", "person", thread_id=1) for n in range(size)
            ]
            queue_messages(session, drafts)
        worker.run()

    def measure() -> dict[str, tuple[int, int]]:
        found = {}
        for path, row in PAGES.items():
            app.get(path)
            with statements() as asked:
                text = app.get(path).text
            found[path] = (text.count(row), len(asked))
        return found

    fill(2, 1)
    few = measure()
    fill(8, 20)
    many = measure()

    assert [path for path in PAGES if path not in FIXED and many[path][0] <= few[path][0]] == []
    assert {path: many[path][1] for path in PAGES} == {path: few[path][1] for path in PAGES}
