"""Looking for what is wrong with a deployment's plugins, and saying what to do."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import inspect

from core.db.migrate import MigrationError, Owner, current_revision, head_revision
from core.errors import AbahError
from core.framework.checking import check
from core.framework.datafiles import edited_data
from core.framework.deprecation import deprecated_uses
from core.framework.discovery import safe_mode
from core.framework.health import plugin_health
from core.framework.lifecycle import CORE_OWNER, owner_of
from core.framework.loading import LoadedPlugins
from core.framework.lock import lock_holder
from core.framework.models import PluginHealth, PluginRow, PluginState
from core.framework.overview import PluginStatus, overview
from core.framework.planning import INSTALLED
from core.framework.resuming import interrupted
from core.framework.runtime import Runtime
from core.framework.schedules import JAKARTA
from core.i18n import TranslationString, _

__all__ = ["Finding", "Severity", "examine"]


class Severity(enum.StrEnum):
    """How much a finding matters."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that somebody should know, with what to do."""

    severity: Severity
    plugin: str
    """Name, or ``core``."""
    text: TranslationString


def examine(runtime: Runtime) -> list[Finding]:
    """Look at everything and return the findings, the gravest first. Nothing is changed."""
    with runtime.database.reading() as session:
        ready = inspect(session.connection()).has_table(PluginRow.__tablename__)
    if not ready:
        text = _("Basis data belum disiapkan. Jalankan: abah setup")
        return [Finding(Severity.ERROR, "core", text)]
    findings = [
        *_core(runtime),
        *_lock_and_journal(runtime),
        *(finding for status in overview(runtime) for finding in _plugin(runtime, status)),
        *_loaded(runtime),
        *_failures(runtime),
    ]
    order = list(Severity)
    return sorted(findings, key=lambda finding: order.index(finding.severity))


def _core(runtime: Runtime) -> Iterator[Finding]:
    behind = _behind(runtime, CORE_OWNER)
    if behind is not None:
        yield Finding(Severity.ERROR, "core", behind)
    yield from _edited(runtime, "core")
    if safe_mode():
        text = _("ABAH_SAFE_MODE=1: tidak ada plugin yang dijalankan.")
        yield Finding(Severity.NOTE, "core", text)


def _behind(runtime: Runtime, owner: Owner) -> TranslationString | None:
    try:
        head = head_revision(owner)
    except MigrationError as error:
        return error.explanation
    with runtime.database.reading() as session:
        current = current_revision(session.connection(), owner)
    if head == current:
        return None
    return _(
        "Tabel milik ${owner} berada pada revisi ${current}, seharusnya ${head}. "
        "Jalankan: abah db upgrade",
        mapping={"owner": owner.name, "current": current or "-", "head": head or "-"},
    )


def _lock_and_journal(runtime: Runtime) -> Iterator[Finding]:
    holder = lock_holder(runtime.database)
    if holder is not None and holder.alive:
        text = _(
            "Sedang berjalan: ${purpose} (proses ${pid} di ${host}).",
            mapping={"purpose": holder.purpose, "pid": holder.pid, "host": holder.host},
        )
        yield Finding(Severity.NOTE, "core", text)
        return
    for operation in interrupted(runtime):
        text = _(
            "Operasi ${operation} pada plugin ${name} terputus di langkah ${step}. "
            "Lanjutkan dengan: abah plugins resume",
            mapping={
                "operation": operation.operation,
                "name": operation.plugin,
                "step": operation.step,
            },
        )
        yield Finding(Severity.ERROR, operation.plugin, text)


def _plugin(runtime: Runtime, status: PluginStatus) -> Iterator[Finding]:
    installed = bool(status.installed_version)
    if status.state is PluginState.MISSING:
        text = _(
            "Plugin ${name} terpasang di basis data, tetapi kodenya tidak ditemukan. "
            "Pasang kembali paketnya, atau lepas dengan: abah plugins uninstall ${name}",
            mapping={"name": status.name},
        )
        yield Finding(Severity.ERROR, status.name, text)
        return
    if status.problem and status.state in {PluginState.INCOMPATIBLE, PluginState.FAILED}:
        text = (
            status.problem
            if isinstance(status.problem, TranslationString)
            else _(
                "Operasi terakhir pada plugin ${name} gagal. Perbaiki penyebabnya, lalu jalankan: "
                "abah plugins install ${name}. Penyebabnya: ${reason}",
                mapping={"name": status.name, "reason": status.problem},
            )
        )
        yield Finding(Severity.ERROR if installed else Severity.NOTE, status.name, text)
        return
    if status.stored not in INSTALLED or status.manifest is None:
        # What was broken off is told with the way on; its tables are not those of any version.
        return
    behind = _behind(runtime, owner_of(status.manifest))
    if behind is not None:
        yield Finding(Severity.ERROR, status.name, behind)
    elif status.needs_upgrade:
        text = _(
            "Plugin ${name} versi ${version} belum menggantikan versi ${old}. "
            "Jalankan: abah db upgrade",
            mapping={
                "name": status.name,
                "version": status.version,
                "old": status.installed_version,
            },
        )
        yield Finding(Severity.WARNING, status.name, text)
    yield from _edited(runtime, status.name)


def _failures(runtime: Runtime) -> Iterator[Finding]:
    """Name what failed in any process within the last day, with the way into the log."""
    with runtime.database.reading() as session:
        if not inspect(session.connection()).has_table(PluginHealth.__tablename__):
            return
        found = plugin_health(session)
    for name, places in found.items():
        for one in places:
            if one.failed_at is None:
                continue
            told = {
                "name": name,
                "place": one.place,
                "count": one.failures,
                "at": f"{one.failed_at.astimezone(JAKARTA):%d/%m/%Y %H:%M}",
                "reason": one.error,
                "id": one.error_id,
            }
            text = _(
                "${name} gagal ${count} kali di ${place} dalam 24 jam terakhir, terakhir "
                "${at} WIB: ${reason}. Cari kode ${id} di log.",
                mapping=told,
            )
            yield Finding(Severity.WARNING, name, text)
            if one.is_open and one.open_until is not None:
                until = f"{one.open_until.astimezone(JAKARTA):%H:%M:%S}"
                text = _(
                    "${name} tidak dijalankan di ${place} sampai pukul ${until} WIB karena gagal "
                    "berkali-kali berturut-turut; setelah itu dicoba lagi.",
                    mapping={"name": name, "place": one.place, "until": until},
                )
                yield Finding(Severity.WARNING, name, text)


def _edited(runtime: Runtime, owner: str) -> Iterator[Finding]:
    with runtime.database.reading() as session:
        edited = edited_data(session, owner)
    for kind, external_id in edited:
        text = _(
            "${kind} ${id} memakai isi yang diubah Admin; versi baru dari plugin tidak diterapkan. "
            "Bandingkan dengan abah plugins conflicts ${name}, lalu putuskan dengan "
            "abah plugins settle.",
            mapping={"kind": kind, "id": external_id, "name": owner},
        )
        yield Finding(Severity.NOTE, owner, text)


def _loaded(runtime: Runtime) -> Iterator[Finding]:
    """Check what this process has loaded as an install would."""
    for use in deprecated_uses(runtime):
        yield Finding(Severity.WARNING, use.plugin, use.explanation)
    loaded = LoadedPlugins.of(runtime)
    for manifest in runtime.plugins:
        if manifest.name in loaded.problems:
            continue
        try:
            check(runtime, manifest)
        except AbahError as error:
            yield Finding(Severity.ERROR, manifest.name, error.explanation)
