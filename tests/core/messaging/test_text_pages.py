"""Teks: an Admin changes what the application writes, sees it before, and finds the way back."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import pytest
from sqlalchemy import select, update
from webtest import TestApp, TestResponse

from core.accounts.models import User
from core.api.audit import entries
from core.api.messaging import render_texts, require_variables, text_facts
from core.framework.models import LoadedData
from core.framework.runtime import Runtime
from core.messaging import texts
from core.messaging.models import MessageText
from core.testing.people import People, Person

pytestmark = [pytest.mark.plugins("hibah", "nphd"), pytest.mark.usefixtures("admin")]

CALL = "nphd.call"
VALUES = {
    "kontak": "SITI AMINAH",
    "lembaga": "MUSHOLLA AL FALAH",
    "kode": "2018-HK-00009",
    "hari": "Senin",
    "tanggal": "3 Desember 2018",
    "jam": "10.00",
    "tempat": "Surabaya",
    "petugas": "DEDI",
}
NEW = "Kepada {{ kontak }}: {{ lembaga }} diundang {{ hari }}, {{ tanggal }}."


@pytest.fixture
def admin(people: People, app: TestApp, sign_in: Callable[[TestApp, int], None]) -> Person:
    person = people.admin("SRI RAHAYU")
    sign_in(app, person.id)
    return person


@pytest.fixture
def page_of(runtime: Runtime) -> Callable[[str], str]:
    def address(key: str) -> str:
        with runtime.database.reading() as session:
            return f"/teks/{text_facts(session, key).id}"

    return address


@pytest.fixture
def call(page_of: Callable[[str], str]) -> str:
    return page_of(CALL)


def body_of(runtime: Runtime, key: str = CALL) -> str:
    with runtime.database.reading() as session:
        return text_facts(session, key).body


def fill(app: TestApp, address: str, *, press: str | None = None, **fields: str) -> TestResponse:
    """Open the editor, type, and send it."""
    page = app.get(address)
    form = page.forms[form_number(page)]
    for name, value in fields.items():
        form[name] = value
    return form.submit(press, status="*") if press else form.submit(status="*")


def form_number(page: TestResponse) -> int:
    return next(n for n, form in page.forms.items() if isinstance(n, int) and "body" in form.fields)


def sample_of(runtime: Runtime, key: str = CALL) -> Mapping[str, str]:
    with runtime.database.reading() as session:
        return text_facts(session, key).variables


def text_of(response: TestResponse) -> str:
    return " ".join(response.html.get_text(" ").split())


def error_at(response: TestResponse, name: str) -> str:
    found = response.html.select_one(f"#{name}-error")
    return found.get_text(" ", strip=True) if found else ""


# ---- list


def test_the_menu_leads_to_the_texts(app: TestApp) -> None:
    page = app.get("/teks")
    assert page.html.select_one('a.dropdown-item[href$="/teks"]').get_text().strip() == "Teks"


def test_the_list_tells_what_each_text_is(app: TestApp, call: str) -> None:
    page = app.get("/teks?cari=nphd.call")
    (row,) = page.html.select("tbody tr")
    assert row.select_one("a")["href"] == call
    told = row.get_text(" ", strip=True)
    assert "Panggilan penandatanganan NPHD" in told
    assert "nphd.call SMS nphd Asli" in told
    assert re.search(r"\d+ karakter, GSM-7, 2 SMS", told)
    mails = app.get("/teks?jenis=email").html.select("tbody tr")
    assert len(mails) > 5
    assert all("Email" in mail.get_text() and "core" in mail.get_text() for mail in mails)


def test_the_list_finds_the_texts_that_were_edited(app: TestApp, call: str) -> None:
    assert "Tidak ada hasil untuk filter ini." in text_of(app.get("/teks?status=edited"))
    fill(app, call, body=NEW)
    (row,) = app.get("/teks?status=edited").html.select("tbody tr")
    assert "Diubah" in row.get_text()
    assert "nphd.call" not in app.get("/teks?status=original").text
    assert "Diubah" in app.get("/teks?format=csv").text


def test_every_column_sorts(app: TestApp) -> None:
    for name in ("title", "key", "kind", "owner", "state"):
        for sign in ("", "-"):
            assert len(app.get(f"/teks?sort={sign}{name}&per=100").html.select("tbody tr")) > 8


@pytest.mark.parametrize("role", ["petugas", "pimpinan", None])
def test_who_may_not_change_texts_is_refused(
    app: TestApp,
    people: People,
    sign_in: Callable[[TestApp, int], None],
    runtime: Runtime,
    call: str,
    role: str | None,
) -> None:
    token = app.get(call).forms[form_number(app.get(call))]["csrf_token"].value
    sign_in(app, people.make(role, "BUKAN ADMIN").id)
    page = app.get("/", status="*")
    assert 'href="/teks"' not in page.text
    for address in ("/teks", call, f"{call}/kembalikan"):
        app.get(address, status=403)
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    token = found.group(1) if found else token
    app.post(call, {"csrf_token": token, "body": NEW}, status=[400, 403])
    app.post(f"{call}/kembalikan", {"csrf_token": token}, status=[400, 403])
    assert body_of(runtime) != NEW


def test_a_text_that_is_not_there_is_not_found(app: TestApp) -> None:
    app.get("/teks/999999", status=404)
    app.get("/teks/999999/kembalikan", status=404)
    app.get("/teks/999999999999999999", status=404)


# ---- edit


def test_an_edited_invitation_is_what_recipients_get(
    app: TestApp, runtime: Runtime, call: str, admin: Person
) -> None:
    answer = fill(app, call, body=f"{NEW}\r\n")
    assert answer.status_int == 303
    assert "disimpan" in text_of(answer.follow())
    with runtime.database.reading() as session:
        assert render_texts(session, CALL, [VALUES]) == [
            "Kepada SITI AMINAH: MUSHOLLA AL FALAH diundang Senin, 3 Desember 2018."
        ]
        (entry,) = entries(session, f"message_text:{CALL}")
    assert (entry.actor_id, entry.action) == (admin.id, "texts.save")
    assert entry.details["before"]["body"].startswith("Yth {{ kontak }}")
    assert entry.details["after"] == {"subject": "", "body": NEW}
    page = text_of(app.get(call))
    assert "Teks diubah, SRI RAHAYU" in page


def test_the_editor_names_the_variables_and_their_samples(
    app: TestApp, runtime: Runtime, call: str
) -> None:
    page = text_of(app.get(call))
    sample = sample_of(runtime)
    assert set(sample) == set(VALUES)
    assert all(f"{{{{ {name} }}}} {value}" in page for name, value in sample.items())
    with runtime.database.reading() as session:
        assert render_texts(session, CALL, [sample])[0] in page
    assert "GSM-7, 2 SMS" in page


def test_a_preview_shows_what_is_typed_and_saves_nothing(
    app: TestApp, runtime: Runtime, call: str
) -> None:
    before = body_of(runtime)
    page = fill(app, call, press="preview", body=f"{NEW} \u201cHadir\u201d")
    assert page.status_int == 200
    told = text_of(page)
    quoted = page.html.select_one("#pratinjau .quoted-message").get_text()
    kontak, lembaga, hari, tanggal = map(
        sample_of(runtime).get, ("kontak", "lembaga", "hari", "tanggal")
    )
    assert quoted == f"Kepada {kontak}: {lembaga} diundang {hari}, {tanggal}. \u201cHadir\u201d"
    assert f"{len(quoted)} karakter, UCS-2, 2 SMS" in told
    assert f"tanda baca biasa: {len(quoted)} karakter, GSM-7, 1 SMS" in told
    assert "tidak dipakai: jam, kode, petugas, tempat" in told
    assert page.html.select_one("textarea").get_text().strip() == f"{NEW} \u201cHadir\u201d"
    assert body_of(runtime) == before


BROKEN = {
    "a bracket is missing": ("Yth {{ kontak", "Baris 1"),
    "a line is named": ("Yth\n{{ kontak ) }}", "Baris 2"),
    "an unknown variable": ("Yth {{ nama }}", "Variabel nama tidak dikenal"),
    "part of a variable": ("Yth {{ kontak.nama }}", "tidak diizinkan"),
    "the inside of a variable": ("{{ kontak.__class__.__mro__ }}", "tidak diizinkan"),
    "an index": ("{{ kontak[0] }}", "tidak diizinkan"),
    "a loop": ("{% for a in kontak %}{{ a }}{% endfor %}", "tidak diizinkan"),
    "a call": ("{{ kontak.format() }}", "tidak diizinkan"),
    "a long number": ("{{ '%0999999999d' % 1 }}", "tidak diizinkan"),
    "a long result": ("{{ kontak * 999999999 }}", "tidak diizinkan"),
    "a macro without end": ("{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}", "tidak diizinkan"),
    "another file": ("{% include 'x' %}", "tidak diizinkan"),
    "a parent": ("{% extends kontak %}", "tidak diizinkan"),
    "itself": ("{{ self }}", "Variabel self tidak dikenal"),
    "an unknown filter": ("{{ kontak | bukan }}", "Baris 1"),
    "a filter that fails": ("{{ kontak | truncate(1) }}", "tidak dapat disusun"),
    "a comparison that fails": ("{{ kontak < 1 }}", "tidak dapat disusun"),
    "a number of many digits": (f"{{{{ {'9' * 1900} }}}} {{{{ kontak.x }}}}", "tidak diizinkan"),
    "a nested text": (f"{{{{ {'not ' * 480}kontak }}}}", "tidak dapat disusun"),
    "many brackets": (f"{{{{ {'(' * 900}kontak{')' * 900} }}}}", "tidak dapat disusun"),
    "half a character": ('{{ "\\ud800" }}', "karakter kendali"),
    "an escaped zero": ('{{ "\\x00" }}', "karakter kendali"),
    "a bell": ("Yth\x07", "karakter kendali"),
    "nothing": ("{# #}", "masih kosong"),
    "white space": ("  \n ", "harus diisi"),
    "too many characters": ("a" * 2001, "Paling banyak 2000"),
    "too many parts": ("a" * 1600, "paling banyak 10"),
}


@pytest.mark.parametrize("press", [None, "preview"])
def test_a_text_that_cannot_be_sent_is_refused_at_its_field(
    app: TestApp, runtime: Runtime, call: str, press: str | None
) -> None:
    before = body_of(runtime)
    found = {}
    for name, (body, sentence) in BROKEN.items():
        page = fill(app, call, press=press, body=body)
        kept = page.html.select_one("textarea").get_text().strip() == body.strip()
        found[name] = (page.status_int, sentence in error_at(page, "body"), kept)
    assert found == dict.fromkeys(BROKEN, (422, True, True))
    assert body_of(runtime) == before


def test_conditions_and_plain_filters_are_allowed(
    app: TestApp, runtime: Runtime, call: str
) -> None:
    body = (
        "{{ kontak | title }}: {% if hari == 'Senin' %}awal minggu{% else %}{{ hari }}{% endif %}"
    )
    assert fill(app, call, body=body).status_int == 303
    with runtime.database.reading() as session:
        assert render_texts(session, CALL, [VALUES]) == ["Siti Aminah: awal minggu"]


def test_a_code_without_its_code_is_refused(
    app: TestApp, runtime: Runtime, page_of: Callable[[str], str]
) -> None:
    address = page_of("verification.code")
    assert "harus ada" in text_of(app.get(address))
    page = fill(app, address, body="Kode Anda berlaku {{ menit }} menit.")
    assert "Variabel kode harus tetap ada" in error_at(page, "body")
    assert "{{ kode }}" in body_of(runtime, "verification.code")


@pytest.mark.parametrize("key", ["accounts.registration", "accounts.reset"])
def test_a_mail_without_its_link_is_refused(
    app: TestApp, page_of: Callable[[str], str], key: str
) -> None:
    page = fill(app, page_of(key), body="Yth. {{ nama }}")
    assert "Variabel tautan harus tetap ada" in error_at(page, "body")


def test_a_plugin_can_require_variables(
    app: TestApp, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(texts, "_essential", dict(texts._essential))
    require_variables(CALL, "tempat")
    assert "Variabel tempat" in error_at(fill(app, call, body=NEW), "body")


def test_a_mail_has_a_subject_line_to_edit(
    app: TestApp, runtime: Runtime, page_of: Callable[[str], str]
) -> None:
    address = page_of("accounts.waiting")
    for subject, sentence in {
        "": "harus diisi",
        "{{ kode }}": "Variabel kode tidak dikenal",
        "{# #}": "Judul email masih kosong",
        "{{ nama": "Baris 1",
        "a" * 301: "Paling banyak 300",
    }.items():
        page = fill(app, address, subject=subject)
        assert page.status_int == 422
        assert sentence in error_at(page, "subject")
        assert page.html.select_one("#subject")["value"] == subject
    page = fill(app, address, press="preview", subject="Baru: {{ nama }}")
    assert f"Baru: {sample_of(runtime, 'accounts.waiting')['nama']}" in text_of(page)
    assert fill(app, address, subject="Baru: {{ nama }}").status_int == 303
    with runtime.database.reading() as session:
        assert text_facts(session, "accounts.waiting").subject == "Baru: {{ nama }}"


def test_a_stale_page_keeps_what_was_typed(app: TestApp, runtime: Runtime, call: str) -> None:
    page = app.get(call)
    form = page.forms[form_number(page)]
    fill(app, call, body="Dari orang lain {{ kontak }}")
    form["body"] = NEW
    answer = form.submit(status=409)
    assert answer.html.select_one("textarea").get_text().strip() == NEW
    assert "Dari orang lain {{ kontak }}" in text_of(answer)
    assert "sudah diubah oleh orang lain" in text_of(answer)
    assert body_of(runtime) == "Dari orang lain {{ kontak }}"
    answer.forms[form_number(answer)].submit(status=303)
    assert body_of(runtime) == NEW


def test_saving_without_a_change_writes_nothing_down(
    app: TestApp, runtime: Runtime, call: str
) -> None:
    assert fill(app, call).status_int == 303
    with runtime.database.reading() as session:
        assert entries(session, f"message_text:{CALL}") == []


def test_sending_the_form_twice_saves_once(app: TestApp, runtime: Runtime, call: str) -> None:
    page = app.get(call)
    form = page.forms[form_number(page)]
    form["body"] = NEW
    assert [form.submit().status_int for _again in range(2)] == [303, 303]
    with runtime.database.reading() as session:
        assert len(entries(session, f"message_text:{CALL}")) == 1


def test_a_stored_text_that_became_broken_can_be_opened_and_mended(
    app: TestApp, runtime: Runtime, call: str
) -> None:
    with runtime.database.writing() as session:
        session.execute(
            update(MessageText).where(MessageText.key == CALL).values(body="{{ lama }} {{")
        )
    assert "tidak dapat disusun" in text_of(app.get("/teks?cari=nphd.call"))
    assert "Belum dapat ditampilkan" in text_of(app.get(call))
    assert fill(app, call, body=NEW).status_int == 303


# ---- back to the original


def test_an_edit_can_be_undone(app: TestApp, runtime: Runtime, call: str, admin: Person) -> None:
    original = body_of(runtime)
    assert "Kembalikan teks asli" not in text_of(app.get(call))
    fill(app, call, body=NEW)
    asked = app.get(call).click("Kembalikan teks asli")
    assert original in text_of(asked)
    assert body_of(runtime) == NEW
    done = asked.forms["confirm"].submit(status=303).follow()
    assert "dikembalikan" in text_of(done)
    assert body_of(runtime) == original
    with runtime.database.reading() as session:
        newest, _edit = entries(session, f"message_text:{CALL}")
    assert (newest.actor_id, newest.action) == (admin.id, "texts.restore")
    assert newest.details["before"]["body"] == NEW
    assert "Asli" in text_of(app.get("/teks?cari=nphd.call"))


def test_what_is_original_already_is_not_asked_about(app: TestApp, call: str) -> None:
    assert "masih asli" in text_of(app.get(f"{call}/kembalikan", status=303).follow())


def test_restoring_brings_the_newest_wording_of_the_plugin(
    app: TestApp, runtime: Runtime, call: str
) -> None:
    fill(app, call, body=NEW)
    with runtime.database.writing() as session:
        row = session.scalars(
            select(LoadedData).where(LoadedData.external_id == f"{CALL}:id")
        ).one()
        row.offered = {**row.loaded, "body": "Versi baru {{ kontak }}"}
    assert "Plugin membawa teks yang lebih baru" in text_of(app.get(call))
    app.get(f"{call}/kembalikan").forms["confirm"].submit(status=303)
    assert body_of(runtime) == "Versi baru {{ kontak }}"
    assert "lebih baru" not in text_of(app.get(call))


def test_an_edit_after_the_question_is_not_undone(
    app: TestApp, runtime: Runtime, call: str
) -> None:
    fill(app, call, body=NEW)
    asked = app.get(f"{call}/kembalikan")
    fill(app, call, body="Lebih baru {{ kontak }}")
    asked.forms["confirm"].submit(status=409)
    assert body_of(runtime) == "Lebih baru {{ kontak }}"


def test_a_text_of_no_data_file_has_no_original(app: TestApp, runtime: Runtime) -> None:
    with runtime.database.writing() as session:
        text = MessageText(key="sendiri", title="Sendiri", body="Halo", variables={})
        session.add(text)
        session.flush()
        address = f"/teks/{text.id}"
    assert fill(app, address, body="Halo lagi").status_int == 303
    assert "Kembalikan" not in text_of(app.get(address))
    assert "Sendiri" in text_of(app.get("/teks?status=original&per=100"))
    app.get(f"{address}/kembalikan", status=404)


def test_the_name_of_who_left_is_not_needed(
    app: TestApp, runtime: Runtime, call: str, people: People
) -> None:
    fill(app, call, body=NEW)
    with runtime.database.writing() as session:
        session.execute(
            update(MessageText).where(MessageText.key == CALL).values(changed_by_id=None)
        )
        assert session.scalar(select(User.id).limit(1))
    assert "Diubah" in text_of(app.get(call))
