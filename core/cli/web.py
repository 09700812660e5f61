"""``python -m core.cli.web FILE.ini [SOCKET …]``: the web server, on sockets opened for it.

A socket is the file descriptor of one that the process which started this one keeps open, so that
one web process can take the place of another while browsers merely wait. Without any it is ``pserve
FILE.ini`` without its imports' warnings.
"""

from __future__ import annotations

import signal
import socket
import sys
import threading
import time
import warnings
from pathlib import Path
from typing import Any, Final

from core.errors import ConfigurationError
from core.i18n import _

__all__ = ["main", "open_sockets"]

ADDRESS_KEYS: Final = frozenset({"listen", "host", "port", "ipv4", "ipv6"})
"""Settings of waitress that name what it binds."""
ANSWER_SECONDS: Final = 10.0
"""How long a process that was told to end answers those whom it has let in."""
QUIET_SECONDS: Final = 1.0
"""How long an open connection may be silent before it is closed then."""


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
    loader = _loader(path)
    loader.setup_logging()
    settings = loader.get_settings("server:main")
    rest = {key: value for key, value in settings.items() if key not in {"use", *ADDRESS_KEYS}}
    _Server(loader.get_wsgi_app(), sockets, rest).run()


class _Server:
    """Waitress that turns nobody away when it is told to end.

    Waitress itself cancels the requests that wait for a thread. This one stops listening, so that
    whoever comes next waits for the successor, answers everybody whom it has let in, and goes on
    doing so while the worker of this process finishes.
    """

    def __init__(self, app: Any, sockets: list[socket.socket], settings: dict[str, str]) -> None:
        import waitress  # type: ignore[import-untyped]  # noqa: PLC0415
        from waitress import wasyncore  # noqa: PLC0415
        from waitress.channel import HTTPChannel  # type: ignore[import-untyped]  # noqa: PLC0415
        from waitress.server import BaseWSGIServer  # type: ignore[import-untyped]  # noqa: PLC0415

        self._loop, self._close = wasyncore.loop, wasyncore.dispatcher.close
        self._map: dict[int, Any] = {}
        server = waitress.create_server(app, map=self._map, sockets=sockets, **settings)
        self._poll, self._threads = server.adj.asyncore_use_poll, server.task_dispatcher
        self._channel = HTTPChannel
        self._listeners = [one for one in self._map.values() if isinstance(one, BaseWSGIServer)]
        self._ending = False

    def run(self) -> None:
        """Serve until SIGTERM or SIGINT, then let the worker and the requests here finish."""
        from core.jobs.embedded import drain_workers  # noqa: PLC0415

        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, self._end)
        while not self._ending:
            self._turn()
        for listener in self._listeners:
            self._close(listener)
        # In a thread, while this one is alive: an interpreter that ends takes no new threads.
        draining = threading.Thread(target=drain_workers, name="drain")
        draining.start()
        until = time.monotonic() + ANSWER_SECONDS
        while (self._is_asked() and time.monotonic() < until) or draining.is_alive():
            self._turn()
        self._threads.shutdown(timeout=max(0.0, until - time.monotonic()))
        for channel in self._channels():
            channel.handle_close()

    def _end(self, _signal: int, _frame: object) -> None:
        self._ending = True
        self._listeners[0].pull_trigger()

    def _turn(self) -> None:
        self._loop(timeout=QUIET_SECONDS / 2, use_poll=self._poll, map=self._map, count=1)

    def _is_asked(self) -> bool:
        """Tell whether somebody still waits for an answer; close the connections of all others."""
        for channel in self._channels():
            with channel.requests_lock:
                for request in channel.requests:
                    # As if the browser had asked for it: it is told, and does not come back here.
                    request.headers["CONNECTION"] = "close"
            busy = channel.requests or channel.request or channel.total_outbufs_len
            if not busy and time.time() - channel.last_activity > QUIET_SECONDS:
                channel.handle_close()
        return bool(self._channels())

    def _channels(self) -> list[Any]:
        return [one for one in self._map.values() if isinstance(one, self._channel)]


def _loader(path: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pyramid.paster import get_config_loader  # noqa: PLC0415

        return get_config_loader(str(path))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
