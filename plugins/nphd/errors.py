"""Why an invitation was refused: each says what happened and what to do."""

from __future__ import annotations

from datetime import date
from typing import Final

from core.api.errors import ConflictError, InvalidInputError, RefusedError
from core.api.text import _
from plugins.nphd.days import date_words

__all__ = [
    "AlreadyInvitedError",
    "AlreadyNotifiedError",
    "DateFixedError",
    "DateTakenError",
    "GrantNotInvitableError",
    "GrantPendingError",
    "InvitationCancelledError",
    "InvitationChangedError",
    "NobodyNotifiedError",
    "NothingToResendError",
    "OtherDateError",
    "OtherOfficerError",
    "PastDateError",
]

DAY_FIELD: Final = "day"
"""Name of the date's field on the forms that can be refused for it."""


class PastDateError(InvalidInputError):
    """The day is over in Asia/Jakarta."""

    def __init__(self, day: date) -> None:
        """Keep the refused day."""
        self.day = day
        super().__init__(
            DAY_FIELD,
            _(
                "Tanggal ${tanggal} sudah lewat. Pilih hari ini atau tanggal sesudahnya.",
                mapping={"tanggal": date_words(day)},
            ),
        )


class AlreadyInvitedError(InvalidInputError):
    """The institution is on the officer's own list of that day."""

    def __init__(self, institution: str, day: date, invitation_id: int) -> None:
        """Keep where it is listed already."""
        self.day = day
        self.invitation_id = invitation_id
        super().__init__(
            DAY_FIELD,
            _(
                "${lembaga} sudah ada dalam daftar undangan Anda untuk ${tanggal} (Id ${id}). "
                "Pilih tanggal lain, atau sunting daftar itu melalui Hibah > Undangan NPHD.",
                mapping={"lembaga": institution, "tanggal": date_words(day), "id": invitation_id},
            ),
        )


class OtherOfficerError(InvalidInputError):
    """Another officer invited the institution for the same day."""

    def __init__(self, institution: str, day: date, officer: str) -> None:
        """Keep who invited it."""
        self.day = day
        self.officer = officer
        super().__init__(
            DAY_FIELD,
            _(
                "${lembaga} sudah diundang oleh ${petugas} untuk ${tanggal}. Pilih tanggal lain, "
                "atau hubungi ${petugas}.",
                mapping={"lembaga": institution, "petugas": officer, "tanggal": date_words(day)},
            ),
        )


class OtherDateError(InvalidInputError):
    """The institution is invited for another coming day; inviting again must be meant."""

    def __init__(self, institution: str, day: date, officer: str) -> None:
        """Keep the day that stands already."""
        self.day = day
        self.officer = officer
        super().__init__(
            "again",
            _(
                "${lembaga} sudah diundang oleh ${petugas} untuk ${tanggal}. Centang pilihan ini "
                "bila lembaga memang perlu diundang lagi.",
                mapping={"lembaga": institution, "petugas": officer, "tanggal": date_words(day)},
            ),
        )


class DateTakenError(InvalidInputError):
    """The officer has another list for the day that this one should move to."""

    def __init__(self, day: date, invitation_id: int) -> None:
        """Keep the list that has the day."""
        self.day = day
        self.invitation_id = invitation_id
        super().__init__(
            DAY_FIELD,
            _(
                "Petugas ini sudah mempunyai daftar undangan untuk ${tanggal} (Id ${id}). Pilih "
                "tanggal lain, atau undang lembaganya dalam daftar itu.",
                mapping={"tanggal": date_words(day), "id": invitation_id},
            ),
        )


class DateFixedError(InvalidInputError):
    """Institutions have been told the present day, so it stays."""

    def __init__(self, day: date, notified: int) -> None:
        """Keep the day and how many know it."""
        self.day = day
        self.notified = notified
        super().__init__(
            DAY_FIELD,
            _(
                "Tanggal tidak dapat diubah karena ${n} lembaga sudah diberi tahu untuk "
                "${tanggal}. Minta Admin membatalkan undangan ini, lalu undang kembali.",
                mapping={"n": notified, "tanggal": date_words(day)},
            ),
        )


