"""What every test of the tree shares: hardly anything.

The fixtures come from ``core.testing.fixtures``, which pytest finds through the entry point
``pytest11`` of the installed distribution, exactly as in the tests of a plugin elsewhere.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

COLLECTED = pytest.StashKey[list[str]]()
"""Ids of what was collected, before tests were left out by ``-m`` and ``-k``."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the list of tests for the one that looks at all of them."""
    config.stash[COLLECTED] = [item.nodeid for item in items]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser per file: playwright keeps an event loop in the thread while it is open."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("needs Debian's chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield browser
        browser.close()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where everything is installed (``ABAH_CI``), a test that is skipped has not been kept."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("ABAH_CI") and reporter is not None and reporter.stats.get("skipped"):
        reporter.write_line("skipped although ABAH_CI is set: nothing may be missing", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
