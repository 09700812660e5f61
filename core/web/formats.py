"""How dates, times, money and numbers are written on the screen, in Indonesian and in English.

Times are aware UTC inside and shown in Asia/Jakarta (WIB). Every function takes ``None`` and
answers with an empty text, so that a template needs no condition around a value that may be
missing.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

from babel import Locale
from markupsafe import Markup, escape

from core.e164 import format_number, mask_number
from core.i18n import TranslationString, _
from core.web.locale import current_locale, translate

__all__ = [
    "WIB",
    "ago",
    "iso",
    "jam",
    "masked",
    "month_name",
    "number",
    "phone",
    "rupiah",
    "tanggal",
    "tanggal_pendek",
    "time_element",
    "today",
    "wib",
    "wib_full",
    "wib_pendek",
]

WIB: Final = ZoneInfo("Asia/Jakarta")
"""The zone of every date and time that a person sees."""

_MINUTE: Final = 60
_HOUR: Final = 3600
_DAY: Final = 86400
_GROUP: Final = 1000


def today() -> date:
    """Return the present day in Asia/Jakarta."""
    return datetime.now(WIB).date()


def tanggal(value: date | datetime | None) -> str:
    """Write a day: ``30 November 2018``. A datetime counts in Asia/Jakarta."""
    return "" if value is None else _day(_local(value))


def month_name(month: int) -> str:
    """Return the name of a month (1 to 12)."""
    return _months(current_locale())[month]


def tanggal_pendek(value: date | datetime | None) -> str:
    """Write a day as it is typed: ``30/11/2018``."""
    return "" if value is None else f"{_local(value):%d/%m/%Y}"


def jam(value: datetime | None) -> str:
    """Write the time of day: ``12:53``, where the day stands elsewhere."""
    return "" if value is None else f"{_local(value):%H:%M}"


def wib(value: datetime | None) -> str:
    """Write a time to the minute: ``30 November 2018 12:53 WIB``."""
    if value is None:
        return ""
    local = value.astimezone(WIB)
    return f"{_day(local)} {local:%H:%M} WIB"


def wib_full(value: datetime | None) -> str:
    """Write a time to the second: ``30 November 2018 12:53:19 WIB``."""
    if value is None:
        return ""
    local = value.astimezone(WIB)
    return f"{_day(local)} {local:%H:%M:%S} WIB"


def wib_pendek(value: datetime | None) -> str:
    """Write a time in digits, for dense lists: ``30/11/2018 12:53``."""
    return "" if value is None else f"{_local(value):%d/%m/%Y %H:%M}"


def iso(value: date | datetime | None) -> str:
    """Write a day or time for ``<time datetime>``; times have the offset of Asia/Jakarta."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(WIB).isoformat(timespec="seconds")
    return value.isoformat()


def time_element(value: date | datetime, text: str) -> Markup:
    """Write ``text`` as the day or time that it is, for programs that read the page."""
    return Markup(f'<time datetime="{iso(value)}">{escape(text)}</time>')  # noqa: S704 - escaped


def ago(value: datetime | None, now: datetime | None = None) -> str:
    """Write how long ago it was or will be: ``sekitar 3 jam lalu``, ``dalam 5 menit``."""
    if value is None:
        return ""
    seconds = ((now or datetime.now(UTC)) - value).total_seconds()
    if abs(seconds) < _MINUTE:
        return translate(_("baru saja") if seconds >= 0 else _("sebentar lagi"))
    sentence, count = _distance(abs(seconds))
    span = translate(sentence, {"n": count})
    frame = _("${span} lalu") if seconds > 0 else _("dalam ${span}")
    return translate(frame, {"span": span})


def rupiah(value: Decimal | float | None) -> str:
    """Write money: ``Rp9.000.000.000,00`` (``Rp9,000,000,000.00`` in English)."""
    if value is None:
        return ""
    amount = Decimal(str(value)).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)
    sign = "-" if amount < 0 else ""
    return f"{sign}Rp{_grouped(f'{abs(amount):,.2f}')}"


def number(value: Decimal | float | None) -> str:
    """Write a number with groups of thousands: ``7.176`` (``7,176`` in English)."""
    if type(value) is int and -_GROUP < value < _GROUP:
        return str(value)
    return "" if value is None else _grouped(f"{value:,}")


def phone(value: str | None) -> str:
    """Write an E.164 number for reading: ``+62 812-3090-095``. Anything else stays as it is."""
    return format_number(value) if value else ""


def masked(value: str | None) -> str:
    """Hide a number but for its calling code and last four digits: ``+62*****0095``."""
    return mask_number(value) if value else ""


def _day(day: date) -> str:
    return f"{day.day} {month_name(day.month)} {day.year}"


def _local(value: date | datetime) -> date | datetime:
    return value.astimezone(WIB) if isinstance(value, datetime) else value


@cache
def _months(locale: str) -> dict[int, str]:
    return {key: str(name) for key, name in Locale.parse(locale).months["format"]["wide"].items()}


_INDONESIAN: Final = str.maketrans(",.", ".,")


def _grouped(text: str) -> str:
    return text if current_locale() == "en" else text.translate(_INDONESIAN)


_ONE_MINUTE: Final = _("sekitar 1 menit")
_MINUTES: Final = _("${n} menit")
_ONE_HOUR: Final = _("sekitar 1 jam")
_HOURS: Final = _("sekitar ${n} jam")
_ONE_DAY: Final = _("sekitar 1 hari")
_DAYS: Final = _("${n} hari")
_ONE_MONTH: Final = _("sekitar 1 bulan")
_MONTHS: Final = _("sekitar ${n} bulan")
_ONE_YEAR: Final = _("sekitar 1 tahun")
_YEARS: Final = _("sekitar ${n} tahun")

_STEPS: Final[tuple[tuple[float, float, TranslationString, TranslationString], ...]] = (
    # up to this many seconds, counted in units of so many seconds, the sentence for one and for
    # several
    (44.5 * _MINUTE, _MINUTE, _ONE_MINUTE, _MINUTES),
    (23.5 * _HOUR, _HOUR, _ONE_HOUR, _HOURS),
    (29.5 * _DAY, _DAY, _ONE_DAY, _DAYS),
    (364.5 * _DAY, 30.44 * _DAY, _ONE_MONTH, _MONTHS),
    (float("inf"), 365.25 * _DAY, _ONE_YEAR, _YEARS),
)


def _distance(seconds: float) -> tuple[TranslationString, int]:
    """Choose unit and count for a span, rounded to the nearest."""
    for limit, unit, one, several in _STEPS:
        if seconds < limit:
            count = max(1, round(timedelta(seconds=seconds) / timedelta(seconds=unit)))
            return (one, 1) if count == 1 else (several, count)
    raise AssertionError(seconds)
