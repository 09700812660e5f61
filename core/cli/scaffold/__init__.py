"""The first version of a plugin: working code with tests, from the templates beside this module.

``@word@`` in a template stands for what differs from plugin to plugin. A folder is written as a
whole or not at all.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

from core.locale_build import update_plugin

__all__ = ["KINDS", "write_plugin"]

KINDS: Final = ("channel", "module")

SUFFIX: Final = ".tmpl"
TEXTS: Final = "en.po"
"""The English of a template, which becomes a catalogue."""

REQUIRES: Final[Mapping[str, tuple[str, ...]]] = {
    "channel": ("abah>=0.1,<1",),
    "module": (
        "abah>=0.1,<1",
        "alembic>=1.14",
        "click>=8.1",
        "pyramid>=2.1",
        "sqlalchemy>=2.0.36",
    ),
}
"""What the code of each kind imports, for a distribution of its own."""

_WORD: Final = re.compile(r"@(\w+)@")
_STATEMENT: Final = r"from {package}\b[^\n]* import (?:\([^)]*\)|[^\n(]+)\n"


def write_plugin(name: str, kind: str, folder: Path, *, distribution: bool) -> None:
    """Write the plugin ``name`` of a kind of :data:`KINDS` into the new folder ``folder``.

    ``folder`` is the package ``plugins.<name>`` with its tests, or with ``distribution`` a project
    that holds the package ``abah_<name>``.

    :raises FileExistsError: there is such a folder.
    """
    if folder.exists():
        raise FileExistsError(folder)
    package = f"abah_{name}" if distribution else f"plugins.{name}"
    words = {
        "name": name,
        "dashed": name.replace("_", "-"),
        "Name": "".join(part.capitalize() for part in name.split("_")),
        "title": name.replace("_", " ").capitalize(),
        "package": package,
        "requires": ", ".join(f'"{one}"' for one in REQUIRES[kind]),
    }
    inside = f"src/{package}/" if distribution else ""
    made = Path(mkdtemp(prefix=f".{name}-", dir=folder.parent))
    try:
        made.chmod(0o755)
        for path, text in _files(kind, words, inside, distribution=distribution):
            target = made / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
        update_plugin(made / inside)
        made.rename(folder)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise


def _files(
    kind: str, words: Mapping[str, str], inside: str, *, distribution: bool
) -> Iterator[tuple[str, str]]:
    """Give every file with its path in the new folder."""
    home = resources.files(__name__)
    folders = [(home / kind / "plugin", inside), (home / kind / "tests", "tests/")]
    if distribution:
        folders.append((home / "distribution", ""))
    for folder, place in folders:
        for path, template in _templates(folder):
            target = f"{place}{_filled(path, words)}"
            if path == TEXTS:
                target = f"{place}locale/en/LC_MESSAGES/abah.po"
            text = _filled(template.read_text(encoding="utf-8"), words)
            if distribution and path.endswith(".py"):
                text = _sorted_imports(text, words["package"])
            yield target, text


def _templates(folder: Traversable, above: str = "") -> Iterator[tuple[str, Traversable]]:
    for entry in sorted(folder.iterdir(), key=lambda each: each.name):
        if entry.is_dir():
            yield from _templates(entry, f"{above}{entry.name}/")
        elif entry.name.endswith(SUFFIX):
            yield f"{above}{entry.name.removesuffix(SUFFIX)}", entry


def _filled(text: str, words: Mapping[str, str]) -> str:
    return _WORD.sub(lambda match: words[match[1]], text)


def _sorted_imports(text: str, package: str) -> str:
    """Put a package that comes before ``core`` in the alphabet there in the imports, too."""
    core, own = (_STATEMENT.format(package=re.escape(one)) for one in ("core", package))
    return re.sub(rf"((?:{core})+)((?:{own})+)", r"\2\1", text)
