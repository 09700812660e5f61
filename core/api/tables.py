"""Lists for plugins. ``core.web.tables`` shows in one example how a view and a template use them."""

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
