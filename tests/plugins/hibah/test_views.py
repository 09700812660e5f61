"""The screens of the grants, followed by the manual's words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from core.api.contacts import contact_history
from core.api.hooks import GrantAction, hookimpl
from core.api.text import _
from core.framework.hooks import BREAKER_LIMIT
from plugins.hibah.models import Grant, Institution, Note
from plugins.hibah.services.institutions import set_institution_contact
from plugins.hibah.subjects import institution_subject

from .conftest import SignIn, grant_row, import_rows, words

if TYPE_CHECKING:
    from webtest import TestApp, TestResponse

    from core.api.hooks import UserFacts
    from core.api.runtime import Runtime
    from core.testing.people import People

ACTIONS = ["Lihat", "Lembaga", "Cetak", "Kontak", "Pesan", "Tambah Catatan", "Log"]


@pytest.fixture
def institution_id(runtime: Runtime, bureau: dict[str, int]) -> int:
    """The LPTQ of grant 2018-HK-00005."""
    with runtime.database.reading() as session:
        return session.scalars(
            select(Grant.institution_id).where(Grant.id == bureau["2018-HK-00005"])
        ).one()


def test_the_manuals_search_shows_one_active_and_nine_archived(browser: TestApp) -> None:
    dashboard = browser.get("/")
    assert "Masukkan kata kunci pencarian." in dashboard.text
    form = next(form for form in dashboard.forms.values() if "pencarian-dasbor" in form.text)
    form["q"] = "LPTQ"
    page = form.submit()

    assert (
        "Menampilkan hasil untuk Data Aktif dari 1 s/d 1 dari total 1. "
        "Lihat hasil pencarian Data Arsip (9 hasil)." in words(page)
    )
    archive = page.click("Lihat hasil pencarian Data Arsip")
    assert "Menampilkan hasil untuk Data Arsip dari 1 s/d 9 dari total 9." in words(archive)
    assert "Lihat hasil pencarian Data Aktif (1 hasil)." in words(archive)


def test_a_card_says_what_the_manual_shows_and_offers_what_has_a_page(browser: TestApp) -> None:
    page = browser.get("/hibah/cari", {"q": "2018-hk-00005"})

    card = page.html.find("article")
    text = " ".join(card.get_text(" ").split())
    for said in (
        "Kode: 2018-HK-00005",
        "DPA: 5435140501000005",
        "Lembaga: LPTQ Kecamatan Tegalwarna",
        "Nominal: Rp9.000.000.000,00",
        "Status: SK PENETAPAN",
        "Jenis: Hibah Berbadan Hukum Indonesia",
        "SK: Tahap 1, GUBERNUR JAWA TIMUR, 188/45/KPTS/013/2018, 19 Januari 2018",
        "Petugas: DANU MAHARDIKA",
        "Rekomendasi: REGULER",
        "Dibuat: 31 Januari 2018",
    ):
        assert said in text
    assert [link.get_text() for link in card.find_all("a")] == ACTIONS


@pytest.mark.usefixtures("bureau")
def test_who_only_reads_gets_no_action_that_changes(
    app: TestApp, sign_in: SignIn, people: People
) -> None:
    sign_in(app, people.pimpinan().id)

    card = app.get("/hibah/cari", {"q": "2018-HK-00005"}).html.find("article")

    assert [link.get_text() for link in card.find_all("a")] == [
        "Lihat",
        "Lembaga",
        "Cetak",
        "Pesan",
        "Log",
    ]
    assert app.get(card.find("a", string="Lembaga")["href"]).status_int == 200


def test_nothing_found_says_what_to_do(browser: TestApp) -> None:
    page = browser.get("/hibah/cari", {"q": "tidak ada <b>"})

    assert 'Tidak ada hasil untuk Data Aktif dengan kata kunci "tidak ada <b>".' in words(page)
    assert "Tulis sebagian saja" in words(page)
    assert "<b>" not in page.text.replace("&lt;b&gt;", "")


def test_hits_in_the_archive_alone_are_pointed_out(browser: TestApp) -> None:
    page = browser.get("/hibah/cari", {"q": "arsipan3"})

    assert "Tidak ada hasil untuk Data Aktif" in words(page)
    assert "Lihat hasil pencarian Data Arsip (1 hasil)." in words(page)


def test_every_page_has_the_quick_search_with_its_key(
    browser: TestApp, institution_id: int
) -> None:
    for path in ("/", "/hibah/", "/hibah/lembaga", f"/hibah/lembaga/{institution_id}"):
        field = browser.get(path).html.select_one("[data-quick-search]")
        assert field["aria-keyshortcuts"] == "/"
        assert field.find_parent("form")["action"] == "/hibah/cari"


@pytest.mark.parametrize("number", ["", "x", "0", "-1", "99", "9" * 400])
def test_an_odd_page_number_is_some_page(browser: TestApp, number: str) -> None:
    page = browser.get("/hibah/cari", {"q": "lptq", "hal": number})

    assert "dari 1 s/d 1" in words(page)


def test_a_query_that_cannot_be_read_costs_nobody_the_search(browser: TestApp) -> None:
    for _time in range(BREAKER_LIMIT + 1):
        page = browser.get("/hibah/cari?q=%ff%fe", status=400)
        assert page.html.select_one("[data-quick-search]") is not None
    assert browser.get("/bantuan").html.select_one("[data-quick-search]") is not None


def test_lihat_shows_everything_and_can_be_printed(
    browser: TestApp, bureau: dict[str, int]
) -> None:
    page = browser.get("/hibah/cari", {"q": "2018-HK-00005"}).click("Lihat")

    for said in ("Jl. Samudera No. 17", "Kota Surabaya", "NUR SASMITA", "+62 812-3090-095"):
        assert said in words(page)
    paper = page.click("Cetak")
    assert "Rp9.000.000.000,00" in words(paper)
    assert paper.html.find("nav") is None
    assert browser.get(f"/hibah/{bureau['2018-HK-00006']}", status=404)
    assert browser.get("/hibah/999999999999999999", status=404)


def test_lembaga_shows_contact_conversation_and_all_own_grants(
    app: TestApp, sign_in: SignIn, bureau: dict[str, int], colleague: UserFacts
) -> None:
    sign_in(app, colleague.id)
    page = app.get(f"/hibah/{bureau['2018-HK-00006']}").click(href=r"/hibah/lembaga/\d+$")

    assert "Masjid Al-Hidayahna Rangkasekar" in words(page)
    assert "SITI KERTALANGITA" in words(page)
    assert len(page.html.find_all("article")) == 2
    assert page.click("Pesan", index=0).status_int == 200


def test_kontak_asks_as_the_manual_does_and_keeps_who_it_was(
    browser: TestApp, runtime: Runtime, institution_id: int
) -> None:
    page = browser.get("/hibah/cari", {"q": "2018-HK-00005"}).click("Kontak")
    text = words(page)
    assert "Silahkan sediakan Nomor Kontak untuk LPTQ Kecamatan Tegalwarna" in text
    assert "Silahkan memasukkan nomor telepon genggam untuk pengiriman pesan teks (SMS)" in text
    labels = " ".join(label.get_text() for label in page.html.find_all("label"))
    for label in ("Negara", "Nomor Telepon", "Kontak Person"):
        assert label in labels

    form = _form(page)
    form["number"], form["person"] = "0812 3090 0777", "LAILA BANYUPERTALA"
    done = form.submit().follow()

    assert "Kontak lembaga sudah disimpan." in done.text
    assert "LAILA BANYUPERTALA" in words(done)
    with runtime.database.reading() as session:
        history = contact_history(session, institution_subject(institution_id))
    assert [(contact.number, contact.is_current) for contact in history] == [
        ("+6281230900777", True),
        ("+628123090095", False),
    ]
    log = browser.get("/hibah/cari", {"q": "2018-HK-00005"}).click("^Log$")
    assert "Kontak lembaga diganti dari NUR SASMITA" in words(log)
    again = browser.get(f"/hibah/lembaga/{institution_id}/kontak")
    assert "Riwayat kontak" in words(again)
    assert "NUR SASMITA" in words(again)


@pytest.mark.parametrize(
    ("number", "said"),
    [
        ("08123090095 / 08123090096", "lebih dari satu nomor"),
        ("0313520881", "bukan nomor telepon genggam"),
        ("", "Nomor Telepon"),
        ("nol delapan", "hanya boleh berisi angka"),
    ],
)
def test_a_number_that_cannot_be_used_is_refused_and_what_was_typed_stays(
    browser: TestApp, runtime: Runtime, institution_id: int, number: str, said: str
) -> None:
    form = _form(browser.get(f"/hibah/lembaga/{institution_id}/kontak"))
    form["number"], form["person"] = number, "LAILA BANYUPERTALA"

    page = form.submit(status=422)

    assert said in words(page)
    assert _form(page)["number"].value == number
    assert _form(page)["person"].value == "LAILA BANYUPERTALA"
    with runtime.database.reading() as session:
        assert len(contact_history(session, institution_subject(institution_id))) == 1


def test_a_stale_contact_page_overwrites_nothing_unasked(
    browser: TestApp, runtime: Runtime, institution_id: int
) -> None:
    form = _form(browser.get(f"/hibah/lembaga/{institution_id}/kontak"))
    with runtime.database.writing() as session:
        set_institution_contact(
            session, institution_id, name="ORANG LAIN", number="081230900555", actor_id=None
        )
    form["number"] = "081230900777"

    page = form.submit(status=409)

    assert "baru saja diganti menjadi ORANG LAIN, +62 812-3090-0555" in words(page)
    assert _form(page)["number"].value == "081230900777"
    _form(page).submit(status=303)
    with runtime.database.reading() as session:
        current = contact_history(session, institution_subject(institution_id))[0]
    assert current.number == "+6281230900777"


def test_a_contact_sent_twice_is_one_contact(
    browser: TestApp, runtime: Runtime, institution_id: int
) -> None:
    form = _form(browser.get(f"/hibah/lembaga/{institution_id}/kontak"))
    form["number"] = "081230900777"

    form.submit(status=303)
    form.submit(status=303)

    with runtime.database.reading() as session:
        assert len(contact_history(session, institution_subject(institution_id))) == 2


def test_in_a_dialog_kontak_returns_to_the_page_below(
    browser: TestApp, institution_id: int
) -> None:
    headers = {
        "HX-Request": "true",
        "X-Abah-Dialog": "1",
        "HX-Current-Path": "/hibah/cari?q=lptq",
    }
    page = browser.get(f"/hibah/lembaga/{institution_id}/kontak", headers=headers)
    assert page.html.find("header") is None
    form = _form(page)
    form["number"] = "081230900777"

    done = form.submit(headers=headers)

    assert done.headers["HX-Redirect"].endswith("/hibah/cari?q=lptq")


def test_tambah_catatan_keeps_a_note_once_and_log_tells_it(
    browser: TestApp, runtime: Runtime
) -> None:
    page = browser.get("/hibah/cari", {"q": "2018-HK-00005"}).click("Tambah Catatan")
    form = _form(page)
    assert "harus diisi" in words(form.submit(status=422))

    form["body"] = "Berkas proposal kurang\nfotokopi rekening."
    done = form.submit(status=303).follow()
    form.submit(status=303)

    assert "Catatan sudah ditambahkan." in done.text
    assert "fotokopi rekening." in words(done)
    with runtime.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Note)) == 1
    log = browser.get("/hibah/cari", {"q": "2018-HK-00005"}).click("^Log$")
    assert "DANU MAHARDIKA" in words(log)
    assert "Catatan ditambahkan: Berkas proposal kurang" in words(log)


def test_a_grant_signed_without_a_contact_asks_for_one(
    app: TestApp, sign_in: SignIn, runtime: Runtime, admin: UserFacts
) -> None:
    with runtime.database.writing() as session:
        import_rows(session, [grant_row("2018-HK-00900", "Musholla Bina Lestarina")])
        grant = session.scalars(select(Grant)).one()
        grant.state = "NPHD"
    sign_in(app, admin.id)

    page = app.get("/hibah/cari", {"q": "00900"})

    assert "belum mempunyai kontak" in words(page)
    assert page.click("Sediakan Nomor Kontak").status_int == 200


def test_what_belongs_to_others_is_not_there(
    browser: TestApp, runtime: Runtime, bureau: dict[str, int]
) -> None:
    foreign = bureau["2018-HK-00006"]
    with runtime.database.reading() as session:
        institution = session.scalars(
            select(Institution.id).where(Institution.name.like("Masjid%"))
        ).one()

    for path in (
        f"/hibah/{foreign}",
        f"/hibah/{foreign}/cetak",
        f"/hibah/{foreign}/log",
        f"/hibah/{foreign}/catatan",
        f"/hibah/lembaga/{institution}",
        f"/hibah/lembaga/{institution}/kontak",
        f"/pesan/tentang/hibah.institution:{institution}",
    ):
        browser.get(path, status=404)


@pytest.mark.usefixtures("bureau")
def test_nobody_gets_in_without_signing_in(app: TestApp) -> None:
    for path in ("/hibah/", "/hibah/cari", "/hibah/lembaga", "/hibah/1", "/hibah/1/log"):
        assert app.get(path, status="*").status_int in {302, 303, 401, 403}


def test_conversations_of_own_institutions_can_be_read(
    browser: TestApp, institution_id: int
) -> None:
    page = browser.get(f"/pesan/tentang/hibah.institution:{institution_id}")

    assert "LPTQ Kecamatan Tegalwarna" in page.text


def test_a_plugin_whose_action_fails_loses_its_action_and_not_the_page(
    runtime: Runtime,
    request: pytest.FixtureRequest,
    sign_in: SignIn,
    bureau: dict[str, int],
    admin: UserFacts,
) -> None:
    def broken(*_args: object) -> str:
        raise RuntimeError

    class Broken:
        @hookimpl
        def register_grant_actions(self) -> list[GrantAction]:
            return [
                GrantAction("broken.act", _("Rusak"), 85, "hibah.grant.read", url=broken),
                GrantAction("hibah.log", _("Palsu"), 195, "hibah.grant.read", url=broken),
            ]

    runtime.hooks.register("broken", Broken())
    app = request.getfixturevalue("app")
    sign_in(app, admin.id)

    page = app.get(f"/hibah/{bureau['2018-HK-00005']}")

    assert "Rusak" not in page.text
    assert "Palsu" not in page.text
    assert page.click("^Log$").status_int == 200


def test_the_guide_has_the_chapters_of_search_and_contact(browser: TestApp) -> None:
    assert "2018-HK-00005" in words(browser.get("/bantuan/pencarian"))
    assert "Riwayat kontak" in words(browser.get("/bantuan/kontak-lembaga"))


def _form(page: TestResponse) -> Any:
    """Return the one form of the page that posts its own content."""
    forms = [form for form in page.forms.values() if form.method.lower() == "post"]
    return next(form for form in forms if "data-guard" in form.text)
