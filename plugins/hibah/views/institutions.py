"""Pages of the institutions: list, one institution, and its contact."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from pyramid.view import view_config
from sqlalchemy import ColumnElement, Row, and_, exists, func, select

from core.api.contacts import Contact, contact_history, format_number, region_of
from core.api.forms import (
    CountryField,
    Form,
    HiddenField,
    MaxLength,
    PhoneField,
    Required,
    TextField,
)
from core.api.tables import ChoiceFilter, Column, Table, TextFilter
from core.api.text import _
from core.api.web import close_dialog, path_of, translate
from plugins.hibah.models import Grant, Institution, Regency
from plugins.hibah.regencies import REGENCIES
from plugins.hibah.services.institutions import institution_facts, set_institution_contact
from plugins.hibah.services.people import names_of
from plugins.hibah.services.reading import cards_of_institution
from plugins.hibah.services.visibility import (
    READ,
    check_institution_visible,
    visible,
    visible_institutions,
)
from plugins.hibah.subjects import institution_subject, institution_subject_of
from plugins.hibah.views.actions import shown_actions
from plugins.hibah.views.common import page_behind

if TYPE_CHECKING:
    from pyramid.request import Request
    from pyramid.response import Response

__all__ = ["contact_page", "institution_detail", "institution_list", "institutions_table"]

CONFLICT: Final = 409
CONTACT_EDIT: Final = "hibah.contact.edit"
MAX_PERSON: Final = 120


class ContactForm(Form):
    """Whom the texts for an institution reach."""

    country = CountryField(_("Negara"))
    number = PhoneField(
        _("Nomor Telepon"),
        [Required()],
        description=_(
            "Silahkan memasukkan nomor telepon genggam untuk pengiriman pesan teks (SMS)"
        ),
    )
    person = TextField(_("Kontak Person"), [Required(), MaxLength(MAX_PERSON)])
    known = HiddenField()
    """Id of the contact that the page showed."""


@view_config(
    route_name="hibah.institution.list",
    renderer="hibah/institution_list.jinja2",
    permission=READ,
)
def institution_list(request: Request) -> dict[str, Any] | Response:
    """List the institutions whose grants the person may see."""
    return institutions_table(request).respond(request)


def institutions_table(request: Request) -> Table:
    """Describe the list of institutions."""
    mine = visible(request.db, request.identity)
    of_institution = Grant.institution_id == Institution.id
    active = select(func.count()).where(of_institution, Grant.archived_at.is_(None), mine)
    archived = select(func.count()).where(of_institution, Grant.archived_at.is_not(None), mine)
    regency = select(Regency.name).where(Regency.id == Institution.regency_id).scalar_subquery()
    statement = select(
        Institution.id,
        Institution.name,
        Institution.address,
        regency.label("regency"),
        select(Contact.name).where(_is_contact()).scalar_subquery().label("contact"),
        select(Contact.number).where(_is_contact()).scalar_subquery().label("number"),
        active.scalar_subquery().label("active"),
        archived.scalar_subquery().label("archived"),
    ).where(visible_institutions(request.db, request.identity))
    return Table(
        statement,
        columns=_columns(request),
        filters=[
            TextFilter("cari", _("Nama atau alamat"), [Institution.name, Institution.address]),
            ChoiceFilter(
                "wilayah",
                _("Kabupaten/Kota"),
                Institution.regency_id,
                [(str(code), name) for code, name in REGENCIES.items()],
                convert=int,
            ),
            ChoiceFilter(
                "kontak",
                _("Kontak"),
                None,
                [("ada", _("sudah ada")), ("belum", _("belum ada"))],
                condition=_has_contact,
            ),
        ],
        default_sort="name",
        empty=_("Belum ada lembaga yang dapat Anda lihat. Lembaga dimasukkan bersama hibahnya."),
        name="lembaga",
        outer_joined=False,
    )


def _columns(request: Request) -> list[Column]:
    may_edit = request.has_permission(CONTACT_EDIT)
    return [
        Column(
            "name",
            _("Lembaga"),
            sort=True,
            main=True,
            plain=True,
            link=lambda row: path_of(request, "hibah.institution.detail", institution=row.id),
        ),
        Column("address", _("Alamat"), plain=True),
        Column("regency", _("Kabupaten/Kota"), sort=True, plain=True),
        Column(
            "contact",
            _("Kontak"),
            plain=True,
            value=_contact_text,
            link=partial(_contact_path, request) if may_edit else None,
            dialog=True,
        ),
        Column("active", _("Data Aktif"), sort=True, align="end", plain=True),
        Column("archived", _("Data Arsip"), sort=True, align="end", plain=True),
        Column(
            "messages",
            _("Pesan"),
            plain=True,
            export=False,
            value=lambda _row: _("Pesan"),
            link=partial(_messages_path, request),
            dialog=True,
        ),
    ]


def _is_contact() -> ColumnElement[bool]:
    """Return the condition under which a contact is the present one of the list's institution."""
    return and_(
        Contact.subject == institution_subject_of(Institution.id),
        Contact.role == "",
        Contact.is_current,
    )


