"""Passwords: hashing with Argon2id (RFC 9106), and what is no good password.

Hashing takes a tenth of a second on purpose: hash before a writing transaction begins, never in it.

A password counts as common when nothing is left of it once look-alike characters are read as
letters, digits and punctuation at its ends are dropped, and key runs, years and common words are
taken out. So one word of the list stands for ``Password123!`` and ``p4ssw0rd2024`` alike.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from core.errors import InvalidInputError
from core.i18n import TranslationString, _

__all__ = [
    "MAX_PASSWORD",
    "MIN_PASSWORD",
    "check_password",
    "hash_password",
    "needs_rehash",
    "verify_password",
]

MIN_PASSWORD: Final = 10
MAX_PASSWORD: Final = 200
"""Longer input would only cost time to hash."""

_MIN_DISTINCT: Final = 5
_MIN_RUN: Final = 4
_MIN_OWN_WORD: Final = 3
_PASSPHRASE_WORDS: Final = 4
_LOOK_ALIKES: Final = str.maketrans("0134578@$!", "oleastbasi")
_ENDS: Final = re.compile(r"^[\W\d_]+|[\W\d_]+$")

_WORDS_FILE: Final = Path(__file__).parent / "data" / "common_words.txt"
_KEY_ROWS: Final = (
    "1234567890",
    "0987654321",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "abcdefghijklmnopqrstuvwxyz",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik",
    "qazwsxedcrfvtgbyhnujmikolp",
    "1q2w3e4r5t6y7u8i9o0p",
)
"""Keys that lie beside each other; a piece of at least four counts, in both directions."""

_hasher = PasswordHasher()

_NOBODY: Final = (
    "$argon2id$v=19$m=65536,t=3,p=4$DIsRXeQfurjVdXvBPVF54w$"
    "AR66vf+SB4mZ/fIzm9GorN6OjYQXwwjTf8E1BKIntdo"
)
"""Checked where there is no account, so that both take the same time."""


def hash_password(password: str) -> str:
    """Hash a password for storing (Argon2id with a salt of its own, PHC string format)."""
    return _hasher.hash(_normal(password))


def verify_password(password_hash: str | None, password: str) -> bool:
    """Tell whether a password fits the stored hash.

    Without a hash (no such account) it takes the same time and says no.
    """
    try:
        matches = _hasher.verify(password_hash or _NOBODY, _normal(password))
    except (VerificationError, InvalidHashError):
        return False
    return matches and password_hash is not None


def needs_rehash(password_hash: str) -> bool:
    """Tell whether a hash was made with weaker parameters than today's."""
    return _hasher.check_needs_rehash(password_hash)


def check_password(
    password: str, *, own_words: Iterable[str] = (), field: str = "password"
) -> None:
    """Refuse a password that is short, common, or made of the person's own names.

    ``own_words`` are account name, e-mail address and names.

    :raises InvalidInputError: with the rule that it breaks; ``field`` names the form field.
    """
    explanation = _problem(_normal(password), own_words)
    if explanation is not None:
        raise InvalidInputError(field, explanation)


def _problem(password: str, own_words: Iterable[str]) -> TranslationString | None:
    if len(password) < MIN_PASSWORD:
        return _(
            "Sandi terlalu pendek: paling sedikit ${n} karakter. Beberapa kata yang tidak "
            "berkaitan mudah diingat dan sulit ditebak.",
            mapping={"n": MIN_PASSWORD},
        )
    if len(password) > MAX_PASSWORD:
        return _("Sandi terlalu panjang: paling banyak ${n} karakter.", mapping={"n": MAX_PASSWORD})
    plain = password.casefold()
    if _is_own(plain, own_words):
        return _("Sandi tidak boleh berasal dari nama pemakai, nama, atau alamat email Anda.")
    if len(set(plain)) < _MIN_DISTINCT or _is_common(plain):
        return _("Sandi ini terlalu umum dan mudah ditebak. Pilih sandi yang lain.")
    return None


def _is_own(plain: str, own_words: Iterable[str]) -> bool:
    bare = _ENDS.sub("", plain)
    for word in own_words:
        own = word.casefold().strip()
        for candidate in {own, own.partition("@")[0], own.replace(" ", "")}:
            if candidate and plain in {candidate, candidate[::-1]}:
                return True
            spellings = {candidate, candidate * 2, candidate[::-1]}
            if len(candidate) >= _MIN_OWN_WORD and bare in spellings:
                return True
    return False


def _is_common(plain: str) -> bool:
    bare = _ENDS.sub("", plain)
    return any(_is_made_of_words(text) for text in (bare, bare.translate(_LOOK_ALIKES)))


def _is_made_of_words(text: str) -> bool:
    """Tell whether nothing is left without key runs, years and a few common words."""
    rest = _without_runs(re.sub(r"(?:19|20)\d\d", "", text))
    found = 0
    for word in _longest_first():
        if word in rest:
            rest = rest.replace(word, " ")
            found += 1
    # Four different common words in a row are a passphrase, and no longer what everybody tries.
    return found < _PASSPHRASE_WORDS and not re.sub(r"(.)\1{2,}|[\W\d_]+", "", rest)


def _without_runs(text: str) -> str:
    for row in _KEY_ROWS:
        for line in (row, row[::-1]):
            for size in range(len(line), _MIN_RUN - 1, -1):
                for start in range(len(line) - size + 1):
                    text = text.replace(line[start : start + size], " ")
    return text


@cache
def _longest_first() -> tuple[str, ...]:
    lines = _WORDS_FILE.read_text(encoding="utf-8").splitlines()
    words = {word for line in lines if not line.startswith("#") for word in line.split()}
    # So that "passwordku" does not stop at "pass".
    return tuple(sorted(words, key=lambda word: (-len(word), word)))


def _normal(password: str) -> str:
    # The same character can be typed as one code point or as two (NIST SP 800-63B, 3.1.1.2).
    return unicodedata.normalize("NFKC", password)
