"""The language of message texts: ``{{ variable }}``, plain filters and conditions, nothing else.

It is a part of Jinja's, chosen by what its tree may hold rather than by what it must not: no loops,
calls, macros, attributes or arithmetic. So a text of any author ends, and is about as long as the
values that it is given.
"""

from __future__ import annotations

import functools
import threading
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any, Final

from jinja2 import StrictUndefined, Template, TemplateError, nodes
from jinja2.exceptions import SecurityError, TemplateSyntaxError, UndefinedError
from jinja2.sandbox import SandboxedEnvironment

from core.errors import InvalidInputError
from core.i18n import _

__all__ = ["BrokenTextError", "render_source", "variables_of"]


class BrokenTextError(InvalidInputError):
    """A template that cannot be rendered, or uses variables that it may not."""


def variables_of(source: str, *, field: str = "body") -> frozenset[str]:
    """Return the variables that a template uses.

    :raises BrokenTextError: it cannot be read, or uses more than the language has.
    """
    try:
        return _variables(source)
    except _FAILURES as error:
        raise _broken(error, field) from error


def render_source(source: str, values: Mapping[str, Any], *, field: str = "body") -> str:
    """Fill a template in.

    :raises BrokenTextError: it cannot be read or filled in.
    """
    try:
        _variables(source)
        return _template(source).render(values)
    except _FAILURES as error:
        raise _broken(error, field) from error


_NODES: Final = frozenset(
    {
        nodes.Template,
        nodes.Output,
        nodes.TemplateData,
        nodes.Name,
        nodes.Const,
        nodes.Filter,
        nodes.Keyword,
        nodes.If,
        nodes.CondExpr,
        nodes.Compare,
        nodes.Operand,
        nodes.And,
        nodes.Or,
        nodes.Not,
    }
)
_FILTERS: Final = ("capitalize", "lower", "title", "trim", "truncate", "upper")

_ENVIRONMENT: Final = SandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
_ENVIRONMENT.globals.clear()
_ENVIRONMENT.tests.clear()
_ENVIRONMENT.filters = {name: _ENVIRONMENT.filters[name] for name in _FILTERS}

_FAILURES: Final = (
    TemplateError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    RecursionError,
    SyntaxError,
    TypeError,
    ValueError,
)
"""What reading and rendering may raise: filters raise Python's own errors, and what is nested too
deep fails in Jinja's parser or in Python's."""
_lock = threading.Lock()


@functools.lru_cache(maxsize=256)
def _template(source: str) -> Template:
    with _lock:
        return _ENVIRONMENT.from_string(source)


@functools.lru_cache(maxsize=256)
def _variables(source: str) -> frozenset[str]:
    _refuse_unsendable(source)
    names = set()
    for node in _walk(_ENVIRONMENT.parse(source)):
        if type(node) not in _NODES:
            raise SecurityError(type(node).__name__)
        if isinstance(node, nodes.Const) and isinstance(node.value, str):
            _refuse_unsendable(node.value)
        if isinstance(node, nodes.Name):
            names.add(node.name)
    return frozenset(names)


def _walk(node: nodes.Node) -> Iterator[nodes.Node]:
    yield node
    yield from node.find_all(nodes.Node)


def _refuse_unsendable(text: str) -> None:
    """Refuse what no channel carries and no database keeps: control characters, half characters."""
    for character in text:
        if character not in "\n\t" and unicodedata.category(character) in {"Cc", "Cs"}:
            raise _UnsendableError(character)


class _UnsendableError(TemplateError):
    """A character that cannot be part of a message."""


def _broken(error: Exception, field: str) -> BrokenTextError:
    if isinstance(error, TemplateSyntaxError):
        reason = _(
            "Baris ${line} tidak dapat dibaca. Tulis setiap variabel di antara dua pasang kurung "
            "kurawal, misalnya {{ nama }}, dan periksa apakah ada kurung yang kurang.",
            mapping={"line": error.lineno},
        )
    elif isinstance(error, SecurityError):
        reason = _("Teks memakai sesuatu yang tidak diizinkan. Pakailah hanya {{ variabel }}.")
    elif isinstance(error, UndefinedError):
        reason = _("Teks memakai bagian variabel yang tidak ada. Pakailah hanya {{ variabel }}.")
    elif isinstance(error, _UnsendableError):
        reason = _(
            "Teks memuat karakter kendali yang tidak dapat dikirim. Ketik ulang bagian itu tanpa "
            "menyalinnya dari aplikasi lain."
        )
    else:
        reason = _("Teks tidak dapat disusun. Pakailah hanya {{ variabel }}.")
    return BrokenTextError(field, reason)
