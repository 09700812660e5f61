"""Place and hour of a new list, from the plugin's settings."""

from __future__ import annotations

from datetime import time
from typing import Final

from sqlalchemy.orm import Session

from core.api.runtime import runtime_of
from plugins.nphd.days import parse_clock

__all__ = ["DEFAULT_HOUR", "DEFAULT_PLACE", "default_hour", "default_place"]

DEFAULT_PLACE: Final = "Biro Kesejahteraan Rakyat, Jl. Pahlawan 110 Surabaya"
DEFAULT_HOUR: Final = "09.00"


def default_place(session: Session) -> str:
    """Return the place that new lists start with."""
    stored = str(_settings(session)["place"]).strip()
    return stored or DEFAULT_PLACE


def default_hour(session: Session) -> time:
    """Return the hour (WIB) that new lists start with."""
    # An administrator's typing error in the setting must not stop officers from inviting.
    return parse_clock(str(_settings(session)["hour"])) or time(9)


def _settings(session: Session) -> dict[str, object]:
    return dict(runtime_of(session).plugin_settings("nphd"))
