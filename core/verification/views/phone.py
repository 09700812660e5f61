"""Perbarui Kontak and Konfirmasi Nomor Telepon, as the manual shows them; Profilku, tab Kontak."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.view import view_config

from core.contacts import format_number, mask_number, region_of
from core.i18n import TranslationString, _
from core.messaging.services import MessageFacts, State, message_facts
from core.verification.forms import CodeForm, PhoneForm
from core.verification.gate import after_verification
from core.verification.services import (
    MAX_TRIES,
    Confirmation,
    Confirmed,
    PendingPhone,
    Sending,
    Started,
    cancel_phone,
    confirm_phone,
    pending_phone,
    resend_phone,
    start_phone,
)
from core.web.security import SIGNED_IN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyramid.request import Request

__all__: list[str] = []

_NOT_SENT: Final[Mapping[Sending, TranslationString]] = {
    Sending.NUMBER_CAP: _(
        "Kode sudah terlalu sering dikirim ke nomor ini hari ini. Coba lagi besok, atau hubungi "
        "Admin."
    ),
    Sending.USER_CAP: _(
        "Anda sudah terlalu sering meminta kode hari ini. Coba lagi besok, atau hubungi Admin."
    ),
    Sending.ADDRESS_CAP: _(
        "Dari jaringan ini sudah terlalu banyak kode diminta hari ini. Coba lagi besok, atau "
        "hubungi Admin."
    ),
}

_MOVING: Final = frozenset({State.QUEUED, State.SENDING, State.SENT, State.UNCERTAIN})
"""States of the code's message that can still change."""

_DEAD_CODES: Final[Mapping[Confirmation, TranslationString]] = {
    Confirmation.EXPIRED: _(
        "Kode verifikasi ini sudah kedaluwarsa. Klik “klik di sini” untuk meminta kode baru."
    ),
    Confirmation.LOCKED: _(
        "Kode salah ${n} kali, sehingga kode ini tidak berlaku lagi. Klik “klik di sini” untuk "
        "meminta kode baru.",
        mapping={"n": MAX_TRIES},
    ),
}


@view_config(
    route_name="verification.phone.start",
    renderer="verification/phone.jinja2",
    permission=SIGNED_IN,
    verified=False,
)
def start(request: Request) -> Any:
    """Ask for country and number; F5 shows the confirmation once a code is on its way."""
    identity = request.identity
    pending = pending_phone(request.db, identity.id)
    if request.method == "GET" and pending is not None and "ganti" not in request.GET:
        return HTTPSeeOther(location=request.route_path("verification.phone.confirm"))
    form = PhoneForm(request)
    response = _start(request, form)
    return response or {"form": form, "pending": pending}


@view_config(
    route_name="verification.contact",
    renderer="verification/contact.jinja2",
    permission=SIGNED_IN,
)
def contact(request: Request) -> Any:
    """Profilku, tab Kontak: the number in force, and asking for another one."""
    identity = request.identity
    form = PhoneForm(request, country=region_of(identity.phone))
    response = _start(request, form)
    return response or {
        "form": form,
        "phone": identity.phone,
        "pending": pending_phone(request.db, identity.id),
    }


def _start(request: Request, form: PhoneForm) -> HTTPSeeOther | None:
    if not (form.submitted and form.validate()):
        return None
    number = str(form.number.data)
    if number == request.identity.phone:
        form.refuse("number", _("Nomor ini sudah menjadi nomor telepon Anda."))
        return None
    started = start_phone(
        request.db, request.identity.id, number, remote_addr=request.remote_addr or ""
    )
    pending = pending_phone(request.db, request.identity.id)
    if started.sending is Sending.SENT or (pending is not None and pending.number == number):
        if started.sending is not Sending.SENT:
            request.session.flash(_explain(started), "warning")
        return HTTPSeeOther(location=request.route_path("verification.phone.confirm"))
    # Returned, not raised: the page shows the form again with the reason.
    form.refuse("number", _explain(started))
    return None


@view_config(
    route_name="verification.phone.confirm",
    renderer="verification/phone_confirm.jinja2",
    permission=SIGNED_IN,
    verified=False,
    once=False,
)
def confirm(request: Request) -> Any:
    """Ask for the code and put the number into force."""
    identity = request.identity
    pending = pending_phone(request.db, identity.id)
    form = CodeForm(request)
    if form.submitted and form.validate():
        confirmed = confirm_phone(request.db, identity.id, form.code.data or "")
        response = _answer(request, form, confirmed)
        if response is not None:
            return response
        pending = pending_phone(request.db, identity.id)
    if pending is None:
        return HTTPSeeOther(location=_without_pending(request))
    return {"form": form, "pending": pending, "message": _message(request, pending)}


