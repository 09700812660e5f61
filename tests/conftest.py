"""What every test of the tree shares: hardly anything.

The fixtures come from ``core.testing.fixtures``, which pytest finds through the entry point
``pytest11`` of the installed distribution, exactly as in the tests of a plugin elsewhere.
"""

from __future__ import annotations

import os

import pytest


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where everything is installed (``ABAH_CI``), a test that is skipped has not been kept."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("ABAH_CI") and reporter is not None and reporter.stats.get("skipped"):
        reporter.write_line("skipped although ABAH_CI is set: nothing may be missing", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
