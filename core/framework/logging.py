"""Structured logs: JSON for machines in production, readable lines for people elsewhere.

Whatever is logged, by us or by a library, passes :func:`mask`: telephone numbers, mail addresses
and secrets never reach a log in full, not in an exception's text either.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, Final

import structlog

from core.errors import ConfigurationError
from core.framework.settings import Settings
from core.i18n import _

__all__ = ["configure_logging", "error_words", "fit_to_keep", "mask", "mask_text"]

LONGEST_ERROR: Final = 500
"""Characters of an error that are kept."""

_SECRET_KEYS: Final = re.compile(
    r"(^|[._-])(pass(word|phrase)?|sandi|secret|token|(api|private|secret)_?key|code|kode"
    r"|authorization|cookie|signature|pin)([._-]|$)",
    re.IGNORECASE,
)
_PLAIN_KEYS: Final = frozenset({"event", "exit_code", "level", "logger", "timestamp"})
"""Keys whose own name says nothing about a secret; their text is masked all the same."""

_NUMBER: Final = re.compile(
    r"(?<![\w.+-])"
    r"(?:(\+)\d{1,3}(?:[\s().-]{0,2}\d){7,13}|(?:0|62)[\s.-]?8\d(?:[\s.-]?\d){6,11})(?!\w)"
)
"""A number in international form, or an Indonesian mobile number in any usual spelling (E.164)."""

_MAIL: Final = re.compile(r"\b([\w.+-])[\w.+-]*@([\w-]+(?:\.[\w-]+)+)")
_URL_PASSWORD: Final = re.compile(r"(://[^/\s:@]+:)[^@\s/]+@")
_ASSIGNED: Final = re.compile(
    r"(?i)\b(pass(?:word)?|sandi|secret|token|api_?key|signature|code|kode)([=:]\s*)([^&\s,;\"'}]+)"
)
_PARAMETERS: Final = re.compile(r"\[parameters: .*?\](?=\n|$)", re.DOTALL)
"""What SQLAlchemy adds to its errors: the values of the statement."""

HIDDEN: Final = "***"


def configure_logging(
    settings: Mapping[str, Any], *, level: int | None = None, traces: bool = True
) -> None:
    """Send every log of the process to the standard error in one format.

    ``abah.log_format`` is ``json`` or ``console``; without it production (``abah.production``) logs
    JSON. Handlers that the ini file made keep their stream and level. Without ``traces`` an error
    is one line, which names it. Safe to call again.

    :raises ConfigurationError: the format is unknown.
    """
    options = Settings(settings)
    production = options.flag("abah.production")
    form = options.text("abah.log_format") or ("json" if production else "console")
    if form not in {"json", "console"}:
        raise ConfigurationError(
            _(
                "Pengaturan abah.log_format harus json atau console, bukan ${value}.",
                mapping={"value": form},
            )
        )
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info if traces else _name_error,
        mask,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    _format_handlers(shared, form, level)


def _format_handlers(shared: list[Any], form: str, level: int | None) -> None:
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )
    root = logging.getLogger()
    if not root.handlers:
        root.addHandler(logging.StreamHandler())
        root.setLevel(logging.INFO)
    for handler in root.handlers:
        handler.setFormatter(formatter)
    if level is not None:
        root.setLevel(level)


def _name_error(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Put the error in place of its traceback."""
    given = event.pop("exc_info", None)
    error = sys.exc_info()[1] if given is True else given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        event["error"] = " ".join(f"{type(error).__name__}: {error}".split())
    return event


def mask(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Hide personal data and secrets in all of one log event (a structlog processor)."""
    for key, value in event.items():
        if not key.startswith("_"):
            event[key] = _masked(value, key)
    return event


def mask_text(text: str) -> str:
    """Hide telephone numbers, mail addresses and secrets in a text."""
    text = _PARAMETERS.sub("[parameters hidden]", text)
    text = _URL_PASSWORD.sub(rf"\1{HIDDEN}@", text)
    text = _ASSIGNED.sub(rf"\1\2{HIDDEN}", text)
    text = _MAIL.sub(rf"\1{HIDDEN}@\2", text)
    return _NUMBER.sub(_masked_number, text)


def error_words(failure: BaseException) -> str:
    """Give class and text of an error, fit to be kept: no personal data, not endless."""
    try:
        text = str(failure)
    except Exception:  # noqa: BLE001 - an error of a plugin's own may fail at this too
        text = ""
    return fit_to_keep(f"{type(failure).__name__}: {text}")


def fit_to_keep(text: str) -> str:
    """Mask what an error says, and leave out what no database would take."""
    # Masked before it is cut: half a number would not be known as one.
    masked = mask_text(text[: 10 * LONGEST_ERROR])[:LONGEST_ERROR]
    return masked.replace("\0", "").encode(errors="replace").decode()


def _masked_number(found: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", found.group())
    start = f"+{digits[:2]}" if found.group(1) else digits[:2]
    return f"{start}*****{digits[-4:]}"


def _masked(value: Any, key: str = "") -> Any:
    if key not in _PLAIN_KEYS and _SECRET_KEYS.search(key) and value not in (None, "", True, False):
        return HIDDEN
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, Mapping):
        return {name: _masked(inner, str(name)) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked(inner) for inner in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return mask_text(str(value))