def _has_contact(value: str) -> ColumnElement[bool]:
    found = exists().where(_is_contact())
    return found if value == "ada" else ~found


def _contact_text(row: Row[Any]) -> str:
    if row.contact is None:
        return translate(_("belum ada"))
    return f"{row.contact}, {format_number(row.number)}"


def _contact_path(request: Request, row: Row[Any]) -> str:
    return path_of(request, "hibah.institution.contact", institution=row.id)


def _messages_path(request: Request, row: Row[Any]) -> str:
    return path_of(request, "messaging.subject", subject=institution_subject(row.id))


@view_config(
    route_name="hibah.institution.detail",
    renderer="hibah/institution_detail.jinja2",
    permission=READ,
)
def institution_detail(request: Request) -> dict[str, Any]:
    """Show an institution with its contact and the grants that the person may see."""
    institution_id = _found(request)
    cards = cards_of_institution(request.db, request.identity, institution_id)
    return {
        "institution": institution_facts(request.db, institution_id),
        "contact": next((card.contact for card in cards), None),
        "cards": cards,
        "actions": shown_actions(request, [card.facts for card in cards]),
        "subject": institution_subject(institution_id),
    }


@view_config(
    route_name="hibah.institution.contact",
    renderer="hibah/contact.jinja2",
    permission=CONTACT_EDIT,
)
def contact_page(request: Request) -> dict[str, Any] | Response:
    """Ask for the contact of an institution and show who it was before."""
    institution_id = _found(request)
    history = contact_history(request.db, institution_subject(institution_id))
    current = next((contact for contact in history if contact.is_current), None)
    form = ContactForm(
        request,
        country=region_of(current.number) if current else None,
        number=current.number if current else None,
        person=current.name if current else "",
        known=_mark(current),
    )
    if form.submitted and form.validate() and not _is_stale(request, form, current):
        with form.refusals():
            set_institution_contact(
                request.db,
                institution_id,
                name=form.person.data or "",
                number=form.number.data or "",
                actor_id=request.identity.id,
            )
        if form.accepted:
            request.session.flash(_("Kontak lembaga sudah disimpan."), "success")
            own = request.route_path("hibah.institution.detail", institution=institution_id)
            return close_dialog(request, page_behind(request, own))
    return {
        "form": form,
        "institution": institution_facts(request.db, institution_id),
        "history": history,
        "names": names_of(
            request.db, {each.created_by for each in history if each.created_by is not None}
        ),
    }


def _is_stale(request: Request, form: ContactForm, current: Contact | None) -> bool:
    """Show the form again, with what was typed, where somebody else set a contact meanwhile."""
    mark = _mark(current)
    if current is None or form.known.data == mark:
        return False
    if (current.name, current.number) == (form.person.data, form.number.data):
        return False
    form.refuse(
        None,
        _(
            "Kontak lembaga ini baru saja diganti menjadi ${name}, ${number}. Isian Anda belum "
            "disimpan; simpan lagi bila tetap ingin menggantinya.",
            mapping={"name": current.name, "number": format_number(current.number)},
        ),
    )
    form.known.data = mark
    form.known.raw_data = None
    request.response.status_int = CONFLICT
    return True


def _mark(contact: Contact | None) -> str:
    return "" if contact is None else str(contact.id)


def _found(request: Request) -> int:
    """Return the institution of the address.

    :raises NotFoundError: there is none that this person may see.
    """
    institution_id = int(request.matchdict["institution"])
    check_institution_visible(request.db, request.identity, institution_id)
    return institution_id
