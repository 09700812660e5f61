"""The list of plugins and the page of one, with what waits for an Admin's decision."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther
from pyramid.view import view_config

from core.errors import ConflictError
from core.framework.conflicts import conflicts, settle
from core.framework.deprecation import DeprecatedUse, deprecated_uses
from core.framework.health import plugin_health
from core.framework.journal import RUN, WHOLE, history
from core.framework.lifecycle import Lifecycle
from core.framework.models import Outcome, PluginState
from core.framework.operating import can_operate
from core.framework.overview import PluginStatus, must_be_replaced, overview
from core.framework.planning import INSTALLED
from core.framework.removal import tables_of
from core.framework.resuming import interrupted
from core.framework.runs import as_ended, said
from core.framework.stored import PluginSettings
from core.framework.words import OPERATIONS, OUTCOMES, STATES, STEPS, state_words, value_words
from core.i18n import TranslationString, _
from core.web.locale import translate

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from pyramid.request import Request

    from core.framework.health import PlaceHealth
    from core.framework.models import JournalEntry
    from core.framework.runtime import Runtime

__all__ = ["BUTTONS", "MANAGE", "operations", "status_of", "words"]

MANAGE: Final = "plugins.manage"
HISTORY: Final = 120
"""Entries of the journal; an operation has a dozen."""
FEW: Final = 6
"""Up to so many plugins are seen at a glance; more can be searched."""
ADDRESS: Final = re.compile(r"[a-z0-9_]{1,40}")

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


@dataclass(frozen=True, slots=True)
class Card:
    """One plugin of the list."""

    status: PluginStatus
    operations: Sequence[str]
    outdated: bool
    has_page: bool
    """False for what is no plugin's name: a second one of the same name, a folder."""
    failures: int
    """How often its code raised in the last 24 hours, in all processes."""
    deprecated: Sequence[DeprecatedUse]
    """Hooks and arguments that it uses although they are going."""

    @property
    def problem(self) -> TranslationString | str:
        """Say why it does not run although it should or could, or nothing."""
        reason = self.status.problem
        if not reason or isinstance(reason, TranslationString):
            return reason
        # What the last operation failed with, as it was raised.
        return _("Operasi terakhir gagal: ${reason}", mapping={"reason": reason})


@dataclass(frozen=True, slots=True)
class Search:
    """What the list was narrowed to."""

    text: str
    state: str
    category: str

    @classmethod
    def of(cls, request: Request) -> Search:
        """Read it from the address."""
        get = request.GET.get
        return cls(get("cari", "").strip(), get("keadaan", ""), get("kategori", ""))

    def __bool__(self) -> bool:
        """Tell whether it leaves anything out."""
        return bool(self.text or self.state or self.category)

    def finds(self, status: PluginStatus) -> bool:
        """Tell whether a plugin is among what was searched for."""
        manifest = status.manifest
        words = f"{status.name} {translate(manifest.summary) if manifest else ''}".lower()
        return (
            self.text.lower() in words
            and self.state in {"", status.state}
            and self.category in {"", manifest.category if manifest else ""}
        )


@view_config(route_name="applications.list", renderer="applications/list.jinja2", permission=MANAGE)
def list_applications(request: Request) -> Any:
    """Show every plugin as a card, or those that were searched for."""
    runtime: Runtime = request.registry["runtime"]
    everything = overview(runtime)
    search = Search.of(request)
    outdated = Lifecycle(runtime).outdated()
    health = plugin_health(request.db)
    categories = {one.manifest.category for one in everything if one.manifest}
    return {
        "cards": [
            _card(runtime, one, outdated, health.get(one.name, ()))
            for one in everything
            if search.finds(one)
        ],
        "search": search,
        "searchable": len(everything) > FEW,
        "found_states": {
            state: state_words(one) for state in STATES for one in everything if one.state is state
        },
        "categories": sorted(categories - {""}),
        "interrupted": interrupted(runtime),
        "must_be_replaced": must_be_replaced(runtime),
        "can_operate": can_operate(runtime),
        **words(),
    }


