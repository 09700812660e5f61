"""Operations on plugins: asked with what they would change, then shown as they go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyramid.httpexceptions import HTTPNoContent, HTTPNotFound, HTTPSeeOther
from pyramid.view import view_config

from core.errors import ConflictError, RefusedError
from core.framework.lifecycle import DependentsError, Lifecycle
from core.framework.lock import LockedError, lock_holder
from core.framework.models import PluginState
from core.framework.operating import can_operate, preview, start
from core.framework.portable import VERSION_SUFFIX
from core.framework.removal import preview_removal
from core.framework.resuming import interrupted, is_purge
from core.framework.runs import Progress, RunState, progress
from core.framework.views.applications import BUTTONS, MANAGE, operations, status_of, words
from core.framework.words import OPERATIONS, STEPS, change_words
from core.i18n import TranslationString, _, unstored
from core.web.confirm import confirmation
from core.web.locale import translate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyramid.request import Request

    from core.framework.journal import Unfinished
    from core.framework.overview import PluginStatus
    from core.framework.runtime import Runtime

__all__: list[str] = []


@view_config(
    route_name="applications.operate",
    request_method="GET",
    renderer="partials/confirm.jinja2",
    permission=MANAGE,
)
def ask(request: Request) -> Any:
    """Tell what an operation would do, and ask."""
    status, operation = _wanted(request)
    back = request.route_path("applications.detail", plugin=status.name)
    facts = {"name": status.name, "version": status.version}
    questions = {
        "install": _("Pasang plugin ${name} ${version}?", mapping=facts),
        "upgrade": _("Perbarui plugin ${name} ke versi ${version}?", mapping=facts),
        "enable": _("Aktifkan plugin ${name}?", mapping=facts),
        "disable": _("Nonaktifkan plugin ${name}?", mapping=facts),
        "uninstall": _("Lepas plugin ${name}?", mapping=facts),
    }
    return confirmation(
        BUTTONS[operation],
        questions[operation],
        back,
        fields=[("seen", _seen(status))],
        ok=_("Ya, lanjutkan"),
        **_explained(request, status.name, operation),
    )


@view_config(route_name="applications.operate", request_method="POST", permission=MANAGE)
def operate(request: Request) -> Any:
    """Start the operation in a process of its own and show its progress."""
    status, operation = _wanted(request)
    if request.POST.get("seen") != _seen(status):
        raise ConflictError
    return _start(request, operation, status.name, plugin=status.name)


@view_config(
    route_name="applications.resume",
    request_method="GET",
    renderer="partials/confirm.jinja2",
    permission=MANAGE,
)
def ask_resume(request: Request) -> Any:
    """Name what was broken off and ask before it is carried on; a purge is left out."""
    found, purges = _left(request)
    names = ", ".join(one.plugin for one in purges)
    if not found and purges:
        raise RefusedError(
            _(
                "Yang terputus adalah penghapusan data plugin ${names}. Itu hanya dilanjutkan di "
                "server, dengan perintah: abah plugins resume",
                mapping={"names": names},
            )
        )
    if not found:
        raise RefusedError(_("Tidak ada operasi yang terputus."))
    left_out = _(
        "Penghapusan data plugin ${names} tidak ikut. Itu hanya dilanjutkan di server, dengan "
        "perintah: abah plugins resume",
        mapping={"names": names},
    )
    return confirmation(
        _("Lanjutkan operasi yang terputus"),
        _("Lanjutkan ${n} operasi?", mapping={"n": len(found)}),
        request.route_path("applications.list"),
        items=[translate(_broken_off(one)) for one in found],
        items_title=_("Yang dilanjutkan"),
        detail=left_out if purges else "",
        fields=[("operations", _ids(found))],
        ok=_("Ya, lanjutkan"),
    )


@view_config(route_name="applications.resume", request_method="POST", permission=MANAGE)
def resume(request: Request) -> Any:
    """Carry on what the page named, in a process of its own."""
    found, _purges = _left(request)
    if not found or request.POST.get("operations") != _ids(found):
        raise ConflictError
    arguments = [word for one in found for word in ("--only", one.operation_id)]
    return _start(request, "resume", *arguments)


@view_config(
    route_name="applications.progress", renderer="applications/progress.jinja2", permission=MANAGE
)
@view_config(
    route_name="applications.steps", renderer="applications/steps.jinja2", permission=MANAGE
)
def show_progress(request: Request) -> Any:
    """Show how far a start is; the page asks again until it has ended."""
    runtime: Runtime = request.registry["runtime"]
    found = progress(runtime.database, request.matchdict["run"])
    if found is None:
        raise HTTPNotFound
    mark = f"{found.state}-{found.latest.id if found.latest else 0}"
    if request.GET.get("seen") == mark:
        # Nothing new: what is on the page stays there, and nobody is told it again.
        return HTTPNoContent()
    return {
        "progress": found,
        "mark": mark,
        "going": found.state is RunState.GOING,
        "sentence": _sentence(found),
        "interrupted": interrupted(runtime) if found.state is not RunState.GOING else [],
        **words(),
    }


def _explained(request: Request, name: str, operation: str) -> dict[str, Any]:
    """Say what an operation would mean, or refuse it."""
    runtime: Runtime = request.registry["runtime"]
    if operation in {"install", "upgrade"}:
        plans = preview(runtime, operation, name)
        return {
            "items": _changes(plans),
            "items_title": _("Yang akan dilakukan"),
            "warnings": [unstored(one) for plan in plans for one in plan["warnings"]],
        }
    if operation == "disable":
        needing = Lifecycle(runtime).needing(name, {PluginState.INSTALLED})
        if needing:
            raise DependentsError(name, needing)
        return {"detail": _("Halaman dan pekerjaannya hilang; semua datanya tetap tersimpan.")}
    if operation == "uninstall":
        removal = preview_removal(runtime, name)
        if removal.dependents:
            raise DependentsError(name, removal.dependents)
        if removal.empty:
            return {
                "detail": _("Plugin berhenti dipakai; ia tidak punya data di sini."),
                "danger": True,
            }
        counted = {
            **removal.rows,
            translate(_("data di tabel lain")): removal.data_rows,
            translate(_("pengaturan")): removal.settings,
        }
        return {
            "detail": _(
                "Plugin berhenti dipakai. Datanya diekspor ke berkas di server, tetap tersimpan, "
                "dan dipakai lagi bila dipasang kembali."
            ),
            "items": [
                translate(_("${table}: ${rows} baris", mapping={"table": table, "rows": rows}))
                for table, rows in counted.items()
                if not table.endswith(VERSION_SUFFIX)
            ],
            "items_title": _("Yang tetap tersimpan"),
            "danger": True,
        }
    return {}


def _changes(plans: list[dict[str, Any]]) -> list[str]:
    """Say in a line each what every plugin of a plan would bring."""
    lines = []
    for plan in plans:
        head = f"{translate(OPERATIONS[plan['operation']])}: {plan['name']} {plan['version']}"
        because = _(" (dibutuhkan ${name})", mapping={"name": plan["because"]})
        lines.append(head + (translate(because) if plan["because"] else ""))
        lines += [
            f"{plan['name']}: {translate(kind)}: {', '.join(which)}"
            for kind, which in change_words(plan)
        ]
    return lines


def _seen(status: PluginStatus) -> str:
    """Name what the Admin decides about, so that a page that has aged is noticed."""
    return f"{status.state} {status.installed_version} {status.version}"


def _wanted(request: Request) -> tuple[PluginStatus, str]:
    """Return plugin and operation, which must be possible now."""
    runtime: Runtime = request.registry["runtime"]
    _refuse_unable(runtime)
    status = status_of(runtime, request.matchdict["plugin"])
    operation: str = request.matchdict["operation"]
    if operation not in operations(status, Lifecycle(runtime).outdated()):
        raise ConflictError
    return status, operation


def _left(request: Request) -> tuple[list[Unfinished], list[Unfinished]]:
    """Return what was broken off: what may be carried on from here, and purges."""
    runtime: Runtime = request.registry["runtime"]
    _refuse_unable(runtime)
    found = interrupted(runtime)
    purges = [one for one in found if is_purge(one)]
    return [one for one in found if one not in purges], purges


def _ids(found: Sequence[Unfinished]) -> str:
    return " ".join(one.operation_id for one in found)


def _broken_off(one: Unfinished) -> TranslationString:
    text: TranslationString = _(
        "${operation}: ${name} (terputus saat ${step})",
        mapping={
            "operation": OPERATIONS.get(one.operation, one.operation),
            "name": one.plugin,
            "step": STEPS.get(one.step, one.step),
        },
    )
    return text


def _start(request: Request, operation: str, *arguments: str, **about: str) -> Any:
    runtime: Runtime = request.registry["runtime"]
    actor = f"user:{request.identity.username}"
    run = start(request.db, runtime, operation, *arguments, actor=actor, **about)
    return HTTPSeeOther(request.route_path("applications.progress", run=run))


def _refuse_unable(runtime: Runtime) -> None:
    if not can_operate(runtime):
        raise RefusedError(
            _("Server ini tidak tahu berkas konfigurasinya. Pakai perintah abah plugins.")
        )
    holder = lock_holder(runtime.database)
    if holder is not None and holder.alive:
        raise LockedError(holder)


def _sentence(found: Progress) -> TranslationString:
    """Say in one sentence how it stands, for whoever does not see the list of steps."""
    last = found.latest
    if found.state is RunState.GOING and last is not None:
        going: TranslationString = _(
            "${name}: ${step}",
            mapping={"name": last.plugin, "step": STEPS.get(last.step, last.step)},
        )
        return going
    return {
        RunState.GOING: _("Sedang dimulai."),
        RunState.DONE: _("Selesai."),
        RunState.FAILED: _("Gagal."),
        RunState.BROKEN_OFF: _("Terputus: prosesnya berakhir sebelum selesai."),
    }[found.state]
