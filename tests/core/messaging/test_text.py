"""Encodings and parts (3GPP TS 23.038, 23.040)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.messaging.text import (
    GSM_ALL,
    GSM_BASIC,
    GSM_EXTENSION,
    mask_secret,
    measure,
    plain_form,
    split_parts,
)

GSM_TEXT = st.text(alphabet=sorted(GSM_ALL), max_size=700)
ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=400)


def units(part: str, encoding: str) -> int:
    """Count what a part needs, independently of the code under test."""
    if encoding == "gsm7":
        return sum(2 if character in GSM_EXTENSION else 1 for character in part)
    return len(part.encode("utf-16-le")) // 2


@pytest.mark.parametrize(
    ("body", "encoding", "parts"),
    [
        ("", "gsm7", 1),
        ("a" * 160, "gsm7", 1),
        ("a" * 161, "gsm7", 2),
        ("a" * 306, "gsm7", 2),
        ("a" * 307, "gsm7", 3),
        ("€" * 80, "gsm7", 1),
        ("€" * 81, "gsm7", 2),
        # 152 septets and an escape sequence: the pair moves to the next part.
        ("a" * 152 + "€" + "a" * 152, "gsm7", 3),
        ("ş" * 70, "ucs2", 1),
        ("ş" * 71, "ucs2", 2),
        ("ş" * 134, "ucs2", 2),
        ("ş" * 135, "ucs2", 3),
        ("🙂" * 35, "ucs2", 1),
        ("🙂" * 36, "ucs2", 2),
        # 66 units and a surrogate pair: the pair moves to the next part.
        ("ş" * 66 + "🙂" + "ş" * 66, "ucs2", 3),
    ],
)
def test_texts_cost_what_the_standard_says(body: str, encoding: str, parts: int) -> None:
    found = measure(body)
    assert (found.encoding, found.parts) == (encoding, parts)


def test_the_alphabet_is_the_whole_default_alphabet() -> None:
    assert len(GSM_BASIC) == 127
    assert not GSM_BASIC & GSM_EXTENSION


@settings(deadline=None)
@given(GSM_TEXT)
def test_gsm_texts_are_cut_without_splitting_an_escape(body: str) -> None:
    check_parts(body, "gsm7", single=160, multi=153)


@settings(deadline=None)
@given(ANY_TEXT.filter(lambda text: not set(text) <= GSM_ALL))
def test_other_texts_are_cut_without_splitting_a_surrogate_pair(body: str) -> None:
    check_parts(body, "ucs2", single=70, multi=67)


def check_parts(body: str, encoding: str, *, single: int, multi: int) -> None:
    """Every part fits, none could have taken more, and together they are the text."""
    found, parts = measure(body), split_parts(body)
    assert found.encoding == encoding
    assert "".join(parts) == body
    assert len(parts) == found.parts
    limit = single if len(parts) == 1 else multi
    sizes = [units(part, encoding) for part in parts]
    assert max(sizes) <= limit
    assert found.remaining == limit - sizes[-1]
    for size, following in zip(sizes, parts[1:], strict=False):
        assert size + units(following[0], encoding) > limit


@settings(deadline=None)
@given(ANY_TEXT)
def test_the_plain_form_is_never_dearer(body: str) -> None:
    plain = plain_form(body)
    if plain is not None:
        before, after = measure(body), measure(plain)
        assert after.parts <= before.parts
        assert (after.encoding, before.encoding) != ("ucs2", "gsm7")


def test_typographic_signs_are_offered_plain() -> None:
    body = "Yth. “Nur” \u2013 mohon hadir\u200b tepat waktu…"
    assert measure(body).encoding == "ucs2"
    assert plain_form(body) == 'Yth. "Nur" - mohon hadir tepat waktu...'
    assert plain_form("Sudah polos.") is None


@pytest.mark.parametrize(
    "secret",
    [
        "Kode verifikasi abah: 6203. Jangan beritahukan kepada siapa pun.",
        "6203",
        "Kode:6203",
        "Buka https://abah.example/sandi/6203abcDEF untuk mengganti sandi.",
        "Token abcdefghijklmnopqrstuvwxyz6203",
    ],
)
def test_a_masked_text_gives_nothing_away(secret: str) -> None:
    masked = mask_secret(secret)
    assert "6203" not in masked
    assert "abcDEF" not in masked
    assert "••••" in masked
