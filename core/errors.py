"""Errors of the domain: one root, facts as attributes, an explanation that a person can act on."""

from __future__ import annotations

import secrets

from core.i18n import TranslationString, _, plain

__all__ = [
    "AbahError",
    "ConfigurationError",
    "ConflictError",
    "ForbiddenError",
    "InvalidInputError",
    "NotFoundError",
    "RefusedError",
    "new_error_id",
]


def new_error_id() -> str:
    """Return a short id under which an error is logged and which a person can pass on."""
    return secrets.token_hex(4)


class AbahError(Exception):
    """Root of every error that abah raises on purpose.

    ``explanation`` says in translatable words what happened, why, and what to do; pages and the
    command line show it as it is.
    """

    explanation: TranslationString = _("Terjadi kesalahan. Silakan coba lagi.")

    def __init__(self, explanation: TranslationString | None = None) -> None:
        """Keep ``explanation`` or, without one, the sentence of the class."""
        if explanation is not None:
            self.explanation = explanation
        super().__init__(plain(self.explanation))


class ConfigurationError(AbahError):
    """A setting of the deployment is missing or contradicts another one."""


class NotFoundError(AbahError):
    """What was asked for does not exist, or may not be known to exist. Answered with 404."""

    explanation = _("Data yang Anda cari tidak ditemukan.")


class ForbiddenError(AbahError):
    """The person may not do this. Answered with 403."""

    explanation = _("Anda tidak berhak melakukan tindakan ini.")


class ConflictError(AbahError):
    """The page was stale: somebody changed the record in the meantime. Answered with 409."""

    explanation = _(
        "Data ini sudah diubah oleh orang lain sejak halaman dibuka. "
        "Muat ulang halaman, periksa isinya, lalu ulangi tindakan Anda."
    )


class RefusedError(ConflictError):
    """The record is as the page showed it, but this cannot be done with it. Answered with 409."""


class InvalidInputError(AbahError):
    """A value cannot be accepted; ``field`` names the form field it came from.

    Forms catch it and show ``explanation`` at that field.
    """

    def __init__(self, field: str, explanation: TranslationString) -> None:
        """Remember the field beside the explanation."""
        self.field = field
        super().__init__(explanation)
