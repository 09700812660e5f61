"""Proses, Batalkan and Kirim ulang: asked first, then done, each refusal explained (M12, M13)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from pyramid.view import view_config

from core.api.errors import NotFoundError, RefusedError
from core.api.text import TranslationString, _
from core.api.web import close_dialog, confirmation
from plugins.nphd.days import date_words
from plugins.nphd.errors import (
    InvitationCancelledError,
    NobodyNotifiedError,
    NothingToResendError,
    PastDateError,
)
from plugins.nphd.forms import CancelForm, ResendForm, Scope
from plugins.nphd.services.cancelling import CancelResult, ResendResult, cancel, resend
from plugins.nphd.services.reading import (
    CANCEL,
    RESEND,
    SEND,
    InvitationFacts,
    invitation_facts,
    invitee_facts,
    summaries,
)
from plugins.nphd.services.sending import SendResult, send
from plugins.nphd.views.listing import invitations

if TYPE_CHECKING:
    from pyramid.request import Request
    from pyramid.response import Response

__all__ = [
    "ask_to_send",
    "cancel_many",
    "cancel_one",
    "resend_list",
    "resend_one",
    "send_many",
    "send_one",
]

VERSION = "versi"
"""Hidden field of a confirmation: id and version of a list that it showed, as ``12.3``."""


@view_config(
    route_name="nphd.invitation.send",
    request_method="GET",
    renderer="partials/confirm.jinja2",
    permission=SEND,
)
def ask_to_send(request: Request) -> dict[str, Any]:
    """Ask before the institutions of one list are notified."""
    invitation = _invitation(request)
    reason = invitation.why_not_sent(may_resend=request.identity.may(RESEND))
    if reason is not None:
        raise RefusedError(reason)
    return confirmation(
        _("Proses undangan NPHD"),
        _(
            "Kirim undangan ke ${n} lembaga untuk ${tanggal}?",
            mapping={"n": invitation.pending, "tanggal": date_words(invitation.day)},
        ),
        _detail(request, invitation.id),
        detail=_TO_EACH,
        items=[
            f"{invitee.institution} ({invitee.person})"
            for invitee in invitee_facts(request.db, invitation.id)
            if invitee.notified_at is None
        ],
        fields=_versions([invitation]),
    )


@view_config(route_name="nphd.invitation.send", request_method="POST", permission=SEND)
def send_one(request: Request) -> Response:
    """Notify the institutions of one list."""
    invitation = _invitation(request)
    versions = {invitation.id: _posted_versions(request).get(invitation.id)}
    result = send(request.db, versions, request.identity)[0]
    if result.refused is not None:
        raise RefusedError(result.refused)
    _flash_sent(request, result)
    return close_dialog(request, _detail(request, invitation.id))


@view_config(
    route_name="nphd.invitation.send_many",
    request_method="GET",
    renderer="partials/confirm.jinja2",
    permission=SEND,
)
def ask_to_send_many(request: Request) -> dict[str, Any]:
    """Ask before the institutions of the chosen lists are notified."""
    selection = invitations(request).selected(request)
    chosen = summaries(request.db, request.identity, selection.keys)
    may_resend = request.identity.may(RESEND)
    found = [(item, item.why_not_sent(may_resend=may_resend)) for item in chosen]
    ready = [item for item, reason in found if reason is None]
    reasons = [reason for _item, reason in found if reason is not None]
    if not ready:
        raise RefusedError(reasons[0] if len(reasons) == 1 else _NONE_READY)
    return confirmation(
        _("Proses undangan NPHD"),
        _(
            "Kirim undangan ke ${n} lembaga untuk ${tanggal}?",
            mapping={"n": sum(item.pending for item in ready), "tanggal": _days(ready)},
        ),
        selection.back_url,
        detail=_TO_EACH,
        items=[*(_line(item, item.pending) for item in ready), *reasons],
        fields=[*selection.fields, *_versions(ready)],
    )


@view_config(route_name="nphd.invitation.send_many", request_method="POST", permission=SEND)
def send_many(request: Request) -> Response:
    """Notify the institutions of the chosen lists; those that cannot be sent are named."""
    selection = invitations(request).selected(request)
    versions = _chosen_versions(request, selection.keys)
    for result in send(request.db, versions, request.identity):
        if result.refused is None:
            _flash_sent(request, result)
        else:
            request.session.flash(result.refused, "danger")
    return close_dialog(request, selection.back_url)


@view_config(route_name="nphd.invitation.cancel", renderer="nphd/cancel.jinja2", permission=CANCEL)
def cancel_one(request: Request) -> Response | dict[str, Any]:
    """Ask, then cancel one list."""
    invitation = _invitation(request)
    if request.method == "GET" and invitation.cancelled_at is not None:
        raise InvitationCancelledError(invitation.id)
    form = CancelForm(request)
    if form.submitted and form.validate():
        versions = {invitation.id: _posted_versions(request).get(invitation.id)}
        result = cancel(request.db, versions, request.identity, tell=bool(form.tell.data))[0]
        if result.refused is not None:
            raise RefusedError(result.refused)
        _flash_cancelled(request, result)
        return close_dialog(request, _detail(request, invitation.id))
    return _cancel_page([invitation], form, _detail(request, invitation.id), [])


@view_config(
    route_name="nphd.invitation.cancel_many", renderer="nphd/cancel.jinja2", permission=CANCEL
)
def cancel_many(request: Request) -> Response | dict[str, Any]:
    """Ask, then cancel the chosen lists; those that cannot be cancelled are named."""
    selection = invitations(request).selected(request)
    form = CancelForm(request)
    if form.submitted and form.validate():
        versions = _chosen_versions(request, selection.keys)
        for result in cancel(request.db, versions, request.identity, tell=bool(form.tell.data)):
            if result.refused is None:
                _flash_cancelled(request, result)
            else:
                request.session.flash(result.refused, "danger")
        return close_dialog(request, selection.back_url)
    chosen = summaries(request.db, request.identity, selection.keys)
    standing = [item for item in chosen if item.cancelled_at is None]
    if not standing:
        raise RefusedError(_ALL_CANCELLED)
    refused = [
        InvitationCancelledError(item.id).explanation
        for item in chosen
        if item.cancelled_at is not None
    ]
    return _cancel_page(standing, form, selection.back_url, selection.fields, refused)


@view_config(route_name="nphd.invitation.resend", renderer="nphd/resend.jinja2", permission=RESEND)
def resend_list(request: Request) -> Response | dict[str, Any]:
    """Ask, then notify the institutions of a list again."""
    invitation = _invitation(request)
    _check_resendable(invitation)
    invitees = [item for item in invitee_facts(request.db, invitation.id) if item.notified_at]
    if not invitees:
        raise NobodyNotifiedError(invitation.id)
    ready = [item for item in invitees if not item.waiting]
    if not ready and request.method == "GET":
        raise NothingToResendError(invitation.id, len(invitees))
    # Once everybody is known to have received it, the whole list is what is left to choose.
    all_proven = all(item.proven for item in ready)
    form = ResendForm(request, scope=Scope.ALL if all_proven else Scope.UNPROVEN)
    if form.submitted and form.validate():
        result = resend(
            request.db,
            invitation.id,
            request.identity,
            unproven_only=form.scope.data == Scope.UNPROVEN,
            version=_posted_versions(request).get(invitation.id),
        )
        _flash_resent(request, invitation, result)
        return close_dialog(request, _detail(request, invitation.id))
    return {
        "form": form,
        "invitation": invitation,
        "total": len(invitees),
        "unproven": sum(not item.proven for item in invitees),
        "fields": _versions([invitation]),
        "back": _detail(request, invitation.id),
    }


@view_config(
    route_name="nphd.invitee.resend",
    request_method="GET",
    renderer="partials/confirm.jinja2",
    permission=RESEND,
)
def ask_to_resend_one(request: Request) -> dict[str, Any]:
    """Ask before one institution is notified again."""
    invitation = _invitation(request)
    _check_resendable(invitation)
    invitee = next(
        (
            item
            for item in invitee_facts(request.db, invitation.id)
            if item.id == int(request.matchdict["invitee"]) and item.notified_at
        ),
        None,
    )
    if invitee is None:
        raise NotFoundError
    return confirmation(
        _("Kirim ulang undangan NPHD"),
        _(
            "Kirim ulang undangan untuk ${tanggal} ke ${lembaga}?",
            mapping={"tanggal": date_words(invitation.day), "lembaga": invitee.institution},
        ),
        _detail(request, invitation.id),
        detail=_PRESENT_CONTACT,
        fields=_versions([invitation]),
    )


@view_config(route_name="nphd.invitee.resend", request_method="POST", permission=RESEND)
def resend_one(request: Request) -> Response:
    """Notify one institution again."""
    invitation = _invitation(request)
    result = resend(
        request.db,
        invitation.id,
        request.identity,
        invitee_ids=[int(request.matchdict["invitee"])],
        version=_posted_versions(request).get(invitation.id),
    )
    _flash_resent(request, invitation, result)
    return close_dialog(request, _detail(request, invitation.id))


def _invitation(request: Request) -> InvitationFacts:
    return invitation_facts(request.db, request.identity, int(request.matchdict["id"]))


def _detail(request: Request, invitation_id: int) -> str:
    return str(request.route_path("nphd.invitation.detail", id=invitation_id))


def _check_resendable(invitation: InvitationFacts) -> None:
    if invitation.cancelled_at is not None:
        raise InvitationCancelledError(invitation.id)
    if invitation.is_over():
        raise PastDateError(invitation.day)


def _versions(chosen: Sequence[InvitationFacts]) -> list[tuple[str, str]]:
    return [(VERSION, f"{item.id}.{item.version}") for item in chosen]


def _posted_versions(request: Request) -> dict[int, int]:
    """Read which version of each list the confirmation showed; what is no such pair is left out."""
    found: dict[int, int] = {}
    for text in request.POST.getall(VERSION):
        match = _PAIR.fullmatch(text)
        if match:
            found[int(match[1])] = int(match[2])
    return found


def _chosen_versions(request: Request, keys: Sequence[int]) -> dict[int, int | None]:
    """Return what was confirmed, as far as the person may see it."""
    confirmed = _posted_versions(request)
    return {key: confirmed[key] for key in keys if key in confirmed}


def _days(chosen: Sequence[InvitationFacts]) -> str:
    """Name the days of several lists, each once."""
    return ", ".join(dict.fromkeys(date_words(item.day) for item in chosen))


def _line(item: InvitationFacts, institutions: int) -> TranslationString:
    return _(
        "${tanggal}, ${petugas} (Id ${id}): ${n} lembaga",
        mapping={
            "tanggal": date_words(item.day),
            "petugas": item.officer,
            "id": item.id,
            "n": institutions,
        },
    )


def _cancel_page(
    chosen: Sequence[InvitationFacts],
    form: CancelForm,
    back: str,
    fields: Sequence[tuple[str, str]],
    refused: Sequence[TranslationString] = (),
) -> dict[str, Any]:
    return {
        "form": form,
        "back": back,
        "fields": [*fields, *_versions(chosen)],
        "question": _(
            "Batalkan undangan ${n} lembaga untuk ${tanggal}?",
            mapping={"n": sum(item.invitees for item in chosen), "tanggal": _days(chosen)},
        ),
        "items": [
            *(_line(item, item.invitees) for item in chosen if len(chosen) > 1 or refused),
            *refused,
        ],
        # Nobody is told of a day that is over.
        "notified": sum(item.notified for item in chosen if not item.is_over()),
    }


def _flash_sent(request: Request, result: SendResult) -> None:
    request.session.flash(
        _(
            "Undangan untuk ${tanggal} sedang dikirim ke ${n} lembaga.",
            mapping={"tanggal": date_words(_day(result.day)), "n": result.queued},
        ),
        "success",
    )


def _flash_cancelled(request: Request, result: CancelResult) -> None:
    request.session.flash(
        _(
            "Undangan untuk ${tanggal} (Id ${id}) dibatalkan. Diberi tahu: ${told} lembaga; pesan "
            "yang belum sempat dikirim dan ditarik kembali: ${withdrawn}.",
            mapping={
                "tanggal": date_words(_day(result.day)),
                "id": result.invitation_id,
                "told": result.told,
                "withdrawn": result.withdrawn,
            },
        ),
        "success",
    )


def _flash_resent(request: Request, invitation: InvitationFacts, result: ResendResult) -> None:
    request.session.flash(
        _(
            "Undangan untuk ${tanggal} dikirim ulang ke ${n} lembaga.",
            mapping={"tanggal": date_words(invitation.day), "n": result.queued},
        ),
        "success",
    )
    if result.waiting:
        request.session.flash(
            _(
                "${n} lembaga tidak dikirim ulang karena pesan sebelumnya masih menunggu dikirim.",
                mapping={"n": result.waiting},
            ),
            "info",
        )


def _day(day: date | None) -> date:
    assert day is not None, "a list that was done exists"  # noqa: S101 - narrows the type
    return day


_PAIR: Final = re.compile(r"([0-9]{1,18})\.([0-9]{1,9})")
_TO_EACH: Final = _("Tiap lembaga menerima satu SMS. Pengiriman tidak dapat ditarik kembali.")
_PRESENT_CONTACT: Final = _(
    "Pesan dikirim ke kontak lembaga yang berlaku sekarang, dengan jam dan tempat yang berlaku "
    "sekarang."
)
_NONE_READY: Final = _(
    "Tidak satu pun undangan yang dipilih dapat dikirim: tanggalnya sudah lewat, semua lembaganya "
    "sudah diberi tahu, atau undangannya dibatalkan."
)
_ALL_CANCELLED: Final = _("Semua undangan yang dipilih sudah dibatalkan.")
