"""Reading one cell: what people and spreadsheets write becomes a value or is refused."""

from __future__ import annotations

import difflib
import math
import re
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final

from core.api.contacts import InvalidNumberError, parse_number
from core.api.text import _
from plugins.hibah.normalise import fold
from plugins.hibah.regencies import REGENCIES
from plugins.hibah.workbook.problems import CellError

__all__ = [
    "read_amount",
    "read_code",
    "read_date",
    "read_digits",
    "read_regency",
    "read_stage",
    "read_telephone",
    "read_text",
]

MAX_AMOUNT: Final = 10**15
EXACT_DIGITS: Final = 15
"""A spreadsheet keeps no more digits of a number; the rest becomes zeros."""
FIRST_YEAR: Final = 1990
LAST_YEAR: Final = 2100

_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        (
            ("januari", "jan"),
            ("februari", "pebruari", "feb"),
            ("maret", "mar"),
            ("april", "apr"),
            ("mei",),
            ("juni", "jun"),
            ("juli", "jul"),
            ("agustus", "agu", "agt", "ags"),
            ("september", "sep", "sept"),
            ("oktober", "okt"),
            ("november", "nopember", "nov", "nop"),
            ("desember", "des"),
        ),
        start=1,
    )
    for name in names
}
_DAY_FIRST: Final = re.compile(r"(\d{1,2})[/.\-](\d{1,2})[/.\-](\d{4})")
_YEAR_FIRST: Final = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[ T]00:00(?::00)?)?")
_IN_WORDS: Final = re.compile(r"(?:[A-Za-z']+,\s*)?(\d{1,2})\s+([A-Za-z]+)\.?\s+(\d{4})")
_GROUPED: Final = re.compile(r"\d{1,3}(?:\.\d{3})+|\d+")
_RUPIAH: Final = re.compile(r"^(?:rp|idr)\.?\s*", re.IGNORECASE)
_NO_CENTS: Final = re.compile(r"(?:,(?:00?|-+))$")
_CODE: Final = re.compile(r"[A-Z0-9][A-Z0-9./_-]*")
_ROMAN: Final = {"i": 1, "ii": 2, "iii": 3, "iv": 4, "v": 5, "vi": 6, "vii": 7, "viii": 8}
_REGENCY_WORDS: Final = {
    "kabupaten": "Kabupaten",
    "kab": "Kabupaten",
    "kotamadya": "Kota",
    "kodya": "Kota",
    "kota": "Kota",
}
_EXCEL_ERRORS: Final = frozenset(
    {"#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!"}
)


def read_text(value: Any, limit: int) -> str:
    """Read text of at most ``limit`` characters, with single spaces; nothing is an empty text."""
    if isinstance(value, datetime | date):
        value = f"{value:%d/%m/%Y}"
    elif isinstance(value, float) and value.is_integer():
        value = int(value)
    text = "" if value is None else " ".join(str(value).split())
    # Control characters come along when text is copied; PostgreSQL refuses NUL.
    text = "".join(character for character in text if character.isprintable())
    if text in _EXCEL_ERRORS:
        raise CellError(
            _("Rumus di sel ini gagal. Perbaiki rumusnya atau tulis nilainya langsung.")
        )
    if len(text) > limit:
        raise CellError(
            _(
                "Terlalu panjang: ${n} huruf, paling banyak ${limit}. Persingkat isinya.",
                mapping={"n": len(text), "limit": limit},
            )
        )
    return text


