"""Pages: routes and views, slots, chapters of the guide."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.hookspecs.markers import hookspec
from core.i18n import TranslationString

if TYPE_CHECKING:
    from pyramid.config import Configurator
    from pyramid.request import Request

__all__ = ["HelpChapter", "Slot", "include_web", "register_help", "register_slots"]


@dataclass(frozen=True, slots=True)
class Slot:
    """A piece of a page that fills a named place of somebody else's page."""

    place: str
    """Name of the place, as ``frame.search`` or ``dashboard.waiting``."""
    template: str
    """Template to render there. It sees ``request`` and what ``variables`` returns."""
    order: int = 100
    permission: str | None = None
    """Permission without which the piece is left out."""
    variables: Callable[[Request, Mapping[str, Any]], Mapping[str, Any] | None] | None = None
    """Called with the request and the place's own variables; None leaves the piece out."""


@dataclass(frozen=True, slots=True)
class HelpChapter:
    """A chapter of Bantuan."""

    key: str
    """Part of its address."""
    title: TranslationString
    template: str
    order: int = 100


@hookspec(since="0.1")
def include_web(config: Configurator) -> None:
    """Add routes and views to the application.

    *collect* hook. Called once per build, with a configurator whose route prefix is the plugin's
    own (``/p/<plugin>``, or the prefix in its manifest). Route names begin with the plugin's name
    and a dot; every view names its permission. It is tried in a scratch configurator first: a
    plugin that raises there is left out and shown as failed, the rest of the application works.
    So is one that would act on the pages of others: by a tween, a subscriber, a view deriver, a
    factory or policy for all requests.
    """


@hookspec(since="0.1")
def register_slots() -> Sequence[Slot]:
    """Give pieces for named places of other pages.

    *collect* hook. Called once per build. A piece that raises while a page is rendered is left out
    of that page, counted against its plugin, and the page goes on.
    """


@hookspec(since="0.1")
def register_help() -> Sequence[HelpChapter]:
    """Give chapters of the user guide, shown under Bantuan in the order of ``order``.

    *collect* hook. Called once per build. Silence means none.
    """
