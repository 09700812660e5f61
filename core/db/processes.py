"""Naming processes in rows of the database, and telling which of them are surely gone.

A process id means something only within one boot and one PID namespace: containers may share a host
name and a boot, and each counts its processes from 1. So all of these are part of the name, and of
a process anywhere else nothing is known but how long ago it wrote.
"""

from __future__ import annotations

import functools
import os
import socket
import sys
from pathlib import Path
from typing import Final

__all__ = ["is_dead", "is_running", "process_identity"]

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
_NAMESPACE: Final = Path("/proc/self/ns/pid")
_START_FIELD: Final = 19
"""Place of the start time among the fields after the command in ``/proc/PID/stat``."""


def process_identity() -> str:
    """Name this process so that nobody else is ever taken for it, in at most 90 characters.

    ``HOST:BOOT:NAMESPACE:PID:START``; what a caller adds after a slash tells its threads apart.
    """
    pid = os.getpid()
    return f"{_machine()}:{pid}:{_start_mark(pid) or ''}"


def is_running(identity: str) -> bool | None:
    """Tell whether a process runs; None when that cannot be known from here."""
    machine, _colon, rest = identity.partition("/")[0].rpartition(":")[0].rpartition(":")
    if machine != _machine() or not rest.isdigit() or not _sees_processes():
        return None
    started = identity.partition("/")[0].rpartition(":")[2]
    mark = _start_mark(int(rest))
    return mark is not None and (not mark or not started or mark == started)


def is_dead(identity: str) -> bool:
    """Tell whether a process is surely gone."""
    return is_running(identity) is False


@functools.cache
def _machine() -> str:
    """Name what process ids belong to."""
    try:
        boot = _BOOT_ID.read_text().strip().replace("-", "")[:12]
    except OSError:
        boot = "unknown"
    return f"{socket.gethostname()[:40]}:{boot}:{_namespace()}"


def _namespace() -> str:
    try:
        # It points to the kind and the number of the namespace in brackets.
        return str(_NAMESPACE.readlink()).removeprefix("pid:").strip("[]")
    except OSError:
        return ""


def _sees_processes() -> bool:
    """Tell whether ids mean the same here as to whoever has the same machine in its name."""
    return sys.platform != "linux" or bool(_namespace())


def _start_mark(pid: int) -> str | None:
    """Return when a process started, in ticks since boot: ids of processes are used again.

    Empty when only its being there is known; None when it does not run.
    """
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        # It runs for another user.
        pass
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    # The command stands in parentheses and may hold anything.
    fields = stat.rpartition(")")[2].split()
    # A zombie does nothing any more, whatever its parent waits for.
    return None if fields[0] in "ZX" else fields[_START_FIELD]
