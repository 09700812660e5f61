"""Addresses as they go into the envelope (RFC 5321) and into headers (RFC 5322)."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["InvalidAddressError", "envelope_address", "split_address"]

_LOCAL: Final = re.compile(r"[^\s\x00-\x20\x7f@<>()\[\]\\,;:\"]{1,64}")
_DOMAIN: Final = re.compile(r"(?=.{1,253}$)[^\W_]([\w-]*\w)?(\.[^\W_]([\w-]*\w)?)*")


class InvalidAddressError(Exception):
    """A text is no address that mail can be sent to."""


def split_address(address: str) -> tuple[str, str]:
    """Return the local part and the domain.

    Quoted local parts are legal (RFC 5321, 4.1.2) and refused all the same: nobody has one, and
    refusing them leaves no way into a header or the envelope.

    :raises InvalidAddressError: the address cannot be used.
    """
    local, _at, domain = address.rpartition("@")
    if not _LOCAL.fullmatch(local) or not _DOMAIN.fullmatch(domain) or ".." in local:
        raise InvalidAddressError(address)
    if local.startswith(".") or local.endswith("."):
        raise InvalidAddressError(address)
    return local, domain


def envelope_address(address: str) -> tuple[str, bool]:
    """Return the address for the envelope, and whether the server must speak SMTPUTF8 (RFC 6531).

    :raises InvalidAddressError: the address cannot be used.
    """
    local, domain = split_address(address)
    try:
        ascii_domain = domain.encode("idna").decode()
    except UnicodeError:
        raise InvalidAddressError(address) from None
    return f"{local}@{ascii_domain}", not local.isascii()
