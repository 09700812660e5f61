"""Answers of the grants to the core's hooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Select
from sqlalchemy.orm import Session

from core.api.hooks import (
    GrantAction,
    SettingField,
    SettingsSection,
    SubjectFacts,
    UserFacts,
    hookimpl,
)
from core.api.text import _
from plugins.hibah.services.visibility import SEES_ALL_SETTING, visible_threads
from plugins.hibah.workflow import ACTIONS

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
def register_settings() -> SettingsSection:
    """Describe who sees what."""
    return SETTINGS


@hookimpl
def register_grant_actions() -> Sequence[GrantAction]:
    """Give the manual's own actions."""
    return ACTIONS


@hookimpl
def readable_threads(session: Session, user: UserFacts) -> Sequence[Select[Any]]:
    """Open the conversations of the institutions whose grants a person sees."""
    return [visible_threads(session, user)]
