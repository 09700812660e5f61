"""``abah hibah``: what an administrator types and reads."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import func, select

from core.api.errors import AbahError
from plugins.hibah import demo
from plugins.hibah.cli import hibah
from plugins.hibah.models import Grant, Institution
from plugins.hibah.services.search import SearchQuery, search
from plugins.hibah.workbook.generate import SHOWCASE

from .books import GOOD, changed, row_of, write_book

if TYPE_CHECKING:
    from core.api.hooks import UserFacts
    from core.api.runtime import Runtime

pytestmark = pytest.mark.usefixtures("officer")


def call(runtime: Runtime, *args: str | Path) -> Result:
    return CliRunner().invoke(hibah, [str(arg) for arg in args], obj=runtime)


def count(runtime: Runtime) -> int:
    with runtime.database.reading() as session:
        return session.scalar(select(func.count()).select_from(Grant)) or 0


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """A workbook with one good row and two bad ones."""
    return write_book(
        tmp_path / "campur.xlsx",
        row_of(GOOD),
        changed(code="2018-HK-00006", telephone="08123090095 / 08123090096"),
        changed(code="2018-HK-00007", amount="=1+1", regency="Malang"),
    )


def test_a_good_workbook_is_imported_and_again_changes_nothing(
    runtime: Runtime, tmp_path: Path
) -> None:
    book = write_book(tmp_path / "baik.xlsx", row_of(GOOD))

    first = call(runtime, "import", book)
    second = call(runtime, "import", book)

    assert "Selesai: 1 hibah baru, 0 diubah, 0 tetap; 1 lembaga baru, 1 kontak." in first.output
    assert "Selesai: 0 hibah baru, 0 diubah, 1 tetap; 0 lembaga baru, 0 kontak." in second.output
    assert (first.exit_code, second.exit_code, count(runtime)) == (0, 0, 1)


def test_a_changed_workbook_shows_what_it_changed(runtime: Runtime, tmp_path: Path) -> None:
    call(runtime, "import", write_book(tmp_path / "baik.xlsx", row_of(GOOD)))

    result = call(
        runtime, "import", write_book(tmp_path / "baru.xlsx", changed(amount=8_000_000_000))
    )

    assert "9000000000" in result.output
    assert "8000000000" in result.output
    assert "1 diubah" in result.output


def test_one_bad_row_refuses_the_whole_workbook(
    runtime: Runtime, mixed: Path, tmp_path: Path
) -> None:
    errors = tmp_path / "galat.csv"

    result = call(runtime, "import", mixed, "--errors", errors)

    assert isinstance(result.exception, AbahError)
    assert "2 baris bermasalah" in str(result.exception)
    assert count(runtime) == 0
    assert all(cell in result.output for cell in ("P3", "E4", "H4"))
    with errors.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["Baris", "Sel", "Kolom", "Isi", "Jenis", "Masalah"]
    assert [(row[0], row[1], row[2]) for row in rows[1:]] == [
        ("3", "P3", "Telepon"),
        ("4", "E4", "Kabupaten/Kota"),
        ("4", "H4", "Nominal"),
    ]
    assert "lebih dari satu nomor" in rows[1][5]
    assert "Kabupaten Malang / Kota Malang" in rows[2][5]
    # A spreadsheet would run what stood in a cell.
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)


def test_partial_imports_what_is_right(runtime: Runtime, mixed: Path) -> None:
    result = call(runtime, "import", mixed, "--partial")

    assert result.exit_code == 0
    assert "1 hibah baru" in result.output
    assert "2 baris bermasalah dilewati." in result.output
    assert count(runtime) == 1


def test_a_dry_run_says_the_same_and_writes_nothing(
    runtime: Runtime, mixed: Path, tmp_path: Path
) -> None:
    result = call(runtime, "import", mixed, "--dry-run")
    good = call(runtime, "import", write_book(tmp_path / "b.xlsx", row_of(GOOD)), "--dry-run")

    assert (result.exit_code, good.exit_code) == (1, 0)
    assert "1 hibah baru, 0 berubah, 0 tetap, 2 baris bermasalah." in result.output
    assert "1 hibah baru, 0 berubah, 0 tetap, 0 baris bermasalah." in good.output
    assert count(runtime) == 0


def test_a_file_that_is_no_workbook_is_explained(runtime: Runtime, tmp_path: Path) -> None:
    path = tmp_path / "foto.xlsx"
    path.write_bytes(b"\x89PNG")

    result = call(runtime, "import", path)
    missing = call(runtime, "import", tmp_path / "tidak-ada.xlsx")

    assert "bukan workbook Excel" in str(result.exception)
    assert "tidak dapat dibuka" in str(missing.exception)


def test_a_file_that_cannot_be_written_is_explained(
    runtime: Runtime, mixed: Path, tmp_path: Path
) -> None:
    nowhere = tmp_path / "tidak" / "ada" / "x"

    assert "tidak dapat ditulis" in str(call(runtime, "generate", nowhere).exception)
    result = call(runtime, "import", mixed, "--partial", "--errors", nowhere)
    assert "tidak dapat ditulis" in str(result.exception)
    assert count(runtime) == 0, "nothing is written where the report cannot be"


def test_many_warnings_never_hide_a_mistake(runtime: Runtime, tmp_path: Path) -> None:
    rows = [
        changed(code=f"2018-HK-{n:05}", dpa=f"543514050{n:07}", officer="TIDAK ADA")
        for n in range(100, 260)
    ]
    rows.append(changed(code="2018-HK-00900", dpa="", regency="Malang"))
    book = write_book(tmp_path / "banyak.xlsx", *rows)

    result = call(runtime, "import", book, "--dry-run")
    written = call(runtime, "import", book, "--dry-run", "--errors", tmp_path / "galat.csv")

    assert 0 < result.output.find("E162") < result.output.find("(160")
    assert "N2, N3," in result.output
    assert "157 masalah lain tidak ditampilkan" in result.output
    assert "--errors" in result.output
    assert "Tambahkan --errors" not in written.output


def test_a_double_dpa_is_worth_a_warning(runtime: Runtime, tmp_path: Path) -> None:
    book = write_book(tmp_path / "dpa.xlsx", row_of(GOOD), changed(code="2018-HK-00006"))

    result = call(runtime, "import", book)

    assert "DPA ini juga ada di baris 2" in " ".join(result.output.split())
    assert (result.exit_code, count(runtime)) == (0, 2)


def test_a_new_contact_is_shown_before_and_after(runtime: Runtime, tmp_path: Path) -> None:
    call(runtime, "import", write_book(tmp_path / "baik.xlsx", row_of(GOOD)))
    book = write_book(tmp_path / "baru.xlsx", changed(contact="SITI", telephone="08123090096"))

    shown = " ".join(call(runtime, "import", book, "--dry-run").output.split())

    assert "Kontak NUR SASMITA, +62 SITI, +62 812-3090-096 812-3090-095" in shown


def test_a_generated_workbook_is_imported_whole(runtime: Runtime, tmp_path: Path) -> None:
    path = tmp_path / "contoh.xlsx"

    made = call(runtime, "generate", path, "--rows", "120", "--seed", "5")
    result = call(runtime, "import", path)

    assert "120 hibah rekaan" in made.output
    assert "120 hibah baru" in result.output
    assert count(runtime) == 120


def test_the_demo_is_what_the_manual_shows_and_is_loaded_once(
    runtime: Runtime, admin: UserFacts
) -> None:
    told: list[str] = []
    for _time in range(2):
        with runtime.database.writing() as session:
            demo.load(session, told.append)

    assert len(told) == 1
    assert count(runtime) == demo.ROWS
    with runtime.database.reading() as session:
        page = search(session, admin, SearchQuery("LPTQ"))
        shown = page.cards[0]
        institutions = session.scalar(select(func.count()).select_from(Institution)) or 0
    assert (page.active_total, page.archived_total) == (1, 9)
    assert shown.facts.code == SHOWCASE
    assert (shown.amount, shown.facts.state) == (9_000_000_000, "SK PENETAPAN")
    assert f"{shown.created_at:%d %H:%M}" == "31 06:41"
    assert 0 < institutions < demo.ROWS
