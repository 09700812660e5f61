"""Days as officers and institutions mean them: the calendar of Asia/Jakarta, in Indonesian."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from typing import Final
from zoneinfo import ZoneInfo

from babel.dates import format_date

from core.api.db import utcnow

__all__ = [
    "JAKARTA",
    "clock_words",
    "date_words",
    "parse_clock",
    "today_in_jakarta",
    "weekday_words",
]

JAKARTA: Final = ZoneInfo("Asia/Jakarta")
"""The bureau's time zone (WIB, UTC+7, no daylight saving time)."""

_CLOCK: Final = re.compile(r"([01]?\d|2[0-3])[.:]([0-5]\d)")


def today_in_jakarta(now: datetime | None = None) -> date:
    """Return the date on the bureau's wall at ``now`` (aware), which is this moment by default."""
    return (now or utcnow()).astimezone(JAKARTA).date()


def date_words(day: date) -> str:
    """Write a date as in an official text: ``1 Desember 2018``."""
    return str(format_date(day, "d MMMM y", locale="id"))


def weekday_words(day: date) -> str:
    """Name the weekday: ``Sabtu``."""
    return str(format_date(day, "EEEE", locale="id"))


def clock_words(hour: time) -> str:
    """Write a time of day the Indonesian way, without its zone: ``09.00``."""
    return f"{hour:%H.%M}"


def parse_clock(text: str) -> time | None:
    """Read a time of day typed as ``09.00`` or ``9:00``; None for anything else."""
    match = _CLOCK.fullmatch(text.strip())
    return time(int(match[1]), int(match[2])) if match else None
