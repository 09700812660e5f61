"""The page "Sunting Undangan NPHD" and the institutions on it (M11)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.view import view_config

from core.api.contacts import region_of
from core.api.errors import NotFoundError
from core.api.text import _
from core.api.web import close_dialog, confirmation
from plugins.nphd.days import clock_words, date_words
from plugins.nphd.errors import AlreadyNotifiedError
from plugins.nphd.forms import InvitationForm, InviteeForm
from plugins.nphd.services.editing import Edit, edit_invitation, edit_invitee, remove_invitee
from plugins.nphd.services.reading import (
    CREATE,
    READ,
    RESEND,
    InvitationFacts,
    InviteeFacts,
    invitation_facts,
    invitee_facts,
)
from plugins.nphd.words import state_tag, state_words

if TYPE_CHECKING:
    from pyramid.request import Request
    from pyramid.response import Response

__all__ = ["detail", "edit_one", "invitee_list", "remove_one", "save"]

MESSAGES_RESEND = "messages.resend"
"""Permission of the core for the step from a red ! to sending again."""


@view_config(
    route_name="nphd.invitation.detail",
    request_method="GET",
    renderer="nphd/detail.jinja2",
    permission=READ,
)
def detail(request: Request) -> dict[str, Any]:
    """Show a list."""
    invitation = _invitation(request)
    return _page(request, invitation, _form(request, invitation))


@view_config(
    route_name="nphd.invitation.detail",
    request_method="POST",
    renderer="nphd/detail.jinja2",
    permission=CREATE,
)
def save(request: Request) -> Response | dict[str, Any]:
    """Change day, hour and place of a list."""
    invitation = _invitation(request)
    form = _form(request, invitation)
    if form.validate():
        with form.refusals():
            edit = Edit(
                day=form.day.data or invitation.day,
                hour=form.clock,
                place=str(form.place.data),
                version=_number(form.version.data),
            )
            changed = edit_invitation(request.db, invitation.id, edit, request.identity)
            _tell_saved(request, invitation, changed=changed)
            return HTTPSeeOther(request.route_path("nphd.invitation.detail", id=invitation.id))
    return _page(request, invitation, form)


@view_config(
    route_name="nphd.invitation.invitees",
    request_method="GET",
    renderer="nphd/invitees.jinja2",
    permission=READ,
)
def invitee_list(request: Request) -> dict[str, Any]:
    """Answer the institutions alone: the page asks while messages are on their way."""
    invitation = _invitation(request)
    return _page(request, invitation, None)


@view_config(route_name="nphd.invitee.edit", renderer="nphd/invitee.jinja2", permission=CREATE)
def edit_one(request: Request) -> Response | dict[str, Any]:
    """Change whom an institution is called by."""
    invitation = _invitation(request)
    invitee = _invitee(request, invitation)
    if invitee.notified_at is not None:
        raise AlreadyNotifiedError(invitee.institution)
    form = InviteeForm(
        request,
        country=region_of(invitee.number),
        number=invitee.number,
        person=invitee.person,
        version=str(invitee.version),
    )
    back = request.route_path("nphd.invitation.detail", id=invitation.id)
    if form.submitted and form.validate():
        with form.refusals():
            edit_invitee(
                request.db,
                invitation.id,
                invitee.id,
                person=str(form.person.data),
                number=str(form.number.data),
                version=_number(form.version.data),
                user=request.identity,
            )
            request.session.flash(
                _(
                    "Kontak ${lembaga} sudah disimpan.",
                    mapping={"lembaga": invitee.institution},
                ),
                "success",
            )
            return close_dialog(request, back)
    return {"form": form, "invitation": invitation, "invitee": invitee, "back": back}


@view_config(
    route_name="nphd.invitee.remove",
    request_method="GET",
    renderer="partials/confirm.jinja2",
    permission=CREATE,
)
def ask_to_remove(request: Request) -> dict[str, Any]:
    """Ask before an institution is taken off the list."""
    invitation = _invitation(request)
    invitee = _invitee(request, invitation)
    if invitee.notified_at is not None:
        raise AlreadyNotifiedError(invitee.institution)
    return confirmation(
        _("Hapus lembaga dari undangan"),
        _(
            "Hapus ${lembaga} dari undangan untuk ${tanggal}?",
            mapping={"lembaga": invitee.institution, "tanggal": date_words(invitation.day)},
        ),
        request.route_path("nphd.invitation.detail", id=invitation.id),
        detail=_("Lembaga ini belum diberi tahu dan dapat diundang lagi kapan saja."),
        danger=True,
    )


@view_config(route_name="nphd.invitee.remove", request_method="POST", permission=CREATE)
def remove_one(request: Request) -> Response:
    """Take an institution off the list."""
    invitation = _invitation(request)
    invitee_id = int(request.matchdict["invitee"])
    name = remove_invitee(request.db, invitation.id, invitee_id, request.identity)
    if name is None:
        request.session.flash(_("Lembaga itu sudah tidak ada dalam undangan ini."), "info")
    else:
        request.session.flash(
            _("${lembaga} dihapus dari undangan ini.", mapping={"lembaga": name}), "success"
        )
    return close_dialog(request, request.route_path("nphd.invitation.detail", id=invitation.id))


def _invitation(request: Request) -> InvitationFacts:
    return invitation_facts(request.db, request.identity, int(request.matchdict["id"]))


def _invitee(request: Request, invitation: InvitationFacts) -> InviteeFacts:
    wanted = int(request.matchdict["invitee"])
    for invitee in invitee_facts(request.db, invitation.id):
        if invitee.id == wanted:
            return invitee
    raise NotFoundError(
        _("Lembaga itu tidak ada (lagi) dalam undangan ini. Buka kembali undangannya.")
    )


def _form(request: Request, invitation: InvitationFacts) -> InvitationForm:
    return InvitationForm(
        request,
        day=invitation.day,
        hour=clock_words(invitation.hour),
        place=invitation.place,
        version=str(invitation.version),
    )


def _page(
    request: Request, invitation: InvitationFacts, form: InvitationForm | None
) -> dict[str, Any]:
    invitees = invitee_facts(request.db, invitation.id)
    standing = invitation.cancelled_at is None
    return {
        "invitation": invitation,
        "invitees": invitees,
        "form": form,
        "state": state_tag(
            state_words(invitation.state, invitation.notified, invitation.invitees),
            invitation.notified,
            invitation.invitees,
        ),
        "why_not_sent": invitation.why_not_sent(may_resend=request.identity.may(RESEND)),
        "editable": standing and request.identity.may(CREATE),
        "standing": standing,
        "over": invitation.is_over(),
        "may_mend": request.identity.may(MESSAGES_RESEND),
        "moving": any(invitee.moving for invitee in invitees),
    }


def _tell_saved(request: Request, invitation: InvitationFacts, *, changed: bool) -> None:
    request.session.flash(
        _("Undangan sudah disimpan.") if changed else _("Tidak ada yang berubah."),
        "success" if changed else "info",
    )
    if changed and invitation.notified:
        request.session.flash(
            _(
                "${n} lembaga sudah diberi tahu jam dan tempat yang lama. Minta Admin mengirim "
                "ulang undangan ini agar mereka mengetahui perubahannya.",
                mapping={"n": invitation.notified},
            ),
            "warning",
        )


def _number(text: str | None) -> int | None:
    """Read a version that the page carried along; what is none counts as an old page."""
    if not text:
        return None
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else -1  # noqa: PLR2004
