"""Words for states, steps and operations, as the command line and the page Aplikasi say them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from core.framework.journal import RUN, WHOLE
from core.framework.models import Outcome, PluginState
from core.framework.overview import PluginStatus
from core.i18n import TranslationString, _

__all__ = ["OPERATIONS", "OUTCOMES", "STATES", "STEPS", "state_words"]

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
