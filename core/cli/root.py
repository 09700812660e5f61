"""The group ``abah``: its own verbs, those of the core's rooms, and those of enabled plugins.

``abah --help`` works with a broken database or without any configuration: the verbs of plugins are
then missing, and the reason is told below the list.
"""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import click
from sqlalchemy.exc import DBAPIError, OperationalError

from core.api.cli import LANGUAGES, errors, in_words, use_language
from core.cli.noting import noted_run
from core.cli.state import CliState, state_of
from core.errors import AbahError
from core.framework.logging import mask_text
from core.framework.version import CORE_VERSION
from core.i18n import _

__all__ = ["abah", "run"]

OWN: Final = {
    "db": "core.cli.database",
    "docs": "core.cli.docs",
    "plugins": "core.cli.plugins",
    "serve": "core.cli.serve",
    "settings": "core.cli.settings",
    "setup": "core.cli.setup",
    "worker": "core.cli.worker",
}
"""Verbs of this package: module with a ``command`` of that name."""

ROOMS: Final = {"user": "core.accounts.cli", "channel": "core.messaging.cli"}
"""Verbs of lower rooms: module with a ``group``. They get the runtime as their object."""

UNEXPECTED: Final = 70
"""Exit code of an error that nobody foresaw (EX_SOFTWARE of sysexits.h)."""


class AbahGroup(click.Group):
    """Finds verbs when they are asked for, and translates their help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List every verb that can be found now."""
        return sorted({*OWN, *_rooms(), *_plugin_commands(state_of(ctx))[0]})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Find a verb: own ones first, so that no plugin can take their place."""
        if cmd_name in OWN:
            command = import_module(OWN[cmd_name]).command
        elif cmd_name in _rooms():
            command = import_module(ROOMS[cmd_name]).group
        else:
            command = _plugin_commands(state_of(ctx))[0].get(cmd_name)
        return None if command is None else _in_language(command)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Open the runtime for verbs that take it, now that one is really called."""
        try:
            name, command, rest = super().resolve_command(ctx, args)
        except click.UsageError:
            problem = _plugin_commands(state_of(ctx))[1]
            if problem:
                errors().print(problem, markup=False)
            raise
        wants_help = any(arg in ctx.help_option_names for arg in rest)
        if name not in OWN and not wants_help and not ctx.resilient_parsing:
            ctx.obj = state_of(ctx).runtime()
        return name, command, rest

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Tell why plugins' verbs are missing, where they are."""
        problem = _plugin_commands(state_of(ctx))[1]
        if problem:
            with formatter.indentation():
                formatter.write_paragraph()
                formatter.write_text(problem)


def _rooms() -> set[str]:
    found = set()
    for name, module in ROOMS.items():
        with contextlib.suppress(ModuleNotFoundError):
            if hasattr(import_module(module), "group"):
                found.add(name)
    return found


def _plugin_commands(state: CliState) -> tuple[dict[str, click.Command], str]:
    """Return the verbs of enabled plugins, and why they are missing."""
    if state.plugin_commands is None:
        try:
            state.plugin_commands = _ask_plugins(state), ""
        except Exception as error:  # noqa: BLE001 - help must work whatever is broken
            reason = in_words(_sentence(error))
            text = _(
                "Perintah dari plugin tidak dapat ditampilkan: ${reason}",
                mapping={"reason": reason},
            )
            state.plugin_commands = {}, in_words(text)
    return state.plugin_commands


def _ask_plugins(state: CliState) -> dict[str, click.Command]:
    commands: dict[str, click.Command] = {}
    owners = dict.fromkeys([*OWN, *ROOMS], "core")
    for plugin, given in state.runtime().hooks.gather("register_commands"):
        for command in given:
            name = str(command.name)
            if name in owners:
                text = _(
                    "Perintah ${name} dari plugin ${plugin} dilewati: nama itu sudah dipakai "
                    "${owner}. Beri nama lain pada register_commands di plugin ${plugin}.",
                    mapping={"name": name, "plugin": plugin, "owner": owners[name]},
                )
                errors().print(in_words(text), markup=False)
                continue
            owners[name] = plugin
            commands[name] = command
    return commands


