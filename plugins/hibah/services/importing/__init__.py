"""Importing grants: rows of a workbook are compared with what is known, then written at once.

Planning only reads: a dry run is a plan that nobody carries out. Everything is done for many rows
at a time: the number of statements depends on the number of chunks, not on what is in the rows.
"""

from __future__ import annotations

from plugins.hibah.services.importing.plan import FieldChange, GrantPlan, ImportPlan, plan_import
from plugins.hibah.services.importing.write import ImportResult, write_import

__all__ = [
    "FieldChange",
    "GrantPlan",
    "ImportPlan",
    "ImportResult",
    "plan_import",
    "write_import",
]
