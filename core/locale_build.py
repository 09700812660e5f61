"""Catalogues of the domain ``abah``: extract the texts, keep the ``.po`` files, compile them.

The msgid of every text is its Indonesian sentence, so Indonesian needs no catalogue. Texts of the
core and of ``templates/`` live in ``core/locale``; those that only a plugin says live in its own
``locale`` folder, so that a plugin can be taken out with its words.

Run as ``python -m core.locale_build update`` after texts changed, then translate what is empty.
Building the package compiles; this module imports neither Pyramid nor the application.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

__all__ = [
    "catalogue_paths",
    "compile_catalogues",
    "extract_texts",
    "extract_toml",
    "placeholders",
    "read_catalogue",
    "update_catalogues",
    "update_plugin",
]

DOMAIN = "abah"
"""As ``core.i18n.DOMAIN``; at build time no library of the application is there to import it."""

LOCALES = ("en",)
"""Languages that have a catalogue, beside the Indonesian of the texts themselves."""

KEYWORDS: dict[str, Any] = {
    "_": None,
    "gettext": None,
    "ngettext": (1, 2),
    "pluralize": (1, 2),
}

TOML_KEYS = frozenset({"summary", "category", "title", "label", "hint", "description"})
"""Keys of a manifest or data file whose values are shown on screens. Bodies of messages are not
among them: an administrator edits those in the language of the recipients."""

PLUGIN_METHODS = [
    ("tests/**", "ignore"),
    ("**.py", "python"),
    ("**.jinja2", "jinja2"),
    ("plugin.toml", "core.locale_build:extract_toml"),
    ("data/*.toml", "core.locale_build:extract_toml"),
]
"""Where a plugin that lies elsewhere holds texts, as ``babel.cfg`` says it for this project."""

PLUGIN_OPTIONS = {
    "**.jinja2": {
        "silent": "false",
        "trim_blocks": "true",
        "lstrip_blocks": "true",
        "newstyle_gettext": "true",
    }
}

_PLACEHOLDER = re.compile(r"\$\{(\w+)\}|%\((\w+)\)[sd]")

MsgId = str | tuple[str, ...]
"""A text, or its singular and plural."""

Texts = dict[MsgId, list[str]]
"""Each msgid with the files that say it, as paths from the root."""


def catalogue_paths(root: Path) -> list[Path]:
    """Find every ``.po`` file below ``core`` and ``plugins``, in a stable order."""
    return sorted(
        path
        for home in ("core/locale", "plugins/*/locale")
        for path in root.glob(f"{home}/*/LC_MESSAGES/{DOMAIN}.po")
    )


def read_catalogue(path: Path) -> Catalog:
    """Read one ``.po`` file; the language is the name of its folder."""
    with path.open("rb") as file:
        return read_po(file, locale=path.parent.parent.name, domain=DOMAIN, abort_invalid=True)


def compile_catalogues(root: Path) -> None:
    """Write the ``.mo`` file beside each ``.po`` file below ``root`` (the project's folder)."""
    for path in catalogue_paths(root):
        _compile(path)


def _compile(path: Path) -> None:
    with path.with_suffix(".mo").open("wb") as file:
        write_mo(file, read_catalogue(path))


def placeholders(text: str) -> frozenset[str]:
    """Name the ``${…}`` and ``%(…)s`` placeholders of a text."""
    return frozenset(first or second for first, second in _PLACEHOLDER.findall(text))


def extract_toml(
    fileobj: IO[bytes],
    keywords: Mapping[str, Any],  # noqa: ARG001 - the signature is Babel's
    comment_tags: object,  # noqa: ARG001
    options: Mapping[str, Any],  # noqa: ARG001
) -> Iterator[tuple[int, str, str, list[str]]]:
    """Give the texts of a manifest or data file to Babel, with the line each stands on."""
    source = fileobj.read().decode("utf-8")
    lines = source.splitlines()
    for text in _toml_texts(tomllib.loads(source)):
        quoted = json.dumps(text, ensure_ascii=False)
        line = next((n for n, content in enumerate(lines, 1) if quoted in content), 1)
        yield line, "_", text, []


def _toml_texts(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key in TOML_KEYS and isinstance(inner, str) and inner:
                yield inner
            else:
                yield from _toml_texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _toml_texts(inner)


def extract_texts(root: Path) -> Texts:
    """Collect every translatable text of the project, as ``babel.cfg`` says where to look."""
    with (root / "babel.cfg").open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file)  # type: ignore[no-untyped-call]
    texts: defaultdict[MsgId, list[str]] = defaultdict(list)
    for folder in ("core", "plugins", "templates"):
        inside = [(_below(folder, p), m) for p, m in methods if p.startswith(f"{folder}/")]
        settings = {_below(folder, p): o for p, o in options.items() if p.startswith(f"{folder}/")}
        found = extract_from_dir(root / folder, inside, settings, KEYWORDS)
        for filename, _line, message, _comments, _context in found:
            place = f"{folder}/{Path(filename).as_posix()}"
            msgid: MsgId = message if isinstance(message, str) else tuple(message)
            if msgid and place not in texts[msgid]:
                texts[msgid].append(place)
    return dict(texts)


def _below(folder: str, pattern: str) -> str:
    return pattern.removeprefix(f"{folder}/")


def _home(places: list[str]) -> list[str]:
    """Choose the catalogues a text belongs to: the core's, else that of each plugin saying it."""
    owners = {
        "/".join(place.split("/")[:2]) if place.startswith("plugins/") else "core"
        for place in places
    }
    return ["core"] if "core" in owners else sorted(owners)


def update_catalogues(root: Path) -> dict[Path, int]:
    """Bring every ``.po`` file up to date with the texts; tell how many it lacks.

    Translations of texts that vanished are dropped; nothing is guessed.
    """
    homes: defaultdict[str, Texts] = defaultdict(dict)
    for msgid, places in extract_texts(root).items():
        for home in _home(places):
            homes[home][msgid] = places
    missing: dict[Path, int] = {}
    for locale in LOCALES:
        known = _translations(root, locale)
        for home in {*homes, *(str(p.parents[3].relative_to(root)) for p in catalogue_paths(root))}:
            path = root / home / "locale" / locale / "LC_MESSAGES" / f"{DOMAIN}.po"
            missing[path] = _update(path, locale, homes.get(home, {}), known)
    return missing


def update_plugin(directory: Path) -> dict[Path, int]:
    """Bring the catalogues of one plugin up to date with its texts, and compile them.

    ``directory`` is its package, which holds all of its words. Tells how many each one lacks.
    """
    texts: defaultdict[MsgId, list[str]] = defaultdict(list)
    found = extract_from_dir(directory, PLUGIN_METHODS, PLUGIN_OPTIONS, KEYWORDS)
    for filename, _line, message, _comments, _context in found:
        msgid: MsgId = message if isinstance(message, str) else tuple(message)
        place = Path(filename).as_posix()
        if msgid and place not in texts[msgid]:
            texts[msgid].append(place)
    missing = {}
    for locale in LOCALES:
        path = directory / "locale" / locale / "LC_MESSAGES" / f"{DOMAIN}.po"
        missing[path] = _update(path, locale, texts, _known([path] if path.exists() else []))
        if path.exists():
            _compile(path)
    return missing


def _translations(root: Path, locale: str) -> dict[MsgId, Any]:
    """Read what every catalogue says: a text that moves to another one keeps its translation."""
    return _known(path for path in catalogue_paths(root) if path.parent.parent.name == locale)


def _known(paths: Iterable[Path]) -> dict[MsgId, Any]:
    return {
        message.id if isinstance(message.id, str) else tuple(message.id): message.string
        for path in paths
        for message in read_catalogue(path)
        if message.id and not message.fuzzy and _translated(message)
    }


def _update(path: Path, locale: str, texts: Texts, known: dict[MsgId, Any]) -> int:
    old = read_catalogue(path) if path.exists() else Catalog(locale, DOMAIN)
    new = Catalog(
        locale,
        DOMAIN,
        header_comment=f"# Texts of abah in {locale!r}. The msgid is the Indonesian sentence.",
        project=DOMAIN,
        version="1",
        last_translator=DOMAIN,
        language_team=locale,
        msgid_bugs_address=DOMAIN,
        fuzzy=False,
    )
    new.creation_date, new.revision_date = old.creation_date, old.revision_date
    for msgid, places in texts.items():
        message = new.add(
            msgid, known.get(msgid, ""), locations=[(place, 0) for place in sorted(places)]
        )
        # Babel takes "${name}" for its own brace format and would check it by those rules.
        message.flags -= {"python-brace-format", "python-format"}
    if not texts:
        path.unlink(missing_ok=True)
        return 0
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, new, width=100, sort_by_file=True, include_lineno=False, omit_header=False)
    return sum(1 for message in new if message.id and not _translated(message))


def _translated(message: Message) -> bool:
    strings = message.string if isinstance(message.string, (tuple, list)) else (message.string,)
    return all(strings)


def main(arguments: list[str] | None = None) -> int:
    """Update or compile the catalogues from the command line; 1 where translations are missing."""
    parser = argparse.ArgumentParser(prog="python -m core.locale_build", description=__doc__)
    parser.add_argument("action", choices=("update", "compile"))
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    options = parser.parse_args(arguments)
    if options.action == "compile":
        compile_catalogues(options.root)
        return 0
    missing = update_catalogues(options.root)
    for path, count in sorted(missing.items()):
        sys.stdout.write(f"{path.relative_to(options.root)}: {count} untranslated\n")
    compile_catalogues(options.root)
    return 1 if any(missing.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
