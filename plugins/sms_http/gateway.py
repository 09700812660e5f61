"""One gateway as its settings describe it, read and checked once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlsplit

from core.api.hooks import Outcome, ReportState
from core.api.text import TranslationString, _
from plugins.sms_http.paths import JsonPath
from plugins.sms_http.settings import with_defaults

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Finder", "Gateway", "SettingsError", "read_gateway"]

S = TypeVar("S", Outcome, ReportState)

_TRUE: Final = frozenset({"1", "true", "yes", "on", "ya"})
SECRETS: Final = ("password", "token")
_REFUSALS: Final = tuple(str(outcome) for outcome in Outcome if outcome is not Outcome.ACCEPTED)
_TEMPLATE: Final = re.compile(r"\{\{.*?\}\}|\{%.*?%\}")


class SettingsError(Exception):
    """A setting that cannot be used; ``key`` names it, ``explanation`` says why."""

    def __init__(self, key: str, explanation: TranslationString) -> None:
        """Keep both."""
        self.key = key
        self.explanation = explanation
        super().__init__(explanation.interpolate())


@dataclass(frozen=True, slots=True)
class Finder:
    """Where a value stands in an answer: by JSON path, by pattern, or nowhere."""

    path: JsonPath | None
    pattern: re.Pattern[str] | None

    def __bool__(self) -> bool:
        """Tell whether anything was set."""
        return self.path is not None or self.pattern is not None


@dataclass(frozen=True, slots=True)
class Gateway:
    """Settings of one account, typed. Holds secrets: it has no readable form."""

    method: str
    url: str
    body: str
    fields: str
    headers: tuple[tuple[str, str], ...]
    account: Mapping[str, str]
    number_format: str
    success: Finder
    reference: Finder
    code: Finder
    codes: Mapping[str, Outcome]
    other_answers: Outcome
    server_errors: Outcome
    connections: int
    connect_seconds: float
    total_seconds: float
    allow_private: bool
    names: Mapping[str, str]
    statuses: Mapping[str, ReportState]

    def __repr__(self) -> str:
        """Show where it leads and nothing else."""
        return f"<Gateway {self.method} {urlsplit(self.url).hostname}>"

    @property
    def host(self) -> str:
        """Name or address of the gateway."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """Its port, the scheme's own where none is written."""
        parts = urlsplit(self.url)
        return parts.port or (443 if parts.scheme == "https" else 80)

    def masked(self, text: str) -> str:
        """Take secrets out of a text that will be kept or shown."""
        for key in SECRETS:
            secret = self.account[key]
            if secret:
                text = text.replace(secret, "•••")
        return text


def read_gateway(settings: Mapping[str, Any]) -> Gateway:
    """Turn an account's settings into a gateway.

    :raises SettingsError: a setting is missing or makes no sense.
    """
    values = with_defaults(settings)
    text = {key: str(value).strip() for key, value in values.items()}
    return Gateway(
        method=_one_of(text, "method", ("POST", "GET", "PUT")),
        url=_url(text["url"]),
        body=_body(text),
        fields=str(values["fields"]).strip(),
        headers=_headers(text["headers"]),
        account={key: text[key] for key in ("username", "sender", *SECRETS)},
        number_format=_one_of(text, "number_format", ("e164", "plain", "national")),
        success=_finder(text, "success"),
        reference=_finder(text, "reference"),
        code=_finder(text, "code"),
        codes=_table(text["codes"], Outcome, "codes"),
        other_answers=Outcome(_one_of(text, "other_answers", _REFUSALS)),
        server_errors=Outcome(_one_of(text, "server_errors", _REFUSALS)),
        connections=int(_number(text, "connections", 1, 1000)),
        connect_seconds=_number(text, "connect_seconds", 0.05, 30),
        total_seconds=_number(text, "total_seconds", 0.05, 90),
        allow_private=text["allow_private"].lower() in _TRUE,
        names={key: text[key] for key in values if key.startswith(("report_", "inbound_"))},
        statuses=_table(text["report_statuses"], ReportState, "report_statuses"),
    )


