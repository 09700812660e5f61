"""Hibah > Undangan NPHD: the lists that a person may see, and what several share (M10)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup, escape
from pyramid.httpexceptions import HTTPMovedPermanently
from pyramid.view import view_config

from core.api.tables import Bulk, ChoiceFilter, Column, DateFilter, Table
from core.api.text import _
from core.api.web import icon, path_of, tanggal, time_element, translate
from plugins.nphd.models import Invitation, Notified
from plugins.nphd.services.reading import (
    CANCEL,
    READ,
    SEND,
    every_row,
    notified_condition,
    officers,
    select_rows,
)
from plugins.nphd.words import notified_words, state_tag

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyramid.request import Request
    from pyramid.response import Response
    from sqlalchemy import Row

__all__ = ["invitation_list", "invitations", "list_with_slash"]


_EDIT: Final = _("Sunting")


def invitations(request: Request) -> Table:
    """Describe the list as this person sees it."""
    people = officers(request.db, request.identity)
    statement = select_rows(request.identity)
    return Table(
        statement,
        columns=[
            Column("id", _("Id"), sort=True, plain=True),
            Column("day", _("Tanggal"), sort=True, main=True, html=_day),
            Column("officer", _("Pegawai"), sort=True, plain=True),
            Column("invitees", _("Jumlah"), sort=True, align="end", plain=True),
            Column("state", _("Notifikasi"), value=notified_words, html=_state),
            Column("actions", _("Aksi"), export=False, align="end", html=_edit(request)),
        ],
        filters=[
            DateFilter("tanggal", _("Tanggal"), Invitation.held_on),
            ChoiceFilter(
                "pegawai",
                _("Pegawai"),
                Invitation.officer_id,
                [(str(user_id), name) for user_id, name in people],
                convert=int,
            ),
            ChoiceFilter(
                "notifikasi",
                _("Notifikasi"),
                None,
                [
                    (Notified.NONE.value, _("Belum dikirim")),
                    (Notified.SOME.value, _("Sebagian dikirim")),
                    (Notified.ALL.value, _("Semua dikirim")),
                ],
                condition=notified_condition,
            ),
            ChoiceFilter(
                "batal",
                _("Pembatalan"),
                None,
                [("tidak", _("Tidak dibatalkan")), ("ya", _("Dibatalkan"))],
                condition=_cancelled,
            ),
        ],
        bulk=[
            Bulk(
                "send",
                _("Proses"),
                request.route_path("nphd.invitation.send_many"),
                permission=SEND,
                icon="send",
            ),
            Bulk(
                "cancel",
                _("Batalkan"),
                request.route_path("nphd.invitation.cancel_many"),
                permission=CANCEL,
                icon="x-circle",
                danger=True,
            ),
        ],
        default_sort="-day",
        empty=_("Belum ada undangan. Cari lembaga lebih dahulu, lalu pilih Undangan NPHD."),
        name="undangan-nphd",
        outer_joined=False,
        kept=statement is every_row(),
    )


@view_config(route_name="nphd.invitation.list", renderer="nphd/list.jinja2", permission=READ)
def invitation_list(request: Request) -> Response | dict[str, Any]:
    """List the invitations."""
    return invitations(request).respond(request)


@view_config(route_name="nphd.invitation.list_slash", request_method="GET", permission=READ)
def list_with_slash(request: Request) -> HTTPMovedPermanently:
    """Lead to the list from its address with a slash behind."""
    query = request.GET.items()
    return HTTPMovedPermanently(
        location=request.route_path("nphd.invitation.list", _query=list(query))
    )


def _day(row: Row[Any]) -> Markup:
    return time_element(row.day, tanggal(row.day))


def _state(row: Row[Any]) -> Markup:
    cancelled = row.cancelled_at is not None
    return state_tag(notified_words(row), row.notified, row.invitees, cancelled=cancelled)


def _edit(request: Request) -> Callable[[Row[Any]], Markup]:
    word = escape(translate(_EDIT))
    shown = f'{icon("pencil")}<span class="visually-hidden">{word}</span>'

    def write(row: Row[Any]) -> Markup:
        url = path_of(request, "nphd.invitation.detail", id=row.id)
        start = f'<a class="btn btn-sm btn-outline-primary" href="{url}" title="{word}">'
        return Markup(f"{start}{shown}</a>")  # noqa: S704 - escaped; the address has a number only

    return write


def _cancelled(value: str) -> Any:
    if value == "ya":
        return Invitation.cancelled_at.is_not(None)
    return Invitation.cancelled_at.is_(None)
