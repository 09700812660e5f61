"""The field Negara."""

from __future__ import annotations

from core.contacts import countries


def test_indonesia_comes_first_with_its_calling_code() -> None:
    assert countries()[0].label == "Indonesia (+62)"


def test_the_rest_is_sorted_by_name() -> None:
    names = [country.name.casefold() for country in countries()[1:]]
    assert names == sorted(names)


def test_every_country_has_a_name_and_a_code() -> None:
    assert len(countries()) > 200
    assert all(country.calling_code > 0 for country in countries())
    assert all(country.name != country.region for country in countries())


def test_names_follow_the_language() -> None:
    names = {country.region: country.name for country in countries("en")}
    assert names["DE"] == "Germany"
    assert {country.region: country.name for country in countries("id")}["DE"] == "Jerman"


def test_an_unknown_language_gets_indonesian_names() -> None:
    assert countries("xx-nowhere") == countries("id")
