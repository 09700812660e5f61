"""Fields that choose from a list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import wtforms
from wtforms import widgets

# Newer than the stubs of WTForms.
from wtforms.fields.choices import Choice, SelectChoice  # type: ignore[attr-defined]

from core.i18n import _
from core.web.locale import current_locale, translate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

__all__ = ["CheckboxesField", "ChoiceField", "Country", "CountryField", "RadioField"]

HOME_REGION = "ID"


def _with_pairs(options: dict[str, Any]) -> dict[str, Any]:
    """Turn ``choices`` given as (value, label) pairs into what WTForms wants."""
    pairs = options.get("choices")
    if isinstance(pairs, list | tuple):
        choices = [SelectChoice(*pair) if isinstance(pair, tuple) else pair for pair in pairs]
        return {**options, "choices": choices}
    return options


def _translated(choices: Iterable[Choice]) -> Iterator[Choice]:
    return (choice._replace(label=translate(choice.label)) for choice in choices)


class ChoiceField(wtforms.SelectField):
    """One of a list of (value, label) pairs; ``blank`` is the label of "nothing chosen"."""

    kind: ClassVar[str] = "select"

    def __init__(
        self,
        label: str | None = None,
        validators: Any = None,
        *,
        blank: str | None = None,
        **kwargs: Any,
    ) -> None:
        """Take what WTForms takes, and ``blank``."""
        super().__init__(label, validators, **_with_pairs(kwargs))
        self.blank = blank

    def iter_choices(self) -> Iterator[Any]:
        """Give the choices with translated labels, the blank one first."""
        if self.blank is not None:
            yield Choice("", translate(self.blank), not self.data, {})
        yield from _translated(super().iter_choices())

    def pre_validate(self, form: Any) -> None:
        """Let the blank choice pass; ``Required`` refuses it where it must."""
        if self.blank is not None and self.data in {"", None}:
            self.data = None
            return
        super().pre_validate(form)


class RadioField(ChoiceField):
    """One of a short list, all of it in view."""

    kind = "radio"
    is_group: ClassVar[bool] = True
    widget = widgets.ListWidget(prefix_label=False)
    option_widget = widgets.RadioInput()
    validate_choice = True


class CheckboxesField(wtforms.SelectMultipleField):
    """Several of a list, as check boxes. ``data`` is a list."""

    kind: ClassVar[str] = "checkboxes"
    is_group: ClassVar[bool] = True
    widget = widgets.ListWidget(prefix_label=False)
    option_widget = widgets.CheckboxInput()

    def __init__(self, label: str | None = None, validators: Any = None, **kwargs: Any) -> None:
        """Take what WTForms takes; ``choices`` are (value, label) pairs."""
        super().__init__(label, validators, **_with_pairs(kwargs))

    def iter_choices(self) -> Iterator[Any]:
        """Give the choices with translated labels."""
        yield from _translated(super().iter_choices())


class Country(Protocol):
    """A country as the field needs it."""

    @property
    def region(self) -> str:
        """ISO 3166 alpha-2, as ``ID``."""

    @property
    def label(self) -> str:
        """Name and calling code: ``Indonesia (+62)``."""


class CountryField(ChoiceField):
    """A country with its calling code; ``data`` is the region (``ID``), at first Indonesia."""

    def __init__(
        self,
        label: str | None = None,
        validators: Any = None,
        *,
        countries: Callable[[str], Sequence[Country]],
        **kwargs: Any,
    ) -> None:
        """``countries(locale)`` gives the list."""
        kwargs.setdefault("default", HOME_REGION)
        found = countries(current_locale())
        pairs = [(country.region, country.label) for country in found]
        super().__init__(label or _("Negara"), validators, choices=pairs, **kwargs)
