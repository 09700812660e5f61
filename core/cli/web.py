"""``python -m core.cli.web FILE.ini [SOCKET …]``: the web server, on sockets opened for it.

A socket is the file descriptor of one that the process which started this one keeps open, so that
one web process can take the place of another while browsers merely wait. Without any it is ``pserve
FILE.ini`` without its imports' warnings.
"""

from __future__ import annotations

import socket
import sys
import warnings
from pathlib import Path
from typing import Any, Final

from core.errors import ConfigurationError
from core.i18n import _

__all__ = ["main", "open_sockets"]

ADDRESS_KEYS: Final = frozenset({"listen", "host", "port", "ipv4", "ipv6"})
"""Settings of waitress that name what it binds."""


def open_sockets(path: Path) -> list[socket.socket]:
    """Listen where ``[server:main]`` says; nothing where its server is not waitress on TCP.

    Whoever connects before a web process has started waits for it.

    :raises ConfigurationError: an address is in use, or none, or not one of this machine.
    """
    settings = _loader(path).get_settings("server:main")
    if "waitress" not in settings.get("use", "") or "unix_socket" in settings:
        return []
    from waitress.adjustments import Adjustments  # type: ignore[import-untyped]  # noqa: PLC0415

    addresses = {key: settings[key] for key in ADDRESS_KEYS & set(settings)}
    try:
        wanted = Adjustments(**addresses)
    except ValueError as error:
        raise _unusable(" ".join(addresses.values()), str(error)) from error
    opened: list[socket.socket] = []
    for family, kind, protocol, address in wanted.listen:
        opened.append(socket.socket(family, kind, protocol))
        try:
            opened[-1].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                opened[-1].setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            opened[-1].bind(address)
            # An address is taken for certain only once somebody listens there.
            opened[-1].listen(wanted.backlog)
        except OSError as error:
            for one in opened:
                one.close()
            place = f"{address[0]}:{address[1]}"
            raise _unusable(place, error.strerror or str(error)) from error
    return opened


def _unusable(address: str, reason: str) -> ConfigurationError:
    return ConfigurationError(
        _(
            "Alamat ${address} di [server:main] tidak dapat dipakai: ${reason}.",
            mapping={"address": address, "reason": reason.rstrip(".")},
        )
    )


def main(arguments: list[str]) -> int:
    """Serve in this process until it is told to end."""
    path, *sockets = arguments
    if sockets:
        _serve(Path(path), [socket.socket(fileno=int(number)) for number in sockets])
        return 0
    with warnings.catch_warnings():
        # pkg_resources announces its own end at each start; nothing that an operator could act on.
        warnings.simplefilter("ignore")
        from pyramid.scripts import pserve  # noqa: PLC0415

    return int(pserve.main(["pserve", path]) or 0)


def _serve(path: Path, sockets: list[socket.socket]) -> None:
    """Do what pserve does, on sockets that are open already."""
    import waitress  # type: ignore[import-untyped]  # noqa: PLC0415

    loader = _loader(path)
    loader.setup_logging()
    settings = loader.get_settings("server:main")
    rest = {key: value for key, value in settings.items() if key not in {"use", *ADDRESS_KEYS}}
    waitress.serve(loader.get_wsgi_app(), sockets=sockets, **rest)


def _loader(path: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pyramid.paster import get_config_loader  # noqa: PLC0415

        return get_config_loader(str(path))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
