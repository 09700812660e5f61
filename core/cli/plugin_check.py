"""``abah plugins check``: hold plugins to the conformance suite and print their grade."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import click

from core.api.cli import errors, json_option, print_json, say, show_table
from core.cli.state import CliState, pass_state
from core.errors import AbahError, ConfigurationError
from core.framework.discovery import discover
from core.framework.loading import unusable
from core.framework.manifest import MANIFEST_FILE
from core.framework.settings import Settings
from core.i18n import _

__all__ = ["check"]

GRADES: Final = ("bronze", "silver", "gold")

OUTCOMES: Final = {
    "passed": _("lulus"),
    "failed": _("gagal"),
    "not checked": _("tidak diperiksa"),
}


@click.command("check", help=_("Menguji plugin dengan suite kesesuaian dan memberi peringkat."))
@click.argument("names", nargs=-1)
@click.option("--all", "every", is_flag=True, help=_("Semua plugin bawaan."))
@click.option(
    "--tests",
    metavar="PATH",
    type=click.Path(exists=True, path_type=Path),
    help=_("Uji milik plugin; tanpa ini dicari di paketnya atau proyeknya."),
)
@click.option(
    "--grade",
    "wanted",
    type=click.Choice(GRADES),
    default=GRADES[-1],
    show_default=True,
    help=_("Peringkat yang harus dicapai; di bawahnya perintah ini gagal."),
)
@json_option
@pass_state
def check(  # noqa: PLR0913, PLR0917 - one argument an option
    state: CliState,
    names: tuple[str, ...],
    every: bool,  # noqa: FBT001 - click gives it by name
    tests: Path | None,
    wanted: str,
    as_json: bool,  # noqa: FBT001
) -> int:
    """Check plugins one after the other; exit code 1 when one stays below what is wanted."""
    if find_spec("pytest") is None or find_spec("webtest") is None:
        raise AbahError(
            _("Pengujian memerlukan paket tambahan. Pasang dengan: pip install 'abah[test]'")
        )
    chosen = list(dict.fromkeys([*names, *(_bundled() if every else ())]))
    if not chosen:
        raise AbahError(_("Sebutkan nama plugin, atau pakai --all."))
    if tests is not None and len(chosen) > 1:
        raise AbahError(_("--tests hanya untuk satu plugin."))
    path = _plugins_path(state)
    found = discover(Settings({"abah.plugins_path": path}))
    for name in chosen:
        if name not in found:
            raise unusable(name, None)
    reports = []
    for name in chosen:
        report = _examine(name, path, tests)
        reports.append(report)
        if not as_json:
            _show(report)
    if as_json:
        print_json(reports)
    needed = GRADES.index(wanted)
    reached = [GRADES.index(one["grade"]) if one["grade"] else -1 for one in reports]
    return int(min(reached) < needed)


def _bundled() -> list[str]:
    home = Path(str(import_module("plugins").__file__)).parent
    return sorted(path.parent.name for path in home.glob(f"*/{MANIFEST_FILE}"))


def _plugins_path(state: CliState) -> str:
    """Read ``abah.plugins_path``; a plugin can be checked without any configuration."""
    try:
        configured = state.config_path
    except ConfigurationError:
        if state.config is not None:
            raise
        return ""
    return os.pathsep.join(
        part.strip()
        for line in Settings(state.settings()).text("abah.plugins_path").splitlines()
        for part in line.split(os.pathsep)
        if part.strip() and configured
    )


def _examine(name: str, path: str, tests: Path | None) -> dict[str, Any]:
    """Check one plugin in a process of its own.

    :raises AbahError: that process came to no end.
    """
    with tempfile.TemporaryDirectory(prefix="abah-check-") as folder:
        output = Path(folder) / "report.json"
        command = [
            sys.executable,
            "-P",
            "-m",
            "core.testing.grading",
            name,
            "--output",
            str(output),
        ]
        command += ["--plugins-path", path] if path else []
        command += ["--tests", str(tests)] if tests is not None else []
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        if not output.is_file():
            errors().print(done.stderr.strip(), markup=False)
            raise AbahError(_("Pengujian plugin ${name} tidak selesai.", mapping={"name": name}))
        report: dict[str, Any] = json.loads(output.read_text(encoding="utf-8"))
        return report


def _show(report: dict[str, Any]) -> None:
    rows = [one | {"outcome": OUTCOMES[one["outcome"]]} for one in report["checks"]]
    columns = {
        "name": _("Pemeriksaan"),
        "grade": _("Peringkat"),
        "outcome": _("Hasil"),
        "reason": _("Alasan"),
    }
    show_table(rows, columns)
    text = _(
        "Plugin ${name}: peringkat ${grade}.",
        mapping={"name": report["plugin"], "grade": report["grade"] or "-"},
    )
    say(text, style="green" if report["grade"] == GRADES[-1] else "yellow")
