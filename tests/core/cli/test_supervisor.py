"""The supervisor keeps real processes alive, restarts them gracefully and ends them cleanly."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

PROGRAM = """
import sys
from pathlib import Path
from core.cli import supervisor
from core.cli.supervisor import Child, Supervisor
from core.framework.logging import configure_logging

# One pause of a second is enough to see that there are pauses.
supervisor.GIVE_UP_AFTER = 2
configure_logging({"abah.log_format": "json"})
folder = Path(sys.argv[1])
child = [sys.executable, "-c", (folder / "child.py").read_text(), str(folder)]
children = [Child("anak", child, overlap=sys.argv[3] == "True")]
if sys.argv[4]:
    children.append(Child("rusak", [sys.executable, "-c", sys.argv[4]]))


def changed():
    flag = folder / "changed"
    if flag.exists():
        flag.unlink()
        return True
    return False


supervisor = Supervisor(
    children,
    environment={"ABAH_SUPERVISED": "1"},
    drain_seconds=float(sys.argv[2]),
    changed=changed,
    look_every=0.1,
)
print("ready", flush=True)
code = supervisor.run()
print("gave up:", supervisor.gave_up, flush=True)
sys.exit(code)
"""

STEADY = """
import os, signal, sys, time
from pathlib import Path

folder = Path(sys.argv[1])
with (folder / "log").open("a") as log:
    log.write(f"start {os.getpid()} {os.environ['ABAH_SUPERVISED']}\\n")


def end(*_arguments):
    time.sleep(DRAIN)
    with (folder / "log").open("a") as log:
        log.write(f"drained {os.getpid()}\\n")
    sys.exit(0)


signal.signal(signal.SIGTERM, end)
while True:
    time.sleep(0.05)
"""


class Running:
    """A supervisor in a process of its own, over a child that writes a log."""

    def __init__(
        self, folder: Path, child: str, *, drain: float = 10, overlap: bool = True, broken: str = ""
    ) -> None:
        self.folder = folder
        (folder / "child.py").write_text(child)
        (folder / "run.py").write_text(PROGRAM)
        options = (str(folder), str(drain), str(overlap), broken)
        with (folder / "err").open("w") as errors:
            self.process = subprocess.Popen(
                [sys.executable, str(folder / "run.py"), *options],
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )

    def logged(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / "err").read_text().splitlines()]

    def lines(self) -> list[str]:
        log = self.folder / "log"
        return log.read_text().splitlines() if log.exists() else []

    def wait_for(self, condition: Callable[[list[str]], bool], seconds: float = 20) -> list[str]:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            lines = self.lines()
            if condition(lines):
                return lines
            time.sleep(0.05)
        pytest.fail(f"never happened: {self.lines()}")

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=20)


@pytest.fixture
def supervise(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    running: list[Running] = []

    def start(child: str, **options: Any) -> Running:
        running.append(Running(tmp_path, child, **options))
        return running[-1]

    yield start
    for item in running:
        if item.process.poll() is None:
            item.process.kill()
        item.process.wait()
        if item.process.stdout:
            item.process.stdout.close()


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not (stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z")


def started(lines: list[str]) -> list[int]:
    return [int(line.split()[1]) for line in lines if line.startswith("start")]


def test_sigterm_is_passed_on_waits_for_the_drain_and_ends_with_0(
    supervise: Callable[..., Running],
) -> None:
    running = supervise(STEADY.replace("DRAIN", "1"))
    lines = running.wait_for(bool)
    assert lines[0].endswith(" 1"), "a child knows that it is supervised"
    assert running.end() == 0
    assert running.lines()[-1].startswith("drained")


def test_a_child_that_dies_is_started_again(supervise: Callable[..., Running]) -> None:
    running = supervise(STEADY.replace("DRAIN", "0"))
    first = started(running.wait_for(bool))[0]
    os.kill(first, signal.SIGKILL)
    second = started(running.wait_for(lambda lines: len(started(lines)) == 2))[1]
    assert second != first
    assert running.end() == 0


def test_a_change_replaces_a_child_without_waiting_for_its_drain(
    supervise: Callable[..., Running],
) -> None:
    running = supervise(STEADY.replace("DRAIN", "3"))
    first = started(running.wait_for(bool))[0]
    (running.folder / "changed").touch()
    lines = running.wait_for(lambda lines: len(started(lines)) == 2)
    assert lines[-1].startswith("start"), "the new one begins while the old one drains"
    running.wait_for(lambda lines: f"drained {first}" in lines)
    assert running.end() == 0


def test_where_both_would_bind_one_address_the_old_one_ends_first(
    supervise: Callable[..., Running],
) -> None:
    running = supervise(STEADY.replace("DRAIN", "0.3"), overlap=False)
    running.wait_for(bool)
    (running.folder / "changed").touch()
    lines = running.wait_for(lambda lines: len(started(lines)) == 2)
    assert lines[1].startswith("drained")
    assert running.end() == 0


def test_a_child_that_cannot_start_takes_no_other_with_it_and_is_tried_again(
    supervise: Callable[..., Running],
) -> None:
    running = supervise(STEADY.replace("DRAIN", "0"), broken="raise SystemExit(3)")

    def failures(_lines: list[str]) -> bool:
        return len(running.logged()) >= 3

    running.wait_for(failures)
    assert len(started(running.lines())) == 1, "the other one was left alone"
    told = [(line["level"], line["process"], line["exit_code"]) for line in running.logged()[:3]]
    assert told == [("warning", "rusak", 3), ("error", "rusak", 3), ("error", "rusak", 3)]
    assert running.end() == 0


def test_sighup_restarts_too(supervise: Callable[..., Running]) -> None:
    running = supervise(STEADY.replace("DRAIN", "0"))
    running.wait_for(bool)
    running.process.send_signal(signal.SIGHUP)
    running.wait_for(lambda lines: len(started(lines)) == 2)
    assert running.end() == 0


def test_a_child_that_does_not_drain_is_killed_in_the_end(
    supervise: Callable[..., Running],
) -> None:
    running = supervise(STEADY.replace("DRAIN", "60"), drain=1)
    pid = started(running.wait_for(bool))[0]
    begun = time.monotonic()
    assert running.end() == 0
    assert time.monotonic() - begun < 10
    assert not alive(pid)


def test_a_child_that_never_starts_is_given_up_and_named(supervise: Callable[..., Running]) -> None:
    running = supervise("raise SystemExit(3)")
    assert running.process.wait(timeout=60) == 1
    assert running.process.stdout is not None
    assert "gave up: anak" in running.process.stdout.read()


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's promise is Linux's own")
def test_children_do_not_outlive_a_supervisor_that_was_killed(
    supervise: Callable[..., Running],
) -> None:
    running = supervise(STEADY.replace("DRAIN", "0"))
    pid = started(running.wait_for(bool))[0]
    running.process.kill()
    running.process.wait()
    running.wait_for(lambda lines: any(line.startswith("drained") for line in lines))
    until = time.monotonic() + 5
    while alive(pid) and time.monotonic() < until:
        time.sleep(0.05)
    assert not alive(pid)
