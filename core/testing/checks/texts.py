"""Texts for people: each has its English, with the same placeholders."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo

from core.hookspecs.web import HelpChapter
from core.locale_build import (
    DOMAIN,
    KEYWORDS,
    LOCALES,
    PLUGIN_METHODS,
    PLUGIN_OPTIONS,
    placeholders,
    read_catalogue,
)
from core.testing.checks.pages import registered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from babel.messages.catalog import Catalog

    from core.locale_build import MsgId
    from core.testing.specimen import Specimen

__all__ = ["text_problems"]

CORE: Final = Path(__file__).parents[2] / "locale"


def text_problems(specimen: Specimen) -> list[str]:
    """Tell which texts of the plugin have no translation, or one that does not fit."""
    texts = dict(_texts(specimen.manifest.directory))
    problems = []
    for locale in LOCALES:
        folders = [each.directory / "locale" for each in specimen.runtime.plugins]
        known: dict[MsgId, Any] = {}
        for folder in (CORE, *folders):
            known |= _translations(folder, locale)
        problems += [
            f"{place}: {_words(text)} has no translation ({locale})"
            for text, place in texts.items()
            if not known.get(text)
        ]
        problems += [
            f"{place}: the translation of {_words(text)} ({locale}) has other placeholders"
            for text, place in texts.items()
            if known.get(text) and not _fits(text, known[text])
        ]
        problems += _files(specimen, locale)
    return problems


def _texts(directory: Path) -> Iterator[tuple[MsgId, str]]:
    found = extract_from_dir(directory, PLUGIN_METHODS, PLUGIN_OPTIONS, KEYWORDS)
    for filename, line, message, _comments, _context in found:
        if message:
            yield message, f"{filename}:{line}"


def _translations(folder: Path, locale: str) -> dict[MsgId, Any]:
    catalogue = _catalogue(folder / locale / "LC_MESSAGES" / f"{DOMAIN}.po")
    if catalogue is None:
        return {}
    return {
        message.id if isinstance(message.id, str) else tuple(message.id): message.string
        for message in catalogue
        if message.id and not message.fuzzy and all(_strings(message.string))
    }


def _catalogue(source: Path) -> Catalog | None:
    """Read what translators write, else what was made of it: an installed plugin has only that."""
    if source.is_file():
        return read_catalogue(source)
    compiled = source.with_suffix(".mo")
    if not compiled.is_file():
        return None
    with compiled.open("rb") as file:
        return read_mo(file)


def _strings(text: Any) -> tuple[str, ...]:
    return tuple(text) if isinstance(text, tuple | list) else (text,)


def _fits(text: MsgId, translation: Any) -> bool:
    wanted = frozenset().union(*map(placeholders, _strings(text)))
    return all(placeholders(each) <= wanted for each in _strings(translation)) and (
        wanted == frozenset().union(*map(placeholders, _strings(translation)))
    )


def _words(text: MsgId) -> str:
    return repr(text if isinstance(text, str) else text[0])


def _files(specimen: Specimen, locale: str) -> Iterator[str]:
    """Find catalogues that were not compiled, and chapters of the guide in one language."""
    folder = specimen.manifest.directory
    source = folder / "locale" / locale / "LC_MESSAGES" / f"{DOMAIN}.po"
    if source.is_file() and not source.with_suffix(".mo").is_file():
        yield f"locale/{locale} is not compiled: abah plugins texts {specimen.name}"
    for _hook, answer in registered(specimen):
        if isinstance(answer, HelpChapter):
            name = answer.template.replace(".jinja2", f".{locale}.jinja2")
            if not (folder / "templates" / name).is_file():
                yield f"chapter {answer.key} of the guide has no {name}"
