"""What is wrong with a workbook: the whole file, or one cell of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from openpyxl.utils import get_column_letter

from core.api.errors import AbahError
from core.api.text import TranslationString, _
from plugins.hibah.workbook.columns import Column

__all__ = ["CellError", "HeaderError", "Problem", "WorkbookError", "shown"]

MAX_SHOWN = 80


class WorkbookError(AbahError):
    """The file cannot be read as a workbook at all."""


class HeaderError(WorkbookError):
    """The row of headings lacks a column, has one twice, or is missing."""


class CellError(ValueError):
    """A value that cannot be accepted; raised while one cell is read."""

    def __init__(self, explanation: TranslationString) -> None:
        """Keep what is wrong and what to do."""
        self.explanation = explanation
        super().__init__(explanation.interpolate())


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong in one cell, or worth knowing about it."""

    row: int
    """As the spreadsheet numbers it, from 1."""
    column: Column
    index: int | None
    """Position of the column, from 0; None where the workbook does not have it."""
    value: str
    explanation: TranslationString
    fatal: bool = True
    """False for a warning: the row is imported all the same."""

    @property
    def cell(self) -> str:
        """Address of the cell, as ``F12``."""
        return f"{get_column_letter(self.index + 1)}{self.row}" if self.index is not None else ""


def shown(value: Any) -> str:
    """Return a cell's value as a person reads it, cut where it is long."""
    text = "" if value is None else " ".join(str(value).split())
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 1]}…"


MISSING = _("Sel ini wajib diisi.")
