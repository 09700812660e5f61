"""``abah plugins``: see, install and remove plugins."""

from __future__ import annotations

import signal
from contextlib import nullcontext
from dataclasses import asdict
from functools import reduce
from pathlib import Path
from typing import Any

import click

from core.api.cli import (
    ask_to_go_on,
    in_words,
    json_option,
    print_json,
    progress_bar,
    say,
    show_table,
    who,
    yes_option,
)
from core.cli.authoring import new, texts
from core.cli.plugin_check import check
from core.cli.plugin_data import list_conflicts, settle_conflict
from core.cli.plugin_words import (
    OPERATIONS,
    SEVERITIES,
    STEPS,
    as_row,
    print_details,
    show_plan,
    show_rehearsal,
    show_removal,
    step_words,
)
from core.cli.state import CliState, pass_state
from core.errors import AbahError, NotFoundError
from core.framework.deprecation import deprecated_uses
from core.framework.doctor import Severity, examine
from core.framework.health import plugin_health
from core.framework.importing import Export
from core.framework.journal import Unfinished, history
from core.framework.lifecycle import Lifecycle, setup_core
from core.framework.lock import LockedError, lock_holder
from core.framework.overview import overview
from core.framework.planning import Planned
from core.framework.preview import preview_install
from core.framework.registry import has_tables
from core.framework.rehearsal import behind, rehearse
from core.framework.removal import export_file, preview_removal, uninstall
from core.framework.resuming import export_of, interrupted
from core.framework.resuming import resume as carry_on
from core.framework.runtime import Runtime
from core.i18n import TranslationString, _, stored

__all__ = ["command"]


@click.group("plugins", help=_("Melihat, memasang dan melepas plugin."))
def command() -> None:
    """Hold the verbs."""


command.add_command(list_conflicts)
command.add_command(settle_conflict)
command.add_command(check)
command.add_command(new)
command.add_command(texts)


@command.command("list", help=_("Daftar semua plugin yang ditemukan atau pernah dipasang."))
@json_option
@pass_state
def list_plugins(state: CliState, as_json: bool) -> None:  # noqa: FBT001 - click gives it by name
    """List plugins with their state."""
    rows = [as_row(status, as_json=as_json) for status in overview(state.runtime())]
    columns = {
        "name": _("Nama"),
        "version": _("Versi"),
        "state": _("Keadaan"),
        "summary": _("Ringkasan"),
        "problem": _("Masalah"),
    }
    show_table(rows, columns, as_json=as_json, empty=_("Tidak ada plugin yang ditemukan."))


@command.command("show", help=_("Rincian satu plugin, dengan riwayat pemasangannya."))
@click.argument("name")
@json_option
@pass_state
def show(state: CliState, name: str, as_json: bool) -> None:  # noqa: FBT001
    """Show one plugin."""
    runtime = state.runtime()
    status = next((item for item in overview(runtime) if item.name == name), None)
    if status is None:
        raise NotFoundError(_("Plugin ${name} tidak ditemukan.", mapping={"name": name}))
    details = as_row(status, as_json=as_json)
    uses = [use for use in deprecated_uses(runtime) if use.plugin == name]
    details["deprecated"] = [in_words(use.explanation) for use in uses]
    with runtime.database.reading() as session:
        entries = history(session, name) if has_tables(session) else ()
        details["history"] = [
            {
                "at": entry.at,
                "operation": entry.operation,
                "step": entry.step,
                "outcome": entry.outcome,
                "actor": entry.actor,
            }
            for entry in entries
        ]
        places = plugin_health(session).get(name, []) if has_tables(session) else []
        details["health"] = [asdict(place) for place in places]
    if as_json:
        print_json(details)
    else:
        print_details(details)


export_option = click.option(
    "--from",
    "export",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help=_("Muat kembali ekspor dari uninstall plugin ini."),
)


@command.command(
    "preview", help=_("Menunjukkan apa yang akan dilakukan install atau upgrade; tidak mengubah.")
)
@click.argument("names", nargs=-1, required=True)
@click.option("--upgrade", is_flag=True, help=_("Apa yang akan dilakukan upgrade."))
@export_option
@json_option
@pass_state
def preview(
    state: CliState,
    names: tuple[str, ...],
    upgrade: bool,  # noqa: FBT001
    export: Path | None,
    as_json: bool,  # noqa: FBT001
) -> None:
    """Show what an install or upgrade of ``names`` would do."""
    runtime = state.open(plugins=())
    lifecycle = Lifecycle(runtime)
    try:
        planned = lifecycle.plan_upgrade(*names) if upgrade else lifecycle.plan(*names)
        found = preview_install(runtime, planned, _export(lifecycle, planned, names, export))
    except AbahError as error:
        if as_json:
            # For whoever reads it in another language than this process speaks.
            print_json({"refused": stored(error.explanation)})
        raise
    finally:
        runtime.close()
    if as_json:
        print_json([one.as_dict() for one in found])
    elif found:
        show_plan(found)
    else:
        say(_("Sudah terpasang; tidak ada yang perlu dilakukan."))


