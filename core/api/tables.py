"""Lists for plugins; the example in ``core.web.tables`` shows a view and its template."""

from __future__ import annotations

from core.web.tables import (
    BooleanFilter,
    Bulk,
    ChoiceFilter,
    Column,
    DateFilter,
    Filter,
    Selection,
    Table,
    TablePage,
    TextFilter,
)

__all__ = [
    "BooleanFilter",
    "Bulk",
    "ChoiceFilter",
    "Column",
    "DateFilter",
    "Filter",
    "Selection",
    "Table",
    "TablePage",
    "TextFilter",
]
