"""Telephone numbers as people write them, turned into E.164 or refused with a reason.

Only numbers that can receive an SMS are accepted. Alphabetic senders and short codes are legal
senders of a text (3GPP TS 23.040, 9.1.2.5) but nobody can answer them, so they are no recipients.
"""

from __future__ import annotations

import enum
import re
import unicodedata
from typing import Final

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberFormat, PhoneNumberType, ValidationResult

from core.contacts.countries import HOME_REGION, country_name, is_region
from core.e164 import format_number, mask_number, parse_stored
from core.errors import InvalidInputError
from core.i18n import TranslationString, _

__all__ = [
    "InvalidNumberError",
    "NumberProblem",
    "format_number",
    "mask_number",
    "national_number",
    "parse_number",
    "region_of",
]

MAX_LENGTH: Final = 100
"""Longer input is no telephone number, whatever it is."""

MAX_DIGITS: Final = 15 + 3
"""Digits of the longest E.164 number, behind an international prefix."""

SHORT_CODE_DIGITS: Final = 6
"""Short codes have at most so many digits."""

_RECEIVES_SMS: Final = frozenset({PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE})
_SEPARATORS: Final = re.compile(r"[,;/|&\n\r]")
_WORDS: Final = re.compile(r"[^\W\d_]+")
_LABEL: Final = re.compile(
    r"^(?:tel|telp|telepon|hp|no|nomor|wa|whatsapp|sms|phone|mobile)\b[.:\s]*(?:(?:hp|wa)\b[.:\s]*)?",
    re.IGNORECASE,
)
_EXTENSION: Final = re.compile(
    r"(?:\b(?:ext|ekst|pswt|pes|x)\b\.?|#|;\s*ext=)\s*\d{1,6}\s*$", re.IGNORECASE
)
_GAPS: Final = re.compile(r"[\s.()\-\u2010-\u2015]+")


class NumberProblem(enum.StrEnum):
    """Why a text is no number that a text message can be sent to."""

    EMPTY = "empty"
    SEVERAL = "several"
    COUNTRY = "country"
    LETTERS = "letters"
    SHORT_CODE = "short_code"
    EXTENSION = "extension"
    NOT_MOBILE = "not_mobile"
    INCOMPLETE = "incomplete"
    TOO_LONG = "too_long"
    UNKNOWN = "unknown"


_SENTENCES: Final[dict[NumberProblem, TranslationString]] = {
    NumberProblem.EMPTY: _(
        "Nomor telepon belum diisi. Masukkan nomor telepon genggam, misalnya 08123090095."
    ),
    NumberProblem.SEVERAL: _(
        "Kolom ini berisi lebih dari satu nomor telepon. Masukkan 1 (satu) nomor saja."
    ),
    NumberProblem.COUNTRY: _(
        "Kode negara pada nomor ini tidak dikenal. Periksa pilihan negara dan angka setelah "
        "tanda +."
    ),
    NumberProblem.LETTERS: _(
        "Nomor telepon hanya boleh berisi angka, misalnya 08123090095. Hapus huruf yang ada di "
        "dalamnya."
    ),
    NumberProblem.SHORT_CODE: _(
        "Nomor pendek layanan tidak dapat menerima SMS. Masukkan nomor telepon genggam yang "
        "lengkap, misalnya 08123090095."
    ),
    NumberProblem.EXTENSION: _(
        "Nomor dengan ekstensi tidak dapat menerima SMS. Masukkan nomor telepon genggam tanpa "
        "ekstensi."
    ),
    NumberProblem.NOT_MOBILE: _(
        "Nomor ini bukan nomor telepon genggam sehingga tidak dapat menerima SMS. Masukkan nomor "
        "telepon genggam."
    ),
    NumberProblem.INCOMPLETE: _(
        "Nomor telepon ini belum lengkap. Periksa kembali, lalu masukkan semua angkanya."
    ),
    NumberProblem.TOO_LONG: _(
        "Nomor telepon ini terlalu panjang. Periksa kembali, mungkin ada angka yang berlebih."
    ),
}


_LENGTH_PROBLEMS: Final = {
    ValidationResult.TOO_SHORT: NumberProblem.INCOMPLETE,
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: NumberProblem.INCOMPLETE,
    ValidationResult.TOO_LONG: NumberProblem.TOO_LONG,
}


class InvalidNumberError(InvalidInputError):
    """A text is no number that can receive an SMS; ``problem`` says why."""

    def __init__(
        self, problem: NumberProblem, text: str, *, region: str, field: str = "number"
    ) -> None:
        """Keep what was typed, and choose the sentence for ``problem``."""
        self.problem = problem
        self.text = text
        self.region = region
        super().__init__(field, _SENTENCES.get(problem) or _unknown_number(region))


