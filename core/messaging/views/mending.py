"""The steps that lead on from a message that did not arrive: mend, send again, settle, move."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.view import view_config

from core.contacts.countries import countries
from core.contacts.numbers import national_number, parse_number, region_of
from core.contacts.services import MAX_NAME, contacts_of
from core.errors import ConflictError, NotFoundError
from core.hookspecs.messages import PlannedResend
from core.i18n import _
from core.messaging.facts import message_facts
from core.messaging.mending import review
from core.messaging.moving import destinations, move_to
from core.messaging.reading import RESEND, WRITE, ThreadRow, find_thread
from core.messaging.states import State
from core.messaging.writing import (
    Mending,
    RefusedResendError,
    StaleMendingError,
    mend_and_resend,
    settle,
)
from core.web.dialog import close_dialog, stay_in_dialog
from core.web.forms import (
    CountryField,
    Form,
    MaxLength,
    PhoneField,
    RadioField,
    Required,
    TextField,
)

if TYPE_CHECKING:
    from pyramid.request import Request
    from pyramid.response import Response

    from core.contacts.models import Contact
    from core.hookspecs.messages import ResendReview
    from core.messaging.drafts import MessageFacts

__all__ = ["mend", "move", "settle_message"]


CONFLICT: Final = 409


class MendForm(Form):
    """Whom a failed message is to reach."""

    country = CountryField(_("Negara"), countries=countries)
    number = PhoneField(
        _("Nomor Telepon"),
        [Required()],
        parse=parse_number,
        show=national_number,
        description=_("Masukkan 1 (satu) nomor telepon genggam yang masih aktif."),
    )
    name = TextField(_("Kontak Person"), [Required(), MaxLength(MAX_NAME)])


class SettleForm(Form):
    """What an officer found out about an uncertain message."""

    state = RadioField(
        _("Setelah Anda periksa, apa yang terjadi?"),
        [Required(_("Pilih salah satu."))],
        choices=[
            (State.DELIVERED.value, _("Penerima sudah menerima pesan ini")),
            (State.QUEUED.value, _("Penerima belum menerimanya: kirim sekali lagi")),
            (State.UNDELIVERED.value, _("Penerima belum menerimanya: jangan kirim lagi")),
        ],
    )


class MoveForm(Form):
    """The conversation to which an incoming message belongs."""

    thread = RadioField(_("Pindahkan ke percakapan"), [Required(_("Pilih salah satu."))])


@view_config(route_name="messaging.mend", renderer="messaging/mend.jinja2", permission=RESEND)
def mend(request: Request) -> Response | dict[str, Any]:
    """Mend the contact and send a failed message again."""
    thread, facts = _found(request)
    if facts.superseded_by_id is not None and request.method == "GET":
        request.session.flash(_("Pesan ini sudah dikirim ulang."), "info")
        return _back(request, thread)
    contact = contacts_of(request.db, [thread.subject]).get(thread.subject)
    number = contact.number if contact is not None else facts.address
    form = MendForm(
        request,
        country=region_of(number),
        number=number,
        name=contact.name if contact is not None else "",
    )
    conflict: ConflictError | None = None
    if form.submitted and form.validate():
        mending = Mending(thread.id, facts.id, form.name.data or "", form.number.data or "")
        try:
            with form.refusals():
                mend_and_resend(request.db, request.identity, mending)
        except (RefusedResendError, StaleMendingError) as error:
            # Raised before anything is written; what was typed stays on the page.
            conflict = error
            request.response.status_int = CONFLICT
        if form.accepted and conflict is None:
            request.session.flash(_("Kontak disimpan dan pesan dikirim ulang."), "success")
            return _back(request, thread)
    return {
        "form": form,
        "thread": thread,
        "facts": facts,
        "contact": contact,
        "conflict": conflict.explanation if conflict is not None else None,
        "review": _review(request, facts, contact),
        "back": _address(request, thread),
    }


@view_config(route_name="messaging.settle", renderer="messaging/settle.jinja2", permission=RESEND)
def settle_message(request: Request) -> Response | dict[str, Any]:
    """Explain why nobody knows, and take what an officer found out."""
    thread, facts = _found(request)
    if facts.state is not State.UNCERTAIN:
        request.session.flash(_("Status pesan ini sudah pasti."), "info")
        return _back(request, thread)
    form = SettleForm(request)
    if form.submitted and form.validate():
        done = settle(request.db, request.identity, thread.id, facts.id, State(form.state.data))
        sentence = _("Keputusan Anda disimpan.") if done else _("Status pesan ini sudah pasti.")
        request.session.flash(sentence, "success" if done else "info")
        return _back(request, thread)
    contact = contacts_of(request.db, [thread.subject]).get(thread.subject)
    return {
        "form": form,
        "thread": thread,
        "facts": facts,
        "contact": contact,
        "back": _address(request, thread),
    }


@view_config(route_name="messaging.move", renderer="messaging/move.jinja2", permission=WRITE)
def move(request: Request) -> Response | dict[str, Any]:
    """Move an incoming message to the conversation where it belongs."""
    thread, facts = _found(request)
    choices = destinations(request.db, request.identity, facts)
    form = MoveForm(request)
    form.thread.choices = [(row.subject, row.title) for row in choices]
    if form.submitted and form.validate():
        target = move_to(request.db, request.identity, facts, form.thread.data)
        request.session.flash(_("Pesan sudah dipindahkan."), "success")
        return close_dialog(request, request.route_path("messaging.thread", thread=target))
    return {
        "form": form,
        "thread": thread,
        "facts": facts,
        "choices": choices,
        "back": _address(request, thread),
    }


def _review(request: Request, facts: MessageFacts, contact: Contact | None) -> ResendReview | None:
    """Ask the owner of the message what would go out now."""
    plan = PlannedResend(
        message_id=facts.id,
        origin=facts.origin,
        purpose=facts.purpose,
        name=contact.name if contact is not None else "",
        number=contact.number if contact is not None else facts.address,
    )
    return review(request.db, [plan], hold=False).get(facts.id)


def _found(request: Request) -> tuple[ThreadRow, MessageFacts]:
    """Find the message of the address in a conversation that the person may read."""
    thread = find_thread(request.db, request.identity, int(request.matchdict["thread"]))
    message_id = int(request.matchdict["message"])
    facts = message_facts(request.db, [message_id]).get(message_id)
    if facts is None or facts.thread_id != thread.id:
        raise NotFoundError(_("Pesan ini tidak ada dalam percakapan ini."))
    return thread, facts


def _address(request: Request, thread: ThreadRow) -> str:
    return str(request.route_path("messaging.thread", thread=thread.id))


def _back(request: Request, thread: ThreadRow) -> Response:
    """Return to the conversation: in the dialog where it was one, else as a page."""
    if request.GET.get("dari") == "dialog":
        return stay_in_dialog(request, _address(request, thread))
    if request.is_dialog:
        return close_dialog(request, _address(request, thread))
    return HTTPSeeOther(location=_address(request, thread))
