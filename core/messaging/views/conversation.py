"""One conversation: as a page beside the inbox, as a dialog, as what changed since a moment ago."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pyramid.httpexceptions import HTTPNoContent, HTTPSeeOther
from pyramid.renderers import render_to_response
from pyramid.view import view_config

from core.contacts.services import contacts_of
from core.errors import InvalidInputError
from core.framework.hooks import PluginHookError
from core.hookspecs.messages import PlannedResend
from core.messaging.composing import composer_rules
from core.messaging.mending import review
from core.messaging.reading import (
    READ,
    RESEND,
    WRITE,
    Conversation,
    ThreadRow,
    conversation,
    describe,
    find_subject,
    find_thread,
    inbox_counts,
    status_signature,
)
from core.messaging.threads import mark_thread_read
from core.messaging.views.inbox import inbox_context
from core.messaging.writing import Letter, write_message
from core.web.forms.base import UNPROCESSABLE
from core.web.once import new_key

if TYPE_CHECKING:
    from pyramid.request import Request
    from pyramid.response import Response

    from core.i18n import TranslationString

__all__ = ["show_changes", "show_subject", "show_thread"]

MAX_KEY = 40
MAX_ID = 10**18


@dataclass(frozen=True, slots=True)
class Typed:
    """What the composer shows: a new one, or what was refused."""

    body: str = ""
    key: str = field(default_factory=new_key)
    error: TranslationString | None = None


@view_config(route_name="messaging.thread", request_method="GET", permission=READ)
def show_thread(request: Request) -> Response:
    """Show a conversation; who answers in it marks as read what it shows."""
    thread = find_thread(request.db, request.identity, int(request.matchdict["thread"]))
    before = _number(request, "before") or None
    context = _pane(request, thread, thread.subject, before=before)
    response = _answer(request, context)
    if before is None and thread.unread_count and request.identity.may(WRITE):
        # Rendered first: the page still tells what is new.
        _mark_read(request, thread.id, context["talk"].last_id)
    return response


@view_config(route_name="messaging.subject", request_method="GET", permission=READ)
def show_subject(request: Request) -> Response:
    """Show the conversation about a subject, or an empty one; nothing is opened by looking."""
    subject = request.matchdict["subject"]
    thread = find_subject(request.db, request.identity, subject)
    context = _pane(request, thread, subject)
    response = _answer(request, context)
    if thread is not None and thread.unread_count and request.identity.may(WRITE):
        _mark_read(request, thread.id, context["talk"].last_id)
    return response


@view_config(route_name="messaging.subject", request_method="POST", permission=WRITE, once=False)
def write_to_subject(request: Request) -> Response:
    """Send what was typed to the contact of a subject."""
    return _write(request, request.matchdict["subject"])


@view_config(route_name="messaging.thread", request_method="POST", permission=WRITE, once=False)
def write_to_thread(request: Request) -> Response:
    """Send what was typed to the contact of the conversation's subject."""
    thread = find_thread(request.db, request.identity, int(request.matchdict["thread"]))
    return _write(request, thread.subject)


@view_config(route_name="messaging.thread.changes", request_method="GET", permission=READ)
def show_changes(request: Request) -> Response:
    """Answer new messages and changed marks since the page last looked, or nothing at all."""
    thread = find_thread(request.db, request.identity, int(request.matchdict["thread"]))
    first = _number(request, "first")
    if status_signature(request.db, thread.id, first) == request.params.get("seen"):
        return HTTPNoContent()
    return _changes(request, thread, first, _number(request, "last"))


@view_config(
    route_name="messaging.thread.read", request_method="POST", permission=WRITE, once=False
)
def mark_read(request: Request) -> Response:
    """Mark the messages up to ``last`` as read: they came in while the page was in view."""
    thread = find_thread(request.db, request.identity, int(request.matchdict["thread"]))
    mark_thread_read(request.db, thread.id, up_to=_number(request, "last"))
    return HTTPNoContent()


def _write(request: Request, subject: str) -> Response:
    body = request.POST.get("body", "")
    key = request.POST.get("key", "")[:MAX_KEY] or new_key()
    letter = Letter(body=body, key=key, number=request.POST.get("number", ""))
    try:
        written = write_message(request.db, request.identity, subject, letter)
    except InvalidInputError as error:
        return _refuse(request, subject, Typed(body, key, error.explanation))
    if _wants_piece(request):
        thread = find_thread(request.db, request.identity, written.thread_id)
        return _changes(
            request, thread, _number(request, "first"), _number(request, "last"), Typed()
        )
    page = request.route_path("messaging.thread", thread=written.thread_id)
    return HTTPSeeOther(location=f"{page}#pesan-{written.message_id}")


