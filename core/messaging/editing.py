"""Editing message texts: what may be saved, what is shown before, and the way back."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import audit
from core.accounts.models import User
from core.audit import AuditEntry
from core.db import utcnow
from core.errors import ConflictError, NotFoundError
from core.framework.datafiles import loaded_values, restore_values
from core.i18n import _
from core.messaging.language import BrokenTextError, variables_of
from core.messaging.models import MessageText
from core.messaging.text import Measure, measure, plain_form
from core.messaging.texts import TextFacts, check_text, essential_variables
from core.messaging.writing import MOST_PARTS

__all__ = [
    "BODY_LIMITS",
    "DATA_KIND",
    "SUBJECT_LIMIT",
    "Sample",
    "StoredText",
    "TextChange",
    "find_text",
    "restore_text",
    "sample_text",
    "save_text",
    "text_history",
]

DATA_KIND: Final = "message_text"
EMAIL: Final = "email"
SMS: Final = "sms"
SUBJECT_LIMIT: Final = 300
BODY_LIMITS: Final[Mapping[str, int]] = {SMS: 2_000, EMAIL: 10_000}
"""Characters of a template by kind; kinds that are not here have that of SMS."""

_SUBJECT: Final = "subject"
_BODY: Final = "body"


@dataclass(frozen=True, slots=True)
class StoredText:
    """A text, where it came from, and how it differs from that."""

    facts: TextFacts
    version: str
    """Names its present wording; an edit of another one is stale."""
    changed_at: datetime
    changed_by: str
    """Name of the person who edited it, or empty."""
    owner: str
    """Plugin that brought it, ``core``, or empty where nobody did."""
    original_subject: str | None
    original_body: str | None
    """What restoring brings back; None where no data file knows the text."""
    offered: bool
    """Whether a newer version of the plugin brought another wording that was not applied."""

    @property
    def edited(self) -> bool:
        """Tell whether it reads differently from what its data file says."""
        return self.original_body is not None and (
            (self.original_subject, self.original_body) != (self.facts.subject, self.facts.body)
        )


@dataclass(frozen=True, slots=True)
class TextChange:
    """One change of a text."""

    at: datetime
    action: str
    """``texts.save`` or ``texts.restore``."""
    name: str
    """Of the person who did it, or empty."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A text as a recipient would get it, with the sample values."""

    subject: str
    body: str
    measure: Measure | None
    """How it travels; None for what is no SMS."""
    plain: Measure | None
    """How it would travel with plain punctuation, where that costs less."""
    unused: tuple[str, ...]
    """Variables that it could say and doesn't."""


