"""Days and amounts as people type them."""

from __future__ import annotations

import contextlib
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.web.formats import tanggal_pendek
from core.web.forms.parsing import UnreadableError, parse_amount, parse_day, write_amount


@pytest.mark.parametrize(
    "typed",
    ["30/11/2018", " 30/11/2018 ", "30-11-2018", "30.11.2018", "30 11 2018", "2018-11-30"],
)
def test_a_day_is_read_in_every_usual_spelling(typed: str) -> None:
    assert parse_day(typed) == date(2018, 11, 30)


@pytest.mark.parametrize(
    ("typed", "part"),
    [
        ("31/02/2018", "Februari 2018 berakhir pada tanggal 28"),
        ("29/02/2023", "Februari 2023 berakhir pada tanggal 28"),
        ("31/04/2024", "April 2024 berakhir pada tanggal 30"),
        ("00/01/2024", "Tanggal 00/01/2024 tidak ada"),
        ("01/13/2024", "Bulan 13 tidak ada"),
        ("01/00/2024", "Bulan 0 tidak ada"),
        ("01/01/24", "empat angka"),
        ("01/01/20244", "empat angka"),
        ("01/01/0018", "Tahun 18"),
        ("besok", "hari/bulan/tahun"),
        ("30 November 2018", "hari/bulan/tahun"),
        ("30/11", "hari/bulan/tahun"),
    ],
)
def test_a_day_that_is_none_is_refused_with_its_reason(typed: str, part: str) -> None:
    with pytest.raises(UnreadableError) as refused:
        parse_day(typed)
    assert part in refused.value.explanation.interpolate()


@given(st.dates(min_value=date(1900, 1, 1), max_value=date(2199, 12, 31)))
def test_what_is_shown_can_be_typed_again(day: date) -> None:
    assert parse_day(tanggal_pendek(day)) == day


@given(st.text(max_size=30))
def test_any_text_is_a_day_or_is_refused(text: str) -> None:
    with contextlib.suppress(UnreadableError):
        assert 1900 <= parse_day(text).year <= 2199


@pytest.mark.parametrize(
    ("typed", "amount"),
    [
        ("9000000000", "9000000000"),
        ("9.000.000.000", "9000000000"),
        ("9.000.000.000,00", "9000000000"),
        ("Rp9.000.000.000,00", "9000000000"),
        ("Rp. 400.000.000,50", "400000000.5"),
        ("rp 1500", "1500"),
        ("1.500,-", "1500"),
        ("0", "0"),
        ("-1.500", "-1500"),
    ],
)
def test_an_amount_is_read_as_it_is_written_here(typed: str, amount: str) -> None:
    assert parse_amount(typed) == Decimal(amount)


@pytest.mark.parametrize(
    "typed", ["", "banyak", "1.50", "1,500,000", "12.34.567", "1e9", "1,234", "Rp", "--1", "9" * 16]
)
def test_an_amount_that_could_be_misread_is_refused(typed: str) -> None:
    with pytest.raises(UnreadableError):
        parse_amount(typed)


@given(st.decimals(min_value=-(10**14), max_value=10**14, places=2))
def test_a_shown_amount_can_be_typed_again(amount: Decimal) -> None:
    assert parse_amount(write_amount(amount)) == amount


@given(st.text(max_size=30))
def test_any_text_is_an_amount_or_is_refused(text: str) -> None:
    with contextlib.suppress(UnreadableError):
        assert abs(parse_amount(text)) < 10**15
