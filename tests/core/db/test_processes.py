"""A process counts as dead only where that can be seen."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.db.processes import is_dead, is_running, process_identity

NAME = "from core.db.processes import process_identity; print(process_identity(), flush=True)"


def named_by(program: str) -> str:
    """Give the identity of a process that has ended."""
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.strip()


def test_this_process_runs_and_one_that_ended_is_dead() -> None:
    assert is_running(f"{process_identity()}/thread") is True
    assert is_dead(named_by(NAME))


def test_a_process_that_only_waits_to_be_collected_is_dead() -> None:
    child = subprocess.Popen([sys.executable, "-c", NAME], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    name = child.stdout.read().strip()
    # Ended, and a zombie until wait() is called.
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert is_dead(name)
    child.communicate()


@pytest.mark.skipif(sys.platform != "linux", reason="namespaces are Linux's own")
def test_of_a_process_in_another_namespace_nothing_is_known() -> None:
    """The other one has this host name, this boot and an id that nobody has here."""
    host, boot, namespace, _pid, started = process_identity().split(":")
    assert f"[{namespace}]" in str(Path("/proc/self/ns/pid").readlink())
    assert is_dead(f"{host}:{boot}:{namespace}:999999999:{started}")
    assert is_running(f"{host}:{boot}:1:999999999:{started}") is None
    assert not is_dead(f"{host}:{boot}::999999999:{started}")