def find_text(session: Session, text_id: int) -> StoredText:
    """Return a text for its editor.

    :raises NotFoundError: there is no such text.
    """
    row = session.execute(
        select(MessageText, User.first_name, User.last_name)
        .outerjoin(User, User.id == MessageText.changed_by_id)
        .where(MessageText.id == text_id)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise NotFoundError(_("Teks ini tidak ada lagi. Pilih teks lain dari daftar."))
    text: MessageText = row[0]
    loaded = loaded_values(session, DATA_KIND, f"{text.key}:{text.locale}")
    return StoredText(
        facts=_facts(text),
        version=_version(text),
        changed_at=text.changed_at,
        changed_by=_name(row.first_name, row.last_name),
        owner=loaded.owner if loaded else "",
        original_subject=str(loaded.values["subject"]) if loaded else None,
        original_body=str(loaded.values["body"]) if loaded else None,
        offered=loaded.offered if loaded else False,
    )


def text_history(session: Session, key: str, *, limit: int) -> list[TextChange]:
    """Return who changed a text, newest first."""
    rows = session.execute(
        select(AuditEntry.at, AuditEntry.action, User.first_name, User.last_name)
        .outerjoin(User, User.id == AuditEntry.actor_id)
        .where(AuditEntry.subject == _subject(key))
        .order_by(AuditEntry.id.desc())
        .limit(limit)
    )
    return [TextChange(row.at, row.action, _name(row.first_name, row.last_name)) for row in rows]


def sample_text(facts: TextFacts, *, subject: str, body: str) -> Sample:
    """Check a wording of a text and return it with the sample values. Nothing is written.

    :raises BrokenTextError: the template has a mistake, uses an unknown variable, lacks an
        essential one, says nothing, or is too long; ``field`` is ``subject`` or ``body``.
    """
    body, subject = _body(body), subject.strip()
    _refuse_long(_SUBJECT, subject, SUBJECT_LIMIT)
    _refuse_long(_BODY, body, BODY_LIMITS.get(facts.kind, BODY_LIMITS[SMS]))
    line = " ".join(check_text(subject, facts.variables, field=_SUBJECT).split())
    if facts.kind == EMAIL and not line:
        raise BrokenTextError(_SUBJECT, _("Judul email masih kosong."))
    rendered = check_text(body, facts.variables).strip()
    if not rendered:
        raise BrokenTextError(_BODY, _("Isi teks masih kosong."))
    used = variables_of(body) | variables_of(subject, field=_SUBJECT)
    lacking = sorted(essential_variables(facts.key) - variables_of(body))
    if lacking:
        raise BrokenTextError(
            _BODY,
            _(
                "Variabel ${name} harus tetap ada; tanpa itu pesan ini tidak ada gunanya bagi "
                "penerima.",
                mapping={"name": lacking[0]},
            ),
        )
    unused = tuple(name for name in sorted(facts.variables) if name not in used)
    if facts.kind != SMS:
        return Sample(line, rendered, None, None, unused)
    found, plain = measure(rendered), plain_form(rendered)
    if found.parts > MOST_PARTS:
        raise BrokenTextError(
            _BODY,
            _(
                "Dengan nilai contoh, teks ini menjadi ${parts} SMS; paling banyak ${limit}. "
                "Persingkat isinya.",
                mapping={"parts": found.parts, "limit": MOST_PARTS},
            ),
        )
    return Sample(line, rendered, found, measure(plain) if plain else None, unused)


def save_text(  # noqa: PLR0913 - the wording, whose it is, and what it replaces
    session: Session,
    text_id: int,
    *,
    body: str,
    subject: str = "",
    actor_id: int | None,
    version: str | None = None,
) -> None:
    """Keep an administrator's edit; a later version of the plugin does not overwrite it.

    :param version: the wording that the edit began with, of :class:`StoredText`; None asks nothing.
    :raises NotFoundError: there is no such text.
    :raises ConflictError: somebody else changed it meanwhile. Nothing is written then.
    :raises BrokenTextError: see :func:`sample_text`. Nothing is written then.
    """
    text = _hold(session, text_id)
    body, subject = _body(body), subject.strip()
    sample_text(_facts(text), subject=subject, body=body)
    if (body, subject) == (text.body, text.subject):
        return
    _refuse_stale(text, version)
    before = {"subject": text.subject, "body": text.body}
    text.body, text.subject = body, subject
    _note(session, text, "texts.save", before, actor_id)


def restore_text(
    session: Session, text_id: int, *, actor_id: int | None, version: str | None = None
) -> None:
    """Give a text the wording of its data file again, the newest one that the file brought.

    :raises NotFoundError: there is no such text, or no data file brought it.
    :raises ConflictError: somebody else changed it meanwhile. Nothing is written then.
    """
    text = _hold(session, text_id)
    _refuse_stale(text, version)
    before = {"subject": text.subject, "body": text.body}
    restore_values(session, DATA_KIND, f"{text.key}:{text.locale}")
    session.refresh(text)
    _note(session, text, "texts.restore", before, actor_id)


def _hold(session: Session, text_id: int) -> MessageText:
    text = session.get(MessageText, text_id, with_for_update=True, populate_existing=True)
    if text is None:
        raise NotFoundError
    return text


def _refuse_stale(text: MessageText, version: str | None) -> None:
    if version is not None and version != _version(text):
        raise ConflictError


def _refuse_long(field: str, text: str, limit: int) -> None:
    if len(text) > limit:
        raise BrokenTextError(
            field,
            _(
                "Paling banyak ${limit} karakter; isian ini ${length} karakter.",
                mapping={"limit": limit, "length": len(text)},
            ),
        )


def _note(
    session: Session,
    text: MessageText,
    action: str,
    before: Mapping[str, str],
    actor_id: int | None,
) -> None:
    """Write down who gave the text its new wording."""
    text.changed_at, text.changed_by_id = utcnow(), actor_id
    session.flush()
    audit.record(
        session,
        actor_id=actor_id,
        action=action,
        subject=_subject(text.key),
        details={
            "locale": text.locale,
            "before": dict(before),
            "after": {"subject": text.subject, "body": text.body},
        },
    )


def _subject(key: str) -> str:
    """Return a text's subject in the audit trail."""
    return f"message_text:{key}"


def _name(first: str | None, last: str | None) -> str:
    return f"{first or ''} {last or ''}".strip()


def _body(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def _facts(text: MessageText) -> TextFacts:
    values: dict[str, Any] = {name: getattr(text, name) for name in TextFacts.__slots__}
    return TextFacts(**values)


def _version(text: MessageText) -> str:
    return hashlib.sha256(f"{text.subject}\0{text.body}".encode()).hexdigest()[:24]