def _answer(request: Request, form: CodeForm, confirmed: Confirmed) -> HTTPSeeOther | None:
    """Turn the outcome of a code into a page, or into words on the form."""
    outcome = confirmed.outcome
    if outcome is Confirmation.CONFIRMED:
        request.session.flash(
            _(
                "Nomor telepon ${number} sudah terkonfirmasi.",
                mapping={"number": format_number(confirmed.number or "")},
            ),
            "success",
        )
        had_number = request.identity.phone is not None
        there = request.route_path("verification.contact") if had_number else None
        return HTTPSeeOther(location=there or after_verification(request))
    if outcome is Confirmation.USED:
        request.session.flash(
            _(
                "Kode verifikasi ini sudah dipakai. Nomor telepon ${number} sudah terkonfirmasi.",
                mapping={"number": mask_number(confirmed.number or "")},
            ),
            "warning",
        )
        return HTTPSeeOther(location=request.route_path("verification.contact"))
    if outcome is Confirmation.NOTHING_PENDING:
        request.session.flash(
            _("Tidak ada kode verifikasi yang sedang ditunggu. Masukkan nomor telepon Anda."),
            "warning",
        )
        return HTTPSeeOther(location=_without_pending(request))
    form.refuse("code", _refusal(confirmed))
    return None


def _refusal(confirmed: Confirmed) -> TranslationString:
    left = {"n": confirmed.tries_left}
    match confirmed.outcome:
        case Confirmation.MALFORMED:
            return _(
                "Kode verifikasi terdiri dari 4 angka. Periksa SMS terakhir, lalu ketik ulang."
            )
        case Confirmation.REPLACED:
            return _(
                "Kode ini sudah diganti dengan kode yang lebih baru. Pakai kode dari SMS terakhir. "
                "Sisa percobaan: ${n}.",
                mapping=left,
            )
        case Confirmation.WRONG:
            return _(
                "Kode verifikasi salah. Periksa SMS terakhir, lalu ketik ulang. "
                "Sisa percobaan: ${n}.",
                mapping=left,
            )
        case dead:
            return _DEAD_CODES[dead]


@view_config(
    route_name="verification.phone.resend",
    request_method="POST",
    permission=SIGNED_IN,
    verified=False,
)
def resend(request: Request) -> HTTPSeeOther:
    """Send a new code to the number that waits."""
    started = resend_phone(request.db, request.identity.id, remote_addr=request.remote_addr or "")
    if started is None:
        return HTTPSeeOther(location=_without_pending(request))
    if started.sending is Sending.SENT:
        facts = {"number": mask_number(started.number)}
        request.session.flash(_("Kode baru telah dikirim ke ${number}.", mapping=facts), "success")
    else:
        request.session.flash(_explain(started), "warning")
    return HTTPSeeOther(location=request.route_path("verification.phone.confirm"))


@view_config(
    route_name="verification.phone.cancel",
    request_method="POST",
    permission=SIGNED_IN,
    verified=False,
)
def cancel(request: Request) -> HTTPSeeOther:
    """Give up a change of number."""
    cancel_phone(request.db, request.identity.id)
    return HTTPSeeOther(location=_without_pending(request))


@view_config(
    route_name="verification.phone.state",
    request_method="GET",
    renderer="verification/phone_state.jinja2",
    permission=SIGNED_IN,
    verified=False,
)
def state(request: Request) -> dict[str, Any]:
    """Show what became of the code's message; asked for again and again while the page is open."""
    pending = pending_phone(request.db, request.identity.id)
    message = None if pending is None else _message(request, pending)
    if message is None or message.state not in _MOVING:
        # Tells htmx to stop asking.
        request.response.status_int = 286
    return {"message": message}


def _message(request: Request, pending: PendingPhone) -> MessageFacts | None:
    if pending.message_id is None:
        return None
    return message_facts(request.db, [pending.message_id]).get(pending.message_id)


def _explain(started: Started) -> TranslationString:
    if started.sending is Sending.COOLING_DOWN:
        return _(
            "Kode baru saja dikirim ke nomor ini. Tunggu ${n} detik sebelum meminta kode lagi.",
            mapping={"n": started.wait},
        )
    return _NOT_SENT[started.sending]


def _without_pending(request: Request) -> str:
    """Return where somebody goes whose number waits for no code."""
    if request.identity.phone is not None:
        return str(request.route_path("verification.contact"))
    return str(request.route_path("verification.phone.start"))
