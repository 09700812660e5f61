"""Forms for plugins. ``core.web.forms`` shows in one example how a view and a template use them.

Country and number are bound to the core's list of countries and its reading of numbers: a plugin
writes ``country = CountryField(_("Negara"))`` and ``number = PhoneField(_("Nomor Telepon"))``.
"""

from __future__ import annotations

from typing import Any

from core.contacts import countries, national_number, parse_number
from core.web import forms
from core.web.forms import (
    CheckboxesField,
    CheckboxField,
    ChoiceField,
    DateField,
    Email,
    EmailField,
    FileField,
    Form,
    HiddenField,
    IntegerField,
    Matches,
    MaxLength,
    MinLength,
    MoneyField,
    NotAfter,
    NotBefore,
    Optional,
    PasswordField,
    Pattern,
    RadioField,
    Range,
    Required,
    TextAreaField,
    TextField,
    ValidationError,
)

__all__ = [
    "CheckboxField",
    "CheckboxesField",
    "ChoiceField",
    "CountryField",
    "DateField",
    "Email",
    "EmailField",
    "FileField",
    "Form",
    "HiddenField",
    "IntegerField",
    "Matches",
    "MaxLength",
    "MinLength",
    "MoneyField",
    "NotAfter",
    "NotBefore",
    "Optional",
    "PasswordField",
    "Pattern",
    "PhoneField",
    "RadioField",
    "Range",
    "Required",
    "TextAreaField",
    "TextField",
    "ValidationError",
]


class CountryField(forms.CountryField):
    """A country with its calling code; ``data`` is the region (``ID``), at first Indonesia."""

    def __init__(self, label: str | None = None, validators: Any = None, **kwargs: Any) -> None:
        """Take what :class:`core.web.forms.CountryField` takes."""
        kwargs.setdefault("countries", countries)
        super().__init__(label, validators, **kwargs)


class PhoneField(forms.PhoneField):
    """A number in any spelling; ``data`` is E.164 (``+628123090095``), or None when refused.

    ``country`` names the form's :class:`CountryField`; None means that numbers are Indonesian
    unless they say otherwise.
    """

    def __init__(self, label: str | None = None, validators: Any = None, **kwargs: Any) -> None:
        """Take what :class:`core.web.forms.PhoneField` takes."""
        kwargs.setdefault("parse", parse_number)
        kwargs.setdefault("show", national_number)
        super().__init__(label, validators, **kwargs)
