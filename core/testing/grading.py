"""Holding a plugin to the suite, in processes of their own, and computing its grade.

``python -m core.testing.grading NAME --output FILE`` is what ``abah plugins check`` runs.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from core.framework.loading import import_plugin
from core.testing.places import OWN_TESTS, PLUGINS_PATH, found_plugins, own_tests, project_of
from core.testing.plugins import GRADES
from core.testing.recording import RECORD, SUITE_ELSEWHERE, Record, read_records

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from core.framework.manifest import Manifest

__all__ = ["Check", "Report", "examine", "grade_of"]

SUITE: Final = """\
from core.testing.plugins import PluginConformance


class TestPlugin(PluginConformance):
    plugin = {name!r}
"""

SILVER: Final = GRADES[1]

NOT_CHECKED: Final = "not checked"


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the report."""

    name: str
    grade: str
    outcome: str
    """``passed``, ``failed`` or ``not checked``."""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What became of one plugin."""

    plugin: str
    grade: str
    """The highest grade of which, as of those below it, every check passed; empty for none."""
    checks: Sequence[Check]


def examine(name: str) -> Report:
    """Run the suite, then the plugin's own tests, and compute the grade."""
    found = found_plugins().get(name)
    with tempfile.TemporaryDirectory(prefix="abah-check-") as folder:
        checks = _suite(name, Path(folder))
        if found is not None and found.manifest is not None:
            checks += _own_tests(found.manifest, Path(folder))
    return Report(name, grade_of(checks), sorted(checks, key=lambda one: GRADES.index(one.grade)))


def grade_of(checks: Iterable[Check]) -> str:
    """Compute the grade: a check that was not made is not passed, and neither is a missing one."""
    missed = {check.grade for check in checks if check.outcome != "passed"}
    made = {check.grade for check in checks}
    reached = ""
    for grade in GRADES:
        if grade in missed or grade not in made:
            break
        reached = grade
    return reached


def _suite(name: str, folder: Path) -> list[Check]:
    file = folder / "test_conformance.py"
    file.write_text(SUITE.format(name=name), encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    records, output = _pytest([str(file)], folder, folder / "suite.json", {})
    if not records:
        return [Check("suite", GRADES[0], "failed", _last_line(output))]
    return [_check(record) for record in records]


def _check(record: Record) -> Check:
    outcome = NOT_CHECKED if record.outcome == "skipped" else record.outcome
    return Check(record.name, record.grade or GRADES[0], outcome, record.reason)


def _own_tests(manifest: Manifest, folder: Path) -> list[Check]:
    """Run the plugin's own tests; they are one check, and the suite of its channels another."""
    tests = own_tests(manifest)
    if tests is None:
        return []
    # Where the project's own paths hold; nothing is left in the folder of a plugin without one.
    home = project_of(manifest.directory) or folder
    records, output = _pytest([str(tests)], home, folder / "tests.json", {SUITE_ELSEWHERE: "1"})
    return [_together(records, output), *_channels(manifest, records)]


def _together(records: Sequence[Record], output: str) -> Check:
    failed = [record for record in records if record.outcome == "failed"]
    passed = sum(record.outcome == "passed" for record in records)
    if not records:
        return Check("tests", GRADES[0], "failed", _last_line(output))
    if failed:
        reason = f"{len(failed)} failed, the first: {failed[0].name}: {failed[0].reason}"
        return Check("tests", GRADES[0], "failed", reason)
    skipped = len(records) - passed
    reason = f"{passed} passed, {skipped} skipped" if skipped else f"{passed} passed"
    return Check("tests", GRADES[0], "passed" if passed else NOT_CHECKED, reason)


def _channels(manifest: Manifest, records: Sequence[Record]) -> list[Check]:
    """Say of each transport whether its suite was run, and passed."""
    return [_channel(name, records) for name in _transports(manifest)]


def _channel(name: str, records: Sequence[Record]) -> Check:
    suite = [record for record in records if record.channel == name]
    failed = [record for record in suite if record.outcome == "failed"]
    if failed:
        reason = f"{failed[0].name}: {failed[0].reason}"
    elif not suite:
        reason = "no ChannelConformance among its tests is about it"
    else:
        whole = all(record.outcome == "passed" for record in suite)
        return Check(f"channel {name}", SILVER, "passed" if whole else NOT_CHECKED)
    return Check(f"channel {name}", SILVER, "failed", reason)


def _transports(manifest: Manifest) -> list[str]:
    try:
        register = getattr(import_plugin(manifest), "register_transports", tuple)
        return sorted(transport.name for transport in register() or ())
    except Exception:  # noqa: BLE001 - the suite has told what is wrong with it
        return []


def _pytest(
    arguments: Sequence[str], folder: Path, target: Path, more: Mapping[str, str]
) -> tuple[Sequence[Record], str]:
    # Without the working folder on the module path: what lies in a plugin hides no other module.
    command = [sys.executable, "-P", "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(  # noqa: S603 - our own interpreter and our own words
        [*command, "--import-mode=importlib", *arguments],
        cwd=folder,
        env=os.environ | {RECORD: str(target)} | dict(more),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return read_records(target), done.stdout


def _last_line(output: str) -> str:
    lines = [line for line in output.splitlines() if line.strip()]
    return lines[-1] if lines else "pytest said nothing"


def main(arguments: Sequence[str] | None = None) -> int:
    """Examine one plugin and write the report as JSON."""
    parser = argparse.ArgumentParser(prog="python -m core.testing.grading", description=__doc__)
    parser.add_argument("name")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--tests", default="")
    parser.add_argument("--plugins-path", default="")
    options = parser.parse_args(arguments)
    if options.tests:
        os.environ[OWN_TESTS] = str(Path(options.tests).absolute())
    if options.plugins_path:
        parts = options.plugins_path.split(os.pathsep)
        os.environ[PLUGINS_PATH] = os.pathsep.join(str(Path(part).absolute()) for part in parts)
    report = examine(options.name)
    options.output.write_text(json.dumps(asdict(report)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
