"""The columns of the bureau's workbook and how their headings are recognised."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from typing import Any, Final

from plugins.hibah.normalise import fold

__all__ = ["NEEDED", "TITLES", "Column", "headings_of"]


class Column(enum.StrEnum):
    """What a column holds."""

    CODE = "code"
    DPA = "dpa"
    INSTITUTION = "institution"
    ADDRESS = "address"
    REGENCY = "regency"
    KIND = "kind"
    RECOMMENDATION = "recommendation"
    AMOUNT = "amount"
    PURPOSE = "purpose"
    DECREE_STAGE = "decree_stage"
    DECREE_OFFICIAL = "decree_official"
    DECREE_NUMBER = "decree_number"
    DECREE_DATED = "decree_dated"
    OFFICER = "officer"
    CONTACT = "contact"
    TELEPHONE = "telephone"
    CREATED = "created"

    @property
    def heading(self) -> str:
        """Heading of the column in a workbook that we write."""
        return TITLES[self][0]


TITLES: Final[Mapping[Column, tuple[str, ...]]] = {
    Column.CODE: ("Kode", "Kode Proses", "Kode Hibah"),
    Column.DPA: ("DPA", "No DPA", "Nomor DPA"),
    Column.INSTITUTION: ("Lembaga", "Nama Lembaga"),
    Column.ADDRESS: ("Alamat", "Alamat Lembaga"),
    Column.REGENCY: ("Kabupaten/Kota", "Kab/Kota", "Kabupaten", "Kota"),
    Column.KIND: ("Jenis", "Jenis Hibah"),
    Column.RECOMMENDATION: ("Rekomendasi",),
    Column.AMOUNT: ("Nominal", "Nominal (Rp)", "Nilai"),
    Column.PURPOSE: ("Peruntukan",),
    Column.DECREE_STAGE: ("SK Tahap", "Tahap SK"),
    Column.DECREE_OFFICIAL: ("SK Pejabat", "Pejabat SK"),
    Column.DECREE_NUMBER: ("SK Nomor", "Nomor SK", "No SK"),
    Column.DECREE_DATED: ("SK Tanggal", "Tanggal SK", "Tgl SK"),
    Column.OFFICER: ("Petugas",),
    Column.CONTACT: ("Kontak", "Kontak Person"),
    Column.TELEPHONE: ("Telepon", "Nomor Telepon", "No Telepon", "No HP", "HP"),
    Column.CREATED: ("Dibuat", "Tanggal Dibuat"),
}
"""Headings by column, the usual one first. Case, spaces and punctuation do not count."""

NEEDED: Final = tuple(column for column in Column if column is not Column.CREATED)
"""Columns that a workbook must have; their cells may still be empty."""

_BY_TITLE: Final = {fold(title): column for column, titles in TITLES.items() for title in titles}


def headings_of(row: Sequence[Any]) -> dict[Column, list[int]]:
    """Return the positions (from 0) at which a row has the heading of each column."""
    found: dict[Column, list[int]] = {}
    for index, value in enumerate(row):
        column = _BY_TITLE.get(fold(value)) if isinstance(value, str) else None
        if column is not None:
            found.setdefault(column, []).append(index)
    return found
