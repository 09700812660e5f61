"""The dialog "Undangan NPHD" (M9)."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from pyramid.view import view_config

from core.api.contacts import region_of
from core.api.text import _
from core.api.web import close_dialog
from plugins.nphd.days import date_words
from plugins.nphd.forms import InviteForm
from plugins.nphd.services.inviting import Order, invite, prospect
from plugins.nphd.services.reading import CREATE

if TYPE_CHECKING:
    from pyramid.request import Request
    from pyramid.response import Response

__all__ = ["invite_institution"]


@view_config(route_name="nphd.invitation.invite", renderer="nphd/invite.jinja2", permission=CREATE)
def invite_institution(request: Request) -> Response | dict[str, Any]:
    """Ask whom to invite for which day, and put the institution on the list."""
    grant_id = int(request.matchdict["grant"])
    found = prospect(request.db, request.identity, grant_id)
    known = {"number": found.number, "country": region_of(found.number)} if found.number else {}
    form = InviteForm(
        request, person=found.person, day=found.day, request_key=str(uuid.uuid4()), **known
    )
    if form.submitted and form.validate() and form.day.data:
        with form.refusals():
            order = Order(
                grant_id=grant_id,
                number=str(form.number.data),
                person=str(form.person.data),
                day=form.day.data,
                request_key=str(form.request_key.data),
                again=bool(form.again.data),
            )
            invited = invite(request.db, order, request.identity)
            request.session.flash(
                _(
                    "${lembaga} masuk daftar undangan NPHD untuk ${tanggal} (Id ${id}). Undangan "
                    "baru dikirim setelah Anda memilih Proses di Hibah > Undangan NPHD.",
                    mapping={
                        "lembaga": invited.institution,
                        "tanggal": date_words(invited.day),
                        "id": invited.invitation_id,
                    },
                ),
                "success",
            )
            detail = request.route_path("nphd.invitation.detail", id=invited.invitation_id)
            return close_dialog(request, _page_behind(request) or detail)
    return {"form": form, "grant": found.grant}


def _page_behind(request: Request) -> str | None:
    """Return path and query of the page that the dialog lies over."""
    path = request.headers.get("HX-Current-Path", "")
    is_local = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if request.is_dialog and is_local else None
