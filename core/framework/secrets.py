"""Secrets at rest, signatures, code hashes; every use has its own key derived from one setting."""

from __future__ import annotations

import base64
import hashlib
import hmac

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from core.errors import AbahError, ConfigurationError
from core.i18n import _

__all__ = ["Secrets", "UnreadableSecretError"]

MINIMUM_LENGTH = 32
_KEY_BYTES = 32


class UnreadableSecretError(AbahError):
    """An encrypted value cannot be read: the key changed, or the value was damaged."""

    explanation = _(
        "Data terenkripsi tidak dapat dibaca. Kunci rahasia (abah.secret) mungkin telah berubah."
    )


class Secrets:
    """Encrypts, signs and hashes with keys derived (HKDF, RFC 5869) from ``abah.secret``."""

    def __init__(self, master: str) -> None:
        """Derive from ``master``.

        :raises ConfigurationError: it is shorter than 32 characters.
        """
        if len(master) < MINIMUM_LENGTH:
            raise ConfigurationError(
                _(
                    "Pengaturan abah.secret harus berisi paling sedikit ${length} karakter acak.",
                    mapping={"length": MINIMUM_LENGTH},
                )
            )
        self._master = master.encode()
        self._fernet = Fernet(base64.urlsafe_b64encode(self.key("encrypt")))

    def key(self, purpose: str) -> bytes:
        """Return 32 bytes that only this purpose uses."""
        derive = HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=purpose.encode())
        return derive.derive(self._master)

    def encrypt(self, value: str) -> str:
        """Encrypt text (Fernet: AES-128-CBC and HMAC-SHA256)."""
        return self._fernet.encrypt(value.encode()).decode()

    def decrypt(self, value: str) -> str:
        """Return the text of :meth:`encrypt`.

        :raises UnreadableSecretError: it was not encrypted with this key.
        """
        try:
            return self._fernet.decrypt(value.encode()).decode()
        except InvalidToken:
            raise UnreadableSecretError from None

    def sign(self, purpose: str, value: str) -> str:
        """Return a signature of ``value`` that is valid for ``purpose`` only, safe in URLs."""
        digest = hmac.new(self.key(f"sign:{purpose}"), value.encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest[:24]).decode()

    def verify(self, purpose: str, value: str, signature: str) -> bool:
        """Tell in constant time whether ``signature`` is the one of ``value``."""
        return hmac.compare_digest(self.sign(purpose, value).encode(), signature.encode())

    def hash_code(self, purpose: str, code: str) -> str:
        """Hash a short code with a secret key, so that a stolen table cannot be tried offline."""
        return hmac.new(self.key(f"code:{purpose}"), code.encode(), hashlib.sha256).hexdigest()
