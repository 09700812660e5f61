"""Reading workbooks: whatever is wrong is said for the cell, and nothing else stops."""

from __future__ import annotations

import random
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from core.api.cli import in_words as plain
from plugins.hibah.regencies import REGENCIES
from plugins.hibah.workbook.cells import read_amount, read_date, read_regency, read_telephone
from plugins.hibah.workbook.columns import Column
from plugins.hibah.workbook.generate import SHOWCASE, generated_rows, write_generated
from plugins.hibah.workbook.problems import CellError, HeaderError, Problem, WorkbookError
from plugins.hibah.workbook.reader import read_sheet
from plugins.hibah.workbook.rows import check_rows

from .books import GOOD, HEADINGS, changed, row_of, sheet_of, write_book


def test_a_good_row_has_no_problem() -> None:
    rows, problems = check_rows(sheet_of(row_of(GOOD)))

    assert problems == []
    assert rows[0].amount == 9_000_000_000
    assert rows[0].telephone == "+628123090095"
    assert rows[0].regency_id == 3578
    assert rows[0].decree is not None
    assert rows[0].decree.dated == date(2018, 1, 19)


BAD: list[tuple[str, Any, str]] = [
    # column, what stands in the cell, a part of what is said about it
    ("code", None, "wajib diisi"),
    ("code", "   ", "wajib diisi"),
    ("code", "2018 HK 00005", "hanya boleh berisi"),
    ("code", "X" * 41, "Terlalu panjang"),
    ("dpa", 5435140501000005, "digit ke-15"),
    ("dpa", 5.435140501000005e15, "digit ke-15"),
    ("institution", None, "wajib diisi"),
    ("institution", "M" * 201, "Terlalu panjang"),
    ("institution", "#REF!", "Rumus"),
    ("regency", None, "wajib diisi"),
    ("regency", "Malang", "Kabupaten Malang / Kota Malang"),
    ("regency", "Kota Surabya", "Mungkin maksudnya Kota Surabaya"),
    ("regency", "Kabupaten Sleman", "tidak ada di Jawa Timur"),
    ("amount", None, "wajib diisi"),
    ("amount", "sembilan milyar", "Bukan nominal"),
    ("amount", "Rp9.000.000.000,00 / Rp8.000.000.000,00", "satu angka saja"),
    ("amount", "9,000,000.00", "Bukan nominal"),
    ("amount", "1.00", "Bukan nominal"),
    ("amount", 0, "lebih dari nol"),
    ("amount", -5_000_000, "lebih dari nol"),
    ("amount", 12_500.5, "tanpa sen"),
    ("amount", float("inf"), "tanpa sen"),
    ("amount", 10**16, "terlalu besar"),
    ("amount", True, "Bukan nominal"),
    ("amount", datetime(2018, 1, 19), "Bukan nominal"),  # noqa: DTZ001 - as spreadsheets give it
    ("decree_stage", "pertama", "Tulis tahap sebagai angka"),
    ("decree_stage", 0, "Tulis tahap sebagai angka"),
    ("decree_number", None, "Lengkapi keempat kolom SK"),
    ("decree_official", None, "Lengkapi keempat kolom SK"),
    ("decree_dated", "31/02/2018", "tidak ada di kalender"),
    ("decree_dated", "19/01/18", "Bukan tanggal"),
    ("decree_dated", "besok", "Bukan tanggal"),
    ("decree_dated", 43119, "Bukan tanggal"),
    ("decree_dated", "19 Januari 1018", "tidak wajar"),
    ("contact", None, "Isi nama kontak person"),
    ("telephone", "08123090095 / 08123090096", "satu) nomor saja"),
    ("telephone", "08123090095 08123090096", "satu) nomor saja"),
    ("telephone", "(031) 3520881", "bukan nomor telepon genggam"),
    ("telephone", "0812", "belum lengkap"),
    ("telephone", "tidak ada", "hanya boleh berisi angka"),
    ("created", "kemarin", "Bukan tanggal"),
]


