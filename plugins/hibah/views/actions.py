"""The row of actions below a grant's card: which of all the declared ones this person gets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from core.api.hooks import GrantAction, GrantFacts
from core.api.text import TranslationString
from core.api.web import path_of
from plugins.hibah.subjects import institution_subject
from plugins.hibah.workflow import ACTIONS

if TYPE_CHECKING:
    from pyramid.config import Configurator
    from pyramid.request import Request

__all__ = ["ShownAction", "own_actions", "remember_actions", "shown_actions"]

_KEY: Final = "hibah.actions"

Address = Callable[["Request", GrantFacts], str]


@dataclass(frozen=True, slots=True)
class ShownAction:
    """An action as a link."""

    key: str
    label: TranslationString
    url: str
    dialog: bool


def _view(request: Request, grant: GrantFacts) -> str:
    return path_of(request, "hibah.grant.detail", grant=grant.id)


def _institution(request: Request, grant: GrantFacts) -> str:
    return path_of(request, "hibah.institution.detail", institution=grant.institution_id)


def _print(request: Request, grant: GrantFacts) -> str:
    return path_of(request, "hibah.grant.print", grant=grant.id)


def _contact(request: Request, grant: GrantFacts) -> str:
    return path_of(request, "hibah.institution.contact", institution=grant.institution_id)


def _messages(request: Request, grant: GrantFacts) -> str:
    subject = institution_subject(grant.institution_id)
    return path_of(request, "messaging.subject", subject=subject)


def _note(request: Request, grant: GrantFacts) -> str:
    return path_of(request, "hibah.grant.note", grant=grant.id)


def _log(request: Request, grant: GrantFacts) -> str:
    return path_of(request, "hibah.grant.log", grant=grant.id)


_PAGES: Final[Mapping[str, tuple[Address, bool]]] = {
    "hibah.view": (_view, False),
    "hibah.institution": (_institution, False),
    "hibah.print": (_print, False),
    "hibah.contact": (_contact, True),
    "hibah.messages": (_messages, True),
    "hibah.note": (_note, True),
    "hibah.log": (_log, True),
}
"""Address of an action's page, and whether it opens as a dialog."""


def own_actions() -> Sequence[GrantAction]:
    """Return the actions of this plugin; those with a page have its address."""
    return [
        replace(action, url=_PAGES[action.key][0], dialog=_PAGES[action.key][1])
        if action.key in _PAGES
        else action
        for action in ACTIONS
    ]


def remember_actions(config: Configurator) -> None:
    """Collect the actions of all plugins, once per build; of two with one key the first stays.

    A plugin that fails, or gives something else, loses its actions only.
    """
    hooks = config.registry["runtime"].hooks
    found: dict[str, tuple[str, GrantAction]] = {}
    for plugin, give in hooks.implementations("register_grant_actions"):
        with hooks.fence(plugin, "register_grant_actions") as allowed:
            if allowed:
                found = {**_checked(plugin, give() or ()), **found}
    config.registry[_KEY] = sorted(found.values(), key=lambda item: (item[1].order, item[1].key))


def _checked(plugin: str, actions: Sequence[object]) -> dict[str, tuple[str, GrantAction]]:
    found: dict[str, tuple[str, GrantAction]] = {}
    for action in actions:
        if not isinstance(action, GrantAction):
            message = f"register_grant_actions of {plugin} gives {action!r}"
            raise TypeError(message)
        found.setdefault(action.key, (plugin, action))
    return found


def shown_actions(request: Request, grants: Sequence[GrantFacts]) -> dict[int, list[ShownAction]]:
    """Return the actions of each grant that has a page and is allowed by state and permission."""
    usable = [
        (plugin, action)
        for plugin, action in request.registry[_KEY]
        if action.url is not None and request.has_permission(action.permission)
    ]
    shown: dict[int, list[ShownAction]] = {grant.id: [] for grant in grants}
    for plugin, action in usable:
        for grant_id, url in _addresses(request, plugin, action, grants).items():
            shown[grant_id].append(ShownAction(action.key, action.label, url, action.dialog))
    return shown


def _is_offered(action: GrantAction, grant: GrantFacts) -> bool:
    if grant.archived and not action.archived:
        return False
    if grant.pending and not action.pending:
        return False
    return action.states is None or grant.state in action.states


def _addresses(
    request: Request, plugin: str, action: GrantAction, grants: Sequence[GrantFacts]
) -> dict[int, str]:
    """Ask for the addresses; a plugin that cannot give them loses its action, not the page."""
    found: dict[int, str] = {}
    with request.runtime.hooks.fence(plugin, "grant action") as allowed:
        if allowed and action.url is not None:
            found = {
                grant.id: action.url(request, grant)
                for grant in grants
                if _is_offered(action, grant)
            }
    return found
