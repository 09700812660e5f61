"""Folding of text for the quick search, whatever people type."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from plugins.hibah.normalise import (
    SEPARATOR,
    document,
    fold,
    identity_of,
    phone_forms,
    terms_of,
)

ANY_TEXT = st.text(max_size=60)
WORDS = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=30)
PUNCTUATION = st.text(" -./'\"()&,", max_size=3)


@given(ANY_TEXT)
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(ANY_TEXT)
def test_only_lower_case_letters_and_digits_remain(text: str) -> None:
    folded = fold(text)

    assert all(character.isalnum() for character in folded)
    assert SEPARATOR not in folded
    # What cannot be stored (lone surrogates, NUL) is no letter and no digit.
    assert "\x00" not in folded.encode().decode()


@given(ANY_TEXT)
def test_every_unicode_form_and_case_is_one_text(text: str) -> None:
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert fold(unicodedata.normalize(form, text)) == fold(text)
    assert fold(text.casefold()) == fold(text)


@given(st.lists(WORDS, min_size=1, max_size=6), st.data())
def test_punctuation_between_words_makes_no_difference(
    words: list[str], data: st.DataObject
) -> None:
    spelled = words[0] + "".join(data.draw(PUNCTUATION) + word for word in words[1:])

    assert fold(spelled) == "".join(map(fold, words))


@given(ANY_TEXT, st.data())
def test_every_part_of_a_field_is_found_in_its_document(text: str, data: st.DataObject) -> None:
    begin = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(begin, len(text)))
    # Cutting inside a word keeps what a person sees; white space would make it two terms.
    part = text[begin:end]
    assume(fold(text[:begin]) + fold(part) + fold(text[end:]) == fold(text))

    for term in terms_of(part):
        assert term in document(["something else", text])


@given(st.lists(ANY_TEXT, max_size=5), WORDS)
def test_no_term_matches_across_two_fields(fields: list[str], word: str) -> None:
    term = fold(word)
    assume(term and not any(term in fold(field) for field in fields))

    assert term not in document(fields)


@given(ANY_TEXT)
def test_terms_are_few_short_and_each_once(text: str) -> None:
    terms = terms_of(text * 20)

    assert len(terms) == len(set(terms)) <= 8
    assert all(0 < len(term) <= 60 for term in terms)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("2018-HK-00005", "2018hk00005"),
        ("Al-Hidayah", "alhidayah"),
        ("Ma'arif NU", "maarifnu"),
        ("CAFÉ Ångström", "cafeangstrom"),
        ("Straße", "strasse"),
        ("188/45/KPTS/013/2018", "18845kpts0132018"),
        ("Rp9.000.000.000,00", "rp900000000000"),
        ("٠٨١٢", "0812"),
        ("\uff10\uff18\uff11\uff12", "0812"),
        ("ﬁsika", "fisika"),
    ],
)
def test_examples(text: str, folded: str) -> None:
    assert fold(text) == folded


def test_an_indonesian_number_is_indexed_as_it_is_dialled_at_home_too() -> None:
    assert phone_forms("+628123090095") == ("628123090095", "08123090095")
    assert phone_forms("+60123456789") == ("60123456789",)
    assert phone_forms("") == ()


def test_an_institution_is_the_same_in_every_spelling_and_another_at_another_address() -> None:
    spelled = identity_of("Masjid Al-Hidayah", 3507, "Jl. Melur 1")

    assert spelled == identity_of("MASJID AL HIDAYAH", 3507, "jl melur 1")
    assert spelled != identity_of("Masjid Al-Hidayah", 3507, "Jl. Melur 2")
    assert spelled != identity_of("Masjid Al-Hidayah", 3573, "Jl. Melur 1")