def _in_language(command: click.Command) -> click.Command:
    """Translate the help of a command, its options and its verbs."""
    for attribute in ("help", "short_help", "epilog"):
        text = getattr(command, attribute)
        if text:
            setattr(command, attribute, in_words(text))
    for parameter in command.params:
        if isinstance(parameter, click.Option) and parameter.help:
            parameter.help = in_words(parameter.help)
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            _in_language(inner)
    return command


def _choose_config(ctx: click.Context, _option: click.Parameter, value: Path | None) -> None:
    state_of(ctx).config = value


def _choose_language(ctx: click.Context, _option: click.Parameter, value: str | None) -> None:
    wanted = value or os.environ.get("LANG", "")[:2]
    use_language(wanted)
    _in_language(ctx.command)


@click.group(
    cls=AbahGroup,
    name="abah",
    help=_("Perintah untuk menjalankan dan merawat abah."),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--lang",
    type=click.Choice(LANGUAGES),
    is_eager=True,
    expose_value=False,
    callback=_choose_language,
    help=_("Bahasa pesan; tanpa ini menurut LANG."),
)
@click.option(
    "-c",
    "--config",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    is_eager=True,
    expose_value=False,
    callback=_choose_config,
    help=_("Berkas konfigurasi; tanpa ini ABAH_CONFIG, lalu development.ini di folder kerja."),
)
@click.option(
    "-v", "--verbose", is_flag=True, help=_("Tampilkan catatan kerja dan rincian kesalahan.")
)
@click.version_option(CORE_VERSION, prog_name="abah", message="%(prog)s %(version)s")
@click.pass_context
def abah(ctx: click.Context, verbose: bool) -> None:  # noqa: FBT001 - click gives it by name
    """Begin a call; the verb does the rest."""
    state_of(ctx).verbose = verbose


def run(args: list[str] | None = None) -> None:
    """Run ``abah`` and leave with its code: 0 done, 1 refused, 2 wrong usage, 70 unexpected."""
    state = CliState()
    try:
        with noted_run(_sentence):
            result = abah.main(args=args, prog_name="abah", standalone_mode=False, obj=state)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        errors().print(in_words(_("Dihentikan.")))
        sys.exit(130)
    except BrokenPipeError:
        # The reader of a pipe has gone; nobody is left to be told.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 - the last place where anything can be told
        _explain(error)
        sys.exit(1 if isinstance(error, AbahError | DBAPIError) else UNEXPECTED)
    finally:
        state.close()
    # Click gives back the code of ctx.exit(), or what the verb returned.
    sys.exit(result if isinstance(result, int) else 0)


def _explain(error: Exception) -> None:
    terminal = errors()
    terminal.print(in_words(_sentence(error)), markup=False, style="red")
    if _verbose() or not isinstance(error, AbahError | DBAPIError):
        trace = "".join(traceback.format_exception(error))
        terminal.print(mask_text(trace), markup=False)


def _verbose() -> bool:
    return bool({"-v", "--verbose"} & set(sys.argv[1:]))


def _sentence(error: Exception) -> Any:
    if isinstance(error, AbahError):
        return error.explanation
    if isinstance(error, OperationalError):
        reason = str(error.orig).strip().splitlines()[0] if error.orig else ""
        return _(
            "Basis data tidak dapat dipakai: ${reason}. "
            "Periksa sqlalchemy.url dan apakah basis data berjalan.",
            mapping={"reason": mask_text(reason)},
        )
    if isinstance(error, DBAPIError):
        reason = str(error.orig).strip().splitlines()[0] if error.orig else ""
        return _(
            "Basis data menolak: ${reason}. Bila tabelnya belum ada, jalankan: abah setup",
            mapping={"reason": mask_text(reason)},
        )
    return _(
        "Kesalahan tak terduga: ${reason}",
        mapping={"reason": mask_text(f"{type(error).__name__}: {error}")},
    )
