"""Lists: one component for all of them.

A view describes its list once and answers with it::

    def invitations(request) -> Table:
        return Table(
            select(Invitation.id, Invitation.date, officer.label("officer"), total.label("total")),
            key="id",
            columns=[
                Column("id", _("Id"), sort=True, align="end"),
                Column("date", _("Tanggal"), sort=True, main=True),
                Column("officer", _("Pegawai"), sort=True),
                Column("total", _("Jumlah"), sort=True, align="end"),
                Column("actions", _("Aksi"), export=False),
            ],
            filters=[
                TextFilter("cari", _("Pegawai"), [User.name]),
                DateFilter("tanggal", _("Tanggal"), Invitation.date),
                ChoiceFilter("status", _("Notifikasi"), Invitation.state, STATES),
            ],
            bulk=[Bulk("process", _("Proses"), request.route_path("nphd.invitation.bulk_process"))],
            default_sort="-date",
            empty=_("Belum ada undangan. Cari lembaga, lalu pilih Undangan NPHD."),
        )

    @view_config(route_name="nphd.invitation.list", renderer="nphd/list.jinja2", permission="…")
    def invitation_list(request):
        return invitations(request).respond(request)       # {"page": TablePage}, or the export

and the template prints it; without a caller, or for a column that it leaves to ``page.text``,
values are written by their type::

    {% from "partials/table.jinja2" import table %}
    {% call(row, column) table(page) %}
      {%- if column.name == "actions" %}<a href="…" data-dialog>{{ icon("pencil") }}</a>
      {%- else %}{{ page.text(row, column) }}{% endif %}
    {% endcall %}

A column that is ``plain`` or writes itself (``html``, ``below``, ``link``) asks no template,
which is what a page of a hundred cells wants; a select that is one object for all requests is
``kept`` with what is put together from it.

The select's columns are named by their labels, and ``key`` and sortable columns are such names;
aggregates and outer joins are fine, since the list is paged around the select. Filters are added
to the select itself. A bulk action's view asks ``table.selected(request)`` which rows were meant,
on every page of the list. Everything a person chose is in the address. Paging is by keyset: no
page is slower than the first, and rows that come or go never shift a page.
"""

from __future__ import annotations

from core.web.tables.columns import Bulk, Column
from core.web.tables.filters import (
    BooleanFilter,
    ChoiceFilter,
    DateFilter,
    Filter,
    TextFilter,
)
from core.web.tables.page import TablePage
from core.web.tables.selection import Selection
from core.web.tables.table import Table

__all__ = [
    "BooleanFilter",
    "Bulk",
    "ChoiceFilter",
    "Column",
    "DateFilter",
    "Filter",
    "Selection",
    "Table",
    "TablePage",
    "TextFilter",
]