def _url(text: str) -> str:
    # The host must be written out: a host that depends on a message could lead anywhere.
    if not re.match(r"https?://[^/{}\s?#]+", text):
        msg = "url"
        raise SettingsError(
            msg,
            _(
                "Alamat gateway harus dimulai dengan http:// atau https:// dan nama host yang "
                "tetap."
            ),
        )
    parts = urlsplit(text)
    written = _TEMPLATE.sub("", text)
    if not written.isascii() or not written.isprintable() or " " in written:
        msg = "url"
        raise SettingsError(
            msg, _("Alamat gateway tidak boleh berisi spasi. Tulis %20 sebagai gantinya.")
        )
    try:
        usable = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable or "{" in parts.netloc or "@" in parts.netloc:
        msg = "url"
        raise SettingsError(
            msg,
            _(
                "Alamat gateway tidak dapat dipakai. Tulis nama host dan port saja; sandi ditaruh "
                "di kolom Sandi."
            ),
        )
    return text


def _body(text: Mapping[str, str]) -> str:
    body = _one_of(text, "body", ("form", "json", "query"))
    if body != "query" and text["method"] == "GET":
        msg = "body"
        raise SettingsError(
            msg, _("Metode GET tidak membawa isi. Pilih bentuk parameter pada alamat.")
        )
    if not text["fields"]:
        msg = "fields"
        raise SettingsError(msg, _("Isi permintaan belum diisi."))
    return body


def _one_of(text: Mapping[str, str], key: str, allowed: tuple[str, ...]) -> str:
    if text[key] not in allowed:
        raise SettingsError(
            key,
            _(
                "Nilai ${value} tidak dikenal. Pilih salah satu dari: ${allowed}.",
                mapping={"value": text[key], "allowed": ", ".join(allowed)},
            ),
        )
    return text[key]


def _number(text: Mapping[str, str], key: str, low: float, high: float) -> float:
    try:
        number = float(text[key].replace(",", "."))
    except ValueError:
        number = low - 1
    if not low <= number <= high:
        raise SettingsError(
            key,
            _("Isi dengan angka antara ${low} dan ${high}.", mapping={"low": low, "high": high}),
        )
    return number


def _headers(text: str) -> tuple[tuple[str, str], ...]:
    headers = []
    for line in filter(None, (line.strip() for line in text.splitlines())):
        name, colon, value = line.partition(":")
        if not colon or not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name.strip()):
            msg = "headers"
            raise SettingsError(
                msg,
                _("Baris ${line} bukan header. Tulis Nama: nilai.", mapping={"line": name[:40]}),
            )
        headers.append((name.strip(), value.strip()))
    return tuple(headers)


def _finder(text: Mapping[str, str], name: str) -> Finder:
    path, pattern = text[f"{name}_path"], text[f"{name}_pattern"]
    try:
        read_path = JsonPath(path) if path else None
    except ValueError:
        msg = f"{name}_path"
        raise SettingsError(
            msg, _("Jalur JSON tidak dapat dibaca. Contoh: $.messages[0].status")
        ) from None
    try:
        read_pattern = re.compile(pattern) if pattern else None
    except re.error as error:
        msg = f"{name}_pattern"
        raise SettingsError(
            msg,
            _("Pola tidak dapat dibaca: ${reason}", mapping={"reason": str(error)}),
        ) from None
    return Finder(read_path, read_pattern)


def _table(text: str, kind: type[S], key: str) -> dict[str, S]:
    table: dict[str, S] = {}
    for line in filter(None, (line.strip() for line in text.splitlines())):
        code, equals, meaning = line.rpartition("=")
        try:
            found = kind(meaning.strip().lower())
        except ValueError:
            found = None
        if not equals or not code.strip() or found is None:
            raise SettingsError(
                key,
                _(
                    "Baris ${line} tidak dapat dibaca. Tulis kode = arti, dengan arti salah satu "
                    "dari: ${allowed}.",
                    mapping={"line": line, "allowed": ", ".join(str(member) for member in kind)},
                ),
            )
        table[code.strip().casefold()] = found
    return table