@command.command("install", help=_("Memasang plugin beserta semua yang dibutuhkannya."))
@click.argument("names", nargs=-1, required=True)
@export_option
@yes_option
@pass_state
def install(state: CliState, names: tuple[str, ...], export: Path | None, yes: bool) -> None:  # noqa: FBT001
    """Install plugins after showing what comes along."""
    runtime = state.open(plugins=())
    try:
        _ensure_core(runtime)
        lifecycle = Lifecycle(runtime, actor=who(), progress=step_words)
        planned = lifecycle.plan(*names)
        found = _export(lifecycle, planned, names, export)
        if not planned:
            say(_("Sudah terpasang; tidak ada yang perlu dilakukan."))
            return
        show_plan(preview_install(runtime, planned, found))
        if found is not None or any(item.because for item in planned):
            ask_to_go_on(_("Lanjutkan?"), yes=yes)
        total = sum(found.rows.values()) if found is not None else None
        with progress_bar(_("Memuat ekspor"), total) if total else nullcontext(None) as advance:
            rows = None if advance is None else lambda _table, count: advance(count)
            lifecycle = Lifecycle(runtime, actor=who(), progress=step_words, rows=rows)
            done = lifecycle.install(*names, export=export)
    finally:
        runtime.close()
    for item in done:
        text = _(
            "Plugin ${name} ${version} terpasang.",
            mapping={"name": item.manifest.name, "version": item.manifest.version},
        )
        say(text, style="green")


@command.command("upgrade", help=_("Memperbarui tabel dan data plugin; semuanya bila tanpa nama."))
@click.argument("names", nargs=-1)
@click.option(
    "--rehearse",
    "rehearsal",
    is_flag=True,
    help=_("Coba pada salinan basis data dan laporkan; tidak mengubah apa pun."),
)
@json_option
@yes_option
@pass_state
def upgrade(
    state: CliState,
    names: tuple[str, ...],
    rehearsal: bool,  # noqa: FBT001
    as_json: bool,  # noqa: FBT001
    yes: bool,  # noqa: FBT001
) -> int:
    """Bring installed plugins up to date after showing what that means, or try it on a copy."""
    if rehearsal:
        return _rehearse(state, names, as_json=as_json)
    if as_json:
        raise click.UsageError(in_words(_("--json hanya untuk --rehearse.")))
    runtime = state.open(plugins=())
    try:
        lifecycle = Lifecycle(runtime, actor=who(), progress=step_words)
        # Without a name only what is behind its code; by name also what was mended in place.
        wanted = names or tuple(lifecycle.outdated())
        if not wanted:
            say(_("Semua plugin sudah sesuai dengan kodenya."))
            return 0
        show_plan(preview_install(runtime, lifecycle.plan_upgrade(*wanted)))
        ask_to_go_on(_("Lanjutkan?"), yes=yes)
        done = lifecycle.upgrade(*wanted)
    finally:
        runtime.close()
    for name in done:
        say(_("Plugin ${name} diperbarui.", mapping={"name": name}), style="green")
    return 0


def _rehearse(state: CliState, names: tuple[str, ...], *, as_json: bool) -> int:
    """Try an upgrade on a copy; exit code 1 when it broke."""
    # As Ctrl-C: the copy has to be removed by whoever made it.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    runtime = state.open(plugins=())
    try:
        if not names and not behind(runtime):
            say(_("Semua plugin sudah sesuai dengan kodenya."))
            return 0
        found = rehearse(runtime, *names, progress=None if as_json else step_words)
    finally:
        runtime.close()
        signal.signal(signal.SIGTERM, before)
    if as_json:
        print_json(found.as_dict(in_words))
    else:
        show_rehearsal(found)
    return int(found.broke)


@command.command("resume", help=_("Melanjutkan operasi plugin yang terputus."))
@click.option(
    "--only",
    multiple=True,
    metavar="ID",
    help=_("Hanya operasi ini; boleh diulang. Id-nya ada di keluaran --verbose."),
)
@yes_option
@pass_state
def resume(state: CliState, only: tuple[str, ...], yes: bool) -> None:  # noqa: FBT001
    """Carry on whatever was broken off, the oldest first."""
    runtime = state.open(plugins=())
    try:
        holder = lock_holder(runtime.database)
        if holder is not None and holder.alive:
            raise LockedError(holder)
        operations = [one for one in interrupted(runtime) if not only or one.operation_id in only]
        if not operations:
            say(_("Tidak ada operasi yang terputus."))
            return
        rows = [
            {
                "operation": OPERATIONS[one.operation],
                "name": one.plugin,
                "step": STEPS.get(one.step, one.step),
                "id": one.operation_id,
            }
            for one in operations
        ]
        columns = {"operation": _("Tindakan"), "name": _("Plugin"), "step": _("Langkah")}
        show_table(rows, columns | ({"id": _("Id")} if state.verbose else {}))
        ask_to_go_on(_("Lanjutkan?"), yes=yes)
        problems = [problem for one in operations if (problem := _problem_with(runtime, one))]
    finally:
        runtime.close()
    if problems:
        raise AbahError(reduce(_and, problems))