def _refuse(request: Request, subject: str, typed: Typed) -> Response:
    """Show the composer again with what was typed and why it was refused."""
    thread = find_subject(request.db, request.identity, subject)
    context = _pane(request, thread, subject, typed=typed)
    if _wants_piece(request):
        response = render_to_response("messaging/composer.jinja2", context, request=request)
        response.headers["HX-Retarget"] = f"#{context['prefix']}composer"
        response.headers["HX-Reswap"] = "outerHTML"
    else:
        response = _answer(request, context)
    response.status_int = UNPROCESSABLE
    return response


def _changes(
    request: Request, thread: ThreadRow, first: int, last: int, typed: Typed | None = None
) -> Response:
    """Answer the bubbles behind ``last`` and the marks of those from ``first`` on."""
    talk = conversation(request.db, thread.id, since=first)
    fresh = [each for each in talk.bubbles if each.facts.id > last]
    known = [each for each in talk.bubbles if each.facts.id <= last]
    context = {
        **_common(request, thread, thread.subject),
        "talk": talk,
        "fresh": fresh,
        "known": [each for each in known if not each.incoming],
        "previous": known[-1] if known else None,
        "first": first or talk.first_id,
        "arrived": [each for each in fresh if each.incoming],
        "typed": typed,
        "refused": _refused(request, talk, thread.subject),
    }
    return render_to_response("messaging/conversation_changes.jinja2", context, request=request)


def _pane(
    request: Request,
    thread: ThreadRow | None,
    subject: str,
    *,
    before: int | None = None,
    typed: Typed | None = None,
) -> dict[str, Any]:
    if thread is None:
        talk = Conversation((), None)
    else:
        talk = conversation(request.db, thread.id, before=before)
    unread = (e.facts.id for e in talk.bubbles if e.incoming and e.facts.read_at is None)
    return {
        **_common(request, thread, subject),
        "talk": talk,
        "is_latest": before is None,
        "first_unread": next(unread, None) if before is None else None,
        "typed": typed or Typed(),
        "refused": _refused(request, talk, subject),
    }


def _common(request: Request, thread: ThreadRow | None, subject: str) -> dict[str, Any]:
    about = describe(request.db, [subject]).get(subject)
    contact = contacts_of(request.db, [subject]).get(subject)
    may_contact = about is not None and (
        not about.contact_permission or request.identity.may(about.contact_permission)
    )
    if thread is not None:
        address = request.route_path("messaging.thread", thread=thread.id)
    else:
        address = request.route_path("messaging.subject", subject=subject)
    return {
        "thread": thread,
        "subject": subject,
        "about": about,
        "heading": about.title if about is not None else thread.title if thread else subject,
        "contact": contact,
        "contact_url": about.contact_url if about is not None and may_contact else "",
        "address": address,
        "rules": composer_rules(request.db),
        "may_write": request.identity.may(WRITE),
        "may_resend": request.identity.may(RESEND),
        "prefix": "d-" if request.is_dialog else "",
    }


def _refused(request: Request, talk: Conversation, subject: str) -> dict[int, TranslationString]:
    """Say of failed messages why they may not be sent again, where that is so."""
    failed = [each.facts for each in talk.bubbles if each.mendable or each.again]
    if not failed or not request.identity.may(RESEND):
        return {}
    contact = contacts_of(request.db, [subject]).get(subject)
    planned = [
        PlannedResend(
            message_id=facts.id,
            origin=facts.origin,
            purpose=facts.purpose,
            name=contact.name if contact is not None else "",
            number=contact.number if contact is not None else facts.address,
        )
        for facts in failed
    ]
    try:
        answers = review(request.db, planned, hold=False)
    except PluginHookError as error:
        # The conversation stays readable while the step is closed.
        return {each.message_id: error.explanation for each in planned if each.origin}
    return {key: each.refusal for key, each in answers.items() if each.refusal is not None}


def _answer(request: Request, context: dict[str, Any]) -> Response:
    target = request.headers.get("HX-Target")
    if target == "pane" and not request.is_dialog:
        return render_to_response("messaging/pane.jinja2", context, request=request)
    if target == f"{context['prefix']}earlier":
        return render_to_response("messaging/earlier.jinja2", context, request=request)
    if not request.is_dialog:
        context |= inbox_context(request)
        context["counts"] = inbox_counts(request.db, request.identity)
    return render_to_response("messaging/conversation.jinja2", context, request=request)


def _mark_read(request: Request, thread_id: int, last_id: int) -> None:
    """Write in a short transaction of its own: the session of a GET only reads."""
    with request.runtime.database.writing() as session:
        mark_thread_read(session, thread_id, up_to=last_id)


def _wants_piece(request: Request) -> bool:
    return "HX-Request" in request.headers and request.headers.get("HX-Target", "").endswith("log")


def _number(request: Request, name: str) -> int:
    """Read an id from the request; what is none counts as 0."""
    text = request.params.get(name, "")
    if not (text.isascii() and text.isdecimal()):
        return 0
    return min(int(text[:19]), MAX_ID)
