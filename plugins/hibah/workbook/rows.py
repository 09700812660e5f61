"""Checking rows: every cell is read, every mistake is collected, and good rows become values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, TypeVar

from core.api.text import TranslationString, _
from plugins.hibah.normalise import identity_of
from plugins.hibah.workbook.cells import (
    read_amount,
    read_code,
    read_date,
    read_digits,
    read_regency,
    read_stage,
    read_telephone,
    read_text,
)
from plugins.hibah.workbook.columns import Column
from plugins.hibah.workbook.problems import MISSING, CellError, Problem, shown
from plugins.hibah.workbook.reader import Sheet

__all__ = ["DecreeRow", "GrantRow", "check_rows"]

T = TypeVar("T")

_LIMITS: Final[Mapping[Column, int]] = {
    Column.INSTITUTION: 200,
    Column.ADDRESS: 300,
    Column.KIND: 120,
    Column.RECOMMENDATION: 120,
    Column.PURPOSE: 300,
    Column.DECREE_OFFICIAL: 120,
    Column.DECREE_NUMBER: 80,
    Column.OFFICER: 120,
    Column.CONTACT: 120,
}
_DECREE: Final = (
    Column.DECREE_STAGE,
    Column.DECREE_OFFICIAL,
    Column.DECREE_NUMBER,
    Column.DECREE_DATED,
)


@dataclass(frozen=True, slots=True)
class DecreeRow:
    """The decree that a row names."""

    stage: int
    official: str
    number: str
    dated: date


@dataclass(frozen=True, slots=True)
class GrantRow:
    """A row without mistakes. Empty texts and None are empty cells."""

    row: int
    code: str
    dpa: str
    institution: str
    address: str
    regency_id: int
    kind: str
    recommendation: str
    amount: int
    purpose: str
    decree: DecreeRow | None
    officer: str
    contact: str
    telephone: str
    """E.164, or empty."""
    created: date | None

    @property
    def identity(self) -> str:
        """Which institution it is."""
        return identity_of(self.institution, self.regency_id, self.address)


class _Row:
    """Reads the cells of one row and remembers what was wrong."""

    def __init__(self, sheet: Sheet, row: int, values: Sequence[Any]) -> None:
        self.row = row
        self.problems: list[Problem] = []
        self._columns = sheet.columns
        self._values = values

    def raw(self, column: Column) -> Any:
        index = self._columns.get(column)
        # A row ends with its last filled cell.
        return self._values[index] if index is not None and index < len(self._values) else None

    def is_empty(self, column: Column) -> bool:
        return not shown(self.raw(column))

    def note(self, column: Column, explanation: TranslationString, *, fatal: bool = True) -> None:
        self.problems.append(
            Problem(
                self.row,
                column,
                self._columns.get(column),
                shown(self.raw(column)),
                explanation,
                fatal,
            )
        )

    def read(self, column: Column, reader: Callable[[Any], T], empty: T) -> T:
        """Read a cell that may be empty; a bad one is noted and counts as empty."""
        if self.is_empty(column):
            return empty
        try:
            return reader(self.raw(column))
        except CellError as error:
            self.note(column, error.explanation)
            return empty

    def need(self, column: Column, reader: Callable[[Any], T], empty: T) -> T:
        """Read a cell that must be filled."""
        if self.is_empty(column):
            self.note(column, MISSING)
        return self.read(column, reader, empty)

    def text(self, column: Column) -> str:
        return self.read(column, lambda value: read_text(value, _LIMITS[column]), "")


def check_rows(sheet: Sheet) -> tuple[list[GrantRow], list[Problem]]:
    """Return the rows without a fatal problem, and every problem, in the order of the rows."""
    good: list[GrantRow] = []
    problems: list[Problem] = []
    first_rows: dict[str, int] = {}
    for number, values in sheet.rows:
        cells = _Row(sheet, number, values)
        row = _grant_row(cells)
        _refuse_double(cells, row.code, first_rows)
        problems += cells.problems
        if not any(problem.fatal for problem in cells.problems):
            good.append(row)
    return good, [*problems, *_contradictions(sheet, good), *_double_dpas(sheet, good)]


def _grant_row(cells: _Row) -> GrantRow:
    telephone = cells.read(Column.TELEPHONE, read_telephone, "")
    contact = cells.text(Column.CONTACT)
    if not cells.is_empty(Column.TELEPHONE) and not contact:
        cells.note(Column.CONTACT, _("Isi nama kontak person pemilik nomor telepon di baris ini."))
    if contact and cells.is_empty(Column.TELEPHONE):
        explanation = _("Kontak tidak disimpan karena nomor teleponnya kosong.")
        cells.note(Column.TELEPHONE, explanation, fatal=False)
    return GrantRow(
        row=cells.row,
        code=cells.need(Column.CODE, lambda value: read_code(value, 40), ""),
        dpa=cells.read(Column.DPA, lambda value: read_digits(value, 40), ""),
        institution=cells.need(
            Column.INSTITUTION, lambda value: read_text(value, _LIMITS[Column.INSTITUTION]), ""
        ),
        address=cells.text(Column.ADDRESS),
        regency_id=cells.need(Column.REGENCY, read_regency, None) or 0,
        kind=cells.text(Column.KIND),
        recommendation=cells.text(Column.RECOMMENDATION),
        amount=cells.need(Column.AMOUNT, read_amount, 0),
        purpose=cells.text(Column.PURPOSE),
        decree=_decree(cells),
        officer=cells.read(Column.OFFICER, lambda value: read_digits(value, 120), ""),
        contact=contact if telephone else "",
        telephone=telephone,
        created=cells.read(Column.CREATED, read_date, None),
    )


def _decree(cells: _Row) -> DecreeRow | None:
    """Read the decree: all four cells, or none."""
    empty = [column for column in _DECREE if cells.is_empty(column)]
    if len(empty) == len(_DECREE):
        return None
    for column in empty:
        cells.note(
            column, _("Lengkapi keempat kolom SK (tahap, pejabat, nomor, tanggal), atau kosongkan.")
        )
    stage = cells.read(Column.DECREE_STAGE, read_stage, 0)
    official = cells.text(Column.DECREE_OFFICIAL)
    number = cells.text(Column.DECREE_NUMBER)
    dated = cells.read(Column.DECREE_DATED, read_date, None)
    if not (stage and official and number and dated):
        return None
    return DecreeRow(stage, official, number, dated)


def _refuse_double(cells: _Row, code: str, first_rows: dict[str, int]) -> None:
    if not code:
        return
    first = first_rows.setdefault(code, cells.row)
    if first != cells.row:
        cells.note(
            Column.CODE,
            _(
                "Kode ini sudah ada di baris ${row}. Setiap kode hanya boleh satu baris.",
                mapping={"row": first},
            ),
        )


def _contradictions(sheet: Sheet, rows: Iterable[GrantRow]) -> list[Problem]:
    """Warn where two rows of one institution name different contacts: the last one is taken."""
    found: list[Problem] = []
    known: dict[str, GrantRow] = {}
    for row in rows:
        if not row.telephone:
            continue
        before = known.get(row.identity)
        known[row.identity] = row
        if before is not None and before.telephone != row.telephone:
            explanation = _(
                "Baris ${row} memberi nomor lain untuk lembaga yang sama; nomor di baris ini yang "
                "dipakai.",
                mapping={"row": before.row},
            )
            index = sheet.columns[Column.TELEPHONE]
            found.append(
                Problem(row.row, Column.TELEPHONE, index, row.telephone, explanation, fatal=False)
            )
    return found


def _double_dpas(sheet: Sheet, rows: Iterable[GrantRow]) -> list[Problem]:
    """Warn where two rows have one DPA: it is the number of one grant's budget."""
    found: list[Problem] = []
    first_rows: dict[str, int] = {}
    for row in rows:
        if not row.dpa:
            continue
        first = first_rows.setdefault(row.dpa, row.row)
        if first != row.row:
            explanation = _(
                "DPA ini juga ada di baris ${row}. Periksa mana yang benar.",
                mapping={"row": first},
            )
            index = sheet.columns.get(Column.DPA)
            found.append(Problem(row.row, Column.DPA, index, row.dpa, explanation, fatal=False))
    return found
