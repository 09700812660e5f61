"""The lists of grants and institutions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from plugins.hibah.models import Institution

from .conftest import SignIn, Statements, grant_row, import_rows, words

if TYPE_CHECKING:
    from webtest import TestApp

    from core.api.hooks import UserFacts
    from core.api.runtime import Runtime


def test_the_list_of_grants_is_filtered_sorted_and_exported(
    app: TestApp, sign_in: SignIn, bureau: dict[str, int], admin: UserFacts
) -> None:
    sign_in(app, admin.id)

    assert f"{len(bureau)} hasil" in words(app.get("/hibah/"))
    assert "9 hasil" in words(app.get("/hibah/", {"cari": "lptq", "data": "arsip"}))
    assert "2 hasil" in words(app.get("/hibah/", {"status": "SK PENETAPAN"}))
    rows = app.get("/hibah/", {"sort": "amount", "data": "aktif"}).html.select("tbody tr")
    assert [row.find("a").get_text() for row in rows][-1] == "2018-HK-00005"
    csv = app.get("/hibah/", {"cari": "tegalwarna", "format": "csv"})
    assert "2018-HK-00005,LPTQ Kecamatan Tegalwarna,Kota Surabaya,9000000000" in csv.text


def test_the_list_of_institutions_holds_those_of_own_grants(browser: TestApp) -> None:
    page = browser.get("/hibah/lembaga")
    assert "10 hasil" in words(page)
    assert "Masjid" not in words(page)
    assert "1 hasil" in words(browser.get("/hibah/lembaga", {"wilayah": "3578"}))
    assert "9 hasil" in words(browser.get("/hibah/lembaga", {"kontak": "belum"}))
    known = browser.get("/hibah/lembaga", {"kontak": "ada"})
    assert "NUR SASMITA, +62 812-3090-095" in words(known)
    link = known.html.find("a", string="NUR SASMITA, +62 812-3090-095")
    assert link.has_attr("data-dialog")
    assert "sediakan Nomor Kontak" in words(browser.get(link["href"]))
    assert browser.get("/hibah/lembaga", {"cari": "arsipan 4"}).click("Arsipan 4").status_int == 200


def test_no_page_asks_more_of_the_database_for_more_rows(
    app: TestApp,
    sign_in: SignIn,
    runtime: Runtime,
    admin: UserFacts,
    statements: Statements,
) -> None:
    sign_in(app, admin.id)
    with runtime.database.writing() as session:
        import_rows(session, [grant_row("2018-HK-00001", "Yayasan Tunas Hariyana")])
        institution_id = session.scalars(select(Institution.id)).one()
    paths = (
        "/hibah/",
        "/hibah/?cari=hariyana",
        "/hibah/cari?q=hariyana",
        "/hibah/lembaga",
        f"/hibah/lembaga/{institution_id}",
    )
    for path in paths:
        app.get(path)
    before = [_count(app, statements, path) for path in paths]
    with runtime.database.writing() as session:
        import_rows(
            session,
            [
                *(
                    grant_row(f"2018-HK-{n:05d}", "Yayasan Tunas Hariyana", telephone="")
                    for n in range(2, 12)
                ),
                *(
                    grant_row(
                        f"2018-HK-{n:05d}",
                        f"Yayasan Tunas Hariyana {n}",
                        contact="RATNA",
                        telephone=f"+62812309{n:05d}",
                    )
                    for n in range(12, 60)
                ),
            ],
        )

    assert [_count(app, statements, path) for path in paths] == before


def _count(app: TestApp, statements: Statements, path: str) -> int:
    with statements() as found:
        app.get(path)
    return len(found)
