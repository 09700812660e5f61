"""Answers to hooks. No logic lives here."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from core.api.hooks import ContactChange, SettingField, SettingsSection, hookimpl
from core.api.text import _
from plugins.nphd import models as models  # noqa: PLC0414 - its tables must be known
from plugins.nphd.services.defaults import DEFAULT_HOUR, DEFAULT_PLACE
from plugins.nphd.services.editing import follow_contacts


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
            ),
        ),
    )


@hookimpl
def contacts_changed(session: Session, changes: Sequence[ContactChange]) -> None:
    """Call an institution's new contact where it was not called yet."""
    follow_contacts(session, changes)
