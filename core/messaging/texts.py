"""Texts with variables: sandboxed templates that are checked whole before anything is queued."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.orm import Session

from core.db import utcnow
from core.errors import AbahError, NotFoundError
from core.framework.datafiles import CORE, DataFileError, DataKind, register_data_kind
from core.framework.tomltable import TomlTable
from core.i18n import _
from core.messaging.language import BrokenTextError, render_source, variables_of
from core.messaging.models import MessageText

__all__ = [
    "MissingVariableError",
    "RenderedText",
    "TextFacts",
    "UnknownTextError",
    "check_text",
    "essential_variables",
    "list_texts",
    "preview_text",
    "render_messages",
    "render_texts",
    "require_variables",
    "text_facts",
]

DEFAULT_LOCALE: Final = "id"


class UnknownTextError(NotFoundError):
    """No text has this key."""

    def __init__(self, key: str) -> None:
        """Remember the key."""
        self.key = key
        super().__init__(
            _(
                "Teks pesan ${key} tidak ada. Muat ulang data plugin atau hubungi Admin.",
                mapping={"key": key},
            )
        )


class MissingVariableError(AbahError):
    """A recipient lacks a value that the text needs. Nothing of the batch was queued."""

    def __init__(self, key: str, variable: str, row: int) -> None:
        """Remember text, variable, and the recipient's place in the batch, counted from 0."""
        self.key = key
        self.variable = variable
        self.row = row
        super().__init__(
            _(
                "Data ${variable} untuk penerima ke-${row} kosong, padahal teks ${key} "
                "membutuhkannya. "
                "Tidak ada pesan yang dikirim; lengkapi datanya lalu ulangi.",
                mapping={"variable": variable, "row": row + 1, "key": key},
            )
        )


@dataclass(frozen=True, slots=True)
class RenderedText:
    """One recipient's text."""

    body: str
    subject: str
    """Subject line of an e-mail; empty for other kinds."""


@dataclass(frozen=True, slots=True)
class TextFacts:
    """A text as the administrator sees it."""

    id: int
    key: str
    locale: str
    kind: str
    title: str
    subject: str
    body: str
    variables: Mapping[str, Any]
    """Every variable that may be used, with a sample value."""


def render_texts(
    session: Session,
    key: str,
    variables: Sequence[Mapping[str, Any]],
    *,
    locale: str = DEFAULT_LOCALE,
) -> list[str]:
    """Render a text for every recipient of a batch and return the bodies in the same order.

    Nothing is queued here, so a batch whose 300th recipient lacks a value stops before its first
    message.

    :param variables: one mapping per recipient; None and empty text count as missing.
    :raises UnknownTextError: there is no such text.
    :raises MissingVariableError: a recipient lacks a variable that the text uses.
    :raises BrokenTextError: an administrator's edit cannot be rendered.
    """
    return [text.body for text in render_messages(session, key, variables, locale=locale)]


def render_messages(
    session: Session,
    key: str,
    variables: Sequence[Mapping[str, Any]],
    *,
    locale: str = DEFAULT_LOCALE,
) -> list[RenderedText]:
    """Render bodies and subject lines. See :func:`render_texts`."""
    facts = text_facts(session, key, locale=locale)
    needed = sorted(variables_of(facts.body) | variables_of(facts.subject, field="subject"))
    for row, values in enumerate(variables):
        for name in needed:
            if values.get(name) is None or values[name] == "":
                raise MissingVariableError(key, name, row)
    return [
        RenderedText(
            body=render_source(facts.body, values).strip(),
            subject=_line(render_source(facts.subject, values, field="subject")),
        )
        for values in variables
    ]


def text_facts(session: Session, key: str, *, locale: str = DEFAULT_LOCALE) -> TextFacts:
    """Return a text in a locale, or in Indonesian where it was not translated.

    :raises UnknownTextError: there is no such text.
    """
    rows = session.execute(
        select(*_FACTS).where(
            MessageText.key == key, MessageText.locale.in_({locale, DEFAULT_LOCALE})
        )
    ).all()
    for row in sorted(rows, key=lambda row: row.locale != locale):
        return TextFacts(**row._asdict())
    raise UnknownTextError(key)


def list_texts(session: Session) -> list[TextFacts]:
    """Return every text, by title."""
    rows = session.execute(select(*_FACTS).order_by(MessageText.title, MessageText.key))
    return [TextFacts(**row._asdict()) for row in rows]


def check_text(body: str, variables: Mapping[str, Any], *, field: str = "body") -> str:
    """Render a template with its sample values and return the result.

    :raises BrokenTextError: it has a mistake, or uses a variable that was not declared.
    """
    unknown = sorted(variables_of(body, field=field) - set(variables))
    if unknown:
        raise BrokenTextError(
            field,
            _(
                "Variabel ${name} tidak dikenal. Yang boleh dipakai: ${known}.",
                mapping={"name": unknown[0], "known": ", ".join(sorted(variables)) or "-"},
            ),
        )
    return render_source(body, variables, field=field)


