"""Countries and their calling codes, for the field Negara."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import phonenumbers
from babel import Locale, UnknownLocaleError

__all__ = ["HOME_REGION", "Country", "countries", "country_name", "is_region"]

HOME_REGION: Final = "ID"
"""Country of the bureau: first in the list, and what a local spelling means."""

_LOCALE: Final = "id"


@dataclass(frozen=True, slots=True)
class Country:
    """A country that a number can belong to."""

    region: str
    """ISO 3166 alpha-2, as ``ID``."""
    name: str
    calling_code: int
    """As 62."""

    @property
    def label(self) -> str:
        """Name and calling code as the manual writes them: ``Indonesia (+62)``."""
        return f"{self.name} (+{self.calling_code})"


def is_region(region: str) -> bool:
    """Tell whether numbers of this country (ISO 3166 alpha-2) can be parsed."""
    return region in phonenumbers.SUPPORTED_REGIONS


@lru_cache(maxsize=8)
def countries(locale: str = _LOCALE) -> tuple[Country, ...]:
    """Return every country with telephones: Indonesia first, the rest by name in ``locale``."""
    found = [
        Country(region, _name(region, locale), phonenumbers.country_code_for_region(region))
        for region in phonenumbers.SUPPORTED_REGIONS
    ]
    return tuple(
        sorted(found, key=lambda c: (c.region != HOME_REGION, c.name.casefold(), c.region))
    )


def country_name(region: str, locale: str = _LOCALE) -> str:
    """Return a country's name in ``locale``, or the code itself for one that has none."""
    return _name(region, locale)


def _name(region: str, locale: str) -> str:
    try:
        names = Locale.parse(locale).territories
    except (UnknownLocaleError, ValueError):
        names = Locale.parse(_LOCALE).territories
    return str(names.get(region, region))
