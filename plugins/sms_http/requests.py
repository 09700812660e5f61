"""Requests for a gateway: sandboxed templates, compiled once, filled in for every message.

Values are encoded where they are put (percent-encoding in addresses and forms, JSON strings in
JSON), never by the template, so a text cannot break out of its place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, quote_plus

import phonenumbers
from jinja2 import StrictUndefined, TemplateError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment
from yarl import URL

from core.api.text import _
from plugins.sms_http.gateway import Gateway, SettingsError

if TYPE_CHECKING:
    from core.api.hooks import OutgoingMessage

__all__ = ["Request", "RequestBuilder", "TextError"]

PER_MESSAGE: Final = frozenset(
    {"ref", "to", "text", "title", "purpose", "parts", "encoding", "attempt", "report_url"}
)
PER_ACCOUNT: Final = frozenset({"sender", "username", "password", "token", "inbound_url"})

CONTENT_TYPES: Final = {
    "form": "application/x-www-form-urlencoded",
    "json": "application/json",
}
_NAME: Final = re.compile(r"\s*\{\{\s*(\w+)\s*\}\}\s*")
"""A lone variable, by far the most frequent template: looked up without an interpreter."""

_TEMPLATE_ERRORS: Final = (
    TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)

Variables = Mapping[str, Any]
Render = Callable[[Variables], Any]


class TextError(Exception):
    """A template failed for one message; only that message is refused."""


@dataclass(frozen=True, slots=True)
class Request:
    """What goes over the wire. Holds secrets: it has no readable form."""

    url: URL
    headers: Mapping[str, str]
    data: bytes | None

    def __repr__(self) -> str:
        """Show where it leads and nothing else."""
        return f"<Request {self.url.host}>"


class RequestBuilder:
    """Fills the templates of one gateway."""

    def __init__(self, gateway: Gateway, webhook_url: str) -> None:
        """Compile every template.

        :raises SettingsError: a template cannot be read or uses an unknown variable.
        """
        self._gateway = gateway
        self._webhook_url = webhook_url
        account = {**gateway.account, "inbound_url": f"{webhook_url}/inbound"}
        compiler = _Compiler(account)
        self._url = compiler.pieces("url", gateway.url, lambda value: quote(str(value), safe=""))
        self._headers: list[tuple[str, Render | str]] = [
            (name, compiler.pieces("headers", value, _one_line)) for name, value in gateway.headers
        ]
        if gateway.body != "query":
            self._headers.insert(0, ("Content-Type", CONTENT_TYPES[gateway.body]))
        self._static_headers = _static(self._headers)
        self._pairs: list[tuple[str, Render | str]] = []
        self._document: Any = None
        if gateway.body == "json":
            self._document = compiler.document(gateway.fields)
        else:
            self._pairs = compiler.pairs(gateway.fields)
        self._last = ("", URL())

    def build(self, message: OutgoingMessage) -> Request:
        """Fill in one message.

        :raises TextError: a template failed for it.
        """
        variables = self._variables(message)
        try:
            url, headers, data = self._filled(variables)
            if url != self._last[0]:
                self._last = (url, URL(url, encoded=True))
            return Request(self._last[1], headers, data)
        except _TEMPLATE_ERRORS as error:
            raise TextError(type(error).__name__) from error

    def _filled(self, variables: Variables) -> tuple[str, Mapping[str, str], bytes | None]:
        url = _fill(self._url, variables)
        headers = self._static_headers
        if headers is None:
            headers = {name: _fill(value, variables) for name, value in self._headers}
        if self._gateway.body == "json":
            return url, headers, json.dumps(_filled_document(self._document, variables)).encode()
        encoded = "&".join(
            name + quote_plus(str(_fill(value, variables))) for name, value in self._pairs
        )
        if self._gateway.body == "form":
            return url, headers, encoded.encode()
        return f"{url}{'&' if '?' in url else '?'}{encoded}", headers, None

    def _variables(self, message: OutgoingMessage) -> dict[str, Any]:
        return {
            "ref": message.ref,
            "to": formatted(message.address, self._gateway.number_format),
            "text": message.body,
            "title": message.title,
            "purpose": message.purpose,
            "parts": message.parts,
            "encoding": message.encoding,
            "attempt": message.attempt,
            "report_url": f"{self._webhook_url}/report?ref={quote(message.ref, safe='')}",
        }


def formatted(number: str, style: str) -> str:
    """Write an E.164 number as the gateway wants it."""
    if style == "plain":
        return number.removeprefix("+")
    if style == "national" and number.startswith("+"):
        parsed = phonenumbers.parse(number)
        national = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL)
        return "".join(filter(str.isdigit, national))
    return number


class _Compiler:
    """Compiles templates; those without a variable of the message become plain text at once."""

    def __init__(self, account: Mapping[str, str]) -> None:
        self._account = account

    def pieces(self, key: str, source: str, encode: Callable[[Any], str]) -> Render | str:
        """Compile text in which every expression is encoded by ``encode``."""
        environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, finalize=encode)
        environment.globals.update(self._account)
        used = self._check(environment, key, source)
        template = environment.from_string(source)
        return template.render if used & PER_MESSAGE else _once(key, template.render)

    def value(self, key: str, source: str) -> Render | str:
        """Compile one value; a lone expression keeps its type: ``{{ parts }}`` is a number."""
        environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined)
        environment.globals.update(self._account)
        used = self._check(environment, key, source)
        lone = _NAME.fullmatch(source)
        if lone is not None and lone[1] in PER_MESSAGE:
            return itemgetter(lone[1])
        inner = source.strip()
        fixed = not used & PER_MESSAGE
        if inner.startswith("{{") and inner.endswith("}}") and inner.count("{{") == 1:
            expression = environment.compile_expression(inner[2:-2], undefined_to_none=False)
            if fixed:
                constant = _once(key, expression)
                return constant if isinstance(constant, str) else lambda _variables: constant
            return lambda variables: expression(**variables)
        template = environment.from_string(source)
        return _once(key, template.render) if fixed else template.render

    def pairs(self, source: str) -> list[tuple[str, Render | str]]:
        """Compile lines ``name = value`` of a form; names come back encoded with their ``=``."""
        pairs: list[tuple[str, Render | str]] = []
        for line in filter(None, (line.strip() for line in source.splitlines())):
            name, equals, value = line.partition("=")
            if not equals or not name.strip() or "{" in name:
                msg = "fields"
                raise SettingsError(
                    msg,
                    _(
                        "Baris ${line} tidak dapat dibaca. Tulis nama=nilai.",
                        mapping={"line": line},
                    ),
                )
            pairs.append((f"{quote_plus(name.strip())}=", self.value("fields", value.strip())))
        return pairs

    def document(self, source: str) -> Any:
        """Compile every string of a JSON document."""
        try:
            document = json.loads(source)
        except ValueError as error:
            msg = "fields"
            raise SettingsError(
                msg,
                _(
                    "Isi permintaan bukan JSON yang benar (${reason}). Tulis peubah di dalam tanda "
                    'kutip, misalnya "{{ to }}".',
                    mapping={"reason": str(error)},
                ),
            ) from None
        return self._compiled(document)

    def _compiled(self, node: Any) -> Any:
        if isinstance(node, dict):
            return {name: self._compiled(value) for name, value in node.items()}
        if isinstance(node, list):
            return [self._compiled(value) for value in node]
        return self.value("fields", node) if isinstance(node, str) else node

    def _check(self, environment: ImmutableSandboxedEnvironment, key: str, source: str) -> set[str]:
        try:
            used = meta.find_undeclared_variables(environment.parse(source))
        except TemplateError as error:
            raise SettingsError(
                key,
                _("Peubah tidak dapat dibaca: ${reason}", mapping={"reason": error.message or ""}),
            ) from None
        unknown = used - PER_MESSAGE - PER_ACCOUNT - set(environment.globals)
        if unknown:
            raise SettingsError(
                key,
                _(
                    "Peubah ${name} tidak dikenal. Yang ada: ${known}.",
                    mapping={
                        "name": ", ".join(sorted(unknown)),
                        "known": ", ".join(sorted(PER_MESSAGE | PER_ACCOUNT)),
                    },
                ),
            )
        return used


def _once(key: str, fill: Callable[[], Any]) -> Any:
    try:
        return fill()
    except _TEMPLATE_ERRORS as error:
        raise SettingsError(
            key, _("Peubah tidak dapat dibaca: ${reason}", mapping={"reason": str(error)})
        ) from None


def _fill(value: Render | str, variables: Variables) -> Any:
    return value if isinstance(value, str) else value(variables)


def _filled_document(node: Any, variables: Variables) -> Any:
    if isinstance(node, dict):
        return {name: _filled_document(value, variables) for name, value in node.items()}
    if isinstance(node, list):
        return [_filled_document(value, variables) for value in node]
    return node(variables) if callable(node) else node


def _static(headers: list[tuple[str, Render | str]]) -> dict[str, str] | None:
    """Return the headers once and for all where no message changes them."""
    static = {name: value for name, value in headers if isinstance(value, str)}
    return static if len(static) == len(headers) else None


def _one_line(value: Any) -> str:
    """Write a header's value on one line (RFC 9110, 5.5): a text must not add headers."""
    return " ".join(str(value).split())
