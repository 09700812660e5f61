"""The form of a :class:`~core.hookspecs.system.SettingsSection`, whatever it consists of.

A secret is never written into the page: its field is empty, says whether something is stored, and
an empty one leaves that as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from wtforms.validators import StopValidation

from core.errors import InvalidInputError
from core.framework.stored import SettingsState, check_value
from core.hookspecs.system import SettingField, SettingsSection
from core.i18n import TranslationString, _
from core.web.forms import (
    CheckboxField,
    ChoiceField,
    Form,
    HiddenField,
    IntegerField,
    PasswordField,
    TextAreaField,
    TextField,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wtforms.fields.core import Field

__all__ = ["SettingsForm"]

# Keys are the plugin's, and the form has words of its own: they must not meet. An error page never
# writes a field called "secret" back.
_PLAIN: Final = "set_"
_SECRET: Final = "secret_"  # noqa: S105 - beginning of a name
_REMOVE: Final = "remove_secret_"


class SettingsForm(Form):
    """Base of the form of one section; :meth:`of` makes the class with its fields."""

    section: SettingsSection
    state: SettingsState
    version = HiddenField()

    @classmethod
    def of(cls, section: SettingsSection, state: SettingsState) -> type[SettingsForm]:
        """Make the form of ``section``, filled in with what is stored."""
        fields: dict[str, Any] = {}
        for setting in section.fields:
            if setting.kind == "secret":
                fields |= _secret(setting, stored=setting.key in state.secrets)
            else:
                fields[_PLAIN + setting.key] = _field(setting, state.values[setting.key])
        version = HiddenField(default=state.version)
        return cast(
            "type[SettingsForm]",
            type(
                "SettingsForm",
                (cls,),
                {"section": section, "state": state, **fields, "version": version},
            ),
        )

    def changes(self) -> Mapping[str, Any]:
        """Return what differs from what is stored; None takes a setting back to its default."""
        found: dict[str, Any] = {}
        for setting in self.section.fields:
            key = setting.key
            if setting.kind != "secret":
                value = self[_PLAIN + key].data
                if value != self.state.values[key]:
                    found[key] = value
            elif self[_SECRET + key].data:
                found[key] = self[_SECRET + key].data
            elif key in self.state.secrets and self[_REMOVE + key].data:
                found[key] = None
        return found


class _Fits:
    """The value is one that the setting takes."""

    def __init__(self, setting: SettingField) -> None:
        self._setting = setting
        self.field_flags = {"required": True} if setting.required else {}

    def __call__(self, _form: Form, field: Field) -> None:
        if field.errors:
            raise StopValidation
        empty = field.data is None or (isinstance(field.data, str) and not field.data.strip())
        if empty and self._setting.required:
            raise StopValidation(_("${label} harus diisi.", mapping={"label": self._setting.label}))
        if field.data is None:
            return
        try:
            check_value(self._setting, field.data)
        except InvalidInputError as error:
            raise StopValidation(error.explanation) from None


class _FitsSecret(_Fits):
    """The same for a secret: an empty field stands for what is stored."""

    def __init__(self, setting: SettingField, *, stored: bool) -> None:
        super().__init__(setting)
        self._stored = stored

    def __call__(self, form: Form, field: Field) -> None:
        removed = self._stored and form[_REMOVE + self._setting.key].data
        if field.data and removed:
            raise StopValidation(_("Isi nilai baru atau hapus yang tersimpan, jangan keduanya."))
        if field.data or removed or not self._stored:
            super().__call__(form, field)


def _field(setting: SettingField, value: Any) -> Any:
    common: dict[str, Any] = {
        "label": setting.label,
        "validators": [_Fits(setting)],
        "description": setting.hint,
        "default": value,
    }
    if setting.kind == "bool":
        return CheckboxField(**common)
    if setting.kind == "int":
        return IntegerField(**common)
    if setting.kind == "textarea":
        return TextAreaField(**common)
    if setting.kind == "choice":
        known = {key for key, _label in setting.choices}
        blank = None if value in known else _("belum dipilih")
        return ChoiceField(choices=list(setting.choices), blank=blank, **common)
    if setting.kind == "url":
        return TextField(render_kw={"inputmode": "url"}, **common)
    return TextField(**common)


def _secret(setting: SettingField, *, stored: bool) -> dict[str, Any]:
    fields: dict[str, Any] = {
        _SECRET + setting.key: PasswordField(
            setting.label,
            [_FitsSecret(setting, stored=stored)],
            description=_stored_hint(setting.hint) if stored else setting.hint,
            # Or the browser would fill in the Admin's own password.
            render_kw={"autocomplete": "new-password"},
        )
    }
    if stored:
        fields[_REMOVE + setting.key] = CheckboxField(
            _("Hapus ${label} yang tersimpan", mapping={"label": setting.label})
        )
    return fields


def _stored_hint(hint: TranslationString | str) -> TranslationString:
    if not hint:
        return _("Tersimpan; kosongkan untuk membiarkan.")
    return _("${hint} Tersimpan; kosongkan untuk membiarkan.", mapping={"hint": hint})