def preview_text(session: Session, key: str, *, locale: str = DEFAULT_LOCALE) -> RenderedText:
    """Render a text with its sample values."""
    facts = text_facts(session, key, locale=locale)
    return render_messages(session, key, [facts.variables], locale=locale)[0]


def require_variables(key: str, *names: str) -> None:
    """Say without which variables a text is of no use, as a code or a link; an edit keeps them.

    Called by the room that sends the text, when it is imported.
    """
    _essential[key] = frozenset(names)


def essential_variables(key: str) -> frozenset[str]:
    """Return the variables that an edit of this text must keep."""
    return _essential.get(key, frozenset())


class MessageTextKind(DataKind):
    """``[[message_text]]`` in a plugin's data file."""

    def parse(self, table: TomlTable) -> tuple[str, Mapping[str, Any]]:
        """Read an entry and try its template with its own sample values."""
        key = table.text("key", required=True)
        locale = table.text("locale", default=DEFAULT_LOCALE)
        values: dict[str, Any] = {
            "kind": table.text("kind", default="sms"),
            "title": table.text("title", required=True),
            "subject": table.text("subject"),
            "body": table.text("body", required=True).strip(),
            "variables": dict(table.mapping("variables")),
        }
        for name in ("body", "subject"):
            try:
                check_text(values[name], values["variables"], field=name)
            except BrokenTextError as error:
                raise table.error(table.file, table.key(name), error.explanation) from error
        return f"{key}:{locale}", values

    def current(
        self, session: Session, external_ids: Sequence[str]
    ) -> Mapping[str, Mapping[str, Any]]:
        """Read what the table holds."""
        keys = [_split(external_id)[0] for external_id in external_ids]
        rows = session.execute(select(*_FACTS).where(MessageText.key.in_(keys)))
        found = {}
        for row in rows:
            values = row._asdict()
            values.pop("id")
            found[f"{values.pop('key')}:{values.pop('locale')}"] = values
        wanted = set(external_ids)
        return {key: values for key, values in found.items() if key in wanted}

    def write(self, session: Session, owner: str, entries: Mapping[str, Mapping[str, Any]]) -> None:
        """Insert new texts and replace those that nobody edited."""
        foreign = sorted(
            key for key in entries if owner != CORE and not key.startswith(f"{owner}.")
        )
        if foreign:
            text = _(
                "Teks ${key} tidak dapat dibawa oleh plugin ${owner}. Kuncinya harus diawali nama "
                "plugin dan titik.",
                mapping={"key": _split(foreign[0])[0], "owner": owner},
            )
            raise DataFileError(owner, foreign[0], text)
        known = self.current(session, list(entries))
        now = utcnow()
        rows = []
        for external_id, values in entries.items():
            key, locale = _split(external_id)
            row = {"changed_at": now, **values}
            prefixed = {f"b_{name}": value for name, value in row.items()}
            if external_id in known:
                rows.append((True, {"b_key": key, "b_locale": locale, **prefixed}))
            else:
                rows.append((False, {"key": key, "locale": locale, **row}))
        connection = session.connection()
        new = [row for is_known, row in rows if not is_known]
        old = [row for is_known, row in rows if is_known]
        if new:
            connection.execute(insert(MessageText), new)
        if old:
            connection.execute(_REPLACE, old)

    def remove(self, session: Session, external_ids: Sequence[str]) -> None:
        """Delete texts."""
        keys = [_split(external_id)[0] for external_id in external_ids]
        session.execute(delete(MessageText).where(MessageText.key.in_(keys)))


_FACTS: Final = (
    MessageText.id,
    MessageText.key,
    MessageText.locale,
    MessageText.kind,
    MessageText.title,
    MessageText.subject,
    MessageText.body,
    MessageText.variables,
)
_TABLE: Final = MessageText.__table__
_REPLACE: Final = (
    update(_TABLE)  # type: ignore[arg-type]
    .where(_TABLE.c.key == bindparam("b_key"), _TABLE.c.locale == bindparam("b_locale"))
    .values(
        {
            name: bindparam(f"b_{name}")
            for name in ("kind", "title", "subject", "body", "variables", "changed_at")
        }
    )
)
_essential: dict[str, frozenset[str]] = {}


def _line(text: str) -> str:
    return " ".join(text.split())


def _split(external_id: str) -> tuple[str, str]:
    key, _colon, locale = external_id.rpartition(":")
    return key, locale


register_data_kind("message_text", MessageTextKind())
