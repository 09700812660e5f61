"""``abah hibah``: importing the bureau's workbooks, and writing one to try it with."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from core.api.cli import in_words, pass_runtime, progress_bar, say, show_table
from core.api.errors import AbahError
from core.api.runtime import Runtime
from core.api.text import _
from plugins.hibah.services.importing import (
    FieldChange,
    ImportPlan,
    ImportResult,
    plan_import,
    write_import,
)
from plugins.hibah.workbook.columns import Column
from plugins.hibah.workbook.generate import write_generated
from plugins.hibah.workbook.problems import Problem
from plugins.hibah.workbook.reader import read_sheet
from plugins.hibah.workbook.rows import check_rows

__all__ = ["hibah"]

SHOWN: Final = 50
"""Warnings and changes that are printed; the rest is counted."""

SHOWN_FATAL: Final = 200
"""Mistakes that are printed; ``--errors`` writes all of them."""

FIRST_CELLS: Final = 3
"""Cells that are named where one warning counts for many rows."""

MAX_ROWS: Final = 9_000
"""The invented telephone numbers of the generator do not last for more."""

_RISKY: Final = ("=", "+", "-", "@", "\t", "\r")


class RowsRefusedError(AbahError):
    """Rows of the workbook have mistakes, and nobody asked for a part of it."""

    def __init__(self, rows: int) -> None:
        """Remember how many rows are wrong."""
        self.rows = rows
        super().__init__(
            _(
                "${n} baris bermasalah, jadi tidak ada yang diimpor. Perbaiki workbook-nya, atau "
                "jalankan lagi dengan --partial untuk mengimpor baris yang benar saja.",
                mapping={"n": rows},
            )
        )


class UnwritableFileError(AbahError):
    """A file that was asked for cannot be written."""

    def __init__(self, path: Path, error: OSError) -> None:
        """Remember which file and why."""
        self.path = path
        super().__init__(
            _(
                "Berkas ${file} tidak dapat ditulis: ${reason}.",
                mapping={"file": str(path), "reason": error.strerror or str(error)},
            )
        )


@click.group("hibah", help=_("Data hibah: impor workbook dan workbook contoh."))
def hibah() -> None:
    """Group the verbs of the grants."""


@hibah.command("import", help=_("Impor hibah dari workbook Excel (.xlsx)."))
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--dry-run", is_flag=True, help=_("Periksa dan tunjukkan saja; tidak ada yang ditulis.")
)
@click.option(
    "--partial", is_flag=True, help=_("Impor baris yang benar walaupun ada baris yang bermasalah.")
)
@click.option(
    "--errors",
    "errors_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help=_("Tulis semua masalah ke berkas CSV ini."),
)
@click.option("--sheet", help=_("Nama lembar; tanpa ini lembar pertama yang dibaca."))
@pass_runtime
def import_workbook(  # noqa: PLR0913 - one for each option
    runtime: Runtime,
    file: Path,
    *,
    dry_run: bool,
    partial: bool,
    errors_file: Path | None,
    sheet: str | None,
) -> None:
    """Read, compare, report, and write in one transaction: all of it or nothing."""
    found = read_sheet(file, sheet=sheet)
    rows, problems = check_rows(found)
    result: ImportResult | None = None
    with runtime.database.session(write=not dry_run) as session:
        plan = plan_import(session, rows, found.columns)
        problems = sorted([*problems, *plan.problems], key=lambda problem: problem.row)
        refused = {problem.row for problem in problems if problem.fatal}
        if errors_file is not None:
            # Before anything is written: a run that cannot report its problems changes nothing.
            _write_problems(errors_file, problems)
        if not dry_run and (partial or not refused):
            with progress_bar(_("Mengimpor hibah"), len(rows)) as advance:
                result = write_import(session, plan, actor_id=None, progress=advance)
            session.commit()
    _report(problems, plan, errors_file)
    if result is not None:
        _say_result(result, len(refused))
    elif dry_run:
        _say_plan(plan, len(refused))
        if refused and not partial:
            click.get_current_context().exit(1)
    else:
        raise RowsRefusedError(len(refused))


@hibah.command("generate", help=_("Tulis workbook contoh dengan nama-nama rekaan."))
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--rows",
    type=click.IntRange(1, MAX_ROWS),
    default=2000,
    show_default=True,
    help=_("Jumlah hibah."),
)
@click.option(
    "--seed",
    type=int,
    default=1,
    show_default=True,
    help=_("Angka yang sama memberi isi yang sama."),
)
def generate(file: Path, rows: int, seed: int) -> None:
    """Write a workbook that the importer takes."""
    try:
        write_generated(file, rows=rows, seed=seed)
    except OSError as error:
        raise UnwritableFileError(file, error) from error
    say(_("${n} hibah rekaan ditulis ke ${file}.", mapping={"n": rows, "file": str(file)}))


def _report(problems: Sequence[Problem], plan: ImportPlan, errors_file: Path | None) -> None:
    if errors_file is not None:
        say(
            _(
                "${n} masalah ditulis ke ${file}.",
                mapping={"n": len(problems), "file": str(errors_file)},
            )
        )
    if problems:
        rows, hidden = _shown_problems(problems)
        show_table(
            rows,
            {
                "cell": _("Sel"),
                "column": _("Kolom"),
                "value": _("Isi"),
                "kind": _("Jenis"),
                "text": _("Masalah"),
            },
        )
        if hidden and errors_file is None:
            say(
                _(
                    "${n} masalah lain tidak ditampilkan. Tambahkan --errors BERKAS.csv untuk "
                    "menulis semuanya ke berkas.",
                    mapping={"n": hidden},
                )
            )
        elif hidden:
            _say_more(hidden)
    changes = list(plan.changes)
    if changes:
        show_table(
            [_change_row(change) for change in changes[:SHOWN]],
            {
                "row": _("Baris"),
                "code": _("Kode"),
                "column": _("Kolom"),
                "before": _("Sebelum"),
                "after": _("Sesudah"),
            },
        )
        if len(changes) > SHOWN:
            _say_more(len(changes) - SHOWN)


def _shown_problems(problems: Sequence[Problem]) -> tuple[list[dict[str, str]], int]:
    """Return the lines to print, mistakes first, and how many problems are not among them.

    Equal warnings are one line.
    """
    fatal = [problem for problem in problems if problem.fatal]
    equal: dict[tuple[Column, str], list[Problem]] = {}
    for problem in problems:
        if not problem.fatal:
            sentence = in_words(problem.explanation)
            equal.setdefault((problem.column, sentence), []).append(problem)
    lines = [_problem_row(problem) for problem in fatal[:SHOWN_FATAL]]
    hidden = max(len(fatal) - SHOWN_FATAL, 0)
    for number, group in enumerate(equal.values()):
        if number >= SHOWN:
            hidden += len(group)
            continue
        lines.append(_folded_row(group))
        hidden += max(len(group) - FIRST_CELLS, 0)
    return lines, hidden


def _folded_row(group: Sequence[Problem]) -> dict[str, str]:
    line = _problem_row(group[0])
    if len(group) > 1:
        cells = [_problem_row(problem)["cell"] for problem in group[:FIRST_CELLS]]
        line["cell"] = ", ".join(cells) + (", …" if len(group) > FIRST_CELLS else "")
        line["kind"] = _("peringatan (${n} baris)", mapping={"n": len(group)})
        if len({problem.value for problem in group}) > 1:
            line["value"] = ""
    return line


def _problem_row(problem: Problem) -> dict[str, str]:
    return {
        "cell": problem.cell or str(problem.row),
        "column": problem.column.heading,
        "value": problem.value,
        "kind": _("galat") if problem.fatal else _("peringatan"),
        "text": problem.explanation,
    }


def _change_row(change: FieldChange) -> dict[str, str]:
    return {
        "row": str(change.row),
        "code": change.code,
        "column": change.title,
        "before": change.before,
        "after": change.after,
    }


def _say_more(hidden: int) -> None:
    say(_("… dan ${n} lagi.", mapping={"n": hidden}))


def _say_plan(plan: ImportPlan, refused: int) -> None:
    say(
        _(
            "Percobaan saja, tidak ada yang ditulis: ${new} hibah baru, ${changed} berubah, "
            "${unchanged} tetap, ${refused} baris bermasalah.",
            mapping={
                "new": len(plan.new),
                "changed": len(plan.changed),
                "unchanged": len(plan.unchanged),
                "refused": refused,
            },
        )
    )


def _say_result(result: ImportResult, refused: int) -> None:
    say(
        _(
            "Selesai: ${created} hibah baru, ${updated} diubah, ${unchanged} tetap; "
            "${institutions} lembaga baru, ${contacts} kontak.",
            mapping={
                "created": result.created,
                "updated": result.updated,
                "unchanged": result.unchanged,
                "institutions": result.new_institutions,
                "contacts": result.contacts,
            },
        )
    )
    if refused:
        say(_("${n} baris bermasalah dilewati.", mapping={"n": refused}), style="yellow")


def _write_problems(path: Path, problems: Sequence[Problem]) -> None:
    headings = (_("Baris"), _("Sel"), _("Kolom"), _("Isi"), _("Jenis"), _("Masalah"))
    try:
        # The mark tells Excel that the file is UTF-8.
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file)
            writer.writerow([in_words(heading) for heading in headings])
            for problem in problems:
                row = _problem_row(problem)
                words = [_harmless(in_words(row[key])) for key in row]
                writer.writerow([problem.row, *words])
    except OSError as error:
        raise UnwritableFileError(path, error) from error


def _harmless(text: str) -> str:
    """Keep a spreadsheet from running what stood in a cell (OWASP, "CSV Injection")."""
    return f"'{text}" if text.startswith(_RISKY) else text