def read_digits(value: Any, limit: int) -> str:
    """Read a long number that is a name (DPA, NIP): as text, because spreadsheets round numbers."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        if abs(value) >= 10**EXACT_DIGITS:
            raise CellError(
                _(
                    "Ditulis sebagai angka, sehingga program lembar kerja membulatkan angka "
                    "setelah digit ke-15. Ubah format sel menjadi teks, lalu ketik ulang nomornya."
                )
            )
        if isinstance(value, float) and not value.is_integer():
            raise CellError(_("Harus berupa nomor tanpa pecahan."))
    return read_text(value, limit)


def read_code(value: Any, limit: int) -> str:
    """Read a process code, in capital letters."""
    code = read_digits(value, limit).upper()
    if code and not _CODE.fullmatch(code):
        raise CellError(
            _(
                "Kode hanya boleh berisi huruf, angka, titik, garis miring dan tanda hubung, "
                "misalnya 2018-HK-00005."
            )
        )
    return code


def read_amount(value: Any) -> int:
    """Read an amount in whole rupiah: a number, or a text as ``Rp9.000.000.000,00``."""
    if isinstance(value, bool | datetime | date):
        raise _bad_amount()
    if isinstance(value, int | float):
        if not math.isfinite(value) or value != int(value):
            raise CellError(_("Nominal harus rupiah bulat, tanpa sen."))
        amount = int(value)
    else:
        text = _RUPIAH.sub("", read_text(value, 40)).replace(" ", "")
        text = _NO_CENTS.sub("", text)
        if not _GROUPED.fullmatch(text):
            raise _bad_amount()
        amount = int(text.replace(".", ""))
    if amount <= 0:
        raise CellError(_("Nominal harus lebih dari nol."))
    if amount > MAX_AMOUNT:
        raise CellError(_("Nominal terlalu besar. Periksa jumlah nolnya."))
    return amount


def read_date(value: Any) -> date:
    """Read a date: a date cell, ``19/01/2018``, ``2018-01-19`` or ``19 Januari 2018``."""
    if isinstance(value, datetime):
        value = value.date()
    if not isinstance(value, date):
        value = _typed_date(read_text(value, 60))
    found: date = value
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise CellError(
            _(
                "Tahun ${year} tidak wajar untuk tanggal ini. Periksa kembali tahunnya.",
                mapping={"year": found.year},
            )
        )
    return found


def read_stage(value: Any) -> int:
    """Read the stage (tahap) of a decree: ``1``, ``Tahap 1`` or ``Tahap I``."""
    text = fold(read_text(value, 40)).removeprefix("tahap").removeprefix("ke")
    stage = _ROMAN.get(text, int(text) if text.isascii() and text.isdecimal() else 0)
    if not 0 < stage < 100:  # noqa: PLR2004 - two digits are more than any year had
        raise CellError(_("Tulis tahap sebagai angka, misalnya 1 atau Tahap 1."))
    return stage


def read_regency(value: Any) -> int | None:
    """Read a regency or city of the province and return its code; None for an empty cell."""
    text = read_text(value, 100)
    if not text:
        return None
    key = fold(text).removeprefix("provinsijawatimur")
    found = _regency_spellings().get(key, ())
    if len(found) == 1:
        return found[0]
    if found:
        raise CellError(
            _(
                "${name} bisa berarti ${choices}. Tulis salah satunya lengkap.",
                mapping={
                    "name": text,
                    "choices": " / ".join(REGENCIES[code] for code in found),
                },
            )
        )
    near = _similar_regency(key)
    if near is not None:
        raise CellError(
            _(
                "Kabupaten/kota ini tidak dikenal. Mungkin maksudnya ${name}.",
                mapping={"name": REGENCIES[near]},
            )
        )
    raise CellError(
        _(
            "Kabupaten/kota ini tidak ada di Jawa Timur. Tulis misalnya Kabupaten Malang atau "
            "Kota Surabaya."
        )
    )


def read_telephone(value: Any) -> str:
    """Read one mobile number and return it as E.164; an empty cell is an empty text."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = read_text(value, 100)
    if not text:
        return ""
    try:
        return parse_number(text)
    except InvalidNumberError as error:
        raise CellError(error.explanation) from error


def _typed_date(text: str) -> date:
    if found := _YEAR_FIRST.fullmatch(text):
        year, month, day = (int(part) for part in found.groups())
    elif found := _DAY_FIRST.fullmatch(text):
        day, month, year = (int(part) for part in found.groups())
    elif (found := _IN_WORDS.fullmatch(text)) and found[2].lower() in _MONTHS:
        day, month, year = int(found[1]), _MONTHS[found[2].lower()], int(found[3])
    else:
        raise CellError(_("Bukan tanggal. Tulis misalnya 19/01/2018 atau 19 Januari 2018."))
    try:
        return date(year, month, day)
    except ValueError:
        raise CellError(
            _("Tanggal ini tidak ada di kalender. Periksa tanggal dan bulannya.")
        ) from None


def _bad_amount() -> CellError:
    return CellError(
        _("Bukan nominal. Tulis satu angka saja, misalnya 9000000000 atau Rp9.000.000.000,00.")
    )


def _similar_regency(key: str) -> int | None:
    """Return the regency whose bare name is spelled almost so, of the kind that was told."""
    spellings = _regency_spellings()
    word = next((word for word in _REGENCY_WORDS if key.startswith(word)), "")
    bare = [fold(name.split(" ", 1)[1]) for name in REGENCIES.values()]
    near = difflib.get_close_matches(key.removeprefix(word), bare, n=1, cutoff=0.8)
    return spellings.get(word + near[0], spellings[near[0]])[0] if near else None


@lru_cache(maxsize=1)
def _regency_spellings() -> dict[str, tuple[int, ...]]:
    """Map each folded spelling, with its word or without, to the codes that it can mean."""
    spellings: dict[str, tuple[int, ...]] = {}
    for code, name in REGENCIES.items():
        word, rest = name.split(" ", 1)
        firsts = [first for first, kind in _REGENCY_WORDS.items() if kind == word]
        for key in (fold(rest), *(first + fold(rest) for first in firsts)):
            spellings[key] = (*spellings.get(key, ()), code)
    return spellings
