"""Forms: WTForms with Indonesian words, fields for what this office types, and one way to answer.

A view reads like this::

    class InviteForm(Form):
        country = CountryField(_("Negara"), countries=countries)
        number = PhoneField(_("Nomor Telepon"), parse=parse_number, country="country")
        person = TextField(_("Kontak Person"), [Required(), MaxLength(100)])
        date = DateField(_("Tanggal NPHD"), [Required()])

    @view_config(route_name="nphd.invitation.create", renderer="nphd/invite.jinja2", permission="…")
    def invite(request):
        form = InviteForm(request, obj=defaults)
        if form.submitted and form.validate():
            with form.refusals():                      # InvalidInputError lands at its field
                create_invitation(request.db, …)
        if form.accepted:
            request.session.flash(_("Undangan sudah disimpan."), "success")
            return close_dialog(request, request.route_path("…"))
        return {"form": form}                          # 422 was set when something was wrong

and its template like this::

    {% from "partials/forms.jinja2" import error_summary, field, buttons %}
    <form method="post" data-guard>{{ csrf() }}
      {{ error_summary(form) }}
      {{ field(form.country) }} …
      {{ buttons(ok=_("Ya"), cancel=_("Tidak"), cancel_url=…) }}
    </form>
"""

from __future__ import annotations

from wtforms import ValidationError

from core.web.forms.base import Form
from core.web.forms.choices import CheckboxesField, ChoiceField, CountryField, RadioField
from core.web.forms.fields import (
    CheckboxField,
    DateField,
    EmailField,
    FileField,
    HiddenField,
    IntegerField,
    MoneyField,
    PasswordField,
    PhoneField,
    TextAreaField,
    TextField,
)
from core.web.forms.validators import (
    Email,
    Matches,
    MaxLength,
    MinLength,
    NotAfter,
    NotBefore,
    Optional,
    Pattern,
    Range,
    Required,
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
