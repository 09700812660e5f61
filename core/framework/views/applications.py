"""The list of plugins, one plugin, and the operations on it with their progress."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther
from pyramid.view import view_config

from core.errors import ConflictError, RefusedError
from core.framework.journal import history
from core.framework.lifecycle import DependentsError, Lifecycle
from core.framework.lock import LockedError, lock_holder
from core.framework.models import PluginState
from core.framework.operating import as_ended, can_operate, preview, progress, start
from core.framework.overview import PluginStatus, overview
from core.framework.planning import INSTALLED
from core.framework.removal import preview_removal
from core.framework.resuming import interrupted
from core.framework.words import OPERATIONS, OUTCOMES, STATES, STEPS
from core.i18n import _
from core.web.confirm import confirmation
from core.web.locale import translate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyramid.request import Request

    from core.framework.runtime import Runtime

__all__ = ["MANAGE"]

MANAGE: Final = "plugins.manage"
HISTORY: Final = 30

TONES: Final = {
    PluginState.INSTALLED: "success",
    PluginState.AVAILABLE: "info",
    PluginState.DISABLED: "info",
    PluginState.FAILED: "danger",
    PluginState.MISSING: "danger",
}
"""Colour of a state's tag; the others are warnings."""

BUTTONS: Final = {
    "install": _("Pasang"),
    "upgrade": _("Perbarui"),
    "enable": _("Aktifkan"),
    "disable": _("Nonaktifkan"),
    "uninstall": _("Lepas"),
}


@view_config(route_name="applications.list", renderer="applications/list.jinja2", permission=MANAGE)
def list_applications(request: Request) -> Any:
    """Show every plugin as a card."""
    runtime: Runtime = request.registry["runtime"]
    return {
        "plugins": [(status, operations(status)) for status in overview(runtime)],
        "interrupted": interrupted(runtime),
        "can_operate": can_operate(runtime),
        **_words(),
    }


@view_config(
    route_name="applications.detail", renderer="applications/detail.jinja2", permission=MANAGE
)
def show_application(request: Request) -> Any:
    """Show one plugin: what it adds, what it needs, what it costs, what was done."""
    runtime: Runtime = request.registry["runtime"]
    status = _status(runtime, request.matchdict["plugin"])
    stats = [
        (place, account)
        for (plugin, place), account in sorted(runtime.hooks.all_stats().items())
        if plugin == status.name and account.calls
    ]
    return {
        "status": status,
        "operations": operations(status) if can_operate(runtime) else [],
        "needed_by": Lifecycle(runtime).needing(status.name, INSTALLED),
        "stats": stats,
        "history": as_ended(reversed(history(request.db, status.name, limit=HISTORY)))[::-1],
        **_words(),
    }


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
        "upgrade": _("Perbarui plugin ${name} menjadi versi ${version}?", mapping=facts),
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


def _explained(request: Request, name: str, operation: str) -> dict[str, Any]:
    """Say what an operation would mean, or refuse it."""
    runtime: Runtime = request.registry["runtime"]
    if operation in {"install", "upgrade"}:
        return {"items": _changes(preview(runtime, name, locale=request.locale_name))}
    if operation == "disable":
        needing = Lifecycle(runtime).needing(name, {PluginState.INSTALLED})
        if needing:
            raise DependentsError(name, needing)
        return {"detail": _("Halaman dan pekerjaannya hilang; semua datanya tetap tersimpan.")}
    if operation == "uninstall":
        removal = preview_removal(runtime, name)
        if removal.dependents:
            raise DependentsError(name, removal.dependents)
        kept = _("Datanya tetap tersimpan dan dipakai lagi bila plugin dipasang kembali.")
        rows = [
            translate(_("${table}: ${rows} baris", mapping={"table": table, "rows": count}))
            for table, count in removal.rows.items()
        ]
        return {"detail": removal.warning or kept, "items": rows, "danger": True}
    return {}


@view_config(route_name="applications.operate", request_method="POST", permission=MANAGE)
def operate(request: Request) -> Any:
    """Start the operation in a process of its own and show its progress."""
    status, operation = _wanted(request)
    if request.POST.get("seen") != _seen(status):
        raise ConflictError
    return _start(request, operation, status.name)


