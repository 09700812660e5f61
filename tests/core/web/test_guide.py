"""Bantuan: chapters, their languages, and the book for paper."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from core.hookspecs.web import HelpChapter
from core.i18n import _
from core.web.guide import CHAPTERS

if TYPE_CHECKING:
    from webtest import TestApp

    from tests.core.web.conftest import Browser

TEMPLATES = Path(__file__).parents[3] / "templates"


@pytest.fixture
def app(browser: Browser) -> TestApp:
    extra = HelpChapter("tambahan", _("Bab tambahan"), "try/chapter.jinja2", 45)
    return browser(lambda config: config.add_help(extra))


def test_everybody_can_read_the_guide_also_before_signing_in(app: TestApp) -> None:
    html = app.get("/bantuan").html
    titles = [link.text for link in html.select(".guide-contents a")]
    assert titles[:3] == ["Pendahuluan", "Memulai aplikasi", "Memperbarui Kontak"]
    assert titles[3] == "Bab tambahan"


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.key)
def test_every_chapter_opens_in_both_languages(app: TestApp, chapter: HelpChapter) -> None:
    indonesian = app.get(f"/bantuan/{chapter.key}")
    app.set_cookie("abah_locale", "en")
    english = app.get(f"/bantuan/{chapter.key}")
    assert indonesian.html.select_one("h1").text == chapter.title
    assert (
        indonesian.html.select_one(".guide-text").text
        != english.html.select_one(".guide-text").text
    )


def test_a_chapter_without_a_translation_is_shown_as_it_is(app: TestApp) -> None:
    app.set_cookie("abah_locale", "en")
    assert "Hanya bahasa Indonesia" in app.get("/bantuan/tambahan").text


def test_chapters_lead_to_their_neighbours(app: TestApp) -> None:
    html = app.get("/bantuan/tambahan").html
    assert html.select_one("a[rel=prev]")["href"] == "/bantuan/memperbarui-kontak"
    assert html.select_one("a[rel=next]")["href"] == "/bantuan/pesan"
    assert app.get("/bantuan/pendahuluan").html.select_one("a[rel=prev]") is None


def test_the_book_for_paper_has_every_chapter(app: TestApp) -> None:
    html = app.get("/bantuan/cetak").html
    assert len(html.select("article.print-chapter")) == len(CHAPTERS) + 1
    for link in html.select("nav ol a[href^='#bab-']"):
        assert html.select_one(link["href"]) is not None


def test_an_unknown_chapter_says_where_to_look(app: TestApp) -> None:
    assert "daftar isi" in app.get("/bantuan/entah", status=404).text


def test_every_chapter_of_the_core_has_both_files() -> None:
    for chapter in CHAPTERS:
        path = TEMPLATES / chapter.template
        assert path.is_file()
        assert path.with_name(path.name.replace(".jinja2", ".en.jinja2")).is_file()
