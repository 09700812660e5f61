"""Pages that these tests try things on: a form with every field, a list, and what goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pyramid.httpexceptions import HTTPRequestEntityTooLarge, HTTPSeeOther, HTTPTooManyRequests
from sqlalchemy import insert, select

from core.contacts import countries, national_number, parse_number
from core.errors import (
    AbahError,
    ConflictError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    RefusedError,
)
from core.i18n import _
from core.web.confirm import confirmation
from core.web.dialog import close_dialog, stay_in_dialog
from core.web.formats import today
from core.web.forms import (
    CheckboxesField,
    CheckboxField,
    ChoiceField,
    CountryField,
    DateField,
    EmailField,
    Form,
    IntegerField,
    MaxLength,
    MoneyField,
    NotBefore,
    Optional,
    PasswordField,
    PhoneField,
    RadioField,
    Range,
    Required,
    TextAreaField,
    TextField,
)
from core.web.security import SIGNED_IN
from core.web.tables import Bulk, ChoiceFilter, Column, DateFilter, Table, TextFilter
from tests.core.web.world import paper, person

if TYPE_CHECKING:
    from pyramid.config import Configurator
    from pyramid.request import Request

Include = Callable[["Configurator"], None]

COLOURS = [("merah", _("Merah")), ("biru", _("Biru"))]


class EveryField(Form):
    """One of each."""

    country = CountryField(_("Negara"), countries=countries)
    number = PhoneField(_("Nomor Telepon"), [Required()], parse=parse_number, show=national_number)
    person = TextField(
        _("Kontak Person"), [Required(), MaxLength(20)], description=_("Nama lengkap.")
    )
    date = DateField(_("Tanggal NPHD"), [Required(), NotBefore(today)])
    email = EmailField(_("Email"), [Optional()])
    amount = MoneyField(_("Nominal"))
    count = IntegerField(_("Jumlah"), [Optional(), Range(1, 10)])
    colour = ChoiceField(_("Warna"), choices=COLOURS, blank=_("Pilih warna"))
    taste = RadioField(_("Rasa"), choices=COLOURS, default="merah")
    several = CheckboxesField(_("Beberapa"), choices=COLOURS)
    agreed = CheckboxField(_("Setuju"))
    secret = PasswordField(_("Sandi"))
    note = TextAreaField(_("Catatan"), [MaxLength(50)])


class ShortForm(Form):
    """A name, which becomes a row."""

    name = TextField(_("Nama"), [Required(), MaxLength(40)])


def every_field(request: Request) -> dict[str, Any]:
    form = EveryField(request)
    if form.submitted and form.validate():
        request.response.headers["X-Data"] = repr(form.number.data)
    return {"form": form}


def short_form(request: Request) -> Any:
    form = ShortForm(request)
    if form.submitted and form.validate():
        with form.refusals():
            if form.name.data == "TERLARANG":
                field = "name"
                raise InvalidInputError(field, _("Nama ini tidak boleh dipakai."))
            request.db.execute(insert(person).values(name=form.name.data))
    if form.accepted:
        request.session.flash(
            _("${name} sudah disimpan.", mapping={"name": form.name.data}), "success"
        )
        return close_dialog(request, "/daftar")
    return {"form": form}


def next_step(request: Request) -> Any:
    return stay_in_dialog(request, "/isian")


def papers_table(request: Request | None = None, **changes: Any) -> Table:
    del request
    facts: dict[str, Any] = {
        "columns": [
            Column("id", _("Id"), sort=True, align="end"),
            Column("title", _("Judul"), sort=True, main=True),
            Column("state", _("Status")),
            Column("amount", _("Nominal"), sort=True, money=True, align="end"),
            Column("due", _("Tenggat"), sort=True),
            Column("made_at", _("Dibuat"), sort=True),
            Column("owner", _("Pegawai"), sort=True),
            Column("actions", _("Aksi"), export=False),
        ],
        "filters": [
            TextFilter("cari", _("Judul atau pegawai"), [paper.c.title, person.c.name]),
            ChoiceFilter(
                "status", _("Status"), paper.c.state, [("lama", _("Lama")), ("baru", _("Baru"))]
            ),
            DateFilter("tenggat", _("Tenggat"), paper.c.due),
            DateFilter("dibuat", _("Dibuat"), paper.c.made_at),
        ],
        "bulk": [
            Bulk("archive", _("Arsip"), "/daftar/arsip"),
            Bulk("burn", _("Musnahkan"), "/daftar/bakar", permission="papers.burn", danger=True),
        ],
        "default_sort": "-made_at",
        "empty": _("Belum ada berkas. Buat yang pertama."),
    }
    statement = select(
        paper.c.id,
        paper.c.title,
        paper.c.state,
        paper.c.amount,
        paper.c.due,
        paper.c.made_at,
        person.c.name.label("owner"),
    ).join_from(paper, person, isouter=True)
    return Table(changes.pop("statement", statement), **{**facts, **changes})


def papers_list(request: Request) -> Any:
    return papers_table(request).respond(request)


def archive(request: Request) -> Any:
    chosen = papers_table(request).selected(request)
    if request.method == "POST":
        request.session.flash(_("${n} berkas diarsipkan.", mapping={"n": chosen.count}), "success")
        return close_dialog(request, chosen.back_url)
    return confirmation(
        _("Arsip"),
        _("Arsipkan ${n} berkas?", mapping={"n": chosen.count}),
        chosen.back_url,
        fields=chosen.fields,
    )


RAISED: dict[str, Exception] = {
    "404": NotFoundError(_("Lembaga tidak ditemukan.")),
    "403": ForbiddenError(),
    "409": ConflictError(),
    "refused": RefusedError(),
    "422": InvalidInputError("x", _("Tidak masuk akal.")),
    "domain": AbahError(_("Kanal sedang mati. Pilih kanal lain.")),
    "413": HTTPRequestEntityTooLarge(),
    "429": HTTPTooManyRequests(headers={"Retry-After": "30"}),
    "500": ZeroDivisionError("rahasia-di-dalam-jejak"),
}


def failing(request: Request) -> Any:
    raise RAISED[request.matchdict["kind"]]


def broken_database(request: Request) -> Any:
    """Leave a transaction that can't go on, as a failed flush does."""
    request.db.execute(insert(person).values(id=1, name="satu"))
    request.db.execute(insert(person).values(id=1, name="dua"))
    return {}


