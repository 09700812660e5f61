"""Why something cannot be done in a conversation: each says what happened and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from core.contacts.numbers import format_number
from core.errors import ConflictError, InvalidInputError
from core.i18n import _

if TYPE_CHECKING:
    from core.contacts.models import Contact

__all__ = [
    "MOST_PARTS",
    "ContactChangedError",
    "NoContactError",
    "RefusedResendError",
    "SilentNumberError",
    "StaleMendingError",
    "TooManyPartsError",
]

MOST_PARTS: Final = 10
"""Longer texts are no text messages; a mistake in pasting is more likely."""


class NoContactError(InvalidInputError):
    """The subject has no contact, so nobody can be written to."""

    def __init__(self) -> None:
        """Say what to do first."""
        super().__init__(
            "body",
            _("Belum ada nomor kontak untuk percakapan ini. Isi dahulu, lalu kirim lagi."),
        )


class ContactChangedError(InvalidInputError):
    """The contact was replaced while the message was being written."""

    def __init__(self, contact: Contact) -> None:
        """Name the new contact."""
        facts = {"name": contact.name, "number": format_number(contact.number)}
        super().__init__(
            "body",
            _(
                "Kontak sudah diganti sejak halaman ini dibuka: sekarang ${name}, ${number}. "
                "Periksa isi pesan, lalu kirim lagi.",
                mapping=facts,
            ),
        )


class SilentNumberError(InvalidInputError):
    """The number asked for no more texts."""

    def __init__(self, number: str) -> None:
        """Name the number."""
        super().__init__(
            "body",
            _(
                "Pemilik nomor ${number} meminta berhenti menerima SMS. Hubungi dengan cara lain, "
                "atau ganti nomor kontaknya.",
                mapping={"number": format_number(number)},
            ),
        )


class TooManyPartsError(InvalidInputError):
    """A text that would be too long for a conversation."""

    def __init__(self, parts: int) -> None:
        """Remember how many parts it would need."""
        self.parts = parts
        super().__init__(
            "body",
            _(
                "Pesan ini menjadi ${parts} SMS; paling banyak ${limit}. Persingkat isinya.",
                mapping={"parts": parts, "limit": MOST_PARTS},
            ),
        )


class RefusedResendError(ConflictError):
    """The owner of the message says that it may not go out any more."""


class StaleMendingError(ConflictError):
    """Somebody else has sent the failed message again meanwhile, to another person or number."""

    explanation = _(
        "Pesan ini sudah dikirim ulang oleh orang lain sejak jendela ini dibuka, jadi nomor dan "
        "nama di bawah ini belum disimpan. Periksa percakapan; bila masih perlu, ubah kontaknya "
        "lalu tulis pesan baru."
    )
