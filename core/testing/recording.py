"""Writing down what became of each test, for ``abah plugins check``."""

from __future__ import annotations

import json
from collections.abc import Generator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from core.testing.plugins import PluginConformance

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["RECORD", "SUITE_ELSEWHERE", "Record", "Recorder", "read_records"]

RECORD: Final = "ABAH_TEST_RECORD"
"""Environment variable with the file to write."""

SUITE_ELSEWHERE: Final = "ABAH_TEST_SUITE_ELSEWHERE"
"""Environment variable that leaves subclasses of the suite out: they were run by themselves."""

GRADE: Final = "abah_grade"
CHANNEL: Final = "abah_channel"

WORST: Final = ("passed", "skipped", "failed")


@dataclass(slots=True)
class Record:
    """One test."""

    name: str
    outcome: str = "passed"
    """``passed``, ``skipped`` or ``failed``."""
    reason: str = ""
    grade: str = ""
    """Of a check of the suite, else empty."""
    channel: str = ""
    """Transport that it holds to the suite of channels, else empty."""


class Recorder:
    """A plugin of pytest: collects the outcomes in whichever process reports them."""

    def __init__(self, target: Path, *, without_suite: bool) -> None:
        """Write to ``target`` at the end."""
        self._target = target
        self._without_suite = without_suite
        self._records: dict[str, Record] = {}

    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Leave the suite out where it was run by itself, and note the grades."""
        suite = [item for item in items if _is_suite(item)]
        if self._without_suite and suite:
            items[:] = [item for item in items if item not in suite]
            config.hook.pytest_deselected(items=suite)
        for item in items:
            mark = item.get_closest_marker("grade")
            if mark is not None:
                item.user_properties.append((GRADE, mark.args[0]))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, Any, Any]:
        """Note which transport a test of the channels' suite was about."""
        peer = getattr(item, "funcargs", {}).get("peer")
        if call.when == "call" and peer is not None and hasattr(peer, "transport"):
            item.user_properties.append((CHANNEL, peer.transport.name))
        report = yield
        if call.excinfo is not None and report.outcome != "passed":
            report.sections.append(("reason", _one_line(call.excinfo)))
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the worst of what was said about a test."""
        record = self._records.setdefault(report.nodeid, Record(_short(report.nodeid)))
        noted = dict(report.user_properties)
        record.grade = str(noted.get(GRADE, record.grade))
        record.channel = str(noted.get(CHANNEL, record.channel))
        if WORST.index(report.outcome) > WORST.index(record.outcome):
            record.outcome = report.outcome
            record.reason = dict(report.sections).get("reason", "")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Count a file that cannot be read as a failure."""
        if report.failed:
            reason = str(report.longrepr).strip().splitlines()[-1:]
            self._records[report.nodeid] = Record(report.nodeid, "failed", "".join(reason))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write everything down, in the process that has it all."""
        if not hasattr(session.config, "workerinput"):
            written = [asdict(record) for record in self._records.values()]
            self._target.write_text(json.dumps(written), encoding="utf-8")


def read_records(path: Path) -> Sequence[Record]:
    """Read what a :class:`Recorder` wrote; nothing where pytest came to no end."""
    if not path.is_file():
        return ()
    return [Record(**each) for each in json.loads(path.read_text(encoding="utf-8"))]


def _is_suite(item: pytest.Item) -> bool:
    cls = getattr(item, "cls", None)
    return isinstance(cls, type) and issubclass(cls, PluginConformance)


def _short(nodeid: str) -> str:
    """Give the name of a test as a person reads it, ``lifecycle (sqlite)``."""
    name, bracket, parameters = nodeid.partition("[")
    short = name.rpartition("::")[2].removeprefix("test_")
    return f"{short} ({parameters.removesuffix(']')})" if bracket else short


def _one_line(failure: pytest.ExceptionInfo[BaseException]) -> str:
    value = failure.value
    text = str(getattr(value, "msg", None) or value) or type(value).__name__
    line = " ".join(text.split("\nassert ", 1)[0].split())
    known = isinstance(value, AssertionError | pytest.fail.Exception | pytest.skip.Exception)
    return line if known else f"{type(value).__name__}: {line}"
