"""The same promises are kept on SQLite and on PostgreSQL: no test exists for one of them alone."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import COLLECTED

ROOT = Path(__file__).resolve().parents[2]

KINDS = ("sqlite", "postgresql")

OWN_TO_ONE = {
    "test_a_search_index_goes_with_its_owner",
    "test_a_sqlite_file_is_looked_at_as_closely_as_a_zip",
    "test_nobody_else_can_read_a_copy_while_it_is_written",
    "test_a_file_of_sqlite_is_no_copy_of_postgresql",
    "test_sqlite_is_copied_as_a_file_while_it_is_in_use",
    "test_a_copy_that_is_being_made_is_not_taken_for_one_that_was_left_in_a_file",
    "test_a_copy_that_is_being_made_is_not_taken_for_one_that_was_left_on_a_server",
    "test_the_check_on_fresh_databases_covers_both_kinds",
}
"""Promises about something that only one of them has, or that looks at both by itself."""


def every_test(config: pytest.Config) -> list[str]:
    """List the tests of the whole tree, slow ones too; it is collected again if it was not."""
    if [Path(each).resolve() for each in config.args] == [ROOT / "tests"]:
        return config.stash[COLLECTED]
    return subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "tests"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()


def test_every_database_test_runs_on_both(pytestconfig: pytest.Config) -> None:
    found: dict[str, set[str]] = {kind: set() for kind in KINDS}
    for line in every_test(pytestconfig):
        test, bracket, parameters = line.rstrip("]").partition("[")
        used = [word for word in re.split(r"\W", parameters) if word in KINDS]
        # One with both kinds copies from the one to the other, and exists in every combination.
        if bracket and len(used) == 1 and test.rpartition("::")[2] not in OWN_TO_ONE:
            found[used[0]].add(re.sub(rf"\b{used[0]}\b", "database", line))
    assert found["sqlite"]
    assert found["sqlite"] == found["postgresql"]
