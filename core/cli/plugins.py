"""``abah plugins``: see, install and remove plugins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from core.api.cli import (
    ask_to_go_on,
    console,
    in_words,
    json_option,
    print_json,
    say,
    show_table,
    who,
    yes_option,
)
from core.cli.state import CliState, pass_state
from core.db import utcnow
from core.errors import NotFoundError
from core.framework.doctor import Severity, examine
from core.framework.journal import history
from core.framework.lifecycle import Lifecycle, Planned, setup_core
from core.framework.models import PluginState
from core.framework.overview import PluginStatus, overview
from core.framework.registry import has_tables
from core.framework.removal import RemovalPreview, preview_removal, uninstall
from core.framework.schedules import JAKARTA
from core.i18n import TranslationString, _

__all__ = ["command", "step_words"]

STATES = {
    PluginState.AVAILABLE: _("tersedia"),
    PluginState.INSTALLING: _("pemasangan terputus"),
    PluginState.INSTALLED: _("aktif"),
    PluginState.DISABLED: _("nonaktif"),
    PluginState.UPGRADING: _("pembaruan terputus"),
    PluginState.REMOVING: _("pelepasan terputus"),
    PluginState.FAILED: _("gagal"),
    PluginState.MISSING: _("hilang"),
    PluginState.INCOMPATIBLE: _("tidak cocok"),
}

STEPS = {
    "check": _("memeriksa"),
    "migrate": _("menyiapkan tabel"),
    "data": _("memuat data"),
    "permissions": _("memberi izin"),
    "mark": _("mencatat"),
    "enable": _("mengaktifkan"),
    "disable": _("menonaktifkan"),
}

OPERATIONS = {
    "install": _("pasang"),
    "upgrade": _("perbarui"),
    "enable": _("aktifkan"),
}

SEVERITIES = {
    Severity.ERROR: _("kesalahan"),
    Severity.WARNING: _("peringatan"),
    Severity.NOTE: _("catatan"),
}


@click.group("plugins", help=_("Melihat, memasang dan melepas plugin."))
def command() -> None:
    """Hold the verbs."""


@command.command("list", help=_("Daftar semua plugin yang ditemukan atau pernah dipasang."))
@json_option
@pass_state
def list_plugins(state: CliState, as_json: bool) -> None:  # noqa: FBT001 - click gives it by name
    """List plugins with their state."""
    rows = [_row(status, as_json=as_json) for status in overview(state.runtime())]
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
    details = _row(status, as_json=as_json)
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
    if as_json:
        print_json(details)
    else:
        _print_details(details)


@command.command("install", help=_("Memasang plugin beserta semua yang dibutuhkannya."))
@click.argument("names", nargs=-1, required=True)
@yes_option
@pass_state
def install(state: CliState, names: tuple[str, ...], yes: bool) -> None:  # noqa: FBT001
    """Install plugins after showing what comes along."""
    runtime = state.open(plugins=())
    try:
        _ensure_core(runtime)
        lifecycle = Lifecycle(runtime, actor=who(), progress=step_words)
        planned = lifecycle.plan(*names)
        if not planned:
            say(_("Sudah terpasang; tidak ada yang perlu dilakukan."))
            return
        if any(item.because for item in planned):
            _show_plan(planned)
            ask_to_go_on(_("Lanjutkan?"), yes=yes)
        done = lifecycle.install(*names)
    finally:
        runtime.close()
    for item in done:
        text = _(
            "Plugin ${name} ${version} terpasang.",
            mapping={"name": item.manifest.name, "version": item.manifest.version},
        )
        say(text, style="green")


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


@command.command("uninstall", help=_("Melepas plugin; datanya tetap ada kecuali dengan --purge."))
@click.argument("name")
@click.option("--purge", is_flag=True, help=_("Ekspor lalu hapus seluruh tabel dan data plugin."))
@click.option(
    "--export",
    "export",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help=_("Berkas ekspor sebelum penghapusan; tanpa ini dibuat di folder kerja."),
)
@yes_option
@pass_state
def remove(state: CliState, name: str, purge: bool, export: Path | None, yes: bool) -> None:  # noqa: FBT001
    """Uninstall a plugin after showing what goes."""
    runtime = state.runtime()
    preview = preview_removal(runtime, name)
    _show_preview(preview, purge=purge)
    ask_to_go_on(_("Lepas plugin ${name}?", mapping={"name": name}), yes=yes)
    target = None
    if purge:
        target = export or Path(f"{name}-{utcnow():%Y%m%d-%H%M%S}.zip")
    contents = uninstall(runtime, name, actor=who(), purge_to=target)
    if contents is not None:
        text = _(
            "Data diekspor ke ${file} (${rows} baris), lalu dihapus.",
            mapping={"file": str(target), "rows": sum(contents.rows.values())},
        )
        say(text)
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


def step_words(plugin: str, step: str) -> None:
    """Print a step of a lifecycle operation before it begins."""
    console().print(f"  {plugin}: {in_words(STEPS.get(step, step))}", style="dim", markup=False)


def _ensure_core(runtime: Any) -> None:
    with runtime.database.reading() as session:
        ready = has_tables(session)
    if not ready:
        setup_core(runtime)


def _row(status: PluginStatus, *, as_json: bool) -> dict[str, Any]:
    row = status.as_dict()
    row.setdefault("summary", "")
    row["problem"] = in_words(status.problem)
    if not as_json:
        row["state"] = STATES[status.state]
        if status.needs_upgrade:
            row["version"] = f"{status.installed_version} → {status.version}"
    return row


def _print_details(details: dict[str, Any]) -> None:
    entries = details.pop("history")
    labels = {
        "name": _("Nama"),
        "version": _("Versi"),
        "state": _("Keadaan"),
        "problem": _("Masalah"),
        "summary": _("Ringkasan"),
        "category": _("Kategori"),
        "source": _("Lokasi"),
        "core": _("Versi abah"),
        "depends": _("Membutuhkan"),
        "permissions": _("Izin"),
        "menus": _("Menu"),
        "schedules": _("Jadwal"),
    }
    for key, label in labels.items():
        value = details.get(key)
        if isinstance(value, dict):
            value = ", ".join(f"{name} {wanted}".strip() for name, wanted in value.items())
        elif isinstance(value, list):
            value = ", ".join(value)
        if value:
            console().print(f"{in_words(label)}: {in_words(str(value))}", markup=False)
    if entries:
        console().print()
        columns = {
            "at": _("Waktu"),
            "operation": _("Operasi"),
            "step": _("Langkah"),
            "outcome": _("Hasil"),
            "actor": _("Oleh"),
        }
        for entry in entries:
            entry["at"] = f"{entry['at'].astimezone(JAKARTA):%d/%m/%Y %H:%M:%S} WIB"
        show_table(entries, columns)


def _show_plan(planned: list[Planned]) -> None:
    rows = [
        {
            "operation": OPERATIONS[item.operation],
            "name": item.manifest.name,
            "version": item.manifest.version,
            "because": item.because,
        }
        for item in planned
    ]
    columns = {
        "operation": _("Tindakan"),
        "name": _("Plugin"),
        "version": _("Versi"),
        "because": _("Dibutuhkan oleh"),
    }
    show_table(rows, columns)


def _show_preview(preview: RemovalPreview, *, purge: bool) -> None:
    if preview.dependents:
        return
    if preview.warning:
        say(preview.warning, style="yellow")
    heading: TranslationString = (
        _("Yang akan diekspor lalu dihapus:") if purge else _("Yang tetap tersimpan:")
    )
    say(heading)
    rows = [{"table": name, "rows": count} for name, count in preview.rows.items()]
    rows.append({"table": in_words(_("data di tabel lain")), "rows": preview.data_rows})
    rows.append({"table": in_words(_("pengaturan")), "rows": preview.settings})
    show_table(rows, {"table": _("Tabel"), "rows": _("Baris")})
