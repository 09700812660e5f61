"""Command line: what a plugin's verbs need to speak like those of the core.

A command from the hook ``register_commands`` is an ordinary ``click`` command. It gets the runtime
A command from the hook ``register_commands`` is an ordinary ``click`` command. It gets the runtime
with :data:`pass_runtime`, speaks through :func:`say` and :func:`show_table`, and fails by raising
an ``AbahError``, which the command line shows as one sentence with exit code 1. Help texts are
Indonesian sentences (``help=_("…")``); the command line translates them.
"""

from __future__ import annotations

import getpass
import gettext
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from core.framework.runs import ACTOR_VARIABLE
from core.framework.runtime import Runtime
from core.i18n import DOMAIN, TranslationString, _

__all__ = [
    "DEFAULT_LANGUAGE",
    "LANGUAGES",
    "add_catalogues",
    "agree",
    "ask_to_go_on",
    "console",
    "errors",
    "in_words",
    "json_option",
    "language",
    "pass_runtime",
    "print_json",
    "progress_bar",
    "say",
    "show_table",
    "use_language",
    "who",
    "yes_option",
]

DEFAULT_LANGUAGE: Final = "id"
LANGUAGES: Final = ("id", "en")

pass_runtime = click.make_pass_decorator(Runtime)
"""Decorator: the command's first argument is the :class:`~core.api.runtime.Runtime`."""

json_option = click.option(
    "--json", "as_json", is_flag=True, help=_("Keluaran JSON untuk dibaca program.")
)
"""Decorator: adds ``--json``, given to the command as ``as_json``."""

yes_option = click.option("-y", "--yes", is_flag=True, help=_("Jangan bertanya; jawab ya."))
"""Decorator: adds ``--yes`` for a command that asks before it acts."""

_language: ContextVar[str] = ContextVar("language", default=DEFAULT_LANGUAGE)
_folders: list[Path] = [Path(__file__).parents[1] / "locale"]
_catalogues: dict[tuple[str, Path], gettext.NullTranslations] = {}


def use_language(name: str) -> None:
    """Speak Indonesian (``id``) or English (``en``) from now on."""
    _language.set(name if name in LANGUAGES else DEFAULT_LANGUAGE)


def language() -> str:
    """Return the language that the command line speaks."""
    return _language.get()


def add_catalogues(folders: Iterable[Path]) -> None:
    """Look for translations in these folders too; plugins bring their own words."""
    _folders.extend(folder for folder in folders if folder not in _folders)


def in_words(text: str) -> str:
    """Put a sentence into the language of the command line and fill in its placeholders."""
    sentence = _translation(str(text))
    mapping = getattr(text, "mapping", None)
    if not mapping:
        return sentence
    values = {
        name: in_words(value) if isinstance(value, TranslationString) else value
        for name, value in mapping.items()
    }
    return str(TranslationString(sentence, mapping=values).interpolate())


def console() -> Console:
    """Return the terminal's standard output."""
    return Console(highlight=False, soft_wrap=True)


def errors() -> Console:
    """Return the terminal's standard error, for what is no result."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def say(text: str, *, style: str | None = None) -> None:
    """Print a sentence."""
    console().print(in_words(text), style=style, markup=False)


def print_json(value: Any) -> None:
    """Print a value as JSON and nothing else; times as ISO 8601."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def show_table(
    rows: Sequence[Mapping[str, Any]],
    columns: Mapping[str, TranslationString],
    *,
    as_json: bool = False,
    empty: TranslationString | None = None,
) -> None:
    """Print rows as a table with ``columns`` (key and heading), or every key of them as JSON.

    ``empty`` is said where there are no rows.
    """
    if as_json:
        print_json(list(rows))
        return
    if not rows:
        say(empty or _("Tidak ada."))
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in columns.values():
        table.add_column(in_words(heading), overflow="fold")
    for row in rows:
        table.add_row(*(_cell(row.get(key)) for key in columns))
    # Without markup: a cell may hold brackets.
    Console(highlight=False, markup=False).print(table)


def ask_to_go_on(question: TranslationString, *, yes: bool) -> None:
    """Ask, and stop with exit code 1 unless the answer is yes. ``yes`` answers beforehand.

    Without a terminal nobody can answer: the command stops and says that ``--yes`` is wanted.
    """
    if yes or agree(question):
        return
    errors().print(
        in_words(_("Dibatalkan; tidak ada yang diubah. Jawab dengan --yes bila setuju."))
    )
    raise click.exceptions.Exit(1)


def agree(question: TranslationString) -> bool:
    """Ask a question that is answered by ya or tidak; no answer means no."""
    hint = in_words(_("ya/tidak"))
    try:
        answer = click.prompt(
            f"{in_words(question)} [{hint}]", default="", show_default=False, err=True
        )
    except click.Abort:
        return False
    return answer.strip().lower() in {"y", "ya", "yes"}


@contextmanager
def progress_bar(title: TranslationString, total: int | None) -> Iterator[Any]:
    """Show a bar on the standard error; the block calls what it gets with the steps done since.

    Nothing is shown where the standard error is no terminal.
    """
    terminal = errors()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    bar = Progress(*columns, console=terminal, disable=not terminal.is_terminal, transient=True)
    with bar:
        task = bar.add_task(in_words(title), total=total)
        yield lambda steps=1: bar.advance(task, steps)


def who() -> str:
    """Return who acts, for journals: whom Aplikasi named, else the account of the system."""
    if named := os.environ.get(ACTOR_VARIABLE, ""):
        return named
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):
        return "cli"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return in_words(_("ya") if value else _("tidak"))
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(map(_cell, value))
    return in_words(value) if isinstance(value, str) else str(value)


def _translation(text: str) -> str:
    wanted = _language.get()
    if wanted == DEFAULT_LANGUAGE or not text:
        return text
    for folder in _folders:
        key = (wanted, folder)
        if key not in _catalogues:
            _catalogues[key] = gettext.translation(
                DOMAIN, str(folder), languages=[wanted], fallback=True
            )
        found = _catalogues[key].gettext(text)
        if found != text:
            return found
    return text
