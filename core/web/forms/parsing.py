"""Reading what people type: days and amounts, as they are written in Indonesia."""

from __future__ import annotations

import calendar
import re
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Final

from core.i18n import TranslationString, _
from core.web.formats import month_name

__all__ = ["UnreadableError", "parse_amount", "parse_day", "write_amount"]

MAX_DIGITS: Final = 15
"""Most digits before the comma that an amount may have."""

_DAY_FIRST: Final = re.compile(r"(\d{1,2})\s*[/.\-\s]\s*(\d{1,2})\s*[/.\-\s]\s*(\d+)")
_YEAR_FIRST: Final = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
_GROUPED: Final = re.compile(r"\d{1,3}(\.\d{3})+")
_CURRENCY: Final = re.compile(r"^-?\s*rp\.?\s*", re.IGNORECASE)
_EARLIEST_YEAR: Final = 1900
_LATEST_YEAR: Final = 2199
_MONTHS: Final = 12


class UnreadableError(ValueError):
    """Text that is no such value; ``explanation`` says what is wrong and how to write it."""

    def __init__(self, explanation: TranslationString) -> None:
        """Keep the sentence."""
        self.explanation = explanation
        super().__init__(explanation.interpolate())


def parse_day(text: str) -> date:
    """Read a day typed as 30/11/2018 (also 30-11-2018, 30.11.2018 and 2018-11-30).

    :raises UnreadableError: it is no day, or one that does not exist.
    """
    text = text.strip()
    if match := _YEAR_FIRST.fullmatch(text):
        year, month, day = (int(part) for part in match.groups())
    elif match := _DAY_FIRST.fullmatch(text):
        day, month = int(match[1]), int(match[2])
        year = _year(match[3])
    else:
        raise UnreadableError(_("Tulis tanggal sebagai hari/bulan/tahun, misalnya 30/11/2018."))
    return _existing(day, month, year)


def _year(text: str) -> int:
    if len(text) != 4:  # noqa: PLR2004 - digits of a year
        raise UnreadableError(_("Tulis tahun dengan empat angka, misalnya 2018."))
    return int(text)


def _existing(day: int, month: int, year: int) -> date:
    if not 1 <= month <= _MONTHS:
        raise UnreadableError(
            _(
                "Bulan ${month} tidak ada. Tulis bulan dengan angka 1 sampai 12.",
                mapping={"month": month},
            )
        )
    if not _EARLIEST_YEAR <= year <= _LATEST_YEAR:
        raise UnreadableError(
            _(
                "Tahun ${year} tidak dapat dipakai. Periksa kembali tahunnya.",
                mapping={"year": year},
            )
        )
    last = calendar.monthrange(year, month)[1]
    if not 1 <= day <= last:
        facts = {
            "day": f"{day:02d}/{month:02d}/{year}",
            "month": month_name(month),
            "year": year,
            "last": last,
        }
        raise UnreadableError(
            _(
                "Tanggal ${day} tidak ada. ${month} ${year} berakhir pada tanggal ${last}.",
                mapping=facts,
            )
        )
    return date(year, month, day)


def parse_amount(text: str) -> Decimal:
    """Read an amount of rupiah: 9000000, 9.000.000, 9.000.000,00, each with or without Rp.

    :raises UnreadableError: it is no amount.
    """
    plain = _CURRENCY.sub("-" if text.strip().startswith("-") else "", text.strip())
    whole, comma, cents = plain.replace(" ", "").partition(",")
    sign, whole = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
    cents = "" if cents == "-" else cents
    readable = whole.isdecimal() or _GROUPED.fullmatch(whole)
    if not readable or (comma and cents and not re.fullmatch(r"\d{1,2}", cents)):
        raise UnreadableError(
            _("Tulis jumlah uang dengan angka, misalnya 9.000.000 atau 9.000.000,00.")
        )
    digits = whole.replace(".", "")
    if len(digits.lstrip("0")) > MAX_DIGITS:
        raise UnreadableError(_("Jumlah uang ini terlalu besar. Periksa kembali angkanya."))
    try:
        return Decimal(f"{sign}{digits}.{cents or '0'}")
    except InvalidOperation:
        raise UnreadableError(_("Tulis jumlah uang dengan angka, misalnya 9.000.000.")) from None


def write_amount(value: Decimal) -> str:
    """Write an amount as it is typed, whatever the language of the page: ``9.000.000,00``."""
    return f"{value:,.2f}".translate(str.maketrans(",.", ".,"))