def includeme(config: Configurator) -> None:
    """Add the pages."""
    pages: list[tuple[str, str, Any, str | None, str | None]] = [
        ("every", "/isian", every_field, "try/form.jinja2", SIGNED_IN),
        ("short", "/pendek", short_form, "try/form.jinja2", SIGNED_IN),
        ("step", "/langkah", next_step, None, SIGNED_IN),
        ("list", "/daftar", papers_list, "try/list.jinja2", SIGNED_IN),
        ("archive", "/daftar/arsip", archive, "partials/confirm.jinja2", SIGNED_IN),
        ("failing", r"/gagal/{kind:\w+}", failing, None, SIGNED_IN),
        ("broken", "/rusak", broken_database, "json", SIGNED_IN),
        ("unnamed", "/tanpa-izin", lambda _request: {}, "json", None),
        ("managed", "/kelola", lambda _request: {}, "json", "settings.manage"),
    ]
    for name, path, view, renderer, permission in pages:
        options = {} if permission is None else {"permission": permission}
        config.add_route(f"try.{name}", path)
        config.add_view(view, route_name=f"try.{name}", renderer=renderer, **options)
    config.add_route("try.post", "/hanya-kirim")
    config.add_view(
        lambda _request: HTTPSeeOther("/"),
        route_name="try.post",
        request_method="POST",
        permission=SIGNED_IN,
    )