def parse_number(text: str, region: str = HOME_REGION) -> str:
    """Turn any local or international spelling into E.164 (``+628123090095``).

    ``region`` is the country (ISO 3166 alpha-2) that a local spelling belongs to; a number written
    with its own country code keeps it. ``0062…`` and ``62…`` count as international spellings.

    :raises InvalidNumberError: the text is empty, holds several numbers, or is no number that can
        receive an SMS.
    """
    if not is_region(region):
        raise InvalidNumberError(NumberProblem.COUNTRY, text, region=region)
    plain = _plain(text)
    if not plain:
        raise InvalidNumberError(NumberProblem.EMPTY, text, region=region)
    if len(plain) > MAX_LENGTH:
        raise InvalidNumberError(NumberProblem.TOO_LONG, text, region=region)
    problem = _problem_of_text(plain, region)
    if problem is not None:
        raise InvalidNumberError(problem, text, region=region)
    number = _read(_SEPARATORS.sub(" ", plain), region)
    if number is None or not _can_receive(number):
        raise InvalidNumberError(_problem_of_number(plain, number, region), text, region=region)
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def national_number(number: str) -> str:
    """Write an E.164 number as it is dialled at home (``0812-3090-095``), to fill a field again."""
    parsed = parse_stored(number)
    if parsed is None:
        return number
    return phonenumbers.format_number(parsed, PhoneNumberFormat.NATIONAL)


def region_of(number: str) -> str:
    """Return the country (ISO 3166 alpha-2) of an E.164 number, or the home country."""
    parsed = parse_stored(number)
    region = phonenumbers.region_code_for_number(parsed) if parsed is not None else None
    return region if region is not None and is_region(region) else HOME_REGION


def _unknown_number(region: str) -> TranslationString:
    return _(
        "Nomor ini tidak dikenali sebagai nomor telepon genggam ${country}. Periksa pilihan "
        "negara dan angka-angkanya.",
        mapping={"country": country_name(region)},
    )


def _plain(text: str) -> str:
    """Undo what copying does to numbers: full-width digits, direction marks, a label in front."""
    visible = "".join(
        char for char in unicodedata.normalize("NFKC", text) if unicodedata.category(char) != "Cf"
    )
    plain = _LABEL.sub("", visible.strip()).strip()
    # "+0812…" is no country code: somebody put the plus before a local number.
    return re.sub(r"^\+\s*(?=0)", "", plain)


def _problem_of_text(plain: str, region: str) -> NumberProblem | None:
    """Refuse what the library would read too kindly: several numbers, letters, extensions."""
    if _EXTENSION.search(plain):
        return NumberProblem.EXTENSION
    if _has_separated_numbers(plain, region):
        return NumberProblem.SEVERAL
    if _WORDS.search(plain):
        return NumberProblem.LETTERS
    if not re.search(r"\d", plain):
        return NumberProblem.UNKNOWN
    return None


def _has_separated_numbers(plain: str, region: str) -> bool:
    """Tell whether a separator stands beside one whole number, or a word between two."""
    pieces = [piece for piece in _SEPARATORS.split(plain) if re.search(r"\d", piece)]
    whole = sum(1 for piece in pieces if _is_number(piece, region))
    # "08123090095/96" is two numbers too, though the library would read it as one long number.
    if whole and len(pieces) > 1:
        return True
    words = [piece for piece in _WORDS.split(plain) if re.search(r"\d", piece)]
    return sum(1 for piece in words if _is_number(piece, region)) > 1


def _problem_of_number(plain: str, number: PhoneNumber | None, region: str) -> NumberProblem:
    if _has_joined_numbers(plain, region):
        return NumberProblem.SEVERAL
    digits = re.sub(r"\D", "", plain)
    if len(digits) > MAX_DIGITS:
        return NumberProblem.TOO_LONG
    if number is None:
        return NumberProblem.COUNTRY if plain.startswith("+") else NumberProblem.INCOMPLETE
    if phonenumbers.is_valid_number(number):
        return NumberProblem.NOT_MOBILE
    if len(digits) <= SHORT_CODE_DIGITS and not plain.startswith(("+", "0")):
        return NumberProblem.SHORT_CODE
    return _LENGTH_PROBLEMS.get(
        phonenumbers.is_possible_number_with_reason(number), NumberProblem.UNKNOWN
    )


def _has_joined_numbers(plain: str, region: str) -> bool:
    """Tell whether a number that is none falls apart into two that are."""
    tokens = [token for token in _GAPS.split(plain) if token]
    for cut in range(1, len(tokens)):
        if _is_number("".join(tokens[:cut]), region) and _is_number("".join(tokens[cut:]), region):
            return True
    digits = "".join(tokens)
    return any(
        _is_number(digits[: found.start()], region) and _is_number(digits[found.start() :], region)
        for found in re.finditer(r"(?:\+|00?|62)(?=\d{8})", digits)
        if found.start()
    )


def _is_number(text: str, region: str) -> bool:
    number = _read(text, region)
    return number is not None and phonenumbers.is_valid_number(number)


def _can_receive(number: PhoneNumber) -> bool:
    return (
        phonenumbers.is_valid_number(number)
        and phonenumbers.number_type(number) in _RECEIVES_SMS
        and not number.extension
    )


def _read(text: str, region: str) -> PhoneNumber | None:
    """Parse as the region dials, then with ``00`` as international prefix, which all know."""
    first = _parsed(text, region)
    if first is not None and phonenumbers.is_valid_number(first):
        return first
    double_zero = re.sub(r"^[\s(]*0\s*0(?=[\s).\-]*[1-9])", "+", text)
    if double_zero != text:
        second = _parsed(double_zero, region)
        if second is not None:
            return second
    return first


def _parsed(text: str, region: str) -> PhoneNumber | None:
    try:
        return phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