class GrantNotInvitableError(RefusedError):
    """The grant is not, or no longer, in a state in which one invites."""

    def __init__(self, code: str, state: str, wanted: str, *, archived: bool) -> None:
        """Keep the grant's process code, its state, and the one in which one invites."""
        self.code = code
        self.state = state
        facts = {"kode": code, "status": state, "perlu": wanted}
        super().__init__(
            _(
                "Hibah ${kode} tidak dapat diundang karena sudah diarsipkan. Undangan NPHD hanya "
                "untuk hibah yang masih diproses.",
                mapping=facts,
            )
            if archived
            else _(
                "Hibah ${kode} tidak dapat diundang karena statusnya sekarang ${status}. Undangan "
                "NPHD hanya untuk hibah berstatus ${perlu}.",
                mapping=facts,
            )
        )


class GrantPendingError(RefusedError):
    """The grant is held back (Pending); its institution is not invited meanwhile."""

    def __init__(self, code: str) -> None:
        """Keep the grant's process code."""
        self.code = code
        super().__init__(
            _(
                "Hibah ${kode} sedang ditunda (Pending), jadi lembaganya belum dapat diundang. "
                "Lanjutkan dahulu hibah itu, lalu undang kembali.",
                mapping={"kode": code},
            )
        )


class InvitationCancelledError(RefusedError):
    """The list was cancelled; nothing can be changed in it or sent from it."""

    def __init__(self, invitation_id: int) -> None:
        """Keep the list."""
        self.invitation_id = invitation_id
        super().__init__(
            _(
                "Undangan ${id} sudah dibatalkan, jadi tidak ada yang dapat diubah atau dikirim. "
                "Undang lembaga kembali dari kartu hibahnya.",
                mapping={"id": invitation_id},
            )
        )


class InvitationChangedError(ConflictError):
    """The list is not the one that the person saw when confirming."""

    def __init__(self, invitation_id: int) -> None:
        """Keep the list."""
        self.invitation_id = invitation_id
        super().__init__(
            _(
                "Undangan ${id} sudah berubah sejak halaman ini dibuka. Tidak ada yang dikirim "
                "atau disimpan. Buka kembali undangan itu, periksa isinya, lalu ulangi.",
                mapping={"id": invitation_id},
            )
        )


class AlreadyNotifiedError(RefusedError):
    """The institution has been notified: what it was told cannot be changed here."""

    def __init__(self, institution: str) -> None:
        """Keep its name."""
        self.institution = institution
        super().__init__(
            _(
                "${lembaga} sudah diberi tahu, jadi tidak dapat diubah atau dihapus dari daftar. "
                "Pembatalan dan pengiriman ulang hanya bisa dilakukan oleh Admin.",
                mapping={"lembaga": institution},
            )
        )


class NobodyNotifiedError(RefusedError):
    """Nobody on the list was notified yet, so there is nothing to repeat."""

    def __init__(self, invitation_id: int) -> None:
        """Keep the list."""
        self.invitation_id = invitation_id
        super().__init__(
            _(
                "Belum ada lembaga dalam undangan ${id} yang diberi tahu, jadi tidak ada yang "
                "dikirim ulang. Pilih Proses untuk mengirim undangan pertama kali.",
                mapping={"id": invitation_id},
            )
        )


class NothingToResendError(RefusedError):
    """Nobody on the list can be notified again just now."""

    def __init__(self, invitation_id: int, waiting: int) -> None:
        """Keep the list and how many notifications are still on their way out."""
        self.invitation_id = invitation_id
        self.waiting = waiting
        super().__init__(
            _(
                "Tidak ada yang dikirim ulang: ${n} notifikasi undangan ${id} masih menunggu "
                "dikirim. Tunggu sampai terkirim, lalu ulangi bila masih perlu.",
                mapping={"id": invitation_id, "n": waiting},
            )
            if waiting
            else _(
                "Tidak ada yang dikirim ulang: tidak ada lembaga dalam undangan ${id} yang perlu "
                "diberi tahu lagi.",
                mapping={"id": invitation_id},
            )
        )
