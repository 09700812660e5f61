"""Texts with variables: sandboxed templates that are checked whole before anything is queued."""

from __future__ import annotations

import functools
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from jinja2 import StrictUndefined, TemplateError, meta
from jinja2.exceptions import SecurityError, TemplateSyntaxError, UndefinedError
from jinja2.sandbox import SandboxedEnvironment
from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.orm import Session

from core import audit
from core.db import utcnow
from core.errors import AbahError, InvalidInputError, NotFoundError
from core.framework.datafiles import DataKind, register_data_kind
from core.framework.tomltable import TomlTable
from core.i18n import _
from core.messaging.models import MessageText

__all__ = [
    "BrokenTextError",
    "MissingVariableError",
    "RenderedText",
    "TextFacts",
    "UnknownTextError",
    "check_text",
    "list_texts",
    "preview_text",
    "render_messages",
    "render_texts",
    "save_text",
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


class BrokenTextError(InvalidInputError):
    """A template that cannot be rendered, or uses variables that it may not."""


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
    needed = sorted(_variables(facts.body) | _variables(facts.subject))
    for row, values in enumerate(variables):
        for name in needed:
            if values.get(name) is None or values[name] == "":
                raise MissingVariableError(key, name, row)
    try:
        body, subject = _template(facts.body), _template(facts.subject)
        return [
            RenderedText(body=body.render(values).strip(), subject=_line(subject.render(values)))
            for values in variables
        ]
    except _FAILURES as error:
        raise _broken(error) from error


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
    try:
        used = _variables(body)
        unknown = sorted(used - set(variables))
        if unknown:
            raise BrokenTextError(
                field,
                _(
                    "Variabel ${name} tidak dikenal. Yang boleh dipakai: ${known}.",
                    mapping={"name": unknown[0], "known": ", ".join(sorted(variables)) or "-"},
                ),
            )
        return str(_template(body).render(variables))
    except _FAILURES as error:
        raise _broken(error, field) from error


def preview_text(session: Session, key: str, *, locale: str = DEFAULT_LOCALE) -> RenderedText:
    """Render a text with its sample values."""
    facts = text_facts(session, key, locale=locale)
    return render_messages(session, key, [facts.variables], locale=locale)[0]


def save_text(
    session: Session, text_id: int, *, body: str, subject: str = "", actor_id: int | None
) -> None:
    """Keep an administrator's edit; a later version of the plugin does not overwrite it.

    :raises NotFoundError: there is no such text.
    :raises BrokenTextError: the template has a mistake or uses an unknown variable.
    """
    text = session.get(MessageText, text_id)
    if text is None:
        raise NotFoundError
    body = body.replace("\r\n", "\n").strip()
    if not check_text(body, text.variables).strip():
        raise BrokenTextError(field="body", explanation=_("Isi teks masih kosong."))
    check_text(subject, text.variables, field="subject")
    text.body, text.subject = body, subject.strip()
    text.changed_at, text.changed_by_id = utcnow(), actor_id
    session.flush()
    audit.record(
        session,
        actor_id=actor_id,
        action="texts.save",
        subject=f"message_text:{text.key}",
        details={},
    )


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
        del owner
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


class _Sandbox(SandboxedEnvironment):
    """Reaches nothing but the variables, and cannot be made to fill the memory."""

    intercepted_binops = frozenset({"*", "**"})

    def call_binop(self, context: object, operator: str, left: object, right: object) -> object:
        """Refuse what makes long texts out of short ones."""
        del context, left, right
        raise SecurityError(operator)


_ENVIRONMENT: Final = _Sandbox(undefined=StrictUndefined, autoescape=False)
_ENVIRONMENT.globals.clear()
_FAILURES: Final = (
    TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)
"""What rendering may raise: operators and filters raise Python's own errors."""
_lock = threading.Lock()


@functools.lru_cache(maxsize=256)
def _template(source: str) -> Any:
    with _lock:
        return _ENVIRONMENT.from_string(source)


@functools.lru_cache(maxsize=256)
def _variables(source: str) -> frozenset[str]:
    return frozenset(meta.find_undeclared_variables(_ENVIRONMENT.parse(source)))


def _broken(error: Exception, field: str = "body") -> BrokenTextError:
    if isinstance(error, TemplateSyntaxError):
        return BrokenTextError(
            field,
            _(
                "Baris ${line} tidak dapat dibaca: ${reason}. Periksa kurung kurawal {{ … }}.",
                mapping={"line": error.lineno, "reason": error.message or ""},
            ),
        )
    if isinstance(error, SecurityError):
        reason = _("Teks memakai sesuatu yang tidak diizinkan. Pakailah hanya {{ variabel }}.")
    elif isinstance(error, UndefinedError):
        reason = _("Teks memakai bagian variabel yang tidak ada. Pakailah hanya {{ variabel }}.")
    else:
        reason = _("Teks tidak dapat disusun. Pakailah hanya {{ variabel }}.")
    return BrokenTextError(field, reason)


def _line(text: str) -> str:
    return " ".join(text.split())


def _split(external_id: str) -> tuple[str, str]:
    key, _colon, locale = external_id.rpartition(":")
    return key, locale


register_data_kind("message_text", MessageTextKind())
