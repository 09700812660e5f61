"""The language of a page: whose choice counts, and how a sentence is put into it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup, escape
from pyramid.threadlocal import get_current_request

from core.i18n import DOMAIN, TranslationString

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyramid.i18n import Localizer
    from pyramid.request import Request

__all__ = [
    "DEFAULT_LOCALE",
    "LOCALES",
    "LOCALE_COOKIE",
    "LocaleChosen",
    "current_locale",
    "identity_or_none",
    "negotiate_locale",
    "translate",
]

DEFAULT_LOCALE: Final = "id"

LOCALES: Final[Mapping[str, str]] = {"id": "Bahasa Indonesia", "en": "English"}
"""Languages that a person can choose, each by its own name."""

_KEY: Final = "abah.web.sentences"
"""Sentences that were looked up before, by language; kept for one build."""

LOCALE_COOKIE: Final = "abah_locale"


class LocaleChosen:
    """Event: a person chose a language. Subscribers may store it with the account."""

    def __init__(self, request: Request, locale: str) -> None:
        """Carry who asked and what was chosen."""
        self.request = request
        self.locale = locale


def identity_or_none(request: Request) -> Any:
    """Return who is signed in; None also where nobody can tell, so that error pages work."""
    try:
        return request.identity
    except Exception:  # noqa: BLE001 - the database may be gone; whoever needs the identity asks again
        return None


def negotiate_locale(request: Request) -> str:
    """Return the language of the signed-in person, else of the cookie, else Indonesian."""
    identity = identity_or_none(request)
    for wanted in (getattr(identity, "locale", None), request.cookies.get(LOCALE_COOKIE)):
        if wanted in LOCALES:
            return str(wanted)
    return DEFAULT_LOCALE


def current_locale(request: Request | None = None) -> str:
    """Return the language of ``request``, else of the request under way, else Indonesian."""
    request = request or get_current_request()
    return str(request.locale_name) if request is not None else DEFAULT_LOCALE


def translate(
    text: str, mapping: Mapping[str, Any] | None = None, request: Request | None = None
) -> str:
    """Put an Indonesian sentence into the language of the page and fill its ``${names}`` in.

    Works without a request too: the sentence is then given in Indonesian. Text in ``mapping`` that
    is itself translatable is translated first; where one of them is markup, the answer is markup.
    """
    request = request or get_current_request()
    if not mapping and type(text) is str:
        return _sentence(text, request)
    own = getattr(text, "mapping", None)
    given = {**own, **mapping} if own and mapping else own or mapping
    sentence = _sentence(text, request)
    if not given:
        return sentence
    values = {}
    marked = False
    for name, value in given.items():
        shown = translate(value, None, request) if isinstance(value, TranslationString) else value
        marked = marked or isinstance(shown, Markup)
        values[name] = shown
    if marked:
        filled = _fill(str(escape(sentence)), _escaped(values))
        return Markup(filled)  # noqa: S704 - every part was escaped above
    return _fill(sentence, values)


_PLACE: Final = re.compile(r"(?<!\$)\$(?:([a-zA-Z][-a-zA-Z0-9_]*)|\{([a-zA-Z][-a-zA-Z0-9_]*)\})")
"""A placeholder, as ``TranslationString.interpolate`` has it; a page fills hundreds."""


def _fill(sentence: str, values: Mapping[str, Any]) -> str:
    return _PLACE.sub(lambda found: str(values.get(found[1] or found[2], found[0])), sentence)


def _escaped(values: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(escape(value)) for name, value in values.items()}


def _sentence(text: str, request: Request | None) -> str:
    """Look the sentence up without filling anything in."""
    if request is None or request.locale_name == DEFAULT_LOCALE:
        # The sentence itself is Indonesian: there is nothing to look up.
        return text if type(text) is str else str(getattr(text, "default", None) or text)
    domain = getattr(text, "domain", None) or DOMAIN
    known: dict[Any, str] = request.registry.setdefault(_KEY, {})
    key = (request.locale_name, domain, str(text))
    found = known.get(key)
    if found is None:
        # A TranslationString with a mapping would be filled in at once.
        bare = TranslationString(str(text), domain, getattr(text, "default", None))
        localizer: Localizer = request.localizer
        found = str(localizer.translate(bare))
        if found != key[2] and getattr(text, "default", None) is None:
            # Only what a catalogue has: names of people are looked up too, and must not stay.
            known[key] = found
    return found
