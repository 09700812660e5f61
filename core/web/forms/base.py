"""The form itself: what was typed, what was wrong with it, and the status that goes with it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import wtforms

from core.errors import InvalidInputError
from core.i18n import TranslationString, _
from core.web.locale import translate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyramid.request import Request
    from wtforms.fields.core import Field, UnboundField

__all__ = ["UNPROCESSABLE", "Form"]

UNPROCESSABLE: Final = 422
"""Status of a page that shows a form again because of what was typed."""

_DIALOG_PREFIX: Final = "d-"

_LIBRARY: Final[dict[str, TranslationString]] = {
    "Not a valid choice.": _("Pilih salah satu dari daftar."),
    "Not a valid choice": _("Pilih salah satu dari daftar."),
    "Invalid Choice: could not be coerced.": _("Pilih salah satu dari daftar."),
    "Not a valid integer value.": _("Isi dengan bilangan bulat, misalnya 12."),
    "Not a valid decimal value.": _("Isi dengan angka, misalnya 1.500,00."),
    "This field is required.": _("Bagian ini harus diisi."),
    "'%(value)s' is not a valid choice for this field.": _("Pilih hanya dari daftar."),
    "'%(value)s' are not valid choices for this field.": _("Pilih hanya dari daftar."),
    "Invalid choice(s): one or more data inputs could not be coerced.": _(
        "Pilih hanya dari daftar."
    ),
}
"""What WTForms says by itself, in our own words."""


class _Sentences:
    """Stands where WTForms expects gettext; sentences stay translatable until they are shown."""

    def gettext(self, text: str) -> str:
        """Exchange a sentence of the library for ours."""
        found: str = _LIBRARY.get(text, text)
        return found

    def ngettext(self, singular: str, plural: str, n: int) -> str:
        """Choose between two sentences of the library."""
        return self.gettext(singular if n == 1 else plural)


class Form(wtforms.Form):
    """Base of every form.

    ``Form(request, obj=None, **values)``: fields start from what was posted, else from ``obj``'s
    attributes, else from ``values``. Field ids differ between page and dialog, so that both can be
    open at once.
    """

    class Meta:
        """How WTForms behaves here."""

        locales = False
        """It has no Indonesian catalogue and raises when asked for one."""

        def get_translations(self, _form: wtforms.Form) -> _Sentences:
            """Give our own sentences."""
            return _Sentences()

        def bind_field(
            self, form: Form, unbound_field: UnboundField[Any], options: dict[str, Any]
        ) -> Field:
            """Give each field an id that is unique beside the page under a dialog."""
            name = f"{options.get('prefix') or ''}{options['name']}"
            options.setdefault("id", f"{form.id_prefix}{name}")
            bound: Field = unbound_field.bind(form=form, **options)
            return bound

    def __init__(self, request: Request, obj: object | None = None, **values: Any) -> None:
        """Read what ``request`` posted, if it did."""
        self.request = request
        self.id_prefix = _DIALOG_PREFIX if getattr(request, "is_dialog", False) else ""
        self.submitted = request.method == "POST"
        self._valid = False
        super().__init__(formdata=request.POST if self.submitted else None, obj=obj, **values)

    def validate(self, extra_validators: Any = None) -> bool:
        """Check every field and tell whether all are right; if not, the status becomes 422."""
        self._valid = bool(super().validate(extra_validators))
        if not self._valid:
            self.request.response.status_int = UNPROCESSABLE
        return self._valid

    @property
    def accepted(self) -> bool:
        """Tell whether the form was posted, checked, and nothing refused it."""
        return self.submitted and self._valid

    def refuse(self, name: str | None, explanation: str) -> None:
        """Show ``explanation`` at the field ``name``, or above the form when there is none."""
        if name is not None and name in self:
            field = self[name]
            field.errors = [*field.errors, explanation]
        else:
            self.form_errors.append(explanation)
        self._valid = False
        self.request.response.status_int = UNPROCESSABLE

    @contextmanager
    def refusals(self) -> Iterator[None]:
        """Catch an :class:`InvalidInputError` of the block and show it at its field.

        The services that raise it have written nothing yet; what was written before must be meant
        to stay.
        """
        try:
            yield
        except InvalidInputError as error:
            self.refuse(error.field, error.explanation)

    @property
    def problems(self) -> list[tuple[str | None, str]]:
        """What was refused, in the order of the fields: (id of the field or None, sentence)."""
        found: list[tuple[str | None, str]] = [
            (None, translate(text, None, self.request)) for text in self.form_errors
        ]
        for field in self:
            target = f"{field.id}-0" if getattr(field, "is_group", False) else field.id
            found += [(target, translate(text, None, self.request)) for text in _flat(field.errors)]
        return found


def _flat(errors: Any) -> Iterator[str]:
    """Walk through the errors of a field, also of one that is made of fields."""
    if isinstance(errors, str):
        yield errors
    elif isinstance(errors, dict):
        for value in errors.values():
            yield from _flat(value)
    else:
        for value in errors:
            yield from _flat(value)
