"""How dates, money and numbers are written."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from pyramid import testing

from core.web import formats

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MOMENT = datetime(2018, 11, 30, 5, 53, 19, tzinfo=UTC)


@pytest.fixture
def english() -> Iterator[None]:
    request = testing.DummyRequest(_LOCALE_="en")
    config = testing.setUp(request=request)
    config.add_translation_dirs("core:locale")
    yield
    testing.tearDown()


def test_times_are_shown_in_wib() -> None:
    assert formats.wib(MOMENT) == "30 November 2018 12:53 WIB"
    assert formats.wib_full(MOMENT) == "30 November 2018 12:53:19 WIB"
    assert formats.wib_pendek(MOMENT) == "30/11/2018 12:53"


def test_the_day_of_a_time_is_the_day_in_jakarta() -> None:
    late = datetime(2018, 11, 30, 17, 30, tzinfo=UTC)
    assert formats.tanggal(late) == "1 Desember 2018"
    assert formats.tanggal_pendek(late) == "01/12/2018"


def test_days_are_written_with_the_indonesian_month() -> None:
    assert formats.tanggal(date(2024, 8, 5)) == "5 Agustus 2024"
    assert formats.tanggal_pendek(date(2024, 8, 5)) == "05/08/2024"
    assert formats.iso(date(2024, 8, 5)) == "2024-08-05"
    assert formats.iso(MOMENT) == "2018-11-30T12:53:19+07:00"


@pytest.mark.parametrize(
    ("span", "written"),
    [
        (timedelta(seconds=3), "baru saja"),
        (timedelta(seconds=75), "sekitar 1 menit lalu"),
        (timedelta(minutes=5), "5 menit lalu"),
        (timedelta(minutes=50), "sekitar 1 jam lalu"),
        (timedelta(hours=3, minutes=10), "sekitar 3 jam lalu"),
        (timedelta(hours=10), "sekitar 10 jam lalu"),
        (timedelta(hours=23, minutes=45), "sekitar 1 hari lalu"),
        (timedelta(days=3), "3 hari lalu"),
        (timedelta(days=35), "sekitar 1 bulan lalu"),
        (timedelta(days=150), "sekitar 5 bulan lalu"),
        (timedelta(days=366), "sekitar 1 tahun lalu"),
        (timedelta(days=1200), "sekitar 3 tahun lalu"),
        (timedelta(seconds=-20), "sebentar lagi"),
        (timedelta(minutes=-5), "dalam 5 menit"),
        (timedelta(hours=-3), "dalam sekitar 3 jam"),
    ],
)
def test_how_long_ago_reads_as_the_manual_writes_it(span: timedelta, written: str) -> None:
    assert formats.ago(MOMENT, MOMENT + span) == written


def test_a_count_never_reaches_the_next_larger_unit() -> None:
    """No "60 menit", "24 jam" or "12 bulan": the next unit takes over first."""
    for seconds in range(60, 3 * 365 * 86400, 7919):
        words = formats.ago(MOMENT, MOMENT + timedelta(seconds=seconds)).split()
        count, unit = int(words[-3]), words[-2]
        assert count < {"menit": 60, "jam": 24, "hari": 30, "bulan": 13, "tahun": 4}[unit]


def test_money_is_written_as_in_the_manual() -> None:
    assert formats.rupiah(9_000_000_000) == "Rp9.000.000.000,00"
    assert formats.rupiah(Decimal("400000000.5")) == "Rp400.000.000,50"
    assert formats.rupiah(Decimal(-1500)) == "-Rp1.500,00"
    assert formats.rupiah(0) == "Rp0,00"


def test_numbers_are_grouped() -> None:
    assert formats.number(7176) == "7.176"
    assert formats.number(Decimal("1234.5")) == "1.234,5"
    assert formats.number(12) == "12"


def test_telephone_numbers_are_readable_and_can_be_hidden() -> None:
    assert formats.phone("+628123090095") == "+62 812-3090-095"
    assert formats.masked("+628123090095") == "+62*****0095"
    assert formats.phone("DANA-INFO") == "DANA-INFO"
    assert formats.masked("12345678") == "*****5678"


@pytest.mark.parametrize(
    "write",
    [
        formats.ago,
        formats.iso,
        formats.jam,
        formats.masked,
        formats.number,
        formats.phone,
        formats.rupiah,
        formats.tanggal,
        formats.tanggal_pendek,
        formats.wib,
        formats.wib_full,
        formats.wib_pendek,
    ],
)
def test_nothing_is_written_for_a_missing_value(write: Callable[[None], str]) -> None:
    assert write(None) == ""


@pytest.mark.usefixtures("english")
def test_english_pages_have_english_months_and_groups() -> None:
    assert formats.tanggal(date(2024, 8, 5)) == "5 August 2024"
    assert formats.rupiah(9_000_000) == "Rp9,000,000.00"
    assert formats.number(7176) == "7,176"
    assert formats.tanggal_pendek(date(2024, 8, 5)) == "05/08/2024"
