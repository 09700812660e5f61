"""Every spelling of a number that people use, and every reason to refuse one."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.contacts import (
    InvalidNumberError,
    NumberProblem,
    format_number,
    mask_number,
    national_number,
    parse_number,
    region_of,
)

MANUAL = "+628123090095"

SPELLINGS = [
    "08123090095",
    "8123090095",
    "628123090095",
    "+628123090095",
    "+62 812-3090-095",
    "+62 812 3090 095",
    "+62-812-3090-095",
    "+62.812.3090.095",
    "+62 (0)812 3090 095",
    "+62 0812 3090 095",
    "62 0812 3090 095",
    "(0812) 3090-095",
    "0812/3090095",
    "0812,3090,095",
    "0812..3090..095",
    "081-230-900-95",
    "00628123090095",
    "0062 812 3090 095",
    "(00)62 812-3090-095",
    "+0062 812 3090 095",
    "008 62 812 3090 095",
    "+0812 3090 095",
    "  0812 3090 095\t",
    "0812\u00a03090\u00a0095",
    "0812\u20113090\u2011095",
    "\u202a+62 812\u20113090\u2011095\u202c",
    "+６２８１２３０９００９５",  # noqa: RUF001 - full-width digits are the point
    "٠٨١٢٣٠٩٠٠٩٥",
    "tel:+628123090095",
    "HP 0812 3090 095",
    "No. HP: 0812 3090 095",
    "WA 0812-3090-095",
]

REFUSED = [
    ("", NumberProblem.EMPTY),
    ("   ", NumberProblem.EMPTY),
    ("\u200b", NumberProblem.EMPTY),
    ("HP:", NumberProblem.EMPTY),
    ("-", NumberProblem.UNKNOWN),
    ("08123090095, 08123090096", NumberProblem.SEVERAL),
    ("08123090095/08123090096", NumberProblem.SEVERAL),
    ("08123090095/96", NumberProblem.SEVERAL),
    ("08123090095; 0813-3090-096", NumberProblem.SEVERAL),
    ("08123090095 dan 08123090096", NumberProblem.SEVERAL),
    ("08123090095 atau +6281330900967", NumberProblem.SEVERAL),
    ("08123090095\n08123090096", NumberProblem.SEVERAL),
    ("0812 3090 095 0813 3090 096", NumberProblem.SEVERAL),
    ("08123090095 - 08123090096", NumberProblem.SEVERAL),
    ("0812309009508133090096", NumberProblem.SEVERAL),
    ("+628123090095+628133090096", NumberProblem.SEVERAL),
    ("08123090095 (Budi), 08133090096 (Ani)", NumberProblem.SEVERAL),
    ("INFO-KESRA", NumberProblem.LETTERS),
    ("0812-3O9O-095", NumberProblem.LETTERS),
    ("08123090095 Budi", NumberProblem.LETTERS),
    ("0800FLOWERS", NumberProblem.LETTERS),
    ("0812 3090 095 ext 5", NumberProblem.EXTENSION),
    ("0812 3090 095 #5", NumberProblem.EXTENSION),
    ("3636", NumberProblem.SHORT_CODE),
    ("110", NumberProblem.SHORT_CODE),
    ("0215551234", NumberProblem.NOT_MOBILE),
    ("+62 31 5020 111", NumberProblem.NOT_MOBILE),
    ("0812", NumberProblem.INCOMPLETE),
    ("0", NumberProblem.INCOMPLETE),
    ("+62110", NumberProblem.INCOMPLETE),
    ("+999123456", NumberProblem.COUNTRY),
    ("+62+8123090095", NumberProblem.COUNTRY),
    ("081230900950123", NumberProblem.UNKNOWN),
    ("1" * 50, NumberProblem.TOO_LONG),
    ("0" * 5000, NumberProblem.TOO_LONG),
]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_becomes_the_same_number(spelling: str) -> None:
    assert parse_number(spelling) == MANUAL


@pytest.mark.parametrize(("text", "problem"), REFUSED)
def test_what_cannot_receive_sms_is_refused_with_its_own_reason(
    text: str, problem: NumberProblem
) -> None:
    with pytest.raises(InvalidNumberError) as caught:
        parse_number(text)
    assert caught.value.problem is problem
    assert caught.value.field == "number"


def test_two_numbers_in_one_field_have_their_own_sentence() -> None:
    with pytest.raises(InvalidNumberError) as caught:
        parse_number("08123090095, 08123090096")
    assert "1 (satu) nomor saja" in str(caught.value)


def test_each_reason_has_a_sentence_of_its_own() -> None:
    sentences = {
        str(InvalidNumberError(problem, "x", region="ID").explanation) for problem in NumberProblem
    }
    assert len(sentences) == len(NumberProblem)


def test_the_chosen_country_reads_local_spellings() -> None:
    assert parse_number("012-345 6789", "MY") == "+60123456789"


def test_a_written_country_code_beats_the_chosen_country() -> None:
    assert parse_number("+62 812-3090-095", "MY") == MANUAL
    assert parse_number("0062 812 3090 095", "US") == MANUAL


def test_a_local_number_of_another_country_names_the_chosen_one() -> None:
    with pytest.raises(InvalidNumberError) as caught:
        parse_number("08123090095", "SG")
    assert "Singapura" in str(caught.value)


def test_an_unknown_country_is_refused() -> None:
    with pytest.raises(InvalidNumberError) as caught:
        parse_number("08123090095", "XX")
    assert caught.value.problem is NumberProblem.COUNTRY


def test_numbers_that_may_be_mobile_are_taken_where_nobody_can_tell() -> None:
    assert parse_number("+1 202 555 0123") == "+12025550123"


def test_the_mask_shows_calling_code_and_last_four_digits() -> None:
    assert mask_number(MANUAL) == "+62*****0095"
    assert mask_number("+12025550123") == "+1*****0123"
    assert mask_number("INFO") == "*****INFO"


def test_numbers_are_written_for_people() -> None:
    assert format_number(MANUAL) == "+62 812-3090-095"
    assert national_number(MANUAL) == "0812-3090-095"
    assert format_number("3636") == "3636"
    assert format_number("INFO-KESRA") == "INFO-KESRA"


def test_the_country_of_a_number_is_found() -> None:
    assert region_of(MANUAL) == "ID"
    assert region_of("+60123456789") == "MY"
    assert region_of("3636") == "ID"


national = st.from_regex(r"8(1[1-9]|5[2-9]|7[78]|9[5-9])[0-9]{7,8}", fullmatch=True).filter(
    lambda digits: phonenumbers.is_valid_number(phonenumbers.parse(f"+62{digits}"))
)
gaps = st.sampled_from(["", " ", "-", ".", " - "])
prefixes = st.sampled_from(["0", "+62", "62", "0062", "+62 ", "+62-", "(0)", "+62 (0)", "+62 0"])


@given(digits=national, prefix=prefixes, gap=gaps, cut=st.integers(1, 6))
def test_prefix_and_punctuation_never_change_the_number(
    digits: str, prefix: str, gap: str, cut: int
) -> None:
    assert parse_number(f"{prefix}{digits[:cut]}{gap}{digits[cut:]}") == f"+62{digits}"


@given(digits=national)
def test_what_is_shown_can_be_typed_again(digits: str) -> None:
    number = f"+62{digits}"
    assert parse_number(format_number(number)) == number
    assert parse_number(national_number(number)) == number
    assert parse_number(number) == number


@given(
    first=national, second=national, between=st.sampled_from([",", "/", ";", " ", "\n", " dan "])
)
def test_two_numbers_are_never_read_as_one(first: str, second: str, between: str) -> None:
    with pytest.raises(InvalidNumberError) as caught:
        parse_number(f"0{first}{between}0{second}")
    assert caught.value.problem is NumberProblem.SEVERAL


@given(text=st.text(max_size=120))
def test_any_text_is_answered_with_a_number_or_a_reason(text: str) -> None:
    try:
        number = parse_number(text)
    except InvalidNumberError:
        return
    assert phonenumbers.is_valid_number(phonenumbers.parse(number))
    assert number.startswith("+")
    assert number[1:].isascii()
    assert number[1:].isdigit()
