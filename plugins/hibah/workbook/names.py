"""Words from which the generator makes up institutions, villages and people; none is real."""

from __future__ import annotations

from random import Random
from typing import Final

__all__ = ["DISTRICTS", "institution_name", "person_name", "street", "village"]

_FIRST: Final = (
    "Tegal",
    "Wana",
    "Kerta",
    "Rangka",
    "Jati",
    "Sidha",
    "Banyu",
    "Arga",
    "Ranu",
    "Mulya",
)
_SECOND: Final = (
    "warna",
    "sekar",
    "lintang",
    "pranaja",
    "wening",
    "kusika",
    "raharja",
    "mandira",
    "pertala",
    "langit",
)

DISTRICTS: Final = tuple(f"{first}{second}" for first in _FIRST[:5] for second in _SECOND[:6])
"""Districts (kecamatan) that are on no map."""

_KINDS: Final = (
    ("Masjid", 24),
    ("Musholla", 18),
    ("Yayasan", 14),
    ("Pondok Pesantren", 10),
    ("TPQ", 8),
    ("Madrasah Diniyah", 8),
    ("RA", 4),
    ("Panti Asuhan", 4),
    ("Karang Taruna", 3),
    ("Gereja", 3),
    ("Pura", 2),
    ("Vihara", 2),
)
_TITLES: Final = (
    "Al-Qamarina",
    "An-Nawasari",
    "Ar-Rahimana",
    "Al Fikriyyana",
    "Baitul Mukhlisina",
    "Darul Ma'rifana",
    "Nurul Bahrina",
    "Miftahul Khoirina",
    "Sabilul Huda'ina",
    "Roudlotul Jannatina",
    "Hidayatus Salikina",
    "Tarbiyatul Banina",
)
_GENTLE: Final = (
    "Cahaya Kasihana",
    "Setia Waluyana",
    "Dharma Wiratana",
    "Bina Lestarina",
    "Tunas Hariyana",
    "Mitra Sejatina",
)
_GIVEN: Final = (
    "ABDUL",
    "AHMAD",
    "SITI",
    "NUR",
    "MOCH.",
    "DEWI",
    "BUDI",
    "SRI",
    "EKO",
    "RATNA",
    "JOKO",
    "LAILA",
    "HASAN",
    "ENDAH",
    "SLAMET",
    "YUNITA",
)
_MIDDLE: Final = ("", "", "KHOIR ", "FAJAR ", "WAHYU ", "INDRA ", "AYU ", "BAGUS ")
_FAMILY: Final = (
    "WIRASENTANA",
    "KERTALANGITA",
    "SASTRAWENING",
    "RANUPRADANA",
    "MANGKULINTANG",
    "PRAWIRASEKAR",
    "TIRTAKUSIKA",
    "WANARAHARJA",
    "BANYUPERTALA",
    "ARGAMANDIRA",
    "JATIPRANAJA",
    "SURYAWARNANA",
)
_STREETS: Final = (
    "Jl. Melur",
    "Jl. Kenari",
    "Jl. Samudera",
    "Dusun Krajan",
    "Dusun Lor",
    "Dusun Kidul",
)


def village(random: Random) -> str:
    """Make up a village."""
    return random.choice(_FIRST) + random.choice(_SECOND)


def street(random: Random) -> str:
    """Make up a street with a number, or a hamlet with its RT and RW."""
    name = random.choice(_STREETS)
    if name.startswith("Jl."):
        return f"{name} No. {random.randint(1, 180)}"
    return f"{name} RT {random.randint(1, 9):02d} RW {random.randint(1, 9):02d}"


def institution_name(random: Random) -> str:
    """Make up an institution."""
    kind = random.choices([name for name, _ in _KINDS], [weight for _, weight in _KINDS])[0]
    plain = kind in {"Karang Taruna", "Gereja", "Pura", "Vihara", "Panti Asuhan"}
    title = random.choice(_GENTLE if plain else _TITLES)
    return f"{kind} {title} {village(random)}"


def person_name(random: Random) -> str:
    """Make up a person, in capital letters as the bureau writes them."""
    return f"{random.choice(_GIVEN)} {random.choice(_MIDDLE)}{random.choice(_FAMILY)}"
