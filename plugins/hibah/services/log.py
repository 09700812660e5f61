"""The log of a grant: who did what, in words that are translated when they are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.api.audit import entries, record
from core.api.contacts import format_number
from core.api.text import DOMAIN, TranslationString, _
from plugins.hibah.models import Grant
from plugins.hibah.services.people import names_of
from plugins.hibah.subjects import grant_subject, institution_subject

__all__ = ["LOGGED", "LogLine", "add_log", "add_logs", "log_of", "sentence_details"]

LOGGED: Final = "hibah.grant.logged"
"""Action of an entry whose details are a sentence."""


_SENTENCES: Final[Mapping[str, TranslationString]] = {
    "messages.send": _("Pesan ditulis kepada lembaga."),
    "messages.move": _("Pesan masuk dipindahkan ke percakapan lembaga."),
}
"""What the rest of the application records of institutions."""

_OTHER: Final = _("Tindakan lain")
"""For what a plugin recorded that has no sentence here."""

_NUMBERS: Final = frozenset({"number", "previous_number"})


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a grant's log."""

    at: datetime
    actor: str
    """Name of the person, or empty for the system."""
    text: TranslationString | str


def add_log(
    session: Session, grant_id: int, actor_id: int | None, text: TranslationString | str
) -> None:
    """Add a line to a grant's log.

    A TranslationString is stored as it is written in the code, with its values, so that each reader
    gets it in the own language.
    """
    add_logs(session, {grant_id: text}, actor_id)


def add_logs(
    session: Session, texts: Mapping[int, TranslationString | str], actor_id: int | None
) -> None:
    """Add a line to the log of each grant."""
    for grant_id, text in texts.items():
        record(
            session,
            actor_id=actor_id,
            action=LOGGED,
            subject=grant_subject(grant_id),
            details=sentence_details(text),
        )


def sentence_details(text: TranslationString | str) -> dict[str, Any]:
    """Return a sentence as details of an audit entry."""
    mapping = getattr(text, "mapping", None) or {}
    return {"text": str(text), "mapping": {key: str(value) for key, value in mapping.items()}}


def log_of(session: Session, grant_id: int) -> Sequence[LogLine]:
    """Return a grant's log and the changes of its institution's contact, newest first."""
    institution_id = session.scalar(select(Grant.institution_id).where(Grant.id == grant_id))
    found = list(entries(session, grant_subject(grant_id)))
    if institution_id is not None:
        found += entries(session, institution_subject(institution_id))
    found.sort(key=lambda entry: (entry.at, entry.id), reverse=True)
    names = names_of(session, {entry.actor_id for entry in found if entry.actor_id is not None})
    return [
        LogLine(
            entry.at, names.get(entry.actor_id or 0, ""), _sentence(entry.action, entry.details)
        )
        for entry in found
    ]


def _sentence(action: str, details: Mapping[str, Any]) -> TranslationString | str:
    if "text" in details:
        return TranslationString(details["text"], domain=DOMAIN, mapping=details.get("mapping"))
    if action == "contact.set":
        return _contact_sentence(details)
    return _SENTENCES.get(action, _OTHER)


def _contact_sentence(details: Mapping[str, Any]) -> TranslationString:
    mapping = {
        key: format_number(str(value)) if key in _NUMBERS else str(value)
        for key, value in details.items()
    }
    if "previous_number" not in details:
        return _("Kontak lembaga diisi: ${name}, ${number}.", mapping=mapping)
    return _(
        "Kontak lembaga diganti dari ${previous_name}, ${previous_number} menjadi "
        "${name}, ${number}.",
        mapping=mapping,
    )
