"""Pages of one grant and the list of all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pyramid.view import view_config
from sqlalchemy import ColumnElement, Row, func, select

from core.api.accounts import User
from core.api.forms import Form, MaxLength, Required, TextAreaField
from core.api.tables import ChoiceFilter, Column, DateFilter, Filter, Table
from core.api.text import _
from core.api.web import close_dialog, path_of, translate
from plugins.hibah.models import Grant, Institution, Regency
from plugins.hibah.services.cards import GrantCard
from plugins.hibah.services.grants import MAX_NOTE, add_note, notes_of
from plugins.hibah.services.log import log_of
from plugins.hibah.services.reading import find_card
from plugins.hibah.services.search import matching
from plugins.hibah.services.visibility import READ, visible
from plugins.hibah.views.actions import shown_actions
from plugins.hibah.views.common import SearchFilter, page_behind
from plugins.hibah.workflow import State

if TYPE_CHECKING:
    from pyramid.request import Request
    from pyramid.response import Response

__all__ = ["add_note_page", "detail", "grant_list", "grants_table", "log_page"]

ACTIVE: Final = "aktif"
ARCHIVED: Final = "arsip"


class NoteForm(Form):
    """A remark on a grant."""

    body = TextAreaField(_("Catatan"), [Required(), MaxLength(MAX_NOTE)])


@view_config(route_name="hibah.grant.list", renderer="hibah/grant_list.jinja2", permission=READ)
def grant_list(request: Request) -> dict[str, Any] | Response:
    """List the grants that the person may see."""
    return grants_table(request).respond(request)


def grants_table(request: Request) -> Table:
    """Describe the list of grants."""
    # Subqueries and no outer joins: a list without outer joins pages along its index.
    officer = (
        select(func.trim(User.first_name + " " + User.last_name))
        .where(User.id == Grant.officer_id)
        .scalar_subquery()
    )
    regency = select(Regency.name).where(Regency.id == Institution.regency_id).scalar_subquery()
    statement = (
        select(
            Grant.id,
            Grant.code,
            Grant.institution_id,
            Institution.name.label("institution"),
            regency.label("regency"),
            Grant.amount,
            Grant.state,
            func.coalesce(officer, Grant.officer_text).label("officer"),
            Grant.archived_at,
            Grant.created_at,
        )
        .join(Institution, Institution.id == Grant.institution_id)
        .where(visible(request.db, request.identity))
    )
    return Table(
        statement,
        columns=_columns(request),
        filters=_filters(request),
        default_sort="-created_at",
        empty=_(
            "Belum ada hibah yang dapat Anda lihat. Hibah dimasukkan oleh Admin dari workbook."
        ),
        name="hibah",
        outer_joined=False,
    )


def _columns(request: Request) -> list[Column]:
    return [
        Column(
            "code",
            _("Kode"),
            sort=True,
            main=True,
            plain=True,
            link=lambda row: path_of(request, "hibah.grant.detail", grant=row.id),
        ),
        Column(
            "institution",
            _("Lembaga"),
            sort=True,
            plain=True,
            link=lambda row: path_of(
                request, "hibah.institution.detail", institution=row.institution_id
            ),
        ),
        Column("regency", _("Kabupaten/Kota"), sort=True, plain=True),
        Column("amount", _("Nominal"), sort=True, align="end", money=True, plain=True),
        Column("state", _("Status"), sort=True, plain=True, value=_state),
        Column("officer", _("Petugas"), sort=True, plain=True),
        Column("created_at", _("Dibuat"), sort=True, plain=True),
    ]


def _filters(request: Request) -> list[Filter]:
    words = matching(request.db, request.GET.get("cari", ""))
    return [
        SearchFilter("cari", _("Kata kunci"), words),
        ChoiceFilter("status", _("Status"), Grant.state, [(state, state) for state in State]),
        ChoiceFilter(
            "data",
            _("Data"),
            None,
            [(ACTIVE, _("Data Aktif")), (ARCHIVED, _("Data Arsip"))],
            condition=_of_set,
        ),
        DateFilter("dibuat", _("Dibuat"), Grant.created_at),
    ]


def _of_set(value: str) -> ColumnElement[bool]:
    return Grant.archived_at.is_(None) if value == ACTIVE else Grant.archived_at.is_not(None)


def _state(row: Row[Any]) -> str:
    if row.archived_at is None:
        return str(row.state)
    return translate(_("${state}, Data Arsip", mapping={"state": row.state}))


@view_config(route_name="hibah.grant.detail", renderer="hibah/grant_detail.jinja2", permission=READ)
@view_config(
    route_name="hibah.grant.print",
    renderer="hibah/grant_print.jinja2",
    permission="hibah.grant.print",
)
def detail(request: Request) -> dict[str, Any]:
    """Show everything about a grant, on the screen or for paper."""
    card = _found(request)
    actions = shown_actions(request, [card.facts])[card.facts.id]
    return {
        "card": card,
        # One is looking at it already.
        "actions": [action for action in actions if action.key != "hibah.view"],
        "notes": notes_of(request.db, card.facts.id),
    }


@view_config(
    route_name="hibah.grant.note", renderer="hibah/note.jinja2", permission="hibah.note.add"
)
def add_note_page(request: Request) -> dict[str, Any] | Response:
    """Take a note."""
    card = _found(request)
    form = NoteForm(request)
    if form.submitted and form.validate():
        with form.refusals():
            add_note(
                request.db,
                card.facts.id,
                body=form.body.data or "",
                actor_id=request.identity.id,
            )
        if form.accepted:
            request.session.flash(_("Catatan sudah ditambahkan."), "success")
            return close_dialog(request, page_behind(request, _address(request, card)))
    return {"card": card, "form": form, "notes": notes_of(request.db, card.facts.id)}


@view_config(route_name="hibah.grant.log", renderer="hibah/log.jinja2", permission="hibah.log.read")
def log_page(request: Request) -> dict[str, Any]:
    """Show who did what to a grant."""
    card = _found(request)
    return {"card": card, "lines": log_of(request.db, card.facts.id)}


def _found(request: Request) -> GrantCard:
    """Return the grant of the address.

    :raises NotFoundError: there is none that this person may see.
    """
    return find_card(request.db, request.identity, int(request.matchdict["grant"]))


def _address(request: Request, card: GrantCard) -> str:
    return str(request.route_path("hibah.grant.detail", grant=card.facts.id))
