"""Teks: what the application writes by itself, for those who may change its wording."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup, escape
from pyramid.httpexceptions import HTTPSeeOther
from pyramid.view import view_config
from sqlalchemy import and_, func, literal, not_, or_, select

from core.errors import ConflictError, NotFoundError
from core.framework.models import LoadedData
from core.i18n import TranslationString, _
from core.messaging.editing import (
    BODY_LIMITS,
    DATA_KIND,
    EMAIL,
    SMS,
    SUBJECT_LIMIT,
    Sample,
    StoredText,
    find_text,
    restore_text,
    sample_text,
    save_text,
    text_history,
)
from core.messaging.language import BrokenTextError
from core.messaging.models import MessageText
from core.messaging.text import Measure, measure
from core.messaging.texts import check_text, essential_variables
from core.web.confirm import confirmation
from core.web.dialog import close_dialog
from core.web.forms import Form, HiddenField, MaxLength, Required, TextAreaField, TextField
from core.web.locale import translate
from core.web.rendering import path_of
from core.web.tables import ChoiceFilter, Column, Table, TextFilter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyramid.request import Request
    from sqlalchemy import ColumnElement, Row

__all__ = ["ask_restore", "edit_text", "list_page", "restore"]

MANAGE: Final = "texts.manage"
CONFLICT: Final = 409
_HISTORY: Final = 20

KIND_WORDS: Final[Mapping[str, TranslationString]] = {SMS: _("SMS"), EMAIL: _("Email")}
STATE_WORDS: Final[Mapping[str, TranslationString]] = {
    "original": _("Asli"),
    "edited": _("Diubah"),
}
ACTION_WORDS: Final[Mapping[str, TranslationString]] = {
    "texts.save": _("Teks diubah"),
    "texts.restore": _("Teks asli dikembalikan"),
}
ENCODING_WORDS: Final[Mapping[str, str]] = {"gsm7": "GSM-7", "ucs2": "UCS-2"}


_BODY: Final = _("Isi teks")
_BODY_HINT: Final = _("Variabel ditulis di antara dua pasang kurung kurawal, misalnya {{ nama }}.")


class SmsForm(Form):
    """The wording of an SMS."""

    version = HiddenField()
    body = TextAreaField(_BODY, [Required(), MaxLength(BODY_LIMITS[SMS])], description=_BODY_HINT)


class EmailForm(Form):
    """The wording of an e-mail."""

    version = HiddenField()
    subject = TextField(_("Judul email"), [Required(), MaxLength(SUBJECT_LIMIT)])
    body = TextAreaField(_BODY, [Required(), MaxLength(BODY_LIMITS[EMAIL])], description=_BODY_HINT)


def _original(name: str) -> ColumnElement[str]:
    """Give what the data file says now, applied or not."""
    return func.coalesce(LoadedData.offered[name].as_string(), LoadedData.loaded[name].as_string())


@cache
def _edited() -> ColumnElement[bool]:
    return func.coalesce(
        or_(_original("body") != MessageText.body, _original("subject") != MessageText.subject),
        False,
    )


@cache
def _every_text() -> Any:
    """Select the list, which is the same for everybody who may change texts."""
    return select(
        MessageText.id,
        MessageText.title,
        MessageText.key,
        MessageText.kind,
        MessageText.subject,
        MessageText.body,
        MessageText.variables,
        func.coalesce(LoadedData.owner, "").label("owner"),
        _edited().label("edited"),
    ).outerjoin(
        LoadedData,
        and_(
            LoadedData.kind == DATA_KIND,
            LoadedData.external_id == MessageText.key + literal(":") + MessageText.locale,
        ),
    )


def _table(request: Request) -> Table:
    edited = _edited()
    return Table(
        _every_text(),
        columns=[
            Column("title", _("Teks"), sort=True, main=True, html=partial(_title, request)),
            Column("key", _("Kunci"), sort=True, html=_key),
            Column(
                "kind", _("Jenis"), sort=True, plain=True, value=lambda row: kind_word(row.kind)
            ),
            Column("owner", _("Plugin"), sort=True, plain=True),
            Column("state", _("Status"), sort="edited", value=_state, html=_tag),
            Column("size", _("Panjang contoh"), plain=True, value=_size),
        ],
        filters=[
            TextFilter(
                "cari",
                _("Judul, kunci, atau isi"),
                [MessageText.title, MessageText.key, MessageText.subject, MessageText.body],
            ),
            ChoiceFilter("jenis", _("Jenis"), MessageText.kind, list(KIND_WORDS.items())),
            ChoiceFilter(
                "status",
                _("Status"),
                None,
                list(STATE_WORDS.items()),
                condition=lambda state: edited if state == "edited" else not_(edited),
            ),
        ],
        default_sort="title",
        name="teks",
        outer_joined=True,
        kept=True,
        empty=_("Belum ada teks pesan. Teks datang bersama plugin; pasang plugin di Aplikasi."),
    )


def kind_word(kind: str) -> str:
    """Say what kind of message a text is for."""
    words: str = KIND_WORDS.get(kind, kind)
    return words


def measure_words(found: Measure) -> TranslationString:
    """Say how an SMS travels."""
    facts = {
        "units": found.units,
        "encoding": ENCODING_WORDS[found.encoding],
        "parts": found.parts,
    }
    return _("${units} karakter, ${encoding}, ${parts} SMS", mapping=facts)


def _state(row: Row[Any] | StoredText) -> TranslationString:
    return STATE_WORDS["edited" if row.edited else "original"]


def _title(request: Request, row: Row[Any]) -> Markup:
    url = path_of(request, "messaging.text.edit", id=row.id)
    text = f'<a href="{url}">{escape(translate(row.title) or row.key)}</a>'
    return Markup(text)  # noqa: S704 - the title was escaped, and the address has a number only


def _tag(row: Row[Any] | StoredText) -> Markup:
    """Say as a tag whether a text still reads as it was brought."""
    kind = "text-bg-warning" if row.edited else "text-bg-secondary"
    text = f'<span class="badge {kind}">{escape(translate(_state(row)))}</span>'
    return Markup(text)  # noqa: S704 - the word was escaped


def _key(row: Row[Any]) -> Markup:
    text = f'<code class="text-reset text-break">{escape(row.key)}</code>'
    return Markup(text)  # noqa: S704 - the key was escaped


def _size(row: Row[Any]) -> TranslationString:
    try:
        sample = check_text(row.body, row.variables).strip()
    except BrokenTextError:
        return _("tidak dapat disusun")
    if row.kind == SMS:
        return measure_words(measure(sample))
    return _("${units} karakter", mapping={"units": len(sample)})


@view_config(route_name="messaging.text.list", renderer="messaging/texts.jinja2", permission=MANAGE)
def list_page(request: Request) -> Any:
    """List every text."""
    return _table(request).respond(request)


@view_config(route_name="messaging.text.edit", renderer="messaging/text.jinja2", permission=MANAGE)
def edit_text(request: Request) -> Any:
    """Show a text with its sample, preview another wording, and keep it."""
    text = find_text(request.db, _id(request))
    form = _form(request, text)
    sample = None
    stale = False
    if not form.submitted or form.validate():
        sample = _sample(form, text)
        if form.accepted and "preview" not in request.POST:
            try:
                _save(request, form, text)
            except ConflictError:
                text = find_text(request.db, text.facts.id)
                stale = True
                _refuse_stale(form, text)
            else:
                return HTTPSeeOther(location=request.path)
    return {
        "form": form,
        "text": text,
        "state": _tag(text),
        "sample": sample,
        "stale": stale,
        "measure_words": measure_words,
        "kind": kind_word(text.facts.kind),
        "action_words": ACTION_WORDS,
        "essential": essential_variables(text.facts.key),
        "history": text_history(request.db, text.facts.key, limit=_HISTORY),
    }


def _form(request: Request, text: StoredText) -> SmsForm | EmailForm:
    form_class = EmailForm if text.facts.kind == EMAIL else SmsForm
    return form_class(
        request, body=text.facts.body, subject=text.facts.subject, version=text.version
    )


def _wording(form: SmsForm | EmailForm, text: StoredText) -> dict[str, str]:
    """Take the wording out of a form; what the form does not ask for stays as it is."""
    subject = form.subject.data if isinstance(form, EmailForm) else text.facts.subject
    return {"subject": subject or "", "body": form.body.data or ""}


def _sample(form: SmsForm | EmailForm, text: StoredText) -> Sample | None:
    """Fill the wording in, or say at its field why that cannot be done."""
    try:
        return sample_text(text.facts, **_wording(form, text))
    except BrokenTextError as error:
        if form.submitted:
            form.refuse(error.field, error.explanation)
        return None


def _save(request: Request, form: SmsForm | EmailForm, text: StoredText) -> None:
    save_text(
        request.db,
        text.facts.id,
        **_wording(form, text),
        actor_id=request.identity.id,
        version=form.version.data or "",
    )
    title = {"title": translate(_(text.facts.title), None, request)}
    request.session.flash(_("Teks ${title} disimpan.", mapping=title), "success")


def _refuse_stale(form: SmsForm | EmailForm, text: StoredText) -> None:
    """Show the form again, with what was typed, where somebody else changed the text meanwhile."""
    form.refuse(
        None,
        _(
            "Teks ini sudah diubah oleh orang lain sejak halaman dibuka. Isian Anda belum "
            "disimpan; bandingkan dengan teks yang tersimpan di bawah ini, lalu simpan lagi bila "
            "tetap ingin menggantinya."
        ),
    )
    form.version.data = text.version
    form.version.raw_data = None
    form.request.response.status_int = CONFLICT


@view_config(
    route_name="messaging.text.restore",
    request_method="GET",
    renderer="partials/confirm.jinja2",
    permission=MANAGE,
)
def ask_restore(request: Request) -> Any:
    """Ask before an edit is undone, and show what comes back."""
    text = _restorable(request)
    back = request.route_path("messaging.text.edit", id=text.facts.id)
    if not text.edited:
        request.session.flash(_("Teks ini masih asli."), "info")
        return HTTPSeeOther(location=back)
    title = {"title": translate(_(text.facts.title), None, request)}
    return confirmation(
        _("Kembalikan teks asli"),
        _("Ganti isi teks ${title} dengan teks aslinya?", mapping=title),
        back,
        detail=_("Suntingan sekarang tidak dipakai lagi; isinya tetap tercatat di jejak audit."),
        items=[part for part in (text.original_subject, text.original_body) if part],
        fields=[("version", text.version)],
        ok=_("Ya, kembalikan"),
        danger=True,
    )


@view_config(route_name="messaging.text.restore", request_method="POST", permission=MANAGE)
def restore(request: Request) -> Any:
    """Undo every edit of a text."""
    text = _restorable(request)
    restore_text(
        request.db,
        text.facts.id,
        actor_id=request.identity.id,
        version=str(request.POST.get("version", "")),
    )
    title = {"title": translate(_(text.facts.title), None, request)}
    request.session.flash(_("Teks asli ${title} dikembalikan.", mapping=title), "success")
    return close_dialog(request, request.route_path("messaging.text.edit", id=text.facts.id))


def _restorable(request: Request) -> StoredText:
    text = find_text(request.db, _id(request))
    if text.original_body is None:
        raise NotFoundError(_("Teks ini tidak berasal dari plugin, jadi tidak ada teks aslinya."))
    return text


def _id(request: Request) -> int:
    return int(request.matchdict["id"])
