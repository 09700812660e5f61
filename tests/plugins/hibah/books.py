"""Workbooks for tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from openpyxl import Workbook

from plugins.hibah.workbook.columns import Column
from plugins.hibah.workbook.reader import Sheet

HEADINGS = [column.heading for column in Column]

GOOD: Mapping[Column, Any] = {
    Column.CODE: "2018-HK-00005",
    Column.DPA: "5435140501000005",
    Column.INSTITUTION: "LPTQ Kecamatan Tegalwarna",
    Column.ADDRESS: "Jl. Samudera No. 17",
    Column.REGENCY: "Kota Surabaya",
    Column.KIND: "Hibah Berbadan Hukum Indonesia",
    Column.RECOMMENDATION: "REGULER",
    Column.AMOUNT: 9_000_000_000,
    Column.PURPOSE: "Pembinaan Qori dan Qoriah",
    Column.DECREE_STAGE: "Tahap 1",
    Column.DECREE_OFFICIAL: "GUBERNUR JAWA TIMUR",
    Column.DECREE_NUMBER: "188/45/KPTS/013/2018",
    Column.DECREE_DATED: "19 Januari 2018",
    Column.OFFICER: "DANU MAHARDIKA",
    Column.CONTACT: "NUR SASMITA",
    Column.TELEPHONE: "08123090095",
    Column.CREATED: None,
}


def row_of(values: Mapping[Column, Any]) -> list[Any]:
    """Order values as the headings are."""
    return [values.get(column) for column in Column]


def changed(**values: Any) -> list[Any]:
    """Return the good row with other values, named by the values of :class:`Column`."""
    return row_of({**GOOD, **{Column(name): value for name, value in values.items()}})


def sheet_of(*rows: Sequence[Any]) -> Sheet:
    """Return a table without writing a file; its rows are numbered from 2."""
    columns = {column: index for index, column in enumerate(Column)}
    return Sheet(columns, list(enumerate(rows, start=2)))


def write_book(
    path: Path, *rows: Sequence[Any], headings: Sequence[Any] = HEADINGS, above: int = 0
) -> Path:
    """Write a workbook with ``above`` title rows before its headings."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for _number in range(above):
        sheet.append(["DAFTAR HIBAH TAHUN ANGGARAN 2018"])
    for row in (headings, *rows):
        sheet.append(list(row))
    book.save(path)
    return path
