"""Forms of the invitations."""

from __future__ import annotations

from datetime import time
from typing import Any, Final

from core.api.forms import (
    CheckboxField,
    CountryField,
    DateField,
    Form,
    HiddenField,
    MaxLength,
    NotBefore,
    PhoneField,
    RadioField,
    Required,
    TextField,
    ValidationError,
)
from core.api.text import _
from plugins.nphd.days import parse_clock, today_in_jakarta
from plugins.nphd.words import NO_HOUR

__all__ = ["CancelForm", "InvitationForm", "InviteForm", "InviteeForm", "ResendForm", "Scope"]

MAX_PERSON: Final = 120
MAX_PLACE: Final = 200
MAX_KEY: Final = 36


class ContactForm(Form):
    """Whom an institution is called by: one number and one person."""

    country = CountryField(_("Negara"))
    number = PhoneField(
        _("Nomor Telepon"),
        [Required()],
        description=_("Isi 1 (satu) nomor telepon genggam saja, yang masih aktif."),
    )
    person = TextField(_("Kontak Person"), [Required(), MaxLength(MAX_PERSON)])


class InviteForm(ContactForm):
    """The dialog "Undangan NPHD"."""

    day = DateField(
        _("Tanggal NPHD"),
        [
            Required(),
            NotBefore(
                today_in_jakarta,
                _("Tanggal itu sudah lewat. Pilih hari ini atau tanggal sesudahnya."),
            ),
        ],
        description=_("Hari/bulan/tahun, misalnya 30/11/2018."),
    )
    again = CheckboxField(_("Tetap undang lembaga ini"))
    request_key = HiddenField(validators=[Required(), MaxLength(MAX_KEY)])


class InviteeForm(ContactForm):
    """An institution on the list, before it is notified."""

    version = HiddenField()


class InvitationForm(Form):
    """The page "Sunting Undangan NPHD"."""

    day = DateField(_("Tanggal"), [Required()])
    hour = TextField(
        _("Jam"),
        [Required(), MaxLength(5)],
        description=_("Waktu Indonesia Barat, misalnya 09.00."),
    )
    place = TextField(_("Tempat"), [Required(), MaxLength(MAX_PLACE)])
    version = HiddenField()

    def validate_hour(self, field: Any) -> None:
        """Refuse what is no time of day."""
        if parse_clock(field.data) is None:
            raise ValidationError(NO_HOUR)

    @property
    def clock(self) -> time:
        """The hour that was typed, once it is valid."""
        return parse_clock(self.hour.data or "") or time()


class CancelForm(Form):
    """The confirmation of Batalkan."""

    tell = CheckboxField(
        _("Kirim SMS pembatalan kepada lembaga yang sudah menerima undangan"), default=True
    )


class Scope:
    """Whom Kirim ulang reaches."""

    UNPROVEN: Final = "unproven"
    ALL: Final = "all"


class ResendForm(Form):
    """The confirmation of Kirim ulang for a whole list."""

    scope = RadioField(
        _("Kirim ulang kepada"),
        [Required()],
        choices=[
            (Scope.UNPROVEN, _("Hanya lembaga yang belum terbukti menerima")),
            (Scope.ALL, _("Semua lembaga yang sudah diberi tahu")),
        ],
        default=Scope.UNPROVEN,
    )
