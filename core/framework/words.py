"""Words for states, steps, operations and plans, for the command line and the page Aplikasi."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from core.framework.journal import RUN, WHOLE
from core.framework.models import Outcome, PluginState
from core.framework.overview import PluginStatus
from core.i18n import TranslationString, _

__all__ = [
    "OPERATIONS",
    "OUTCOMES",
    "STATES",
    "STEPS",
    "change_words",
    "load_words",
    "state_words",
    "value_words",
]

STATES: Final[Mapping[PluginState, TranslationString]] = {
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

GOING: Final[Mapping[PluginState, TranslationString]] = {
    PluginState.INSTALLING: _("sedang dipasang"),
    PluginState.UPGRADING: _("sedang diperbarui"),
    PluginState.REMOVING: _("sedang dilepas"),
}
"""The same states while somebody works on the plugin."""

STEPS: Final[Mapping[str, TranslationString]] = {
    "check": _("memeriksa"),
    "copy": _("menyalin basis data"),
    "load": _("memuat kembali ekspor"),
    "before": _("menyiapkan pembaruan"),
    "migrate": _("menyiapkan tabel"),
    "data": _("memuat data"),
    "after": _("menyelesaikan pembaruan"),
    "permissions": _("memberi izin"),
    "mark": _("mencatat"),
    "enable": _("mengaktifkan"),
    "disable": _("menonaktifkan"),
    "retire": _("menghentikan"),
    "export": _("mengekspor"),
    "forget": _("menghapus pengaturan dan data"),
    "drop": _("menghapus tabel"),
    WHOLE: _("memulai"),
    RUN: _("permintaan dari Aplikasi"),
}

OPERATIONS: Final[Mapping[str, TranslationString]] = {
    "install": _("pasang"),
    "upgrade": _("perbarui"),
    "enable": _("aktifkan"),
    "disable": _("nonaktifkan"),
    "uninstall": _("lepas"),
    "resume": _("lanjutkan"),
}

OUTCOMES: Final[Mapping[str, TranslationString]] = {
    Outcome.BEGUN: _("berjalan"),
    Outcome.DONE: _("selesai"),
    Outcome.FAILED: _("gagal"),
}


def state_words(status: PluginStatus) -> TranslationString:
    """Say how a plugin stands."""
    going = GOING.get(status.state) if status.going else None
    return going or STATES[status.state]


def change_words(plan: Mapping[str, Any]) -> list[tuple[TranslationString, list[str]]]:
    """Say what one plugin of a plan would bring: kinds of things, each with what there is of it.

    ``plan`` is :meth:`core.framework.preview.InstallPreview.as_dict`.
    """
    if plan["operation"] == "enable":
        return []
    kinds = [
        (_("baris dari ekspor"), [f"{table} ({rows})" for table, rows in plan["rows"].items()]),
        (_("migrasi"), [_with(one["id"], one["title"]) for one in plan["migrations"]]),
        (_("izin"), [_with(name, ", ".join(roles)) for name, roles in plan["permissions"].items()]),
        (_("menu"), plan["menus"]),
        (_("jadwal"), plan["schedules"]),
    ]
    if plan["data"] is None:
        kinds.append((_("data yang dimuat"), plan["loads"]))
    else:
        kinds += load_words(plan["data"])
    return [(kind, which) for kind, which in kinds if which]


def load_words(data: Mapping[str, list[str]]) -> list[tuple[TranslationString, list[str]]]:
    """Say what loading data files does; ``data`` is a ``LoadReport`` as a mapping."""
    kinds = [
        (_("data baru"), data["created"]),
        (_("data diperbarui"), data["updated"]),
        (_("data tetap karena diubah Admin"), data["kept"]),
        (_("data yang tidak dibawa lagi; tetap ada"), data["orphaned"]),
    ]
    return [(kind, which) for kind, which in kinds if which]


def value_words(value: Any) -> str:
    """Give a value of a data file as somebody can read it."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False, indent=1)


def _with(name: str, more: str) -> str:
    return f"{name} ({more})" if more else name
