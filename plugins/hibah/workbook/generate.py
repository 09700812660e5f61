"""A believable workbook for demos, training and tests: the same seed gives the same rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Final

from babel.dates import get_month_names
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell

from plugins.hibah.regencies import REGENCIES
from plugins.hibah.workbook.columns import Column
from plugins.hibah.workbook.names import (
    DISTRICTS,
    institution_name,
    person_name,
    street,
    village,
)

if TYPE_CHECKING:
    from openpyxl.worksheet._write_only import WriteOnlyWorksheet

__all__ = ["ACTIVE_YEAR", "OFFICERS", "SHOWCASE", "generated_rows", "write_generated"]

ACTIVE_YEAR: Final = 2018
"""Year of the manual's examples; earlier years are the archive of the demo."""

OFFICERS: Final = ("ANINDHITA", "DANU MAHARDIKA", "LESTARI WIDODO", "BAGUS PRAKOSO")
"""The officers of the demo; the first two are those of the manual."""

SHOWCASE: Final = f"{ACTIVE_YEAR}-HK-00005"
"""Code of the grant that the manual shows."""

_YEARS: Final = ((2016, 25), (2017, 35), (ACTIVE_YEAR, 40))
_LPTQ: Final = {2016: (4, 9, 15, 21), 2017: (3, 7, 12, 18, 25)}
"""Numbers of the archived grants to an LPTQ: nine, as in the manual's search."""

_NUMBERS: Final = range(100, 10_000)
"""The invented range +62 812-3090-0100 to 9999; those below belong to the people of the demo."""

_KINDS: Final = (
    "Hibah Berbadan Hukum Indonesia",
    "Hibah Badan/Lembaga Nirlaba",
    "Hibah Kelompok Masyarakat",
)
_RECOMMENDATIONS: Final = ("REGULER", "REGULER", "USULAN LANGSUNG", "POKOK PIKIRAN")
_PURPOSES: Final = (
    "Pembangunan Ruang Kelas Baru (RKB)",
    "Pembangunan Masjid",
    "Rehabilitasi Gedung",
    "Pengadaan Sarana Belajar",
    "Pembangunan Tempat Wudlu dan Toilet",
    "Pengadaan Alat Kesenian",
    "Pembangunan Pagar dan Halaman",
    "Operasional Kegiatan Keagamaan",
    "Pembinaan Qori dan Qoriah",
)
_MONTHS: Final = dict(get_month_names("wide", locale="id"))


@dataclass(frozen=True, slots=True)
class _Institution:
    name: str
    address: str
    regency: str
    contact: str
    number: int | None
    """Last four digits of the telephone, or None where nobody is known."""


def write_generated(
    path: Path, *, rows: int, seed: int, officers: Sequence[str] = OFFICERS
) -> None:
    """Write a workbook with ``rows`` grants of invented institutions.

    :raises OSError: the file cannot be written.
    """
    # Opened first: a sheet that was begun and never saved complains when it is thrown away.
    with path.open("wb") as file:
        book = Workbook(write_only=True)
        sheet = book.create_sheet("Hibah")
        sheet.freeze_panes = "A2"
        sheet.append([column.heading for column in Column])
        for values in generated_rows(rows, seed, officers):
            sheet.append([_cell(sheet, values[column]) for column in Column])
        book.save(file)


def _cell(sheet: WriteOnlyWorksheet, value: Any) -> Any:
    cell = WriteOnlyCell(sheet, value=value)
    if isinstance(value, date):
        cell.number_format = "dd/mm/yyyy"
    return cell


def generated_rows(
    rows: int, seed: int, officers: Sequence[str] = OFFICERS
) -> Iterator[dict[Column, Any]]:
    """Make up grants, oldest first."""
    random = Random(seed)  # noqa: S311 - nothing secret is made here
    numbers = list(_NUMBERS)
    random.shuffle(numbers)
    known: list[_Institution] = []
    for year, count in _split(rows):
        decrees = _decrees(random, year)
        for number in range(1, count + 1):
            code = f"{year}-HK-{number:05d}"
            if code == SHOWCASE:
                yield _showcase(numbers.pop())
                continue
            lptq = number in _LPTQ.get(year, ())
            again = bool(known) and random.random() < 0.15  # noqa: PLR2004 - about one in seven
            if again and not lptq:
                institution = random.choice(known)
            else:
                institution = _institution(random, numbers, lptq=lptq)
                if not lptq:
                    known.append(institution)
            yield _row(random, code, institution, decrees, officers)


def _split(rows: int) -> Iterator[tuple[int, int]]:
    left = rows
    for year, percent in _YEARS[:-1]:
        count = rows * percent // 100
        left -= count
        yield year, count
    yield ACTIVE_YEAR, left