@view_config(
    route_name="applications.resume",
    request_method="GET",
    renderer="partials/confirm.jinja2",
    permission=MANAGE,
)
def ask_resume(request: Request) -> Any:
    """Ask before what was broken off is carried on."""
    runtime: Runtime = request.registry["runtime"]
    left = interrupted(runtime)
    if not left:
        raise ConflictError
    return confirmation(
        _("Lanjutkan operasi yang terputus"),
        _("Lanjutkan ${n} operasi?", mapping={"n": len(left)}),
        request.route_path("applications.list"),
        items=[f"{translate(OPERATIONS[one.operation])}: {one.plugin}" for one in left],
        ok=_("Ya, lanjutkan"),
    )


@view_config(route_name="applications.resume", request_method="POST", permission=MANAGE)
def resume(request: Request) -> Any:
    """Carry on what was broken off, in a process of its own."""
    return _start(request, "resume")


@view_config(
    route_name="applications.progress", renderer="applications/progress.jinja2", permission=MANAGE
)
@view_config(
    route_name="applications.steps", renderer="applications/steps.jinja2", permission=MANAGE
)
def show_progress(request: Request) -> Any:
    """Show how far operations are; the page asks again until they have ended."""
    since = int(request.matchdict["since"])
    return {"since": since, "progress": progress(request.db, since), **_words()}


def operations(status: PluginStatus) -> Sequence[str]:
    """Name what may be done with a plugin as it stands."""
    stored = status.stored
    if stored in {PluginState.INSTALLED, PluginState.DISABLED}:
        found = (
            []
            if status.manifest is None
            else (["disable"] if stored is PluginState.INSTALLED else ["enable"])
        )
        outdated = ["upgrade"] if status.manifest is not None and status.needs_upgrade else []
        return [*outdated, *found, "uninstall"]
    if stored is PluginState.FAILED:
        return ["install", "uninstall"] if status.manifest is not None else ["uninstall"]
    return ["install"] if status.state is PluginState.AVAILABLE else []


def _seen(status: PluginStatus) -> str:
    """Name what the Admin decides about, so that a page that has aged is noticed."""
    return f"{status.state} {status.installed_version} {status.version}"


def _words() -> dict[str, Any]:
    return {
        "states": STATES,
        "tones": TONES,
        "steps": STEPS,
        "names": OPERATIONS,
        "outcomes": OUTCOMES,
        "buttons": BUTTONS,
    }


def _status(runtime: Runtime, name: str) -> PluginStatus:
    for status in overview(runtime):
        if status.name == name:
            return status
    raise HTTPNotFound


def _wanted(request: Request) -> tuple[PluginStatus, str]:
    """Return plugin and operation, which must be possible now."""
    runtime: Runtime = request.registry["runtime"]
    _refuse_unable(runtime)
    status = _status(runtime, request.matchdict["plugin"])
    operation: str = request.matchdict["operation"]
    if operation not in operations(status):
        raise ConflictError
    return status, operation


def _start(request: Request, operation: str, *names: str) -> Any:
    runtime: Runtime = request.registry["runtime"]
    _refuse_unable(runtime)
    actor = f"user:{request.identity.username}"
    since = start(runtime, operation, *names, actor=actor, locale=request.locale_name)
    return HTTPSeeOther(request.route_path("applications.progress", since=since))


def _refuse_unable(runtime: Runtime) -> None:
    if not can_operate(runtime):
        raise RefusedError(
            _("Server ini tidak tahu berkas konfigurasinya. Pakai perintah abah plugins.")
        )
    holder = lock_holder(runtime.database)
    if holder is not None and holder.alive:
        raise LockedError(holder)


def _changes(plans: list[dict[str, Any]]) -> list[str]:
    """Say in a line each what every plugin of a plan would bring."""
    lines = []
    for plan in plans:
        head = f"{translate(OPERATIONS[plan['operation']])}: {plan['name']} {plan['version']}"
        because = _(" (dibutuhkan ${name})", mapping={"name": plan["because"]})
        lines.append(head + (translate(because) if plan["because"] else ""))
        kinds = {
            _("migrasi"): [one["id"] for one in plan["migrations"]],
            _("izin"): list(plan["permissions"]),
            _("menu"): plan["menus"],
            _("jadwal"): plan["schedules"],
            _("data"): plan["loads"],
            _("data tetap karena diubah Admin"): (plan["data"] or {}).get("kept", []),
        }
        lines += [
            f"{plan['name']}: {translate(kind)}: {', '.join(which)}"
            for kind, which in kinds.items()
            if which
        ]
    return lines
