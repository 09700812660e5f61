"""Texts with variables: checked whole before anything is queued, and safe to be edited."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from core.api.messaging import (
    BrokenTextError,
    MissingVariableError,
    UnknownTextError,
    check_text,
    list_texts,
    preview_text,
    render_messages,
    render_texts,
    save_text,
    text_facts,
)
from core.errors import NotFoundError
from core.framework.datafiles import DataFileError, load_files
from core.framework.runtime import Runtime

FILE = """
[[message_text]]
key = "uji.call"
title = "Panggilan"
body = "Yth {{ kontak }}, mohon hadir {{ tanggal }}."
[message_text.variables]
kontak = "NUR SASMITA"
tanggal = "30 November 2018"

[[message_text]]
key = "uji.mail"
kind = "email"
title = "Surat"
subject = "Undangan {{ kontak }}"
body = "Yth {{ kontak }}"
[message_text.variables]
kontak = "NUR SASMITA"
"""


def load(session: Session, folder: Path, text: str) -> object:
    file = folder / "texts.toml"
    file.write_text(text, encoding="utf-8")
    return load_files(session, "uji", [file])


@pytest.fixture
def texts(runtime: Runtime, tmp_path: Path) -> Iterator[Session]:
    """Load the data file."""
    with runtime.database.session() as session:
        load(session, tmp_path, FILE)
        yield session


def test_each_recipient_gets_a_text_of_their_own(texts: Session) -> None:
    rows = [{"kontak": "NUR", "tanggal": "besok"}, {"kontak": "ALI", "tanggal": "lusa"}]
    assert render_texts(texts, "uji.call", rows) == [
        "Yth NUR, mohon hadir besok.",
        "Yth ALI, mohon hadir lusa.",
    ]
    assert render_texts(texts, "uji.call", []) == []


def test_a_mail_has_a_subject_line_of_one_line(texts: Session) -> None:
    (one,) = render_messages(texts, "uji.mail", [{"kontak": "NUR\nBcc: x@example.org"}])
    assert one.subject == "Undangan NUR Bcc: x@example.org"


@pytest.mark.parametrize("lacking", [{}, {"tanggal": None}, {"tanggal": ""}])
def test_a_missing_value_names_variable_and_row(
    texts: Session, lacking: dict[str, str | None]
) -> None:
    rows = [{"kontak": "NUR", "tanggal": "besok"}] * 299 + [{"kontak": "ALI", **lacking}]
    with pytest.raises(MissingVariableError) as caught:
        render_texts(texts, "uji.call", rows)
    assert (caught.value.variable, caught.value.row) == ("tanggal", 299)
    assert "ke-300" in caught.value.explanation.interpolate()


def test_an_unknown_text_is_named(texts: Session) -> None:
    with pytest.raises(UnknownTextError, match=r"uji\.none"):
        render_texts(texts, "uji.none", [])


@pytest.mark.parametrize(
    "body",
    [
        "{{ kontak.__class__ }}",
        "{{ kontak.__class__.__mro__ }}",
        "{{ ''.__class__ }}",
        "{% for x in range(9) %}x{% endfor %}",
        "{{ lain }}",
        "{{ kontak",
        "{% if %}",
        "{{ kontak.tidak_ada }}",
        "{{ kontak | tidak_ada }}",
        "{{ 1 / 0 }}",
        "{{ kontak + 1 }}",
        "{% include 'x' %}",
        "{{ kontak * 1000000000 }}",
    ],
)
def test_a_text_that_must_not_or_cannot_be_rendered_is_refused(body: str) -> None:
    with pytest.raises(BrokenTextError):
        check_text(body, {"kontak": "NUR"})


def test_an_edit_is_checked_and_kept(texts: Session, tmp_path: Path) -> None:
    text = text_facts(texts, "uji.call")
    with pytest.raises(BrokenTextError, match="lain"):
        save_text(texts, text.id, body="Halo {{ lain }}", actor_id=None)
    with pytest.raises(BrokenTextError):
        save_text(texts, text.id, body="  ", actor_id=None)
    with pytest.raises(NotFoundError):
        save_text(texts, 999, body="Halo", actor_id=None)
    save_text(texts, text.id, body="Halo {{ kontak }}\r\n", actor_id=None)
    load(texts, tmp_path, FILE.replace("mohon hadir", "harap datang"))
    assert text_facts(texts, "uji.call").body == "Halo {{ kontak }}"
    assert preview_text(texts, "uji.call").body == "Halo NUR SASMITA"


def test_a_newer_text_replaces_one_that_nobody_edited(texts: Session, tmp_path: Path) -> None:
    load(texts, tmp_path, FILE.replace("mohon hadir", "harap datang"))
    assert "harap datang" in text_facts(texts, "uji.call").body
    assert {"uji.call", "uji.mail"} <= {one.key for one in list_texts(texts)}


def test_another_language_falls_back_to_indonesian(texts: Session, tmp_path: Path) -> None:
    load(
        texts,
        tmp_path,
        FILE
        + '\n[[message_text]]\nkey = "uji.mail"\nlocale = "en"\ntitle = "Letter"\nbody = "Dear"',
    )
    assert text_facts(texts, "uji.mail", locale="en").body == "Dear"
    assert text_facts(texts, "uji.call", locale="en").title == "Panggilan"


@pytest.mark.parametrize(
    ("broken", "key"),
    [
        (FILE.replace("{{ tanggal }}", "{{ hari }}"), "message_text[1].body"),
        (FILE.replace('title = "Panggilan"\n', ""), "message_text[1].title"),
        (FILE.replace("Undangan {{ kontak }}", "{{ lain }}"), "message_text[2].subject"),
    ],
)
def test_a_broken_data_file_says_where(
    runtime: Runtime, tmp_path: Path, broken: str, key: str
) -> None:
    with runtime.database.session() as session, pytest.raises(DataFileError) as caught:
        load(session, tmp_path, broken)
    assert caught.value.key == key
