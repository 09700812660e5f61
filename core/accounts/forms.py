"""What people type about themselves and Admins about people."""

from __future__ import annotations

from core.accounts.passwords import MAX_PASSWORD, MIN_PASSWORD
from core.i18n import _
from core.web.forms import (
    CheckboxesField,
    Form,
    Matches,
    MaxLength,
    PasswordField,
    Required,
    TextField,
)

__all__ = [
    "NEW_PASSWORD_HINT",
    "GrantForm",
    "PasswordForm",
    "ProfileForm",
    "SignInForm",
]

NEW_PASSWORD_HINT = _(
    "Paling sedikit ${n} karakter, bukan sandi yang umum, dan bukan nama Anda.",
    mapping={"n": MIN_PASSWORD},
)
NOT_THE_SAME = _("Kedua isian sandi baru tidak sama. Ketik ulang keduanya.")


class SignInForm(Form):
    """Masuk."""

    name = TextField(_("Nama pemakai atau alamat email"), [Required(), MaxLength(254)])
    password = PasswordField(_("Sandi"), [Required(), MaxLength(MAX_PASSWORD)])


class ProfileForm(Form):
    """Profilku, tab Profil."""

    first_name = TextField(_("Nama depan"), [Required(), MaxLength(80)])
    last_name = TextField(_("Nama belakang"), [MaxLength(80)])


class PasswordForm(Form):
    """Profilku, tab Sandi."""

    current = PasswordField(_("Sandi sekarang"), [Required(), MaxLength(MAX_PASSWORD)])
    password = PasswordField(_("Sandi baru"), [Required()], description=NEW_PASSWORD_HINT)
    again = PasswordField(_("Ulangi sandi baru"), [Required(), Matches("password", NOT_THE_SAME)])


class GrantForm(Form):
    """Roles and teams of one person."""

    roles = CheckboxesField(_("Peran"), choices=[])
    teams = CheckboxesField(_("Tim"), choices=[], coerce=int)
    new_team = TextField(
        _("Tim baru"),
        [MaxLength(80)],
        description=_("Isi bila tim belum ada dalam daftar; tim dibuat saat akses diberikan."),
    )
