"""The whole list as a file, streamed, with nothing in it that a spreadsheet would run.

A cell that begins with ``=``, ``+``, ``-``, ``@``, a tab or a line end can be taken for a formula
(OWASP, "CSV Injection"): in CSV it gets an apostrophe in front, in XLSX it is stored as text.
"""

from __future__ import annotations

import csv
import io
import tempfile
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from openpyxl import Workbook
from openpyxl.cell import Cell, WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from pyramid.response import Response

from core.web.formats import WIB, today
from core.web.locale import translate
from core.web.tables.columns import Column, as_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from openpyxl.worksheet._write_only import WriteOnlyWorksheet
    from pyramid.request import Request

    from core.web.tables.table import Table

__all__ = ["EXPORTS", "export_response", "harmless"]

_RISKY: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
_CHUNK_ROWS: Final = 500
_CHUNK_BYTES: Final = 64 * 1024
_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_MAX_CELL: Final = 32_767
"""Characters that a cell of XLSX can hold."""


def harmless(text: str) -> str:
    """Put an apostrophe before text that a spreadsheet would take for a formula."""
    return f"'{text}" if text.startswith(_RISKY) else text


def export_response(
    request: Request, table: Table, kind: str, params: Mapping[str, str]
) -> Response:
    """Answer with every row of the list as it is filtered and sorted, as ``csv`` or ``xlsx``."""
    content_type, write = EXPORTS[kind]
    columns = [column for column in table.columns if column.export]
    # Headings are translated now: while the body is sent the request is over.
    headings = [translate(column.label) for column in columns]

    def body() -> Iterator[bytes]:
        # A session of its own, because the request's ends before the body is sent.
        with request.runtime.database.reading() as session:
            rows = ([c.value_of(row) for c in columns] for row in table.every_row(session, params))
            yield from write(headings, columns, rows)

    response = Response(app_iter=body(), content_type=content_type)
    if kind == "csv":
        response.charset = "utf-8"
    response.content_disposition = (
        f'attachment; filename="{table.name}-{today().isoformat()}.{kind}"'
    )
    return response


def _csv(headings: list[str], _columns: list[Column], rows: Iterable[list[Any]]) -> Iterator[bytes]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    # The mark tells Excel that the file is UTF-8.
    buffer.write("\ufeff")
    writer.writerow([harmless(text) for text in headings])
    for number, row in enumerate(rows, 1):
        writer.writerow([_csv_cell(value) for value in row])
        if number % _CHUNK_ROWS == 0:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()


def _csv_cell(value: Any) -> str:
    """Numbers as machines read them; everything else as people do."""
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return str(value)
    return harmless(as_text(value))


def _xlsx(headings: list[str], columns: list[Column], rows: Iterable[list[Any]]) -> Iterator[bytes]:
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.freeze_panes = "A2"
    sheet.append([_text_cell(sheet, text) for text in headings])
    for row in rows:
        sheet.append(
            [_xlsx_cell(sheet, value, column) for value, column in zip(row, columns, strict=True)]
        )
    with tempfile.TemporaryFile() as file:
        book.save(file)
        file.seek(0)
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk


def _xlsx_cell(sheet: WriteOnlyWorksheet, value: Any, column: Column) -> Any:
    match value:
        case None:
            return None
        case bool():
            return _text_cell(sheet, as_text(value))
        case int() | float() | Decimal():
            cell = WriteOnlyCell(sheet, value=_number(value))
            cell.number_format = '"Rp"#,##0.00' if column.money else "General"
            return cell
        case datetime():
            cell = WriteOnlyCell(sheet, value=value.astimezone(WIB).replace(tzinfo=None))
            cell.number_format = "dd/mm/yyyy hh:mm"
            return cell
        case date():
            cell = WriteOnlyCell(sheet, value=datetime.combine(value, time()))
            cell.number_format = "dd/mm/yyyy"
            return cell
        case _:
            return _text_cell(sheet, as_text(value))


def _number(value: float | Decimal) -> float | int:
    """Spreadsheets know no decimals; whole numbers stay whole."""
    return int(value) if value == int(value) else float(value)


def _text_cell(sheet: WriteOnlyWorksheet, text: str) -> Cell:
    cell = WriteOnlyCell(sheet, value=ILLEGAL_CHARACTERS_RE.sub("", text)[:_MAX_CELL])
    # openpyxl takes "=…" for a formula unless it is told that this is text.
    cell.data_type = "s"
    return cell


EXPORTS: Final[Mapping[str, tuple[str, Callable[..., Iterator[bytes]]]]] = {
    "csv": ("text/csv", _csv),
    "xlsx": (_XLSX, _xlsx),
}
"""Kinds of files: media type and writer."""
