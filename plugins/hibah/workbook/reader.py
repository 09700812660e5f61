"""Opening a workbook and finding its table."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import openpyxl
from openpyxl.utils import get_column_letter
from openpyxl.utils.exceptions import InvalidFileException

from core.api.text import _
from plugins.hibah.workbook.columns import NEEDED, Column, headings_of
from plugins.hibah.workbook.problems import HeaderError, WorkbookError

__all__ = ["Sheet", "read_sheet"]

HEADER_ROWS: Final = 20
"""The headings stand in one of the first rows; above them may be a title."""

MIN_HEADINGS: Final = 3

_OLE: Final = b"\xd0\xcf\x11\xe0"
"""First bytes of an old .xls and of a workbook with a password."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """The table of a workbook."""

    columns: Mapping[Column, int]
    """Position of each column, from 0."""
    rows: Sequence[tuple[int, Sequence[Any]]]
    """Row number as the spreadsheet counts, and the values; empty rows are left out."""


def read_sheet(path: Path, *, sheet: str | None = None) -> Sheet:
    """Read the table of the workbook's first sheet, or of the one named ``sheet``.

    :raises WorkbookError: the file is no .xlsx, is damaged, or has no such sheet.
    :raises HeaderError: the headings are missing, incomplete or doubled.
    """
    rows = iter(_rows(path, sheet))
    top: list[tuple[int, Sequence[Any]]] = []
    for row in rows:
        top.append(row)
        if row[0] >= HEADER_ROWS:
            break
    counted = [(len(headings_of(values)), -number) for number, values in top]
    best = max(counted, default=(0, 0))
    if best[0] < MIN_HEADINGS:
        raise HeaderError(
            _(
                "Baris judul tidak ditemukan dalam ${n} baris pertama. Tulis judul kolom dalam "
                "satu baris: ${titles}.",
                mapping={
                    "n": HEADER_ROWS,
                    "titles": ", ".join(column.heading for column in NEEDED),
                },
            )
        )
    header = -best[1]
    columns = _columns(dict(top)[header], header)
    below = [row for row in top if row[0] > header]
    return Sheet(columns, [*below, *rows])


def _columns(values: Sequence[Any], row: int) -> dict[Column, int]:
    found = headings_of(values)
    doubled = [column for column in Column if len(found.get(column, ())) > 1]
    if doubled:
        column = doubled[0]
        cells = ", ".join(f"{get_column_letter(index + 1)}{row}" for index in found[column])
        raise HeaderError(
            _(
                "Kolom ${title} ada lebih dari satu kali (${cells}). Hapus atau ubah judul yang "
                "tidak dipakai.",
                mapping={"title": column.heading, "cells": cells},
            )
        )
    missing = [column.heading for column in NEEDED if column not in found]
    if missing:
        raise HeaderError(
            _(
                "Kolom ${titles} tidak ditemukan di baris judul (baris ${row}). Tambahkan kolom "
                "itu; isinya boleh kosong bila memang belum ada.",
                mapping={"titles": ", ".join(missing), "row": row},
            )
        )
    return {column: positions[0] for column, positions in found.items()}


def _rows(path: Path, sheet: str | None) -> list[tuple[int, Sequence[Any]]]:
    try:
        with path.open("rb") as file, warnings.catch_warnings():
            # Decorations that openpyxl cannot keep do not matter to a reader.
            warnings.simplefilter("ignore")
            _refuse_old_format(path, file.read(len(_OLE)))
            file.seek(0)
            # A file object and not the path: the name's ending proves nothing.
            book = openpyxl.load_workbook(file, read_only=True, data_only=True)
            try:
                return list(_filled(_sheet_of(book, sheet, path)))
            finally:
                book.close()
    except OSError as error:
        raise WorkbookError(
            _(
                "Berkas ${file} tidak dapat dibuka: ${reason}.",
                mapping={"file": path.name, "reason": error.strerror or str(error)},
            )
        ) from error
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, SyntaxError) as error:
        # SyntaxError: what the XML parser raises on a damaged part.
        raise WorkbookError(
            _(
                "Berkas ${file} bukan workbook Excel (.xlsx) atau rusak. Buka dengan program "
                "lembar kerja, simpan kembali sebagai .xlsx, lalu ulangi.",
                mapping={"file": path.name},
            )
        ) from error


def _refuse_old_format(path: Path, start: bytes) -> None:
    if start == _OLE:
        raise WorkbookError(
            _(
                "Berkas ${file} berformat .xls lama atau diberi kata sandi. Hapus kata sandinya "
                "dan simpan sebagai .xlsx, lalu ulangi.",
                mapping={"file": path.name},
            )
        )


def _sheet_of(book: Any, sheet: str | None, path: Path) -> Any:
    names = [found.title for found in book.worksheets]
    if sheet is None and names:
        return book.worksheets[0]
    if sheet in names:
        return book[sheet]
    raise WorkbookError(
        _(
            "Lembar ${sheet} tidak ada di berkas ${file}. Lembar yang ada: ${names}.",
            mapping={"sheet": sheet or "-", "file": path.name, "names": ", ".join(names) or "-"},
        )
    )


def _filled(worksheet: Any) -> Iterator[tuple[int, Sequence[Any]]]:
    # Some programs write a wrong extent, and rows beyond it would be lost.
    worksheet.reset_dimensions()
    for number, values in enumerate(worksheet.iter_rows(values_only=True), start=1):
        if any(value is not None and str(value).strip() for value in values):
            yield number, values
