"""The 29 regencies and 9 cities of East Java, with the codes of Kemendagri."""

from __future__ import annotations

from typing import Final

__all__ = ["REGENCIES"]

REGENCIES: Final[dict[int, str]] = {
    3501: "Kabupaten Pacitan",
    3502: "Kabupaten Ponorogo",
    3503: "Kabupaten Trenggalek",
    3504: "Kabupaten Tulungagung",
    3505: "Kabupaten Blitar",
    3506: "Kabupaten Kediri",
    3507: "Kabupaten Malang",
    3508: "Kabupaten Lumajang",
    3509: "Kabupaten Jember",
    3510: "Kabupaten Banyuwangi",
    3511: "Kabupaten Bondowoso",
    3512: "Kabupaten Situbondo",
    3513: "Kabupaten Probolinggo",
    3514: "Kabupaten Pasuruan",
    3515: "Kabupaten Sidoarjo",
    3516: "Kabupaten Mojokerto",
    3517: "Kabupaten Jombang",
    3518: "Kabupaten Nganjuk",
    3519: "Kabupaten Madiun",
    3520: "Kabupaten Magetan",
    3521: "Kabupaten Ngawi",
    3522: "Kabupaten Bojonegoro",
    3523: "Kabupaten Tuban",
    3524: "Kabupaten Lamongan",
    3525: "Kabupaten Gresik",
    3526: "Kabupaten Bangkalan",
    3527: "Kabupaten Sampang",
    3528: "Kabupaten Pamekasan",
    3529: "Kabupaten Sumenep",
    3571: "Kota Kediri",
    3572: "Kota Blitar",
    3573: "Kota Malang",
    3574: "Kota Probolinggo",
    3575: "Kota Pasuruan",
    3576: "Kota Mojokerto",
    3577: "Kota Madiun",
    3578: "Kota Surabaya",
    3579: "Kota Batu",
}
"""Name by code. The code is the key in the database: it is official and does not change."""
