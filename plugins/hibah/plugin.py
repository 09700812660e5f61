"""Answers of the grants to the core's hooks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Select
from sqlalchemy.orm import Session

from core.api.hooks import (
    GrantAction,
    HelpChapter,
    SettingField,
    SettingsSection,
    Slot,
    SubjectContactChange,
    SubjectFacts,
    UserFacts,
    hookimpl,
)
from core.api.text import _
from plugins.hibah import cli, demo, views
from plugins.hibah.services import conversations
from plugins.hibah.services.visibility import READ, SEES_ALL_SETTING
from plugins.hibah.views.actions import own_actions
from plugins.hibah.views.common import institution_path
from plugins.hibah.views.search import search_box

if TYPE_CHECKING:
    import click
    from pyramid.config import Configurator

SETTINGS: Final = SettingsSection(
    title=_("Hibah"),
    fields=(
        SettingField(
            key=SEES_ALL_SETTING,
            label=_("Petugas melihat semua hibah"),
            kind="bool",
            default=False,
            hint=_(
                "Tanpa ini, petugas hanya melihat lembaga, hibah dan percakapan dari hibah yang "
                "ditangani sendiri dan timnya."
            ),
        ),
    ),
)


@hookimpl
def include_web(config: Configurator) -> None:
    """Add the pages."""
    views.includeme(config)


@hookimpl
def register_slots() -> Sequence[Slot]:
    """Put the quick search into the frame and onto the dashboard."""
    return (
        Slot("frame.search", "hibah/search_frame.jinja2", 10, READ, search_box),
        Slot("dashboard.search", "hibah/search_dashboard.jinja2", 10, READ, search_box),
    )


@hookimpl
def register_help() -> Sequence[HelpChapter]:
    """Add the chapters of the guide."""
    return (
        HelpChapter("pencarian", _("Pencarian"), "hibah/help_search.jinja2", 35),
        HelpChapter("kontak-lembaga", _("Kontak Lembaga"), "hibah/help_contact.jinja2", 60),
    )


@hookimpl
def register_settings() -> SettingsSection:
    """Describe who sees what."""
    return SETTINGS


@hookimpl
def register_commands() -> Sequence[click.Command]:
    """Add ``abah hibah``."""
    return (cli.hibah,)


@hookimpl
def load_demo(session: Session, progress: Callable[[str], None]) -> None:
    """Import a made-up workbook."""
    demo.load(session, progress)


@hookimpl
def register_grant_actions() -> Sequence[GrantAction]:
    """Give the manual's own actions."""
    return own_actions()


@hookimpl
def readable_threads(session: Session, user: UserFacts) -> Sequence[Select[Any]]:
    """Open the conversations of the institutions whose grants a person sees."""
    return [conversations.readable_threads(session, user)]


@hookimpl
def own_threads(session: Session, user: UserFacts) -> Sequence[Select[Any]]:
    """Name the conversations of the institutions whose officer a person is."""
    del session
    return [conversations.own_threads(user)]


@hookimpl
def readable_subjects(
    session: Session, user: UserFacts, subjects: Sequence[str]
) -> Collection[str]:
    """Let a person write to the institutions whose grants the person sees."""
    return conversations.readable_subjects(session, user, subjects)


@hookimpl
def threads_opened(session: Session, threads: Mapping[str, int]) -> None:
    """Remember the conversations of institutions."""
    conversations.remember_threads(session, threads)


@hookimpl
def describe_subjects(session: Session, subjects: Sequence[str]) -> Mapping[str, SubjectFacts]:
    """Name institutions and their pages."""
    return conversations.describe(session, subjects, institution_path)


@hookimpl
def subject_contacts_changed(session: Session, changes: Sequence[SubjectContactChange]) -> None:
    """Bring the index up to date, and tell those who listen to the contacts of institutions."""
    conversations.follow_contacts(session, changes)
