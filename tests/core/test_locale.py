"""English: every text has its translation, and no page is left half Indonesian."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from babel.messages.catalog import Message as Entry
from bs4 import BeautifulSoup
from pyramid.interfaces import IRoutesMapper
from sqlalchemy import update
from webtest import TestApp

from core.accounts.models import User
from core.api.contacts import set_contact
from core.api.messaging import Draft, State, ensure_threads, queue_messages
from core.framework.runtime import Runtime
from core.locale_build import (
    catalogue_paths,
    compile_catalogues,
    extract_texts,
    placeholders,
    read_catalogue,
    update_catalogues,
)
from core.messaging.models import Message
from core.testing.people import People
from tests.core.messaging.owner import OwnerPlugin

ROOT = Path(__file__).parents[2]
SHOWN = ("aria-label", "title", "placeholder", "alt", "data-text")
COUNTED = re.compile(r"%[a-z]+")


def messages() -> Iterator[tuple[Path, Entry]]:
    for path in catalogue_paths(ROOT):
        for message in read_catalogue(path):
            if message.id:
                yield path, message


@pytest.fixture(scope="module", autouse=True)
def compiled() -> None:
    compile_catalogues(ROOT)


def test_every_text_is_in_a_catalogue() -> None:
    known = {message.id for _path, message in messages()}
    missing = {text: places for text, places in extract_texts(ROOT).items() if text not in known}
    assert missing == {}, "run: make locale, then translate"


def test_no_catalogue_keeps_texts_that_nobody_says() -> None:
    said = extract_texts(ROOT)
    assert [message.id for _path, message in messages() if message.id not in said] == []


def test_every_text_has_a_translation() -> None:
    empty = [f"{path}: {message.id}" for path, message in messages() if not message.string]
    assert empty == []


def test_translations_fill_in_what_their_texts_fill_in() -> None:
    broken = [
        message.id
        for _path, message in messages()
        if isinstance(message.id, str)
        and isinstance(message.string, str)
        and (
            placeholders(message.id) != placeholders(message.string)
            or set(COUNTED.findall(message.id)) != set(COUNTED.findall(message.string))
        )
    ]
    assert broken == []


def test_what_two_catalogues_say_of_one_text_is_the_same() -> None:
    found: dict[str, set[str]] = {}
    for _path, message in messages():
        found.setdefault(str(message.id), set()).add(str(message.string))
    assert {text: strings for text, strings in found.items() if len(strings) > 1} == {}


def test_a_text_that_moves_keeps_its_translation_and_one_that_vanished_goes(
    tmp_path: Path,
) -> None:
    shutil.copy(ROOT / "babel.cfg", tmp_path)
    core, plugin = tmp_path / "core" / "kata.py", tmp_path / "plugins" / "uji" / "kata.py"
    for file in (core, plugin):
        file.parent.mkdir(parents=True)
    core.write_text('_("Satu")\n_("Dua ${n}")\n')
    plugin.write_text('_("Tiga")\n')
    update_catalogues(tmp_path)
    home = "locale/en/LC_MESSAGES/abah.po"
    path = tmp_path / "core" / home
    path.write_text(
        path.read_text().replace('msgid "Satu"\nmsgstr ""', 'msgid "Satu"\nmsgstr "One"')
    )
    core.write_text('_("Dua ${n}")\n')
    plugin.write_text('_("Satu")\n')
    missing = update_catalogues(tmp_path)
    moved = read_catalogue(tmp_path / "plugins" / "uji" / home)
    assert {entry.id: entry.string for entry in moved if entry.id} == {"Satu": "One"}
    assert [entry.id for entry in read_catalogue(path) if entry.id] == ["Dua ${n}"]
    assert missing == {path: 1, tmp_path / "plugins" / "uji" / home: 0}


def test_compiling_needs_nothing_but_the_catalogues(tmp_path: Path) -> None:
    for path in catalogue_paths(ROOT):
        target = tmp_path / path.relative_to(ROOT)
        target.parent.mkdir(parents=True)
        shutil.copy(path, target)
    compile_catalogues(tmp_path)
    made = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*.mo"))
    assert made == [path.relative_to(ROOT).with_suffix(".mo") for path in catalogue_paths(ROOT)]


@dataclass(frozen=True)
class Indonesian:
    """Texts that read differently in English."""

    plain: frozenset[str]
    filled: re.Pattern[str]
    """Those that have something filled in."""

    @classmethod
    def read(cls) -> Indonesian:
        """Read them from the catalogues."""
        english = {str(message.string) for _path, message in messages()}
        told = {" ".join(str(message.id).split()) for _path, message in messages()} - english
        filled = []
        for text in sorted(text for text in told if placeholders(text)):
            parts = re.split(r"\$\{\w+\}", text)
            # What is almost nothing but a value says nothing about its language.
            if re.search(r"\w{3}", "".join(parts)):
                filled.append(".+?".join(re.escape(part) for part in parts))
        plain = frozenset(text for text in told if not placeholders(text))
        return cls(plain, re.compile("|".join(filled)))

    def left_over(self, html: BeautifulSoup) -> list[str]:
        """Return what a page shows in Indonesian although it has an English word for it."""
        for hidden in html(["script", "style", "template"]):
            hidden.decompose()
        for switch in html.select('[data-switch="locale"]'):
            switch.decompose()
        shown = [str(text) for text in html.find_all(string=True)]
        shown += [
            str(tag[name]) for tag in html.find_all(True) for name in SHOWN if tag.has_attr(name)
        ]
        spoken = {" ".join(text.split()) for text in shown}
        return sorted(text for text in spoken if text in self.plain or self.filled.fullmatch(text))


@pytest.mark.parametrize("role", ["admin", "petugas"])
def test_no_page_is_left_half_indonesian(
    app: TestApp,
    runtime: Runtime,
    people: People,
    sign_in: Callable[[TestApp, int], None],
    role: str,
) -> None:
    app.set_cookie("abah_locale", "en")
    texts = Indonesian.read()
    faults: dict[str, list[str]] = {}
    signed_out = pages(app)
    person = getattr(people, role)()
    with runtime.database.writing() as session:
        session.execute(update(User).where(User.id == person.id).values(locale="en"))
    sign_in(app, person.id)
    for address, html in {**signed_out, **pages(app)}.items():
        found = texts.left_over(html)
        if found:
            faults[address] = found
    assert faults == {}


def test_a_conversation_is_english_too(
    app: TestApp, runtime: Runtime, people: People, sign_in: Callable[[TestApp, int], None]
) -> None:
    runtime.hooks.register("uji", OwnerPlugin())
    number = "+628123090095"
    with runtime.database.writing() as session:
        set_contact(session, "uji.lembaga:1", name="NUR SASMITA", number=number, actor_id=None)
        thread = ensure_threads(session, {"uji.lembaga:1": "MASJID AL IKHLAS"})["uji.lembaga:1"]
        states = [state for state in State if state is not State.RECEIVED]
        ids = queue_messages(
            session, [Draft(number, f"{state}!", "uji", thread_id=thread) for state in states]
        )
        for message_id, state in zip(ids, states, strict=True):
            session.execute(update(Message).where(Message.id == message_id).values(state=state))
    person = people.admin()
    with runtime.database.writing() as session:
        session.execute(update(User).where(User.id == person.id).values(locale="en"))
    sign_in(app, person.id)
    texts = Indonesian.read()
    failed = ids[states.index(State.UNDELIVERED)]
    uncertain = ids[states.index(State.UNCERTAIN)]
    for address in (
        "/pesan",
        f"/pesan/{thread}",
        f"/pesan/{thread}/perbaiki/{failed}",
        f"/pesan/{thread}/belum-pasti/{uncertain}",
        "/pesan?q=zzz",
        "/pesan?tab=belum-dibaca",
    ):
        assert texts.left_over(app.get(address).html) == [], address


def pages(app: TestApp) -> dict[str, BeautifulSoup]:
    """Fetch every page that has an address of its own."""
    routes = app.app.registry.getUtility(IRoutesMapper).get_routes()
    found = {}
    for route in routes:
        if "{" in route.pattern or "*" in route.pattern or route.pattern.startswith("/static"):
            continue
        response = app.get(f"/{route.pattern.lstrip('/')}", expect_errors=True)
        if response.content_type == "text/html" and response.status_int < 500 and response.text:
            found[f"{route.name} {response.status_int}"] = BeautifulSoup(
                response.text, "html.parser"
            )
    return found
