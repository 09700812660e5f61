"""Run every benchmark: a table and ``build/bench.json``. Exits 1 when a goal is missed."""

from __future__ import annotations

import importlib
import json
import pkgutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

import benchmarks

if TYPE_CHECKING:
    from benchmarks.rows import Row

OUTPUT = Path("build/bench.json")
HELPERS = frozenset({"__main__", "bureau", "many", "rows"})


def collect(names: list[str]) -> list[Row]:
    """Run the named benchmarks, or all modules that have ``run``."""
    rows: list[Row] = []
    for module in sorted(info.name for info in pkgutil.iter_modules(benchmarks.__path__)):
        if module in HELPERS or (names and module not in names):
            continue
        run = getattr(importlib.import_module(f"benchmarks.{module}"), "run", None)
        if run is not None:
            rows.extend(run())
    return rows


def main() -> int:
    """Measure, print, write."""
    rows = collect(sys.argv[1:])
    table = Table("what", "value", "unit", "reference", "ratio", "goal", "met")
    for row in rows:
        sign = "≤" if row.at_most else "≥"
        table.add_row(
            row.name,
            f"{row.value:,.2f}",
            row.unit,
            f"{row.reference:,.2f}",
            f"{row.ratio:.2f}",
            f"{sign} {row.goal}" + (f", {sign} {row.limit} {row.unit}" if row.limit else ""),
            "yes" if row.met else "NO",
        )
    Console(width=100).print(table)
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text(
        json.dumps([row.as_dict() for row in rows], indent=2) + "\n", encoding="utf-8"
    )
    return 0 if all(row.met for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