@view_config(
    route_name="applications.detail", renderer="applications/detail.jinja2", permission=MANAGE
)
def show_application(request: Request) -> Any:
    """Show one plugin: what it adds, what it needs, what it costs, what was done."""
    runtime: Runtime = request.registry["runtime"]
    status = status_of(runtime, request.matchdict["plugin"])
    health = plugin_health(request.db).get(status.name, [])
    return {
        "card": _card(runtime, status, Lifecycle(runtime).outdated(), health),
        "needed_by": Lifecycle(runtime).needing(status.name, INSTALLED),
        "tables": tables_of(runtime, status.name),
        "has_settings": status.name in runtime.component(PluginSettings).sections(),
        "load": health,
        "conflicts": conflicts(request.db, status.name),
        "history": _history(request, status.name),
        "interrupted": [one for one in interrupted(runtime) if one.plugin == status.name],
        "must_be_replaced": must_be_replaced(runtime),
        "can_operate": can_operate(runtime),
        "shown": value_words,
        **words(),
    }


@view_config(route_name="applications.settle", request_method="POST", permission=MANAGE)
def settle_conflict(request: Request) -> Any:
    """Keep what an Admin wrote, or take what the new version of the plugin brings."""
    name = request.matchdict["plugin"]
    choice = request.POST.get("choice")
    if choice not in {"mine", "new"}:
        raise ConflictError
    settle(
        request.db,
        request.POST.get("conflict", ""),
        take_new=choice == "new",
        actor_id=request.identity.id,
        version=request.POST.get("version", ""),
    )
    done = {
        "mine": _("Isi yang sekarang dipertahankan."),
        "new": _("Isi baru dari plugin dipakai."),
    }
    request.session.flash(done[choice], "success")
    return HTTPSeeOther(request.route_path("applications.detail", plugin=name))


def operations(status: PluginStatus, outdated: Collection[str]) -> Sequence[str]:
    """Name what may be done with a plugin as it stands."""
    stored, here = status.stored, status.manifest is not None
    if stored in INSTALLED:
        switch = "disable" if stored is PluginState.INSTALLED else "enable"
        found = {"upgrade": status.name in outdated, switch: here, "uninstall": True}
    elif stored is PluginState.FAILED:
        found = {"install": here, "uninstall": True}
    else:
        found = {"install": status.state is PluginState.AVAILABLE}
    return [operation for operation, possible in found.items() if possible]


def status_of(runtime: Runtime, name: str) -> PluginStatus:
    """Return one plugin as it stands; answered with 404 where there is none."""
    for status in overview(runtime):
        if status.name == name:
            return status
    raise HTTPNotFound


def words() -> dict[str, Any]:
    """Give the templates the words for states, steps and operations."""
    return {
        "state_words": state_words,
        "tones": TONES,
        "steps": STEPS,
        "names": OPERATIONS,
        "outcomes": OUTCOMES,
        "buttons": BUTTONS,
    }


def _card(
    runtime: Runtime,
    status: PluginStatus,
    outdated: Collection[str],
    health: Sequence[PlaceHealth],
) -> Card:
    return Card(
        status=status,
        operations=operations(status, outdated),
        outdated=status.name in outdated,
        has_page=ADDRESS.fullmatch(status.name) is not None,
        failures=sum(place.failures for place in health),
        deprecated=[use for use in deprecated_uses(runtime) if use.plugin == status.name],
    )


def _history(request: Request, name: str) -> list[tuple[JournalEntry, TranslationString | None]]:
    """Give operations, newest first, with the steps at which one stopped and why it failed.

    A start that was refused is told by itself; of another one its operations tell everything.
    """
    entries = as_ended(reversed(history(request.db, name, limit=HISTORY)))[::-1]
    told = {entry.run for entry in entries if entry.step != RUN}
    return [
        (entry, said(entry))
        for entry in entries
        if entry.step == WHOLE
        or (entry.step == RUN and entry.run not in told)
        or (entry.step != RUN and entry.outcome != Outcome.DONE)
    ]
