"""Rules for fields, each with an Indonesian sentence that says what to do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar

from wtforms.validators import Optional, StopValidation, ValidationError

from core.i18n import TranslationString, _
from core.web.formats import tanggal_pendek

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date
    from decimal import Decimal

    from wtforms import Form
    from wtforms.fields.core import Field

__all__ = [
    "Email",
    "Matches",
    "MaxLength",
    "MinLength",
    "NotAfter",
    "NotBefore",
    "Optional",
    "Pattern",
    "Range",
    "Required",
]


class Required:
    """The field must be filled in; white space does not count."""

    field_flags: ClassVar[dict[str, Any]] = {"required": True}

    def __init__(self, message: TranslationString | None = None) -> None:
        """Use ``message`` instead of the general sentence."""
        self.message = message

    def __call__(self, _form: Form, field: Field) -> None:
        """Stop the chain at an empty field."""
        raw = field.raw_data
        empty = not raw or (isinstance(raw[0], str) and not raw[0].strip())
        # A value that could not be read has its own sentence already.
        if field.errors or not empty:
            if field.errors:
                raise StopValidation
            return
        raise StopValidation(
            self.message or _("${label} harus diisi.", mapping={"label": field.label.text})
        )


class MaxLength:
    """At most ``limit`` characters."""

    def __init__(self, limit: int) -> None:
        """Also tell the browser."""
        self.limit = limit
        self.field_flags = {"maxlength": limit}

    def __call__(self, _form: Form, field: Field) -> None:
        """Count what was typed."""
        length = len(field.data or "")
        if length > self.limit:
            facts = {"limit": self.limit, "length": length}
            raise ValidationError(
                _("Paling banyak ${limit} karakter; isian ini ${length} karakter.", mapping=facts)
            )


class MinLength:
    """At least ``limit`` characters."""

    def __init__(self, limit: int) -> None:
        """Also tell the browser."""
        self.limit = limit
        self.field_flags = {"minlength": limit}

    def __call__(self, _form: Form, field: Field) -> None:
        """Count what was typed."""
        if len(field.data or "") < self.limit:
            raise ValidationError(
                _("Paling sedikit ${limit} karakter.", mapping={"limit": self.limit})
            )


class Pattern:
    """The whole text fits a regular expression; ``message`` says what is expected."""

    def __init__(self, pattern: str, message: TranslationString) -> None:
        """Compile once."""
        self.pattern = re.compile(pattern)
        self.message = message

    def __call__(self, _form: Form, field: Field) -> None:
        """Match the whole of it."""
        if not self.pattern.fullmatch(field.data or ""):
            raise ValidationError(self.message)


class Email(Pattern):
    """An e-mail address, as far as one can tell without writing to it."""

    def __init__(self) -> None:
        """Ask for one @, no spaces, and a dot in the domain."""
        super().__init__(
            r"[^@\s<>\"(),:;\\]{1,64}@(?!-)[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+",
            _("Isi dengan alamat email yang lengkap, misalnya nama@contoh.go.id."),
        )


class Range:
    """A number between ``minimum`` and ``maximum``, both allowed."""

    def __init__(
        self, minimum: int | Decimal | None = None, maximum: int | Decimal | None = None
    ) -> None:
        """Leave out a side that has no limit."""
        self.minimum = minimum
        self.maximum = maximum

    def __call__(self, _form: Form, field: Field) -> None:
        """Compare the number; an empty field passes."""
        if field.data is None:
            return
        if self.minimum is not None and field.data < self.minimum:
            raise ValidationError(
                _("Isi dengan angka paling sedikit ${limit}.", mapping={"limit": self.minimum})
            )
        if self.maximum is not None and field.data > self.maximum:
            raise ValidationError(
                _("Isi dengan angka paling besar ${limit}.", mapping={"limit": self.maximum})
            )


class Matches:
    """The same text as in the field ``other`` (a password typed twice)."""

    def __init__(self, other: str, message: TranslationString | None = None) -> None:
        """Name the other field."""
        self.other = other
        self.message = message

    def __call__(self, form: Form, field: Field) -> None:
        """Compare both."""
        other = form[self.other]
        if field.data != other.data:
            label = {"label": other.label.text}
            raise ValidationError(
                self.message or _("Isian ini tidak sama dengan ${label}.", mapping=label)
            )


class NotBefore:
    """A day on or after ``earliest`` (a day, or a function that gives it)."""

    def __init__(
        self, earliest: date | Callable[[], date], message: TranslationString | None = None
    ) -> None:
        """Use ``message`` instead of the general sentence."""
        self.earliest = earliest
        self.message = message

    def __call__(self, _form: Form, field: Field) -> None:
        """Compare the day; an empty field passes."""
        earliest = self.earliest() if callable(self.earliest) else self.earliest
        if field.data is not None and field.data < earliest:
            day = {"day": tanggal_pendek(earliest)}
            raise ValidationError(
                self.message or _("Tanggal paling awal yang dapat dipilih: ${day}.", mapping=day)
            )


class NotAfter:
    """A day on or before ``latest`` (a day, or a function that gives it)."""

    def __init__(
        self, latest: date | Callable[[], date], message: TranslationString | None = None
    ) -> None:
        """Use ``message`` instead of the general sentence."""
        self.latest = latest
        self.message = message

    def __call__(self, _form: Form, field: Field) -> None:
        """Compare the day; an empty field passes."""
        latest = self.latest() if callable(self.latest) else self.latest
        if field.data is not None and field.data > latest:
            day = {"day": tanggal_pendek(latest)}
            raise ValidationError(
                self.message or _("Tanggal paling akhir yang dapat dipilih: ${day}.", mapping=day)
            )
