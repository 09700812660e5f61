"""Answers to hooks. No logic lives here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from core.api.hooks import (
    ContactChange,
    GrantAction,
    GrantFacts,
    HelpChapter,
    PlannedResend,
    ResendReview,
    SettingField,
    SettingsSection,
    Slot,
    hookimpl,
)
from core.api.text import TranslationString, _
from plugins.hibah.api import INVITABLE_STATES
from plugins.nphd.days import parse_clock
from plugins.nphd.services.defaults import DEFAULT_HOUR, DEFAULT_PLACE
from plugins.nphd.services.editing import follow_contacts
from plugins.nphd.services.mending import follow_resends, review_calls
from plugins.nphd.services.reading import CREATE, READ, waiting
from plugins.nphd.words import NO_HOUR

if TYPE_CHECKING:
    import click
    from pyramid.config import Configurator
    from pyramid.request import Request


@hookimpl
def include_web(config: Configurator) -> None:
    """Add the pages."""
    config.include("plugins.nphd.views")


@hookimpl
def register_grant_actions() -> Sequence[GrantAction]:
    """Put "Undangan NPHD" on the cards of grants that are to be signed."""
    return [
        GrantAction(
            key="nphd.invite",
            label=_("Undangan NPHD"),
            order=80,
            permission=CREATE,
            states=INVITABLE_STATES,
            pending=False,
            url=_invite_url,
        )
    ]


@hookimpl
def register_slots() -> Sequence[Slot]:
    """Name the lists that wait to be sent on the dashboard."""
    return [Slot("dashboard.waiting", "nphd/waiting.jinja2", 20, READ, _waiting)]


@hookimpl
def register_help() -> Sequence[HelpChapter]:
    """Give the chapter of the manual."""
    return [
        HelpChapter("undangan-nphd", _("Pemanggilan Penandatanganan NPHD"), "nphd/help.jinja2", 40)
    ]


@hookimpl
def register_settings() -> SettingsSection:
    """Place and hour of new lists."""
    return SettingsSection(
        title=_("Undangan NPHD"),
        fields=(
            SettingField(
                "place",
                _("Tempat penandatanganan"),
                default=DEFAULT_PLACE,
                hint=_("Tempat pada undangan baru; dapat diubah pada tiap undangan."),
                required=True,
            ),
            SettingField(
                "hour",
                _("Jam penandatanganan"),
                default=DEFAULT_HOUR,
                hint=_("Jam (WIB) pada undangan baru, misalnya 09.00."),
                required=True,
                check=_why_no_hour,
            ),
        ),
    )


@hookimpl
def register_commands() -> Sequence[click.Command]:
    """Give ``abah demo``."""
    # Imported here: a web process needs no command line.
    from plugins.nphd.cli import demo  # noqa: PLC0415

    return [demo]


@hookimpl
def load_demo(session: Session, progress: Callable[[str], None]) -> None:
    """Fill in a few lists."""
    from plugins.nphd.demo import load  # noqa: PLC0415 - only for training systems

    load(session, progress)


@hookimpl
def contacts_changed(session: Session, changes: Sequence[ContactChange]) -> None:
    """Call an institution's new contact where it was not called yet."""
    follow_contacts(session, changes)


def _why_no_hour(text: str) -> TranslationString | None:
    return NO_HOUR if parse_clock(text) is None else None


@hookimpl
def review_resends(
    session: Session,
    resends: Sequence[PlannedResend],
    hold: bool,  # noqa: FBT001 - hooks pass arguments by name
) -> Mapping[int, ResendReview]:
    """Send no call again for a list that was cancelled or a day that is over."""
    return review_calls(session, resends, hold=hold)


@hookimpl
def messages_resent(session: Session, resends: Mapping[int, PlannedResend]) -> None:
    """Show on the list whom an institution's newest call goes to."""
    follow_resends(session, resends)


def _invite_url(request: Request, grant: GrantFacts) -> str:
    return str(request.route_path("nphd.invitation.invite", grant=grant.id))


def _waiting(request: Request, _variables: Mapping[str, Any]) -> Mapping[str, Any] | None:
    found = waiting(request.db, request.identity)
    return {"waiting": found} if found.count else None
