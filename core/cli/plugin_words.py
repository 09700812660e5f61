"""What ``abah plugins`` prints: words for states and steps, and tables of plans."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from core.api.cli import console, in_words, say, show_table
from core.framework.doctor import Severity
from core.framework.overview import PluginStatus
from core.framework.preview import InstallPreview
from core.framework.rehearsal import Rehearsal, RehearsedPart
from core.framework.removal import RemovalPreview
from core.framework.schedules import JAKARTA
from core.framework.words import OPERATIONS, OUTCOMES, STEPS, change_words, load_words, state_words
from core.i18n import TranslationString, _

__all__ = [
    "OPERATIONS",
    "SEVERITIES",
    "STEPS",
    "as_row",
    "print_details",
    "show_plan",
    "show_rehearsal",
    "show_removal",
    "step_words",
]

SEVERITIES = {
    Severity.ERROR: _("kesalahan"),
    Severity.WARNING: _("peringatan"),
    Severity.NOTE: _("catatan"),
}


def step_words(plugin: str, step: str) -> None:
    """Print a step of a lifecycle operation before it begins."""
    console().print(f"  {plugin}: {in_words(STEPS.get(step, step))}", style="dim", markup=False)


def as_row(status: PluginStatus, *, as_json: bool) -> dict[str, Any]:
    """Give a plugin as a row of the list."""
    row = status.as_dict()
    row.setdefault("summary", "")
    row["problem"] = in_words(status.problem)
    if not as_json:
        row["state"] = state_words(status)
        if status.needs_upgrade:
            row["version"] = f"{status.installed_version} → {status.version}"
    return row


def print_details(details: dict[str, Any]) -> None:
    """Print everything about one plugin, with what it cost and its history."""
    entries = details.pop("history")
    places = details.pop("health")
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
        "deprecated": _("Memakai yang akan dihapus"),
    }
    for key, label in labels.items():
        value = details.get(key)
        if isinstance(value, dict):
            value = ", ".join(f"{name} {wanted}".strip() for name, wanted in value.items())
        elif isinstance(value, list):
            value = ", ".join(value)
        if value:
            console().print(f"{in_words(label)}: {in_words(str(value))}", markup=False)
    if places:
        _show_places(places)
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
            for key, words in (("operation", OPERATIONS), ("step", STEPS), ("outcome", OUTCOMES)):
                entry[key] = in_words(words.get(entry[key], entry[key]))
            entry["at"] = f"{entry['at'].astimezone(JAKARTA):%d/%m/%Y %H:%M:%S} WIB"
        show_table(entries, columns)


def _show_places(places: list[dict[str, Any]]) -> None:
    """Print a table of what the plugin cost at each place, the dearest first."""
    rows = [
        {
            "place": one["place"],
            "calls": one["calls"],
            "seconds": f"{one['seconds']:.3f}",
            "mean": f"{1000 * one['seconds'] / one['calls']:.3f}",
            "failures": one["failures"] or "",
            "error": " ".join((one["error_id"], one["error"])).strip(),
        }
        for one in places
    ]
    columns = {
        "place": _("Tempat"),
        "calls": _("Panggilan"),
        "seconds": _("Detik"),
        "mean": _("ms/panggilan"),
        "failures": _("Gagal"),
        "error": _("Kode dan kesalahan terakhir"),
    }
    console().print()
    say(_("Dalam 24 jam terakhir, di semua proses:"))
    show_table(rows, columns)


def show_plan(previews: list[InstallPreview]) -> None:
    """Print what an install or upgrade would do."""
    rows = [
        {
            "operation": OPERATIONS[one.planned.operation],
            "name": one.planned.manifest.name,
            "version": one.planned.manifest.version,
            "because": one.planned.because,
        }
        for one in previews
    ]
    columns = {
        "operation": _("Tindakan"),
        "name": _("Plugin"),
        "version": _("Versi"),
        "because": _("Dibutuhkan oleh"),
    }
    show_table(rows, columns)
    changes = [
        {"name": one.planned.manifest.name, "what": what, "which": ", ".join(which)}
        for one in previews
        for what, which in change_words(one.as_dict())
    ]
    if changes:
        console().print()
        columns = {"name": _("Plugin"), "what": _("Perubahan"), "which": _("Rincian")}
        show_table(changes, columns)
    for one in previews:
        for warning in one.warnings:
            say(warning, style="yellow")


KINDS = {
    "permissions": _("izin"),
    "menus": _("menu"),
    "schedules": _("jadwal"),
    "data": _("isi berkas data"),
    "settings": _("pengaturan"),
    "commands": _("perintah"),
    "queues": _("antrean"),
    "routes": _("rute"),
    "templates": _("templat"),
    "blocks": _("blok templat"),
}
"""What a version adds or takes away."""


def show_rehearsal(found: Rehearsal) -> None:
    """Print what an upgrade did on a copy."""
    rows = [
        {"name": part.name, "what": what, "which": which}
        for part in found.parts
        for what, which in _rehearsed(part)
    ]
    show_table(rows, {"name": _("Plugin"), "what": _("Perubahan"), "which": _("Rincian")})
    if found.rows:
        console().print()
        counted = [
            {"table": table, "before": _count(before), "after": _count(after)}
            for table, before, after in found.rows
        ]
        columns = {"table": _("Tabel"), "before": _("Baris sebelum"), "after": _("Baris sesudah")}
        show_table(counted, columns)
    console().print()
    for part in found.parts:
        if part.error:
            step = STEPS.get(part.step, part.step)
            text = _(
                "${name} akan gagal pada langkah ${step}: ${reason}",
                mapping={"name": part.name, "step": step or "-", "reason": part.error},
            )
            say(text, style="red")
    if not found.broke:
        say(_("Pembaruan ini berhasil pada salinan; basis data tidak diubah."), style="green")


def _rehearsed(part: RehearsedPart) -> Iterator[tuple[TranslationString, str]]:
    yield _("versi"), f"{part.old or '-'} → {part.new}"
    if part.migrations:
        timed = [f"{number} ({seconds:.2f} s)" for number, seconds in part.migrations]
        yield _("migrasi"), ", ".join(timed)
    if part.data is not None:
        yield from ((what, ", ".join(which)) for what, which in load_words(asdict(part.data)))
    for kind, names in part.added.items():
        yield _("ditambah"), f"{in_words(KINDS.get(kind, kind))}: {', '.join(names)}"
    for kind, names in part.removed.items():
        yield _("dihilangkan"), f"{in_words(KINDS.get(kind, kind))}: {', '.join(names)}"


def _count(rows: int | None) -> str:
    return "-" if rows is None else str(rows)


def show_removal(preview: RemovalPreview, *, purge: bool) -> None:
    """Print what an uninstall would take away, and what stays."""
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
