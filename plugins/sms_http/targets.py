"""Addresses a gateway may have: no request of ours reaches a private network by accident.

The check sits where a socket is made, after the name was resolved, so a name that changes its
address between check and use (DNS rebinding) is refused too.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import Any, Final

__all__ = ["PrivateTargetError", "guarded_socket", "is_public"]

_MESSAGE: Final = "the address belongs to a private network"
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")


class PrivateTargetError(OSError):
    """The name leads to a loopback, private or link-local address, and that was not allowed."""

    def __init__(self) -> None:
        """Say the same for every address, so that several attempts count as one reason."""
        super().__init__(_MESSAGE)


def is_public(address: str) -> bool:
    """Tell whether an IP address belongs to the Internet (IANA special-purpose registries)."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return ip.is_global and not ip.is_multicast


def guarded_socket(addr_info: tuple[Any, ...]) -> socket.socket:
    """Make the socket for one resolved address.

    :raises PrivateTargetError: the address is not public.
    """
    family, kind, protocol, _name, address = addr_info
    if not is_public(str(address[0])):
        raise PrivateTargetError
    made = socket.socket(family, kind, protocol)
    made.settimeout(0)
    return made
