"""Hibah > Undangan NPHD: the lists that a person may see, and what several share (M10)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyramid.httpexceptions import HTTPMovedPermanently
from pyramid.view import view_config

from core.api.tables import Bulk, ChoiceFilter, Column, DateFilter, Table
from core.api.text import _
from plugins.nphd.models import Invitation, Notified
from plugins.nphd.services.reading import (
    CANCEL,
    READ,
    SEND,
    notified_condition,
    officers,
    select_rows,
)
from plugins.nphd.words import notified_words

if TYPE_CHECKING:
    from pyramid.request import Request
    from pyramid.response import Response

__all__ = ["invitation_list", "invitations", "list_with_slash"]


def invitations(request: Request) -> Table:
    """Describe the list as this person sees it."""
    people = officers(request.db, request.identity)
    return Table(
        select_rows(request.identity),
        columns=[
            Column("id", _("Id"), sort=True, plain=True),
            Column("day", _("Tanggal"), sort=True, main=True),
            Column("officer", _("Pegawai"), sort=True, plain=True),
            Column("invitees", _("Jumlah"), sort=True, align="end", plain=True),
            Column("state", _("Notifikasi"), value=notified_words),
            Column("actions", _("Aksi"), export=False, align="end"),
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


def _cancelled(value: str) -> Any:
    if value == "ya":
        return Invitation.cancelled_at.is_not(None)
    return Invitation.cancelled_at.is_(None)