@pytest.mark.parametrize(("column", "value", "said"), BAD)
def test_each_mistake_is_told_with_its_cell_and_what_to_do(
    column: str, value: Any, said: str
) -> None:
    rows, problems = check_rows(sheet_of(changed(**{column: value})))

    assert rows == []
    about = [problem for problem in problems if problem.column is Column(column)]
    assert [said in plain(problem.explanation) for problem in about] == [True], about
    assert about[0].cell == f"{chr(ord('A') + list(Column).index(Column(column)))}2"
    assert all(problem.fatal for problem in problems)


def test_every_mistake_of_a_row_is_told_at_once() -> None:
    _rows, problems = check_rows(
        sheet_of(changed(code=None, amount="nol", telephone="0812", decree_dated="31/02/2018"))
    )

    assert {problem.column for problem in problems} == {
        Column.CODE,
        Column.AMOUNT,
        Column.TELEPHONE,
        Column.DECREE_DATED,
    }


def test_a_code_that_stands_twice_is_refused_at_its_second_row() -> None:
    rows, problems = check_rows(
        sheet_of(changed(), changed(code="2018-HK-00006", dpa=""), changed(code="2018-hk-00005 "))
    )

    assert [row.code for row in rows] == ["2018-HK-00005", "2018-HK-00006"]
    assert [(problem.row, problem.column) for problem in problems] == [(4, Column.CODE)]
    assert "baris 2" in plain(problems[0].explanation)


def test_one_institution_with_two_numbers_is_a_warning() -> None:
    rows, problems = check_rows(
        sheet_of(changed(), changed(code="2018-HK-00006", dpa="", telephone="08123090096"))
    )

    assert len(rows) == 2
    assert [(problem.row, problem.fatal) for problem in problems] == [(3, False)]


def test_one_dpa_in_two_rows_is_a_warning() -> None:
    rows, problems = check_rows(sheet_of(changed(), changed(code="2018-HK-00006")))

    assert len(rows) == 2
    assert [(each.row, each.column, each.fatal) for each in problems] == [(3, Column.DPA, False)]


def test_a_contact_without_a_number_is_a_warning() -> None:
    rows, problems = check_rows(sheet_of(changed(telephone=None)))

    assert rows[0].contact == ""
    assert [problem.fatal for problem in problems] == [False]


@pytest.mark.parametrize(
    ("value", "amount"),
    [
        ("Rp9.000.000.000,00", 9_000_000_000),
        ("Rp 9.000.000.000,-", 9_000_000_000),
        ("rp. 50.000", 50_000),
        ("9000000000", 9_000_000_000),
        ("  400.000.000,0 ", 400_000_000),
        ("IDR 1.000", 1_000),
        (25_000_000.0, 25_000_000),
    ],
)
def test_amounts_are_read_as_people_write_them(value: Any, amount: int) -> None:
    assert read_amount(value) == amount


@pytest.mark.parametrize(
    "value",
    [
        datetime(2018, 1, 19, 13, 41),  # noqa: DTZ001 - as spreadsheets give it
        date(2018, 1, 19),
        "19/01/2018",
        "19-1-2018",
        "19.01.2018",
        "2018-01-19",
        "2018-01-19 00:00:00",
        "19 Januari 2018",
        "19 jan 2018",
        "Jumat, 19 Januari 2018",
    ],
)
def test_dates_are_read_as_people_write_them(value: Any) -> None:
    assert read_date(value) == date(2018, 1, 19)


@pytest.mark.parametrize(
    "value", ["08123090095", "+62 812-3090-095", "0812 3090 095", 8123090095, 8123090095.0]
)
def test_numbers_are_read_as_people_and_spreadsheets_write_them(value: Any) -> None:
    assert read_telephone(value) == "+628123090095"


def test_every_regency_is_known_by_its_name_and_short_forms() -> None:
    assert len(REGENCIES) == 38
    for code, name in REGENCIES.items():
        assert read_regency(name.upper()) == code
        assert read_regency(name.replace("Kabupaten", "Kab.")) == code
    assert read_regency("Sidoarjo") == 3515
    assert read_regency("Batu") == 3579
    with pytest.raises(CellError):
        read_regency("Kediri")


