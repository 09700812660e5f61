"""What is a good password, and how it is kept."""

from __future__ import annotations

import time

import pytest
from argon2 import PasswordHasher, extract_parameters

from core.accounts import passwords
from core.accounts.passwords import check_password, hash_password, needs_rehash, verify_password
from core.errors import InvalidInputError

GOOD = [
    "kuda lumping biru",
    "wedang-jahe-hangat",
    "correct horse battery",
    "tUg4s-h4r1an-ku",
    "kunci mawar melati bintang",
    "merpati terbang 9",
]

COMMON = [
    "Password123!",
    "p4ssw0rd2024",
    "P@ssw0rd!!2024",
    "passwordpasswordpassword",
    "1234567890",
    "0987654321",
    "qwertyuiop",
    "1q2w3e4r5t",
    "aaaaaaaaaaaa",
    "abcabcabcabc",
    "admin12345678",
    "rahasia123456",
    "Indonesia1945!",
    "surabaya2024",
    "abahkesra2024",
    "selamatdatang1",
]


@pytest.mark.parametrize("password", GOOD)
def test_several_words_are_a_good_password(password: str) -> None:
    check_password(password, own_words=("anindhita", "anindhita@contoh.go.id"))


@pytest.mark.parametrize("password", COMMON)
def test_what_everybody_tries_is_refused(password: str) -> None:
    with pytest.raises(InvalidInputError, match="umum"):
        check_password(password)


def test_short_and_endless_passwords_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="terlalu pendek"):
        check_password("x7#kq9!z2")
    with pytest.raises(InvalidInputError, match="terlalu panjang"):
        check_password("x7#kq9!z2-" * 21)


@pytest.mark.parametrize(
    "password",
    [
        "anindhitaku",
        "Anindhita99",
        "ukatihdnina",
        "ANINDHITA 123",
        "danu.mahardika1",
        "danumahardika!!",
    ],
)
def test_the_own_name_is_no_password(password: str) -> None:
    own = ("anindhitaku", "anindhita", "danu.mahardika@contoh.go.id", "DANU MAHARDIKA")
    with pytest.raises(InvalidInputError, match="nama pemakai"):
        check_password(password, own_words=own)


def test_the_refusal_names_the_form_field() -> None:
    with pytest.raises(InvalidInputError) as caught:
        check_password("short", field="new_password")
    assert caught.value.field == "new_password"


def test_a_hash_fits_its_password_and_no_other() -> None:
    stored = hash_password("kuda lumping biru")
    assert stored.startswith("$argon2id$")
    assert verify_password(stored, "kuda lumping biru")
    assert not verify_password(stored, "kuda lumping hijau")
    assert hash_password("kuda lumping biru") != stored


def test_a_character_typed_in_two_ways_is_one_password() -> None:
    stored = hash_password("cafe\u0301 di malang")
    assert verify_password(stored, "caf\u00e9 di malang")


def test_a_damaged_hash_lets_nobody_in() -> None:
    assert not verify_password("!", "!")
    assert not verify_password("", "")
    assert not verify_password(None, "nobody has this password")


def test_a_missing_account_costs_as_much_as_a_wrong_password() -> None:
    """The stand-in has today's parameters, so nobody can tell by the clock who exists."""
    stored = hash_password("kuda lumping biru")
    assert extract_parameters(passwords._NOBODY) == extract_parameters(stored)

    def cost(password_hash: str | None) -> float:
        begun = time.process_time()
        verify_password(password_hash, "kuda lumping hijau")
        return time.process_time() - begun

    known = min(cost(stored) for _ in range(3))
    unknown = min(cost(None) for _ in range(3))
    assert 0.5 < known / unknown < 2


def test_weaker_hashes_are_noticed() -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=8192).hash("kuda lumping biru")
    assert needs_rehash(weak)
    assert not needs_rehash(hash_password("kuda lumping biru"))
