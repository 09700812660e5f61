"""Fields for one value each. What was typed is kept and shown again when it was refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import wtforms
from wtforms import widgets
from wtforms.validators import StopValidation

from core.errors import InvalidInputError
from core.web.formats import tanggal_pendek
from core.web.forms.parsing import UnreadableError, parse_amount, parse_day, write_amount
from core.web.forms.validators import Email, NotAfter, NotBefore

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date
    from decimal import Decimal

    from wtforms.form import BaseForm

__all__ = [
    "CheckboxField",
    "DateField",
    "EmailField",
    "FileField",
    "HiddenField",
    "IntegerField",
    "MoneyField",
    "PasswordField",
    "PhoneField",
    "TextAreaField",
    "TextField",
]


def _strip(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


class TextField(wtforms.StringField):
    """One line of text, without white space around it. ``data`` is never None once posted."""

    kind: ClassVar[str] = "text"

    def __init__(self, label: str | None = None, validators: Any = None, **kwargs: Any) -> None:
        """Take what WTForms takes; ``description`` is the hint below the label."""
        kwargs["filters"] = (*kwargs.get("filters", ()), _strip)
        super().__init__(label, validators, **kwargs)


class TextAreaField(TextField):
    """Several lines of text; with a rule ``MaxLength`` the page counts along."""

    kind = "textarea"
    widget = widgets.TextArea()

    def process_formdata(self, valuelist: Sequence[Any]) -> None:
        """Undo the line ends that browsers send."""
        if valuelist:
            self.data = str(valuelist[0]).replace("\r\n", "\n").replace("\r", "\n")


class EmailField(TextField):
    """An e-mail address, checked for its form."""

    widget = widgets.EmailInput()

    def __init__(self, label: str | None = None, validators: Any = None, **kwargs: Any) -> None:
        """Add the rule for addresses behind the given ones."""
        super().__init__(label, [*(validators or ()), Email()], **kwargs)


class PasswordField(wtforms.PasswordField):
    """A password: never shown again, never stripped."""

    kind: ClassVar[str] = "password"


class HiddenField(wtforms.HiddenField):
    """A value that the page carries along, as the version of a record."""

    kind: ClassVar[str] = "hidden"


class FileField(wtforms.FileField):
    """An uploaded file; ``data`` is webob's ``FieldStorage`` (``.filename``, ``.file``) or None."""

    kind: ClassVar[str] = "file"

    def process_formdata(self, valuelist: Sequence[Any]) -> None:
        """Take an empty upload for none."""
        found = valuelist[0] if valuelist else None
        self.data = found if getattr(found, "filename", None) else None


class CheckboxField(wtforms.BooleanField):
    """One check box with its label at the right."""

    kind: ClassVar[str] = "checkbox"


class IntegerField(wtforms.IntegerField):
    """A whole number, or None."""

    kind: ClassVar[str] = "integer"
    widget = widgets.TextInput()

    def process_formdata(self, valuelist: Sequence[Any]) -> None:
        """Read it; an empty field is None."""
        text = str(valuelist[0]).strip() if valuelist else ""
        self.data = None
        if text:
            super().process_formdata([text])


class _ReadField(wtforms.Field):
    """A field whose text is read into a value and written back."""

    widget = widgets.TextInput()

    def read(self, text: str) -> Any:
        """Turn text into the value or raise :class:`UnreadableError`."""
        raise NotImplementedError

    def write(self, value: Any) -> str:
        """Turn the value into the text that one would type."""
        raise NotImplementedError

    def process_formdata(self, valuelist: Sequence[Any]) -> None:
        """Read what was typed; an empty field is None."""
        text = str(valuelist[0]).strip() if valuelist else ""
        self.data = None
        if not text:
            return
        try:
            self.data = self.read(text)
        except UnreadableError as error:
            raise ValueError(error.explanation) from None

    def pre_validate(self, _form: BaseForm) -> None:
        """Say one thing only about text that could not be read."""
        if self.process_errors:
            raise StopValidation

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else self.write(self.data)


class DateField(_ReadField):
    """A day, typed as 30/11/2018, with a calendar beside it. ``data`` is a date or None."""

    kind: ClassVar[str] = "date"
    data: date | None

    def read(self, text: str) -> date:
        """Read a day."""
        return parse_day(text)

    def write(self, value: date) -> str:
        """Write it as it is typed."""
        return tanggal_pendek(value)

    @property
    def limits(self) -> dict[str, str]:
        """Earliest and latest day for the calendar, from the rules of the field."""
        found: dict[str, str] = {}
        for rule in self.validators:
            if isinstance(rule, NotBefore):
                found["min"] = _day(rule.earliest).isoformat()
            elif isinstance(rule, NotAfter):
                found["max"] = _day(rule.latest).isoformat()
        return found


def _day(value: date | Callable[[], date]) -> date:
    return value() if callable(value) else value


class MoneyField(_ReadField):
    """An amount of rupiah, typed as 9.000.000 or 9.000.000,00. ``data`` is a Decimal or None."""

    kind: ClassVar[str] = "money"
    data: Decimal | None

    def read(self, text: str) -> Decimal:
        """Read an amount."""
        return parse_amount(text)

    def write(self, value: Decimal) -> str:
        """Write it without the currency, which stands before the field."""
        return write_amount(value)


class PhoneField(_ReadField):
    """A telephone number in any spelling; ``data`` is E.164 or None once it was checked.

    ``parse(text, region)`` reads it and refuses with an :class:`InvalidInputError`; ``country``
    names the field with the region (``ID``). What was typed stays on the page.
    """

    kind: ClassVar[str] = "phone"
    data: str | None

    def __init__(
        self,
        label: str | None = None,
        validators: Any = None,
        *,
        parse: Callable[[str, str], str],
        country: str | None = "country",
        show: Callable[[str], str] = str,
        **kwargs: Any,
    ) -> None:
        """``show`` writes a stored number into the field."""
        super().__init__(label, validators, **kwargs)
        self._parse = parse
        self._country = country
        self._show = show

    def read(self, text: str) -> str:
        """Keep the text: the country is known only when all fields were read."""
        return text

    def write(self, value: str) -> str:
        """Write a stored number for typing over it."""
        return self._show(value)

    def pre_validate(self, form: BaseForm) -> None:
        """Read the number together with its country."""
        if not self.data:
            return
        region = str(form[self._country].data or "ID") if self._country else "ID"
        try:
            self.data = self._parse(self.data, region)
        except InvalidInputError as error:
            self.data = None
            raise StopValidation(error.explanation) from None
