"""Data files update what nobody edited, keep what somebody did, and list the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from core.framework import datafiles
from core.framework.datafiles import (
    DataFileError,
    DataKind,
    current_data,
    edited_data,
    forget_data,
    load_files,
    register_data_kind,
)
from core.framework.tomltable import TomlTable

pytestmark = pytest.mark.plugins()


class Signs(DataKind):
    """A kind whose rows are kept in memory, so that only the loader is under test."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}

    def parse(self, table: TomlTable) -> tuple[str, Mapping[str, Any]]:
        return table.text("key", required=True), {"body": table.text("body", required=True)}

    def current(self, session: Session, external_ids: Sequence[str]) -> Mapping[str, Any]:
        del session
        return {key: dict(self.rows[key]) for key in external_ids if key in self.rows}

    def write(self, session: Session, owner: str, entries: Mapping[str, Mapping[str, Any]]) -> None:
        del session, owner
        self.rows.update({key: dict(values) for key, values in entries.items()})

    def remove(self, session: Session, external_ids: Sequence[str]) -> None:
        del session
        for key in external_ids:
            self.rows.pop(key, None)


@pytest.fixture
def signs() -> Iterator[Signs]:
    kind = Signs()
    register_data_kind("sign", kind)
    yield kind
    del datafiles._kinds["sign"]


def file(folder: Path, **bodies: str) -> Path:
    path = folder / "signs.toml"
    entries = [f'[[sign]]\nkey = "{key}"\nbody = "{body}"\n' for key, body in bodies.items()]
    path.write_text("".join(entries), encoding="utf-8")
    return path


def test_rows_are_created_then_left_alone_when_nothing_changed(
    session: Session, signs: Signs, tmp_path: Path
) -> None:
    path = file(tmp_path, a="satu", b="dua")
    assert load_files(session, "uji", [path]).created == ["sign:a", "sign:b"]
    again = load_files(session, "uji", [path])
    assert again.unchanged == ["sign:a", "sign:b"]
    assert not again.created


def test_a_new_version_updates_only_what_nobody_edited(
    session: Session, signs: Signs, tmp_path: Path
) -> None:
    load_files(session, "uji", [file(tmp_path, a="satu", b="dua")])
    signs.rows["b"]["body"] = "dua, disunting"
    report = load_files(session, "uji", [file(tmp_path, a="SATU", b="DUA")])
    assert report.updated == ["sign:a"]
    assert report.kept == ["sign:b"]
    assert signs.rows == {"a": {"body": "SATU"}, "b": {"body": "dua, disunting"}}
    assert edited_data(session, "uji") == [("sign", "b")]


def test_an_edit_that_was_taken_back_follows_the_file_again(
    session: Session, signs: Signs, tmp_path: Path
) -> None:
    load_files(session, "uji", [file(tmp_path, a="satu")])
    signs.rows["a"]["body"] = "disunting"
    load_files(session, "uji", [file(tmp_path, a="SATU")])
    signs.rows["a"]["body"] = "SATU"
    load_files(session, "uji", [file(tmp_path, a="SATU")])
    assert edited_data(session, "uji") == []
    load_files(session, "uji", [file(tmp_path, a="satu lagi")])
    assert signs.rows["a"] == {"body": "satu lagi"}


def test_what_left_the_file_is_named_and_stays(
    session: Session, signs: Signs, tmp_path: Path
) -> None:
    load_files(session, "uji", [file(tmp_path, a="satu", b="dua")])
    report = load_files(session, "uji", [file(tmp_path, a="satu")])
    assert report.orphaned == ["sign:b"]
    assert "b" in signs.rows


def test_a_deleted_row_comes_back(session: Session, signs: Signs, tmp_path: Path) -> None:
    path = file(tmp_path, a="satu")
    load_files(session, "uji", [path])
    del signs.rows["a"]
    assert load_files(session, "uji", [path]).created == ["sign:a"]


def test_an_external_id_belongs_to_one_owner(
    session: Session, signs: Signs, tmp_path: Path
) -> None:
    load_files(session, "uji", [file(tmp_path, a="satu")])
    with pytest.raises(DataFileError, match="uji"):
        load_files(session, "lain", [file(tmp_path, a="satu")])


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('[[sign]]\nkey = "a"\n', "sign[1].body"),
        ('[[sign]]\nkey = "a"\nbody = "x"\nwarna = "merah"\n', "sign[1].warna"),
        ("[[sing]]\n", "sing"),
        ("[[sign\n", ""),
        ('[[sign]]\nkey = "a"\nbody = "x"\n' * 2, "sign"),
    ],
)
def test_a_mistake_names_the_key_and_loads_nothing(
    session: Session, signs: Signs, tmp_path: Path, text: str, key: str
) -> None:
    path = tmp_path / "signs.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataFileError) as caught:
        load_files(session, "uji", [path])
    assert caught.value.key == key
    assert not signs.rows


def test_a_purge_takes_every_row_of_its_owner(
    session: Session, signs: Signs, tmp_path: Path
) -> None:
    load_files(session, "uji", [file(tmp_path, a="satu")])
    load_files(session, "lain", [file(tmp_path, b="dua")])
    assert current_data(session, "uji") == {"sign": {"a": {"body": "satu"}}}
    assert forget_data(session, "uji") == 1
    assert signs.rows == {"b": {"body": "dua"}}
    assert current_data(session, "uji") == {}
