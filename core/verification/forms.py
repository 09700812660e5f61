"""What people type to prove who they are."""

from __future__ import annotations

from core.accounts.forms import NEW_PASSWORD_HINT, NOT_THE_SAME
from core.accounts.passwords import MAX_PASSWORD
from core.contacts import countries, parse_number
from core.i18n import _
from core.web.forms import (
    CountryField,
    EmailField,
    Form,
    Matches,
    MaxLength,
    PasswordField,
    PhoneField,
    Required,
    TextField,
)

__all__ = [
    "CodeForm",
    "NewPasswordForm",
    "PhoneForm",
    "RegistrationForm",
    "ResetForm",
    "UsernameForm",
]


class RegistrationForm(Form):
    """Daftar."""

    username = TextField(
        _("Nama pemakai"),
        [Required(), MaxLength(40)],
        description=_("Untuk masuk: 3 sampai 40 huruf, angka, titik, atau tanda hubung."),
    )
    email = EmailField(
        _("Alamat email"),
        [Required(), MaxLength(254)],
        description=_("Tautan konfirmasi dikirim ke alamat ini."),
    )
    first_name = TextField(_("Nama depan"), [Required(), MaxLength(80)])
    last_name = TextField(_("Nama belakang"), [MaxLength(80)])
    nip = TextField(_("NIP"), [MaxLength(30)], description=_("18 angka. Kosongkan bila tidak ada."))
    password = PasswordField(
        _("Sandi"), [Required(), MaxLength(MAX_PASSWORD)], description=NEW_PASSWORD_HINT
    )
    again = PasswordField(
        _("Ulangi sandi"),
        [Required(), Matches("password", _("Kedua isian sandi tidak sama. Ketik ulang keduanya."))],
    )


class UsernameForm(Form):
    """Another account name, where the first one was taken meanwhile."""

    username = TextField(_("Nama pemakai"), [Required(), MaxLength(40)])


class ResetForm(Form):
    """Lupa sandi."""

    email = EmailField(
        _("Alamat email"),
        [Required(), MaxLength(254)],
        description=_("Alamat email yang Anda pakai saat mendaftar."),
    )


class NewPasswordForm(Form):
    """The new password behind a link."""

    password = PasswordField(
        _("Sandi baru"), [Required(), MaxLength(MAX_PASSWORD)], description=NEW_PASSWORD_HINT
    )
    again = PasswordField(_("Ulangi sandi baru"), [Required(), Matches("password", NOT_THE_SAME)])


class PhoneForm(Form):
    """Perbarui Kontak."""

    country = CountryField(_("Negara"), countries=countries)
    number = PhoneField(
        _("Nomor telepon"),
        [
            Required(
                _(
                    "Nomor telepon belum diisi. Masukkan nomor telepon genggam, "
                    "misalnya 08123090095."
                )
            )
        ],
        parse=parse_number,
        description=_("Nomor telepon genggam Anda yang masih aktif; 1 (satu) nomor saja."),
    )


class CodeForm(Form):
    """Konfirmasi Nomor Telepon."""

    code = TextField(
        _("Kode verifikasi"),
        [Required(_("Kode verifikasi belum diisi. Masukkan 4 angka dari SMS.")), MaxLength(20)],
    )