def _problem_with(runtime: Runtime, operation: Unfinished) -> TranslationString | None:
    """Carry one operation on; what stops it must not stop those of other plugins."""
    try:
        carry_on(runtime, operation, actor=who(), progress=step_words)
    except AbahError as error:
        return error.explanation
    say(_("Plugin ${name}: selesai.", mapping={"name": operation.plugin}), style="green")
    export = export_of(operation)
    if export is not None:
        say(_("Data diekspor ke ${file}.", mapping={"file": str(export)}))
    return None


def _and(first: TranslationString, second: TranslationString) -> TranslationString:
    both: TranslationString = _("${first} ${second}", mapping={"first": first, "second": second})
    return both


@command.command("enable", help=_("Mengaktifkan kembali plugin yang dinonaktifkan."))
@click.argument("name")
@pass_state
def enable(state: CliState, name: str) -> None:
    """Enable a plugin."""
    Lifecycle(state.runtime(), actor=who()).enable(name)
    say(_("Plugin ${name} aktif.", mapping={"name": name}), style="green")


@command.command("disable", help=_("Menonaktifkan plugin; semua datanya tetap ada."))
@click.argument("name")
@pass_state
def disable(state: CliState, name: str) -> None:
    """Disable a plugin."""
    Lifecycle(state.runtime(), actor=who()).disable(name)
    say(_("Plugin ${name} nonaktif. Datanya tetap tersimpan.", mapping={"name": name}))


@command.command(
    "uninstall",
    help=_("Mengekspor data plugin dan melepasnya; datanya tetap ada kecuali dengan --purge."),
)
@click.argument("name")
@click.option("--purge", is_flag=True, help=_("Ekspor lalu hapus seluruh tabel dan data plugin."))
@click.option(
    "--export",
    "export",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help=_("Berkas ekspor; tanpa ini dibuat di abah.exports, atau di folder kerja."),
)
@yes_option
@pass_state
def remove(state: CliState, name: str, purge: bool, export: Path | None, yes: bool) -> None:  # noqa: FBT001
    """Uninstall a plugin after showing what goes."""
    runtime = state.runtime()
    preview = preview_removal(runtime, name)
    show_removal(preview, purge=purge)
    ask_to_go_on(_("Lepas plugin ${name}?", mapping={"name": name}), yes=yes)
    target = None
    if purge or export is not None or not preview.empty:
        target = export_file(runtime, name) if export is None else export.absolute()
    contents = uninstall(runtime, name, actor=who(), export_to=target, purge=purge)
    if contents is not None:
        facts = {"file": str(target), "rows": sum(contents.rows.values())}
        exported = _("Data diekspor ke ${file} (${rows} baris).", mapping=facts)
        purged = _("Data diekspor ke ${file} (${rows} baris), lalu dihapus.", mapping=facts)
        say(purged if purge else exported)
    say(_("Plugin ${name} dilepas.", mapping={"name": name}), style="green")


@command.command("doctor", help=_("Memeriksa plugin dan memberi saran. Gagal bila ada kesalahan."))
@json_option
@pass_state
def doctor(state: CliState, as_json: bool) -> int:  # noqa: FBT001
    """Examine the deployment; exit code 1 when something is wrong."""
    findings = examine(state.runtime())
    rows = [
        {
            "severity": str(finding.severity) if as_json else SEVERITIES[finding.severity],
            "plugin": finding.plugin,
            "text": in_words(finding.text),
        }
        for finding in findings
    ]
    columns = {"severity": _("Tingkat"), "plugin": _("Plugin"), "text": _("Temuan dan saran")}
    show_table(rows, columns, as_json=as_json, empty=_("Semua baik."))
    return int(any(finding.severity is Severity.ERROR for finding in findings))


def _export(
    lifecycle: Lifecycle, planned: list[Planned], names: tuple[str, ...], export: Path | None
) -> Export | None:
    """Look at the export that is to be read back, where there is one."""
    if export is None:
        return None
    if len(names) != 1:
        raise click.UsageError(in_words(_("--from memuat ekspor satu plugin: sebut satu nama.")))
    return lifecycle.read_export(planned, *names, export=export)


def _ensure_core(runtime: Any) -> None:
    with runtime.database.reading() as session:
        ready = has_tables(session)
    if not ready:
        setup_core(runtime)