def test_headings_are_recognised_in_any_order_case_and_spacing(tmp_path: Path) -> None:
    order = list(range(len(HEADINGS)))
    random.Random(7).shuffle(order)  # noqa: S311 - any order will do
    headings = [f"  {HEADINGS[index].upper().replace(' ', '  ')} " for index in order]
    path = write_book(
        tmp_path / "acak.xlsx",
        [row_of(GOOD)[index] for index in order],
        headings=[*headings, "Keterangan lain"],
        above=2,
    )

    rows, problems = check_rows(read_sheet(path))

    assert problems == []
    assert (rows[0].row, rows[0].code) == (4, "2018-HK-00005")


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    headings = [heading for heading in HEADINGS if heading not in {"Telepon", "DPA"}]
    path = write_book(tmp_path / "kurang.xlsx", headings=headings)

    with pytest.raises(HeaderError) as caught:
        read_sheet(path)

    assert "DPA, Telepon" in plain(caught.value.explanation)


def test_a_doubled_column_is_named_with_its_cells(tmp_path: Path) -> None:
    path = write_book(tmp_path / "ganda.xlsx", headings=[*HEADINGS, "nominal (Rp)"])

    with pytest.raises(HeaderError) as caught:
        read_sheet(path)

    assert "Nominal" in plain(caught.value.explanation)
    assert "H1, R1" in plain(caught.value.explanation)


def test_a_sheet_without_headings_is_refused(tmp_path: Path) -> None:
    path = write_book(tmp_path / "kosong.xlsx", headings=["Catatan rapat"])

    with pytest.raises(HeaderError):
        read_sheet(path)


def test_empty_rows_are_left_out_and_short_rows_are_filled_up(tmp_path: Path) -> None:
    path = write_book(tmp_path / "jarang.xlsx", [], [None, "  "], row_of(GOOD), ["2018-HK-00009"])

    rows, problems = check_rows(read_sheet(path))

    assert [row.row for row in rows] == [4]
    assert {problem.row for problem in problems} == {5}


def test_another_sheet_can_be_named_and_a_wrong_name_lists_those_there_are(tmp_path: Path) -> None:
    path = write_book(tmp_path / "satu.xlsx", row_of(GOOD))

    assert len(read_sheet(path, sheet="Sheet").rows) == 1
    with pytest.raises(WorkbookError) as caught:
        read_sheet(path, sheet="Rekap")
    assert "Sheet" in plain(caught.value.explanation)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "bukan workbook Excel"),
        (b"kode;dpa;lembaga\n", "bukan workbook Excel"),
        (b"PK\x03\x04 but not really", "bukan workbook Excel"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", ".xls lama"),
        (None, "tidak dapat dibuka"),
    ],
)
def test_a_file_that_is_no_workbook_says_so(
    tmp_path: Path, content: bytes | None, said: str
) -> None:
    path = tmp_path / "berkas.xlsx"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(WorkbookError) as caught:
        read_sheet(path)

    assert said in plain(caught.value.explanation)
    assert "berkas.xlsx" in plain(caught.value.explanation)


def test_a_truncated_workbook_says_so(tmp_path: Path) -> None:
    path = write_book(tmp_path / "putus.xlsx", row_of(GOOD))
    path.write_bytes(path.read_bytes()[:2000])

    with pytest.raises(WorkbookError):
        read_sheet(path)


def test_the_same_seed_gives_the_same_rows_and_another_seed_others() -> None:
    assert list(generated_rows(200, 1)) == list(generated_rows(200, 1))
    assert list(generated_rows(200, 1)) != list(generated_rows(200, 2))


def test_a_generated_workbook_has_no_mistakes(tmp_path: Path) -> None:
    path = tmp_path / "contoh.xlsx"
    write_generated(path, rows=600, seed=3)

    rows, problems = check_rows(read_sheet(path))

    assert len(rows) == 600
    assert _fatal(problems) == []
    assert len({row.identity for row in rows}) < 600
    assert [row.amount for row in rows if row.code == SHOWCASE] == [9_000_000_000]
    assert sum("LPTQ" in row.institution for row in rows) == 10
    assert all(row.telephone.startswith("+628123090") for row in rows if row.telephone)


def _fatal(problems: list[Problem]) -> list[Problem]:
    return [problem for problem in problems if problem.fatal]