def _institution(random: Random, numbers: list[int], *, lptq: bool) -> _Institution:
    district = random.choice(DISTRICTS)
    reachable = numbers and random.random() < 0.93  # noqa: PLR2004 - a few have nobody yet
    return _Institution(
        name=f"LPTQ Kecamatan {district}" if lptq else institution_name(random),
        address=f"{street(random)}, Desa {village(random)}, Kec. {district}",
        regency=random.choice(list(REGENCIES.values())),
        contact=person_name(random),
        number=numbers.pop() if reachable else None,
    )


def _decrees(random: Random, year: int) -> list[tuple[int, str, str, date]]:
    decrees = []
    for stage in (1, 2, 3):
        day = date(year, 1, 15) + timedelta(days=100 * (stage - 1) + random.randint(0, 20))
        number = f"188/{random.randint(100, 899)}/KPTS/013/{year}"
        decrees.append((stage, "GUBERNUR JAWA TIMUR", number, day))
    return decrees


def _row(
    random: Random,
    code: str,
    institution: _Institution,
    decrees: Sequence[tuple[int, str, str, date]],
    officers: Sequence[str],
) -> dict[Column, Any]:
    year, number = int(code[:4]), int(code[-5:])
    amount = random.choice((25, 30, 50, 75, 100, 125, 150, 200, 280, 400, 750)) * 1_000_000
    created = date(year, 1, 5) + timedelta(days=random.randint(0, 300))
    # One in nine still waits for its decree.
    decree = random.choice(decrees) if random.randrange(9) else None
    return {
        Column.CODE: code,
        Column.DPA: f"5435140501{year % 10}{number:05d}",
        Column.INSTITUTION: institution.name,
        Column.ADDRESS: institution.address,
        Column.REGENCY: institution.regency,
        Column.KIND: random.choice(_KINDS),
        Column.RECOMMENDATION: random.choice(_RECOMMENDATIONS),
        Column.AMOUNT: amount if random.randrange(8) else _rupiah(amount),
        Column.PURPOSE: random.choice(_PURPOSES),
        Column.DECREE_STAGE: f"Tahap {decree[0]}" if decree else None,
        Column.DECREE_OFFICIAL: decree[1] if decree else None,
        Column.DECREE_NUMBER: decree[2] if decree else None,
        Column.DECREE_DATED: _written(random, decree[3]) if decree else None,
        Column.OFFICER: random.choice(officers) if officers else None,
        Column.CONTACT: institution.contact if institution.number is not None else None,
        Column.TELEPHONE: _telephone(random, institution.number),
        Column.CREATED: created,
    }


def _showcase(number: int) -> dict[Column, Any]:
    """Return the grant that the manual shows, with an invented institution."""
    return {
        Column.CODE: SHOWCASE,
        Column.DPA: "5435140501000005",
        Column.INSTITUTION: f"LPTQ Kecamatan {DISTRICTS[0]}",
        Column.ADDRESS: f"Jl. Samudera No. 17, Desa Wanasekar, Kec. {DISTRICTS[0]}",
        Column.REGENCY: "Kota Surabaya",
        Column.KIND: "Hibah Berbadan Hukum Indonesia",
        Column.RECOMMENDATION: "REGULER",
        Column.AMOUNT: 9_000_000_000,
        Column.PURPOSE: "Pembinaan Qori dan Qoriah",
        Column.DECREE_STAGE: "Tahap 1",
        Column.DECREE_OFFICIAL: "GUBERNUR JAWA TIMUR",
        Column.DECREE_NUMBER: f"188/45/KPTS/013/{ACTIVE_YEAR}",
        Column.DECREE_DATED: date(ACTIVE_YEAR, 1, 19),
        Column.OFFICER: "DANU MAHARDIKA",
        Column.CONTACT: "NUR SASMITA",
        Column.TELEPHONE: f"08123090{number:04d}",
        Column.CREATED: date(ACTIVE_YEAR, 1, 31),
    }


def _rupiah(amount: int) -> str:
    return f"Rp{amount:,}".replace(",", ".") + ",00"


def _written(random: Random, day: date) -> Any:
    """Write a date in one of the ways that people write it."""
    match random.randrange(8):
        case 0:
            return f"{day:%d/%m/%Y}"
        case 1:
            return f"{day.day} {_MONTHS[day.month]} {day.year}"
        case _:
            return day


def _telephone(random: Random, number: int | None) -> str | None:
    if number is None:
        return None
    spelling = random.choice(
        ("08123090{:04d}", "08123090{:04d}", "+62 812-3090-{:04d}", "0812 3090 {:04d}")
    )
    return spelling.format(number)
