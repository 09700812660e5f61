from __future__ import annotations

from datetime import UTC, date, datetime, time

import pytest

from plugins.nphd.days import (
    clock_words,
    date_words,
    parse_clock,
    today_in_jakarta,
    weekday_words,
)


@pytest.mark.parametrize(
    ("now", "today"),
    [
        (datetime(2018, 11, 30, 16, 59, 59, tzinfo=UTC), date(2018, 11, 30)),
        (datetime(2018, 11, 30, 17, 0, 0, tzinfo=UTC), date(2018, 12, 1)),
    ],
)
def test_the_day_begins_at_midnight_in_jakarta(now: datetime, today: date) -> None:
    assert today_in_jakarta(now) == today


def test_days_and_hours_are_written_as_in_an_official_text() -> None:
    assert date_words(date(2018, 12, 1)) == "1 Desember 2018"
    assert weekday_words(date(2018, 12, 1)) == "Sabtu"
    assert clock_words(time(9)) == "09.00"


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        ("09.00", time(9)),
        (" 9:05 ", time(9, 5)),
        ("23.59", time(23, 59)),
        ("24.00", None),
        ("9", None),
        ("09.60", None),
        ("pagi", None),
        ("", None),
    ],
)
def test_an_hour_is_read_as_it_is_typed(text: str, hour: time | None) -> None:
    assert parse_clock(text) == hour
